"""What the children may ask of the kernel: their filters and limits, a module
that tries what it may not, and programs, which notice nothing."""

import errno
import os
import platform
import signal
import socket
import subprocess
import sys
import unittest

import mercury
import modules
from mercury import RpcError, ask, connect, listener, receive_all, wait_until
from programs import output, program, script

SOURCE = os.path.join(mercury.SOURCE_DIR, "tests/system/forbidden.c")

# (what is tried, its number, the errno; None: the process is killed)
EVERYWHERE = (
    ("execve", 0, None),
    ("bind", 0, None),
    ("listen", 0, None),
    ("mount", 0, None),
    ("clone3", 0, errno.ENOSYS),
    ("shutdown", socket.SHUT_RDWR, errno.EPERM),
    ("shutdown", socket.SHUT_RD, errno.EPERM),
    ("socket", socket.AF_PACKET, errno.EPERM),
    ("socket", socket.AF_NETLINK, errno.EPERM),
    ("creat", 0, errno.EPERM),
    ("openat2", 0, errno.EPERM),
    ("read_file", 0, 0),
    ("unlink", 0, errno.EPERM),
    ("mkdir", 0, errno.EPERM),
    ("chmod", 0, errno.EPERM),
    ("queue", 1, errno.EPERM),
    ("pidfd", 1, errno.EPERM),
    ("owner", 1, errno.EPERM),
    ("setuid", 0, errno.EPERM),
)
# The run time of a sanitizer needs these.
BUT_SANITIZED = (
    ("ptrace", 0, None),
    ("fork", 0, errno.EPERM),
    ("write_file", 0, errno.EPERM),
    ("truncate_file", 0, errno.EPERM),
    ("limit", 1, errno.EPERM),
    ("prctl", 28, errno.EPERM),  # PR_SET_SECUREBITS
)
# By their numbers, which are the same on machines that are younger than them.
NUMBERS = (
    ("io_uring_setup", 425, None),
    ("pidfd_getfd", 438, None),
    ("open_tree", 428, None),
)
X86_64 = (
    ("keyctl", 250, None),
    ("bpf", 321, None),
    ("open_by_handle_at", 304, None),
    ("unshare", 272, None),
    ("init_module", 175, None),
    ("process_vm_writev", 311, None),
)
# What is to be executed where seccomp(2) fails, with the errno that is given.
WITHOUT = """
import ctypes, os, struct, sys
nr = {"x86_64": 317}.get(os.uname().machine, 277)
code = b"".join(struct.pack("=HBBI", *i) for i in (
    (0x20, 0, 0, 0), (0x15, 0, 1, nr),
    (0x06, 0, 0, 0x50000 | int(sys.argv[1])),
    (0x06, 0, 0, 0x7fff0000)))
kept = ctypes.create_string_buffer(code)
program = struct.pack("@HP", len(code) // 8, ctypes.addressof(kept))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0):
    sys.exit("no filter: %d" % ctypes.get_errno())
os.execv(sys.argv[2], sys.argv[2:])
"""


def built_with_filters():
    with open(os.path.join(mercury.BUILD_DIR, "config.h")) as f:
        return "#define MERCURY_SECCOMP 1" in f.read()


def filtered(pid):
    return mercury.status_of(pid)["Seccomp"] == "2"


def limit_of(pid, name):
    """The soft limit, as /proc tells it."""
    with open(f"/proc/{pid}/limits") as f:
        row, = [row for row in f if row.startswith(name)]
    return row[len(name):].split()[0]


class Case(modules.TestCase):
    def setUp(self):
        super().setUp()
        if not built_with_filters():
            raise unittest.SkipTest("built without libseccomp")

    def children(self, d):
        """By name; a start waits for the listeners only."""
        pids = d.tree() - {d.pid}
        for pid in pids:
            wait_until(lambda p=pid: mercury.status_of(p)["NoNewPrivs"] == "1",
                       f"{mercury.comm(pid)} has given up its rights")
        return {mercury.comm(pid): pid for pid in pids}


class Roles(Case):
    def test_every_child_has_a_filter_and_no_rights(self):
        d = self.started(mercury.gateway(mercury.free_port())
                         + listener("a", workers=1))
        children = self.children(d)
        self.assertEqual(set(children), {
            "mercury-control", "mercury-store", "mercury-gateway",
            "mercury-pool"})
        for name, pid in children.items():
            wait_until(lambda p=pid: filtered(p), f"{name} has a filter")
            status = mercury.status_of(pid)
            for key in "CapInh", "CapPrm", "CapEff", "CapAmb":
                self.assertEqual(int(status[key], 16), 0, f"{name} {key}")
            if mercury.ROOT:
                self.assertEqual(int(status["CapBnd"], 16), 0, name)
            self.assertEqual(int(status["Umask"], 8) & 0o27, 0o27, name)
            if not mercury.SANITIZED:
                self.assertEqual(limit_of(pid, "Max processes"), "0", name)
        self.assertFalse(filtered(d.pid), "never the supervisor")
        self.assertIn("role only", d.log())

    @unittest.skipIf(mercury.COVERAGE, "its counters are in files")
    def test_who_writes_to_no_file_can_not(self):
        d = self.daemon(mercury.gateway(mercury.free_port())
                        + listener("a", workers=1))
        d.start(stderr=subprocess.DEVNULL)
        children = self.children(d)
        for name in "mercury-pool", "mercury-gateway":
            pid = children[name]
            wait_until(lambda p=pid: filtered(p), f"{name} has a filter")
            # A core dump is a file, too.
            self.assertEqual(limit_of(pid, "Max file size"),
                             limit_of(d.pid, "Max core file size"), name)

    def test_of_an_ordinary_user(self):
        d = self.started(listener("a", workers=1), as_root=False)
        for name, pid in self.children(d).items():
            wait_until(lambda p=pid: filtered(p), f"{name} has a filter")
        with connect(d.port("a")) as s:
            self.assertEqual(ask(s, b"x"), b"x")

    def test_switched_off(self):
        d = self.started(listener("a", workers=1), sandbox=False)
        for name, pid in self.children(d).items():
            self.assertFalse(filtered(pid), name)
        self.assertIn("sandbox = false", d.log())

    def test_a_change_needs_a_restart(self):
        d = self.started(listener("a", workers=1))
        d.settings["sandbox"] = False
        d.write()
        self.assertIn("need a restart", d.ctl("reload").out)

    def test_a_kernel_that_has_none(self):
        """mercuryd serves on, and says so."""
        if platform.machine() not in ("x86_64", "aarch64"):
            raise unittest.SkipTest("the number of seccomp(2) is not known")
        for number, why in ((errno.ENOSYS, "this kernel has no seccomp"),
                            (errno.EPERM, "what mercuryd was started by "
                             "forbids seccomp(2)")):
            d = self.daemon(listener("a", workers=1))
            d.prefix = [sys.executable, "-c", WITHOUT, str(number)] + d.prefix
            d.start()
            self.assertIn("no sandbox: children may make every system call, "
                          f"for {why}", d.log())
            with connect(d.port("a")) as s:
                self.assertEqual(ask(s, b"x"), b"x")

    def test_the_name_of_an_interface(self):
        """In an address; who parses one asks the kernel for its number."""
        d = self.daemon(listener("a", workers=1)
                        + listener("b", address="fe80::1%lo"))
        self.assertEqual(d.run("-t").code, 0)
        d.write(listener("a", workers=1))
        d.start()
        with self.assertRaises(RpcError) as caught:
            d.add("b", address="fe80::1%lo", protocol="echo",
                  port=mercury.free_port())
        self.assertIn("is not an address of this machine",
                      str(caught.exception))


class Modules(Case):
    def serve(self):
        path = self.kit.build(SOURCE, "forbidden")
        return self.started(
            modules.listener("bad", path, workers=1, max_restarts=1000)
            + listener("good", workers=1))

    def attempt(self, d, good, what, number, expected):
        """Each ends as it should, and the other pool notices nothing."""
        old, = d.workers("bad")
        with connect(d.port("bad")) as s:
            s.sendall(f"{what} {number}\n".encode())
            got = receive_all(s) if expected is None else s.recv(100)
        if expected is None:
            self.assertEqual(got, b"", f"{what} {number}")
            d.wait_replaced("bad", old)
        else:
            self.assertEqual(got, f"{expected}\n".encode(),
                             f"{what} {number}")
            self.assertEqual(d.workers("bad"), [old])
        self.assertEqual(ask(good, b"x"), b"x", what)

    @unittest.skipIf(mercury.COVERAGE, "its counters are in files")
    def test_all_that_is_forbidden(self):
        tried = EVERYWHERE
        if not mercury.SANITIZED:
            tried += BUT_SANITIZED
        tried += tuple(("number", n, how) for _, n, how in NUMBERS)
        if platform.machine() == "x86_64":
            tried += tuple(("number", n, how) for _, n, how in X86_64)
        d = self.serve()
        good_worker = d.workers("good")
        with connect(d.port("good")) as good:
            for what, number, expected in tried:
                self.attempt(d, good, what, number, expected)
        self.assertEqual(d.workers("good"), good_worker)

    def test_a_sibling_can_not_be_killed(self):
        if mercury.SANITIZED:
            raise unittest.SkipTest("its run time has to signal")
        d = self.serve()
        victim, = d.workers("good")
        with connect(d.port("good")) as good:
            for what in "kill", "tgkill", "queue", "limit", "pidfd", "owner":
                self.attempt(d, good, what, victim, errno.EPERM)
        self.assertEqual(d.workers("good"), [victim])

    def test_the_reason_is_told(self):
        d = self.serve()
        with connect(d.port("good")) as good:
            self.attempt(d, good, "bind", 0, None)
        self.assertIn("was killed by signal 31 (SIGSYS): a forbidden system "
                      "call", d.log())

    def test_abort_is_what_it_was(self):
        """A worker may signal itself."""
        d = self.serve()
        with connect(d.port("good")) as good:
            self.attempt(d, good, "abort", 0, None)
        self.assertIn(f"signal {int(signal.SIGABRT)} (SIGABRT)", d.log())

    def test_switched_off(self):
        path = self.kit.build(SOURCE, "forbidden")
        d = self.started(modules.listener("bad", path, workers=1),
                         sandbox=False)
        with connect(d.port("bad")) as s:
            s.sendall(b"listen 0\n")
            self.assertEqual(s.recv(100), b"0\n")


class Programs(Case):
    def exec_listener(self, name, command, **options):
        text = listener(name, protocol="exec", **options)
        words = ", ".join(f'"{word}"' for word in command)
        return text[:-2] + f"  exec {{\n    command = {{{words}}}\n  }}\n}}\n"

    def test_they_work(self):
        d = self.started()
        d.add("cat", **program("/bin/cat"))
        d.add("sh", **script("(date +%Y; /bin/echo forked) | cat; wait"))
        d.add("python", **program(
            mercury.need_tool(self, "python3"), "-c",
            "import socket, threading, subprocess\n"
            "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()\n"
            "t = threading.Thread(target=print, args=('thread',))\n"
            "t.start(); t.join()\n"
            "subprocess.run(['/bin/echo', 'child'])\n"
            "open('/dev/null', 'w').close()\n"))
        self.assertEqual(output(d.port("cat"), b"hello"), "hello")
        self.assertRegex(output(d.port("sh")), r"^\d{4}\nforked\n$")
        self.assertEqual(sorted(output(d.port("python")).split()),
                         ["child", "thread"])

    def test_they_have_a_filter(self):
        d = self.started()
        d.add("a", **program("/bin/cat", "/proc/self/status"))
        status = dict(l.split(":\t", 1) for l in
                      output(d.port("a")).splitlines() if ":\t" in l)
        self.assertEqual(status["Seccomp"], "2")
        if mercury.ROOT:
            self.assertEqual(int(status["CapBnd"], 16), 0)

    def test_what_they_may_not(self):
        d = self.started()
        d.add("a", **script("unshare --user true && echo done || echo no"))
        self.assertEqual(output(d.port("a")).splitlines()[-1], "no")
        if mercury.SANITIZED:
            return  # its run time has to clone
        # By clone(2), with CLONE_NEWUSER.
        d.add("b", **program(
            mercury.need_tool(self, "python3"), "-c",
            "import ctypes, os\n"
            "libc = ctypes.CDLL(None, use_errno=True)\n"
            "nr = {'x86_64': 56}.get(os.uname().machine, 220)\n"
            "pid = libc.syscall(nr, 0x10000011, 0, 0, 0, 0)\n"
            "print(pid, ctypes.get_errno(), flush=True)\n"
            "os._exit(0)\n"))
        self.assertEqual(output(d.port("b")), f"-1 {errno.EPERM}\n")

    def test_they_have_the_umask_of_mercuryd(self):
        before = os.umask(0o002)
        try:
            d = self.started()
        finally:
            os.umask(before)
        d.add("a", **script("umask"))
        self.assertEqual(output(d.port("a")).strip().lstrip("0"), "2")

    def test_a_pool_of_both_from_the_start(self):
        """Whoever comes first in the file, or in the alphabet."""
        d = self.started(
            listener("a", pool="both", workers=1)
            + self.exec_listener("b", ["/bin/echo", "b"], pool="both")
            + listener("c", pool="both")
            + self.exec_listener("later", ["/bin/echo", "d"], workers=1))
        with connect(d.port("a")) as s:
            self.assertEqual(ask(s, b"x"), b"x")
        self.assertEqual(output(d.port("b")), "b\n")
        self.assertEqual(d.listener("b")["generation"], 1)
        d.kill_worker("b")
        self.assertEqual(output(d.port("b")), "b\n")
        d.add("e", pool="both", **program("/bin/echo", "e"))
        self.assertEqual(output(d.port("e")), "e\n")

    def test_a_pool_of_both_by_reload(self):
        d = self.started(listener("a", workers=1))
        d.write(listener("a", workers=1)
                + listener("b", pool="both", workers=1)
                + self.exec_listener("z", ["/bin/echo", "z"], pool="both"))
        self.assertEqual(d.ctl("reload").code, 0)
        self.assertEqual(output(d.port("z")), "z\n")

    def test_into_a_running_pool_they_can_not_come(self):
        """For its workers have to be replaced, which somebody has to want."""
        d = self.started(listener("a", pool="p", workers=1))
        old = d.workers("a")
        with self.assertRaises(RpcError) as caught:
            d.add("b", pool="p", **program("/bin/cat"))
        self.assertIn("name another pool", str(caught.exception))
        d.write(listener("a", pool="p", workers=1)
                + self.exec_listener("b", ["/bin/cat"], pool="p"))
        done = d.ctl("reload")
        self.assertEqual(done.code, 1)
        self.assertIn("name another pool", done.err)
        self.assertEqual(d.workers("a"), old)
        d.add("c", pool="q", **program("/bin/cat"))
        self.assertEqual(output(d.port("c"), b"x"), "x")
        d.call("listener.restart", name="a")
        d.add("b", pool="p", **program("/bin/cat"))
        self.assertEqual(output(d.port("b"), b"x"), "x")

    def test_without_a_sandbox_they_can(self):
        d = self.started(listener("a", pool="p", workers=1), sandbox=False)
        d.add("b", pool="p", **program("/bin/echo", "b"))
        self.assertEqual(output(d.port("b")), "b\n")

    def test_a_listener_becomes_one_with_programs(self):
        """By a reload: its workers are replaced by some that may."""
        port = mercury.free_port()
        d = self.started(listener("a", port=port, workers=1))
        d.write(self.exec_listener("a", ["/bin/echo", "now"], port=port,
                                   workers=1))
        done = d.ctl("reload")
        self.assertEqual(done.code, 0, done)
        self.assertEqual(output(port), "now\n")
        d.write(listener("a", port=port, workers=1))
        self.assertEqual(d.ctl("reload").code, 0)
        with connect(port) as s:
            self.assertEqual(ask(s, b"x"), b"x")


if __name__ == "__main__":
    mercury.main()
