"""What the system tests share: a daemon of their own, clients, and the proof
that nothing of it stays behind.

The test process makes itself the reaper of whatever its daemons leave, so
every process below it is one of theirs, also after the supervisor was killed.
"""

import ctypes
import errno
import json
import os
import pwd
import random
import re
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

BUILD_DIR = os.path.abspath(os.environ.get("MERCURY_BUILDDIR", "."))
SOURCE_DIR = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
ROLES = ("mercury-config", "mercury-control", "mercury-gateway",
         "mercury-pool", "mercury-store")
LIBEXEC = ROLES + ("mercury-tls.so", "mercury-dns.so")
ROOT = os.geteuid() == 0
NOBODY = pwd.getpwnam("nobody")

PR_SET_CHILD_SUBREAPER = 36


def built_with(word):
    """Does the build's config.h define this?"""
    path = os.path.join(BUILD_DIR, "config.h")
    if not os.path.exists(path):
        sys.exit("MERCURY_BUILDDIR must name the folder of the build")
    with open(path) as f:
        return f"#define {word} 1" in f.read()


# One with --enable-coverage is as slow, and takes memory of its own too.
SANITIZERS = built_with("MERCURY_SANITIZED")
COVERAGE = built_with("MERCURY_COVERAGE")
SANITIZED = SANITIZERS or COVERAGE
DEADLINE = 30 if SANITIZED else 10  # seconds, for what should be at once
TEST_TIMEOUT = 180 if SANITIZED else 60  # seconds, for one test
REPORTS = re.compile(
    r"AddressSanitizer|LeakSanitizer|runtime error:|Assertion|stack smashing")


def wait_until(condition, what, deadline=DEADLINE):
    """Wait for a true value of condition() and return it."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s: {what}")
        select.select([], [], [], 0.005)


def binary(name):
    return os.path.join(BUILD_DIR, name)


given_ports = set()


def quiet_ports():
    """Those that the kernel does not give to clients, as it may at any time."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
        first = int(f.read().split()[0])
    return range(5000, first) if first > 10000 else range(5000, 65536)


def free_port(host="127.0.0.1"):
    """A port that nobody listens on now, and that was not given before."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        port = random.choice(quiet_ports())
        if port in given_ports:
            continue
        given_ports.add(port)
        with socket.socket(family) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((host, port))
            except OSError as e:
                if e.errno != errno.EADDRINUSE:
                    raise
                continue
        return port


def connect(where, timeout=DEADLINE):
    """Connect to a port, a (host, port) or a path."""
    if isinstance(where, int):
        where = ("127.0.0.1", where)
    if isinstance(where, str):
        s = socket.socket(socket.AF_UNIX)
    else:
        s = socket.socket(
            socket.AF_INET6 if ":" in where[0] else socket.AF_INET)
    s.settimeout(timeout)
    try:
        s.connect(where)
    except BaseException:
        s.close()
        raise
    return s


def receive(s, size):
    """Exactly size bytes, or what came before the end."""
    data = bytearray()
    while len(data) < size:
        part = s.recv(min(size - len(data), 1 << 20))
        if not part:
            break
        data += part
    return bytes(data)


def receive_all(s):
    """Everything up to the peer's FIN."""
    return receive(s, 1 << 40)


def ask(s, data):
    """Send data over an echo connection and return what comes back."""
    s.sendall(data)
    return receive(s, len(data))


def answers(where, timeout=DEADLINE):
    """Does a new connection to an echo listener work?"""
    try:
        with connect(where, timeout) as s:
            return ask(s, b"ping") == b"ping"
    except OSError:
        return False


def refused(where):
    """Is a new connection refused, or is there nothing to connect to?"""
    try:
        connect(where).close()
        return False
    except (ConnectionRefusedError, FileNotFoundError):
        return True


def is_listening(port):
    """Does any socket listen on this TCP port?"""
    want = f":{port:04X}"
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not os.path.exists(table):
            continue
        with open(table) as f:
            for line in f.readlines()[1:]:
                fields = line.split()
                if fields[1].endswith(want) and fields[3] == "0A":
                    return True
    return False


# --- processes ----------------------------------------------------------


def stat_fields(pid):
    """/proc/PID/stat from the state on; None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def alive(pid):
    fields = stat_fields(pid)
    return fields is not None and fields[0] not in "ZX"


def cpu_seconds(pid):
    fields = stat_fields(pid)
    ticks = int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def comm(pid):
    try:
        with open(f"/proc/{pid}/comm") as f:
            return f.read().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def executable(pid):
    """The file that it executes; empty if it is gone."""
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


def status_of(pid):
    """/proc/PID/status as a dictionary."""
    with open(f"/proc/{pid}/status") as f:
        return dict(
            (key, value.strip())
            for key, _, value in (line.partition(":") for line in f))


def anonymous_bytes(pid):
    """Memory of its own in user space."""
    with open(f"/proc/{pid}/smaps_rollup") as f:
        for line in f:
            if line.startswith("Anonymous:"):
                return int(line.split()[1]) * 1024
    raise AssertionError("no Anonymous: in smaps_rollup")


def descendants(root):
    """All living processes below root."""
    parents = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            fields = stat_fields(entry)
            if fields and fields[0] not in "ZX":
                parents[int(entry)] = int(fields[1])
    found, grew = set(), True
    while grew:
        more = {p for p, parent in parents.items()
                if parent == root or parent in found} - found
        found |= more
        grew = bool(more)
    return found


kept_pids = set()  # what serves several tests of a program, such as a browser


def leftovers():
    """All living processes below this one, but for kept ones and theirs."""
    kept = set(kept_pids)
    for pid in kept_pids:
        kept |= descendants(pid)
    return descendants(os.getpid()) - kept


def kill(pid, number=signal.SIGKILL):
    """Signal a process of ours; it may be gone already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def reap_orphans():
    """Reap what daemons left to us, but nothing that subprocess waits for."""
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        fields = stat_fields(entry)
        if fields and fields[0] == "Z" and int(fields[1]) == os.getpid():
            if int(entry) not in Daemon.started_pids | kept_pids:
                try:
                    os.waitpid(int(entry), os.WNOHANG)
                except ChildProcessError:
                    pass


# --- the control socket -----------------------------------------------------


class RpcError(Exception):
    """The daemon's answer was an error."""

    def __init__(self, error):
        super().__init__(f"{error.get('code')}: {error.get('message')}")
        self.code = error["code"]
        self.message = error["message"]
        self.reason = (error.get("data") or {}).get("reason")


class Rpc:
    """A connection to the control socket: JSON-RPC 2.0, an object a line."""

    def __init__(self, path, timeout=DEADLINE):
        self.socket = connect(path, timeout)
        self.rest = b""
        self.number = 0

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def line(self):
        """The next line as an object; None at the end."""
        while b"\n" not in self.rest:
            part = self.socket.recv(1 << 16)
            if not part:
                return None
            self.rest += part
        line, _, self.rest = self.rest.partition(b"\n")
        return json.loads(line)

    def call(self, method, **params):
        """Call a method: its result, or RpcError."""
        self.number += 1
        request = {"jsonrpc": "2.0", "id": self.number, "method": method}
        if params:
            request["params"] = params
        self.send(json.dumps(request).encode() + b"\n")
        answer = self.line()
        if answer is None:
            raise ConnectionError("the daemon hung up")
        if answer.get("id") != self.number:
            raise AssertionError(f"an answer to another request: {answer}")
        if "error" in answer:
            raise RpcError(answer["error"])
        return answer["result"]


# --- the daemon ---------------------------------------------------------


class Result:
    """How a command ended."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f"exit {self.code}\nstdout: {self.out}\nstderr: {self.err}"

    def json(self):
        return json.loads(self.out)


def run(argv, timeout=DEADLINE * 3, data=b"", **kwargs):
    """Run a command to its end."""
    done = subprocess.run(argv, input=data, timeout=timeout,
                          capture_output=True, **kwargs)
    return Result(done.returncode, done.stdout.decode(errors="replace"),
                  done.stderr.decode(errors="replace"))


def keepalive_timer(s):
    """That of the other end of S, in seconds; None when it is off."""
    host, port = s.getsockname()[:2]
    # Others may have come from the same port, to other places.
    out = run(["ss", "-Htno", f"dst {host}:{port} and "
               f"sport = :{s.getpeername()[1]}"]).out
    found = re.search(r"timer:\(keepalive,([0-9.]+)(min|sec|ms)", out)
    if not found:
        return None
    unit = {"min": 60.0, "sec": 1.0, "ms": 0.001}[found[2]]
    # ss prints 1min5sec as "1min5sec".
    rest = re.search(r"min([0-9.]+)sec", out)
    return float(found[1]) * unit + (float(rest[1]) if rest else 0)


def text(value):
    """A value in the config file's words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else f'"{value}"'


def with_defaults(options):
    """Options of a listener, with those that most tests want."""
    options = {"protocol": "echo", "workers": 1, **options}
    if "path" not in options:
        options = {"address": "127.0.0.1", "port": 0, **options}
    return options


def listener(name, **options):
    """A listener section of the config file."""
    body = "".join(f"  {k} = {text(v)}\n"
                   for k, v in with_defaults(options).items())
    return f'listener "{name}" {{\n{body}}}\n'


def gateway(port, more="", **options):
    """A gateway section of the config file; more is put into it as it is."""
    options = {"listen": f"127.0.0.1:{port}" if port else "", **options}
    body = "".join(f"  {k} = {text(v)}\n" for k, v in options.items())
    return f"gateway {{\n{body}{more}\n}}\n"


class Daemon:
    """A mercuryd in a scratch folder of its own.

    as_root=False runs it as an ordinary user, also when the tests are root.
    settings override the daemon section; listeners is the rest of the file.
    """

    started_pids = set()

    def __init__(self, listeners="", as_root=ROOT, env=None, **settings):
        self.as_root = as_root
        self.dir = tempfile.mkdtemp(prefix="mercury-test-", dir="/tmp")
        os.chmod(self.dir, 0o755)
        self.config = os.path.join(self.dir, "mercury.conf")
        self.control = os.path.join(self.dir, "control.sock")
        self.pid_file = os.path.join(self.dir, "mercuryd.pid")
        self.log_path = os.path.join(self.dir, "log")
        self.state = os.path.join(self.dir, "state")
        self.settings = {
            "user": "nobody", "control_group": "", "log": "stderr",
            "control_socket": self.control, "state_dir": self.state,
            "shutdown_deadline": "2s", **settings}
        self.env = dict(os.environ, **(env or {}))
        self.env.pop("NOTIFY_SOCKET", None)
        self.env.update(env or {})
        self.process = None
        self.pid = None
        self.prefix = []
        self.bin = BUILD_DIR
        if ROOT and not as_root:
            self._become_ordinary()
        self.env["MERCURY_LIBEXECDIR"] = self.bin
        self.write(listeners)

    def _become_ordinary(self):
        """Nobody may not be able to enter the build folder: copy it."""
        os.chown(self.dir, NOBODY.pw_uid, NOBODY.pw_gid)
        self.bin = os.path.join(self.dir, "bin")
        os.mkdir(self.bin)
        for name in LIBEXEC + ("mercuryd",):
            shutil.copy(binary(name), self.bin)
        self.prefix = ["setpriv", f"--reuid={NOBODY.pw_uid}",
                       f"--regid={NOBODY.pw_gid}", "--clear-groups"]

    def write(self, listeners=None):
        """Write the config file, the listeners anew or as they were."""
        if listeners is not None:
            self.listeners = listeners
        with open(self.config, "w") as f:
            f.write("daemon {\n")
            for key, value in self.settings.items():
                f.write(f"  {key} = {text(value)}\n")
            f.write("}\n" + self.listeners)

    def argv(self, *args):
        return [*self.prefix, os.path.join(self.bin, "mercuryd"),
                "-c", self.config, *args]

    def run(self, *args, timeout=DEADLINE * 3):
        """Run mercuryd to its end, as for -t, -V or a bad config."""
        with open(os.devnull, "rb") as null:
            done = subprocess.run(
                self.argv(*args), stdin=null, capture_output=True,
                env=self.env, timeout=timeout)
        return Result(done.returncode, done.stdout.decode(errors="replace"),
                      done.stderr.decode(errors="replace"))

    def start(self, *args, stderr=None, wait=True):
        """Start it in the foreground; wait until its listeners answer."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.argv("-f", *args), stdin=subprocess.DEVNULL,
                stdout=log, stderr=stderr or log, env=self.env,
                pass_fds=())
        self.pid = self.process.pid
        Daemon.started_pids.add(self.pid)
        if wait:
            self.wait_ready()
        return self

    def daemonize(self, *args):
        """Start it as an init script would; its log goes to syslog."""
        result = self.run(*args)
        if result.code == 0:
            with open(self.pid_file) as f:
                self.pid = int(f.read())
        return result

    def wait_ready(self):
        def ready():
            if self.process and self.process.poll() is not None:
                raise AssertionError(
                    f"mercuryd ended with {self.process.returncode}:\n"
                    + self.log())
            try:
                with Rpc(self.control) as rpc:
                    return rpc.call("daemon.status")["ready"]
            except (OSError, RpcError):
                return False
        wait_until(ready, "the daemon is ready")

    def log(self):
        try:
            with open(self.log_path, errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def rpc(self):
        return Rpc(self.control)

    def call(self, method, **params):
        with self.rpc() as rpc:
            return rpc.call(method, **params)

    def status(self):
        return self.call("daemon.status")

    def listener(self, name):
        """The listener's object in status; None when there is none."""
        for row in self.status()["listeners"]:
            if row["name"] == name:
                return row
        return None

    def port(self, name):
        return self.listener(name)["port"]

    def workers(self, name):
        """The pids of the workers that serve a listener."""
        return [w["pid"] for w in self.listener(name)["workers"]]

    def wait_replaced(self, name, old):
        """Wait until a worker that was killed has a successor."""
        def replaced():
            row = self.listener(name)
            pids = [w["pid"] for w in row["workers"]]
            return (row["state"] == "listening" and all(pids)
                    and old not in pids)
        wait_until(replaced, f"a worker of {name} is replaced")

    def kill_worker(self, name, index=0):
        """Kill a worker and wait for its successor."""
        old = self.workers(name)[index]
        kill(old)
        self.wait_replaced(name, old)

    def tree(self):
        """All living processes of this daemon."""
        return descendants(self.pid) | {self.pid}

    def child(self, name):
        """The pid of the one child with this name, such as mercury-control."""
        found = [p for p in descendants(self.pid) if comm(p) == name]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} processes {name}, not one")
        return found[0]

    def ctl(self, *args, data=b"", env=None, timeout=DEADLINE * 3):
        """Run mercuryctl against this daemon."""
        return run([binary("mercuryctl"), "-s", self.control, *args],
                   data=data, env=env, timeout=timeout)

    def add(self, name, **options):
        """Add a listener, an echo with one worker by default; its object."""
        return self.call("listener.add", name=name,
                         **with_defaults(options))

    def add_with_ctl(self, name, **options):
        """The same by mercuryctl."""
        words = [f"{k}={v}" for k, v in with_defaults(options).items()]
        result = self.ctl("--json", "add-listener", name, *words)
        if result.code != 0:
            raise AssertionError(f"add-listener {name}: {result!r}")
        return result.json()

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self, deadline=DEADLINE):
        """Wait for its end; the exit code (None when it is not our child)."""
        if self.process:
            return self.process.wait(deadline)
        wait_until(lambda: not alive(self.pid), "the daemon ended", deadline)
        reap_orphans()
        return None

    def stop(self, deadline=DEADLINE):
        """Stop it with SIGTERM; the exit code."""
        if self.pid is None:
            return 0
        if self.process is None or self.process.poll() is None:
            kill(self.pid, signal.SIGTERM)
        code = self.wait(deadline)
        self.process = self.pid = None
        return code

    def remove(self):
        shutil.rmtree(self.dir)


def need_tool(test, name, where=""):
    """The path of a program; without it the test is skipped, but not in CI."""
    path = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if path is not None and (not where or os.path.exists(where)):
        return path
    if os.environ.get("MERCURY_ALL_TOOLS"):
        test.fail(f"{where or name} is not installed")
    test.skipTest(f"{where or name} is not installed")
    return None


class TestCase(unittest.TestCase):
    """A test that cleans up, and fails when there is something to clean."""

    maxDiff = None
    timeout = TEST_TIMEOUT  # seconds; a class may have its own

    def setUp(self):
        self.daemons = []
        signal.signal(signal.SIGALRM, self._timed_out)
        signal.alarm(self.timeout)
        self.addCleanup(signal.alarm, 0)
        self.addCleanup(self._end_daemons)

    def _timed_out(self, _number, _frame):
        raise AssertionError(f"the test took more than {self.timeout} s")

    def daemon(self, listeners="", **kwargs):
        """A daemon that ends with the test; not started yet."""
        d = Daemon(listeners, **kwargs)
        self.daemons.append(d)
        return d

    def started(self, listeners="", **kwargs):
        return self.daemon(listeners, **kwargs).start()

    def scratch(self):
        """A folder that every user may enter and write, gone with the test."""
        path = tempfile.mkdtemp(prefix="mercury-test-", dir="/tmp")
        os.chmod(path, 0o777)
        self.addCleanup(shutil.rmtree, path)
        return path

    def _end_daemons(self):
        signal.alarm(TEST_TIMEOUT)
        problems = []
        for d in self.daemons:
            self._end(d, problems)
        try:  # a command may return just before its daemon has ended
            # A leak checker's own process may end a little later.
            wait_until(lambda: not leftovers(), "all end",
                       10 if SANITIZED else 1)
        except AssertionError:
            left = {p: comm(p) for p in leftovers()}
            problems.append(f"processes were left: {left}")
            for pid in left:
                kill(pid)
        wait_until(lambda: not leftovers(), "all are gone")
        reap_orphans()
        bad = problems or self._failed()
        for d in self.daemons:
            if bad:
                print(f"--- log of {d.dir}\n{d.log()[-8000:]}---",
                      file=sys.stderr)
            d.remove()
        if problems:
            self.fail("; ".join(problems))

    def _failed(self):
        result = self._outcome.result
        return any(t is self for t, _ in result.failures + result.errors)

    def _end(self, d, problems):
        reports = [l for l in d.log().splitlines() if REPORTS.search(l)]
        running = d.pid is not None and alive(d.pid)
        try:
            code = d.stop()
            if running and code not in (0, None):
                problems.append(f"mercuryd ended with {code} at SIGTERM")
        except (subprocess.TimeoutExpired, AssertionError):
            problems.append("mercuryd did not end at SIGTERM")
            kill(d.pid)
            d.wait()
        reports += [l for l in d.log().splitlines() if REPORTS.search(l)]
        if reports:
            problems.append("reports in the log: " + reports[0])
        if not running or problems:
            return
        for path in (d.control, d.pid_file):
            if os.path.exists(path):
                problems.append(f"{path} was left")


def main():
    """Run the tests of the calling module; one closing line to count by."""
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError("prctl(PR_SET_CHILD_SUBREAPER)")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    program = unittest.main(exit=False, verbosity=2)
    result = program.result
    # Several subtests of one test may have failed.
    failed = len({getattr(t, "test_case", t).id()
                  for t, _ in result.failures + result.errors})
    skipped = len(result.skipped)
    passed = result.testsRun - failed - skipped
    for test, reason in result.skipped:
        print(f"skipped: {test}: {reason}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(0 if result.wasSuccessful() else 1)
