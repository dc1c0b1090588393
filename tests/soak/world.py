"""The world of a soak run: a daemon that uses every feature, the upstreams
behind it, certificates, a module, and a small disk for its database."""

import dataclasses
import glob
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time

import certs
import mercury
import modules
import proxying
import supervising

SLOWER = supervising.SLOWER
HERE = os.path.dirname(os.path.abspath(__file__))
SHUTDOWN_S = 3
HANG_TIMEOUT_S = 2 if SLOWER == 1 else 5
DRAIN_S = 4
DISK_BYTES = 24 << 20
CERTIFICATES = 3
FAKETIME = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
BALLAST = "others"
EPHEMERAL = "/proc/sys/net/ipv4/ip_local_port_range"
PORTS_FROM = 10000


@dataclasses.dataclass
class Kind:
    """What a listener is there for. strict: nothing that we do to it may
    refuse a client; calm: we do nothing to it at all."""

    options: dict
    talk: str = "echo"
    strict: bool = False
    calm: bool = False
    storm: bool = False
    may_fail: bool = False
    more: str = ""
    unix: bool = False


KINDS = {
    "calm": Kind({"workers": 2, "hang_timeout": "20s"}, strict=True,
                 calm=True, storm=True),
    "one": Kind({"workers": 1}, strict=True, storm=True),
    "two": Kind({"workers": 2, "record_connections": True}, strict=True,
                storm=True),
    "four": Kind({"workers": 4}, strict=True, storm=True),
    "shared-a": Kind({"workers": 2, "pool": "shared"}, strict=True,
                     storm=True),
    "shared-b": Kind({"workers": 2, "pool": "shared", "protocol": "discard"},
                     talk="discard", strict=True),
    "shared-moody": Kind({"workers": 2, "pool": "shared"}),
    "moody": Kind({"workers": 2}),
    "frail": Kind({"workers": 1, "max_restarts": 3, "max_seconds": 2,
                   "required": False}, may_fail=True),
    "tls": Kind({"workers": 2, "transport": "tls"}, talk="tls"),
    "unix": Kind({"workers": 2, "mode": "0666"}, unix=True),
    "proxy": Kind({"workers": 2}, talk="proxy"),
    "exec": Kind({"workers": 1, "protocol": "exec"}, talk="exec",
                 more='exec { command = {"/bin/cat", "-u"} }'),
    "module": Kind({"workers": 2, "protocol": "module"}, talk="module"),
    "header": Kind({"workers": 2, "proxy_protocol": "any"}, talk="header",
                   more='proxy_trusted = {"127.0.0.0/8"}'),
    "limited": Kind({"workers": 2, "max_connections": 20, "overflow":
                     "reject", "accept_rate": 100, "idle_timeout": "1s"},
                    talk="limited"),
}


def free_port():
    """One that the kernel gives to nobody who connects: nobody may come by it
    while a listener is paused or a supervisor dead."""
    with open(EPHEMERAL, encoding="ascii") as f:
        end = int(f.read().split()[0])
    while True:
        port = random.randrange(PORTS_FROM, max(end, PORTS_FROM + 1000))
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in mercury.given_ports:
            mercury.given_ports.add(port)
            return port


class Upstream:
    """A server that is a process: it can die, hang and come back."""

    def __init__(self):
        self.port = free_port()
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-B", os.path.join(HERE, "upstream.py"),
             str(self.port)], stdin=subprocess.DEVNULL)
        mercury.Daemon.started_pids.add(self.process.pid)
        mercury.wait_until(lambda: mercury.is_listening(self.port),
                           "an upstream listens")

    def die(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class World:
    """All that is there; folder is where it is kept."""

    def __init__(self, folder):
        self.folder = folder
        self.root = mercury.ROOT
        self.run = 0  # which supervisor it is, from 1 on
        self.workers_of_four = 4
        self.disk = self.mounted = None
        self.upstreams = []
        self.daemons = []
        self.ports = {n: free_port() for n, k in KINDS.items()
                      if not k.unix}
        self.gateway_port = free_port()
        self.agent_port = free_port()
        self.tcp_check_port = free_port()
        self.d = mercury.Daemon("", env=self._environment(),
                                shutdown_deadline=f"{SHUTDOWN_S}s")
        self.unix_path = os.path.join(self.d.dir, "devices.sock")
        self._prepare_files()

    def _environment(self):
        self.clock = os.path.join(self.folder, "clock")
        options = (os.environ.get("ASAN_OPTIONS", "") +
                   ":quarantine_size_mb=1:verify_asan_link_order=0")
        env = {"ASAN_OPTIONS": options}
        self.fakes_time = bool(FAKETIME)
        if self.fakes_time:
            self.set_clock("+0")
            env.update({"LD_PRELOAD": FAKETIME[0], "FAKETIME_NO_CACHE": "1",
                        "FAKETIME_TIMESTAMP_FILE": self.clock,
                        "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
        return env

    def _prepare_files(self):
        self.certs = certs.Certificates(os.path.join(self.folder, "certs"))
        for i in range(CERTIFICATES):
            self.certs.make(f"tls{i}", days="3650")
        self.renew_certificate(0)
        kit = modules.Kit(self.folder)
        self.module = kit.example("line-time")
        os.chmod(self.folder, 0o755)
        self.disk = os.path.join(self.d.dir, "disk")
        os.mkdir(self.disk)
        if self.root:
            self.mounted = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=777",
                 "tmpfs", self.disk], check=False,
                stderr=subprocess.DEVNULL).returncode == 0
        self.database = os.path.join(self.disk, "health.db")

    # --- the configuration ---

    def options(self, name):
        kind = KINDS[name]
        options = {"max_restarts": 100000, "hang_timeout": f"{HANG_TIMEOUT_S}s",
                   "drain_timeout": f"{DRAIN_S}s", "bind_backoff": "100ms",
                   # Until a worker of an earlier run is found that hangs.
                   "bind_attempts": 8}
        place = ({"path": self.unix_path} if kind.unix
                 else {"port": self.ports[name]})
        options.update(place, **kind.options)
        if name == "four":
            options["workers"] = self.workers_of_four
        return options

    def more(self, name):
        if name == "tls":
            path = self.certs.path("now.pem")
            return f'tls {{ cert = "{path}" key = "{path}" }}'
        if name == "module":
            return modules.section(self.module).join(("module {\n", "\n}"))
        return KINDS[name].more

    def section(self, name):
        if name == "proxy":
            return proxying.proxy(
                name, [u.port for u in self.upstreams], proxy_options={
                    "check": "connect", "check_interval": "200ms",
                    "check_timeout": "200ms", "connect_timeout": "1s"},
                **self.options(name))
        text = mercury.listener(name, **self.options(name))
        return text[:-2] + self.more(name) + "\n}\n"

    def write(self, more=""):
        """The config file, with more at its end. It is replaced as a whole:
        the daemon may be reading it."""
        config = self.d.config
        self.d.config = config + ".new"
        self.d.write(
            f'store {{\n database = "{self.database}"\n max_events = 20000\n'
            ' cleanup_every = "10s"\n}\n' +
            mercury.gateway(self.gateway_port,
                            agent_listen=f"127.0.0.1:{self.agent_port}",
                            tcp_check_listen="127.0.0.1:"
                                             f"{self.tcp_check_port}") +
            "".join(self.section(n) for n in KINDS) + more)
        os.rename(self.d.config, config)
        self.d.config = config

    # --- what may change ---

    def set_clock(self, offset):
        with open(self.clock + ".new", "w", encoding="ascii") as f:
            f.write(offset + "\n")
        os.chmod(self.clock + ".new", 0o644)
        os.rename(self.clock + ".new", self.clock)

    def renew_certificate(self, number):
        """Certificate and key in one file: they are renewed at once."""
        path = self.certs.path("now.pem")
        with open(path + ".new", "wb") as f:
            os.fchmod(f.fileno(), 0o600)
            for end in ("pem", "key"):
                with open(self.certs.path(f"tls{number}.{end}"), "rb") as own:
                    f.write(own.read())
        os.rename(path + ".new", path)

    def fill_disk(self):
        with open(os.path.join(self.disk, BALLAST), "wb", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(1 << 16))
            except OSError:
                pass

    def empty_disk(self):
        try:
            os.unlink(os.path.join(self.disk, BALLAST))
        except FileNotFoundError:
            pass

    # --- living and dying ---

    def start(self):
        self.upstreams = self.upstreams or [Upstream(), Upstream()]
        self.write()
        begun = time.monotonic()
        self.d.start()
        self.run += 1
        return time.monotonic() - begun

    def kill_supervisor(self):
        """All processes that it leaves behind."""
        left = self.d.tree() - {self.d.pid}
        mercury.kill(self.d.pid)
        self.d.process.wait(mercury.DEADLINE)
        return left

    def stop(self):
        """Its exit code, and how long that took."""
        begun = time.monotonic()
        mercury.kill(self.d.pid, signal.SIGTERM)
        code = self.d.wait(SHUTDOWN_S + mercury.DEADLINE)
        return code, time.monotonic() - begun

    def remove(self):
        """Whatever state it is in; the log stays."""
        for u in self.upstreams:
            u.die()
        if self.d.process is not None and self.d.process.poll() is None:
            mercury.kill(self.d.pid)
            self.d.process.wait()
        for pid in mercury.leftovers():
            mercury.kill(pid)
        mercury.wait_until(lambda: not mercury.leftovers(), "all are gone")
        mercury.reap_orphans()
        shutil.copy(self.d.log_path, os.path.join(self.folder, "log"))
        if self.mounted:
            subprocess.run(["umount", "-l", self.disk], check=False)
        self.d.remove()

    # --- for clients ---

    def place(self, name):
        """Where a listener is, and how to talk to it: for clients.py."""
        if name not in KINDS:
            return None
        kind = KINDS[name]
        return {"name": name, "talk": kind.talk, "calm": kind.calm,
                "ca": self.certs.ca,
                "where": self.unix_path if kind.unix else self.ports[name]}
