"""The servers that are measured beside each other. Each has a folder of its
own, ports of its own, and a process tree that can be told from others."""

import glob
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import bench  # noqa: F401 (for the path of mercury)
import certs
import machine
import mercury
from mercury import binary, free_port, wait_until

RANCH = "/usr/lib/rabbitmq/lib/rabbitmq_server-*/plugins/ranch-*/ebin"
NGINX_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"
LIMIT = "5s"  # how long a peer's old processes may stay


def port_open(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """One that runs as a program of its own, ended by SIGTERM."""

    name = ""
    services = ()  # what it has a port for: echo, proxy, tls
    reload_signal = None

    def __init__(self, room, count=None):
        """room: what the servers share; count: so many ports of the first
        service, for the figures about many listeners."""
        self.room = room
        self.folder = tempfile.mkdtemp(prefix="mercury-bench-")
        os.chmod(self.folder, 0o755)
        names = self.services if count is None else range(count)
        self.ports = {name: free_port() for name in names}
        self.process = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def argv(self):
        raise NotImplementedError

    def prepare(self):
        """Write what argv() names."""

    def launch(self):
        """Start it, and don't wait."""
        self.prepare()
        with open(self.path("out"), "ab") as out:
            self.process = subprocess.Popen(
                self.argv(), stdin=subprocess.PIPE, stdout=out, stderr=out,
                preexec_fn=machine.on(self.room.server_cpus))
        mercury.Daemon.started_pids.add(self.process.pid)

    def start(self):
        """Start it; it answers when this returns."""
        self.launch()
        self.wait_all()
        return self

    def wait_all(self, deadline=60):
        """Wait until all its ports answer; the time of that."""
        end = time.monotonic() + deadline
        left = set(self.ports.values())
        while left:
            self.check_alive()
            left = {port for port in left if not port_open(port)}
            if time.monotonic() > end:
                raise AssertionError(f"{self.name}: {len(left)} ports do not "
                                     f"answer within {deadline} s")
        return time.monotonic()

    def check_alive(self):
        if self.process.poll() is not None:
            with open(self.path("out"), errors="replace",
                      encoding="utf-8") as f:
                raise AssertionError(f"{self.name} has ended:\n" + f.read())

    def main_pid(self):
        return self.process.pid

    def pids(self):
        return mercury.descendants(self.main_pid()) | {self.main_pid()}

    def reload(self):
        """Read what prepare() writes anew; a signal that comes before its
        handler would be lost."""
        self.prepare()
        wait_until(lambda: machine.hears(self.main_pid(), self.reload_signal),
                   f"{self.name} can be told to reload")
        self.process.send_signal(self.reload_signal)

    def stop(self):
        if self.process is not None:
            tree = self.pids()
            self.process.terminate()
            self.process.stdin.close()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                pass
            for pid in tree:
                mercury.kill(pid)
            self.process.wait(10)
            self.process = None
            mercury.reap_orphans()
        shutil.rmtree(self.folder)


class Reference(Server):
    """The echo server of reference.c."""

    name, services = "reference", ("echo",)

    def argv(self):
        return [binary("tests/bench/reference"), "echo",
                str(self.ports["echo"]), str(self.room.workers)]


class Copy(Server):
    name, services = "reference (copy)", ("proxy",)
    how = "copy"

    def argv(self):
        return [binary("tests/bench/reference"), self.how,
                str(self.ports["proxy"]), str(self.room.workers),
                str(self.room.upstream)]


class Splice(Copy):
    name, how = "reference (splice)", "splice"


class HAProxy(Server):
    name, services = "HAProxy", ("proxy", "tls")
    reload_signal = signal.SIGUSR2
    options = ""

    @staticmethod
    def there():
        return shutil.which("haproxy", path="/usr/sbin:/usr/bin")

    def argv(self):
        return [self.there(), "-W", "-f", self.path("haproxy.cfg")]

    def prepare(self):
        with open(self.path("haproxy.cfg"), "w", encoding="utf-8") as f:
            f.write(
                f"global\n  nbthread {self.room.workers}\n"
                f"  hard-stop-after {LIMIT}\n  maxconn 6000\n"
                "  tune.ssl.default-dh-param 2048\n"
                "defaults\n  mode tcp\n  timeout connect 5s\n"
                f"  timeout client 1h\n  timeout server 1h\n{self.options}"
                "  backlog 4096\n")
            for name, port in self.ports.items():
                tls = f" ssl crt {self.room.pem}" if name == "tls" else ""
                f.write(f"listen l-{name}\n  bind 127.0.0.1:{port}{tls}\n"
                        f"  server s 127.0.0.1:{self.room.upstream}\n")


class HAProxySplice(HAProxy):
    name, services = "HAProxy (splice)", ("proxy",)
    options = "  option splice-auto\n"


class Nginx(Server):
    name, services = "nginx", ("proxy", "tls")
    reload_signal = signal.SIGHUP

    @staticmethod
    def there():
        found = shutil.which("nginx", path="/usr/sbin:/usr/bin")
        return found if os.path.exists(NGINX_MODULE) else None

    def argv(self):
        return [self.there(), "-p", self.folder, "-c",
                self.path("nginx.conf")]

    def prepare(self):
        if mercury.ROOT:
            os.chown(self.folder, mercury.NOBODY.pw_uid, -1)
        with open(self.path("nginx.conf"), "w", encoding="utf-8") as f:
            f.write(
                f"load_module {NGINX_MODULE};\n"
                + ("user nobody nogroup;\n" if mercury.ROOT else "")
                + f"daemon off;\npid {self.path('pid')};\n"
                f"error_log {self.path('error')} error;\n"
                f"worker_processes {self.room.workers};\n"
                f"worker_shutdown_timeout {LIMIT};\n"
                "worker_rlimit_nofile 19000;\n"
                "events { worker_connections 9500; }\nstream {\n"
                "  ssl_session_tickets on;\n  ssl_protocols TLSv1.3;\n"
                f"  ssl_certificate {self.room.cert};\n"
                f"  ssl_certificate_key {self.room.key};\n")
            for name, port in self.ports.items():
                tls = " ssl" if name == "tls" else ""
                f.write(f"  server {{ listen 127.0.0.1:{port}{tls} reuseport "
                        "backlog=4096; "
                        f"proxy_pass 127.0.0.1:{self.room.upstream}; }}\n")
            f.write("}\n")


class Ranch(Server):
    """Ranch, as Debian's rabbitmq-server ships it."""

    name, services = "Ranch", ("echo",)

    @staticmethod
    def there():
        found = sorted(glob.glob(RANCH))
        return found[-1] if found and shutil.which("escript") else None

    def argv(self):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                              "ranch_echo.escript")
        return [shutil.which("escript"), script, self.there(),
                str(self.ports["echo"])]

    def restart(self):
        """Stop and start the listener; seconds."""
        began = time.monotonic()
        with open(self.path("out"), "rb") as out:
            before = out.read().count(b"restarted")
            self.process.stdin.write(b"again\n")
            self.process.stdin.flush()

            def done():
                out.seek(0)
                return out.read().count(b"restarted") > before
            wait_until(done, "Ranch has restarted", 30)
        return time.monotonic() - began


class Mercury(Server):
    """mercuryd, with a listener for each service that it knows."""

    name, services = "Mercury", ("echo", "tls", "proxy", "tls-proxy")

    def __init__(self, room, listeners=None):
        self.room = room
        if listeners is None:
            listeners = "".join(
                self.listener(name) for name in self.services
                if room.proxies or "proxy" not in name)
        self.daemon = mercury.Daemon(listeners)
        self.ports = {}

    def listener(self, name):
        text = mercury.listener(
            name, transport="tls" if "tls" in name else "tcp",
            protocol="proxy" if "proxy" in name else "echo", backlog=4096,
            drain_timeout=LIMIT,
            workers=self.room.workers, pool="pool-" + name)
        sections = ""
        if "tls" in name:
            sections += (f'  tls {{ cert = "{self.room.cert}" '
                         f'key = "{self.room.key}" }}\n')
        if "proxy" in name:
            sections += ('  proxy { upstreams = '
                         f'{{"127.0.0.1:{self.room.upstream}"}} }}\n')
        return text.removesuffix("}\n") + sections + "}\n"

    def launch(self):
        inherited = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self.room.server_cpus)
        try:
            self.daemon.start(wait=False)
        finally:
            os.sched_setaffinity(0, inherited)

    def check_alive(self):
        if self.daemon.process.poll() is not None:
            raise AssertionError("mercuryd has ended:\n" + self.daemon.log())

    def wait_ready(self, deadline):
        def ready():
            self.check_alive()
            try:
                return self.daemon.status()["ready"]
            except OSError:
                return False
        wait_until(ready, "mercuryd is ready", deadline)

    def start(self):
        self.launch()
        self.wait_ready(30)
        self.ports = {row["name"]: row["port"]
                      for row in self.daemon.status()["listeners"]}
        return self

    def main_pid(self):
        return self.daemon.pid

    def stop(self):
        self.daemon.stop()
        mercury.reap_orphans()
        self.daemon.remove()


def knows_proxy():
    """Has this mercuryd the protocol proxy?"""
    d = mercury.Daemon('listener "p" { port = 1 protocol = "proxy" '
                       'proxy { upstreams = {"127.0.0.1:1"} } }\n')
    try:
        return d.run("-t").code == 0
    finally:
        d.remove()


class Room:
    """What all the servers share: CPUs, an upstream, certificates."""

    def __init__(self):
        self.server_cpus, self.load_cpus = machine.cpus()
        self.workers = len(self.server_cpus)
        self.folder = tempfile.mkdtemp(prefix="mercury-bench-")
        os.chmod(self.folder, 0o755)
        self.cert, self.key = certs.Certificates(self.folder).make("server")
        os.chmod(self.key, 0o644)
        self.pem = os.path.join(self.folder, "both.pem")
        with open(self.pem, "w", encoding="ascii") as both:
            for part in (self.cert, self.key):
                with open(part, encoding="ascii") as f:
                    both.write(f.read())
        self.proxies = knows_proxy()
        self.upstream = None
        self.behind = Reference(self)
        self.behind.start()
        self.upstream = self.behind.ports["echo"]

    def close(self):
        self.behind.stop()
        shutil.rmtree(self.folder)
