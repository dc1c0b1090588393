"""What each process holds, links and may do."""

import os
import re
import shutil
import signal
import time
import unittest

import mercury
import web
from mercury import answers, ask, connect, wait_until

# What may be open in each process, and how often at most. From 3 on a child
# gets only its socketpair; the rest it made itself or was sent.
STANDARD = {"standard": 3}
EVENT_LOOP = {"anon_inode:[eventpoll]": 1, "anon_inode:[eventfd]": 1,
              "anon_inode:[timerfd]": 1, "own pipe": 2}
HEAVY = ("libssl", "libcrypto", "libsqlite3", "libjansson", "libconfuse")


def kind_of(pid, number, sockets):
    """What a descriptor is: the keys of the golden lists."""
    target = os.readlink(f"/proc/{pid}/fd/{number}")
    if number < 3:
        return "standard"
    if target.startswith("socket:"):
        return sockets.get(target[8:-1], "socket")
    if target.startswith("/memfd:"):
        return "memfd"
    return target.replace(" (deleted)", "")


def socket_kinds():
    """inode: kind, for what listens and for socketpairs."""
    kinds = {}
    with open("/proc/net/unix") as f:
        for line in f.readlines()[1:]:
            fields = line.split()
            seqpacket = fields[4] == "0005"
            listening = int(fields[3], 16) & 0x10000
            kinds[fields[6]] = ("socketpair" if seqpacket else
                                "listening unix" if listening else "unix")
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if os.path.exists(table):
            with open(table) as f:
                for line in f.readlines()[1:]:
                    fields = line.split()
                    kinds[fields[9]] = ("listening tcp" if fields[3] == "0A"
                                        else "tcp")
    return kinds


def inherited_pipes(pid):
    """Pipes that the parent has open too."""
    parent = mercury.stat_fields(pid)[1]
    links = set()
    for number in os.listdir(f"/proc/{parent}/fd"):
        try:
            links.add(os.readlink(f"/proc/{parent}/fd/{number}"))
        except FileNotFoundError:
            pass
    return {l for l in links if l.startswith("pipe:")}


def descriptors(pid):
    """How many of each kind a process has open."""
    sockets = socket_kinds()
    parents = inherited_pipes(pid)
    counts = {}
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            kind = kind_of(pid, int(number), sockets)
        except FileNotFoundError:
            continue
        if kind.startswith("pipe:") and kind not in parents:
            kind = "own pipe"
        counts[kind] = counts.get(kind, 0) + 1
    return counts


class Descriptors(mercury.TestCase):
    def hold(self, pid, golden, needed=()):
        """Everything open in pid must be in the golden list, and what is
        needed must be open."""
        def fits():
            counts = descriptors(pid)
            self.seen = counts
            return (all(counts[k] <= golden.get(k, 0) for k in counts)
                    and all(kind in counts for kind in needed))
        try:
            wait_until(fits, "only what may be open is open", 3)
        except AssertionError:
            self.fail(f"{mercury.comm(pid)}: {self.seen}, "
                      f"more than {golden}, or without one of {needed}")

    def setUp(self):
        super().setUp()
        self.d = self.daemon()
        self.path = os.path.join(self.d.dir, "dev.sock")
        self.d.write(mercury.listener("a", workers=2)
                     + mercury.listener("b")
                     + mercury.listener("u", path=self.path, mode="0666"))
        self.d.start()

    def test_worker(self):
        for name, listening in (("a", "listening tcp"),
                                ("u", "listening unix")):
            for pid in self.d.workers(name):
                self.hold(pid, {**STANDARD, **EVENT_LOOP, "socketpair": 2,
                                listening: 1, "unix": 1},
                          ("socketpair", listening))

    def test_worker_with_connections(self):
        clients = [connect(self.d.port("b")) for _ in range(5)]
        for s in clients:
            self.assertEqual(ask(s, b"x"), b"x")
        pid = self.d.workers("b")[0]
        golden = {**STANDARD, **EVENT_LOOP, "socketpair": 2,
                  "listening tcp": 1, "unix": 1}
        self.hold(pid, {**golden, "tcp": 5}, ("tcp",))
        for s in clients:
            s.close()
        self.hold(pid, golden)

    def test_control(self):
        pid = self.d.child("mercury-control")
        self.hold(pid, {**STANDARD, **EVENT_LOOP, "socketpair": 2,
                        "listening unix": 1, "unix": 1},
                  ("socketpair", "listening unix"))
        clients = [self.d.rpc() for _ in range(10)]
        for rpc in clients:
            rpc.call("daemon.status")
            rpc.close()
        self.hold(pid, {**STANDARD, **EVENT_LOOP, "socketpair": 2,
                        "listening unix": 1, "unix": 1})

    def test_store(self):
        """The ways of 4 workers and the supervisor, and two channels."""
        state = os.path.join(self.d.state, "health.db")
        wait_until(lambda: self.d.status()["store"]["events"] > 0,
                   "it has written")
        self.hold(self.d.child("mercury-store"),
                  {**STANDARD, **EVENT_LOOP, "socketpair": 7,
                   state: 2, state + "-wal": 1, state + "-shm": 1,
                   state + ".lock": 1}, ("socketpair", state))

    def test_gateway(self):
        """Its channels, its socket, and connections that are open."""
        port = mercury.free_port()
        self.d.write(mercury.gateway(port) + self.d.listeners)
        self.assertEqual(self.d.ctl("reload").code, 0)
        wait_until(lambda: not mercury.refused(port), "it listens")
        pid = wait_until(lambda: [p for p in self.d.tree()
                                  if mercury.comm(p) == "mercury-gateway"],
                         "it runs")[0]
        golden = {**STANDARD, **EVENT_LOOP, "socketpair": 2,
                  "listening tcp": 1}
        self.hold(pid, golden, ("socketpair", "listening tcp"))
        clients = [web.Client(port) for _ in range(5)]
        for path in "/livez", "/readyz", "/", "/metrics", "/api/status", \
                "/api/tree", "/api/history", "/api/events":
            for c in clients:
                self.assertIn(c.ask(path).status, (200, 503))
        # Answers that others may want are kept for half a second.
        self.hold(pid, {**golden, "tcp": 5, "memfd": 2}, ("tcp",))
        for c in clients:
            c.close()
        self.hold(pid, {**golden, "memfd": 2})

    def test_supervisor(self):
        roles = {os.path.join(self.d.bin, r): 1 for r in mercury.LIBEXEC}
        self.hold(self.d.pid, {
            **STANDARD, **EVENT_LOOP, **roles, "/dev/null": 3,
            "anon_inode:[signalfd]": 1,
            # 4 workers, control, store; the store's ends of 5 ways, our own
            "socketpair": 12,
            "anon_inode:[pidfd]": 6,
            # the boards of the store and of health, the gates of 3 pools
            "memfd": 5,
            "listening tcp": 3, "listening unix": 2, "unix": 1,
            self.d.pid_file: 1, self.path + ".lock": 1},
            ("socketpair", "anon_inode:[pidfd]", *roles))

    def test_nothing_leaks_over_a_thousand_lives(self):
        """Descriptors of the supervisor are as before when all is gone."""
        before = descriptors(self.d.pid)
        rounds = 20 if mercury.SANITIZED else 60
        with self.d.rpc() as rpc:
            for i in range(rounds):
                rpc.call("listener.add", name="x", port=0, workers=2,
                         address="127.0.0.1", protocol="echo")
                rpc.call("listener.remove", name="x", deadline="1s")
        for _ in range(5):
            self.d.kill_worker("b")
        self.assertEqual(self.d.ctl("reload").code, 0)
        wait_until(lambda: descriptors(self.d.pid) == before,
                   f"as before: {before}")


class AfterExec(mercury.TestCase):
    """What a child is given, seen in one that does nothing."""

    def look(self, *idle):
        d = self.daemon(mercury.listener("a"))
        roles = os.path.join(d.dir, "roles")
        os.mkdir(roles)
        for role in mercury.LIBEXEC:
            shutil.copy(mercury.binary("tests/system/idle" if role in idle
                                       else role),
                        os.path.join(roles, role))
        d.env["MERCURY_LIBEXECDIR"] = roles
        d.start(wait=False)
        wanted = {os.path.join(roles, role) for role in idle}

        def children():
            found = [p for p in mercury.descendants(d.pid)
                     if mercury.executable(p) in wanted]
            return len(found) == len(idle) and found
        for pid in wait_until(children, "they are started"):
            # Until it idles, its loader has a library open now and then.
            wait_until(lambda pid=pid: sorted(
                int(n) for n in os.listdir(f"/proc/{pid}/fd")) == [0, 1, 2, 3],
                       "nothing else is open")
            self.assertEqual(os.readlink(f"/proc/{pid}/fd/0"), "/dev/null")
            inode = os.readlink(f"/proc/{pid}/fd/3")[8:-1]
            self.assertEqual(socket_kinds()[inode], "socketpair")
            status = mercury.status_of(pid)
            self.assertEqual(int(status["SigBlk"], 16), 0)
            standard = int(status["SigIgn"], 16) & 0x7fffffff
            self.assertEqual(standard, 0)
        d.stop()
        self.assertFalse(os.path.exists(d.pid_file))

    def test_config(self):
        self.look("mercury-config")

    def test_control_and_worker(self):
        self.look("mercury-control", "mercury-pool")


class Links(mercury.TestCase):
    def needed(self, name):
        out = mercury.run(["readelf", "-d", mercury.binary(name)]).out
        return re.findall(r"NEEDED.*\[(.*)\]", out)

    def test_only_what_is_needed(self):
        for name in ("mercuryd", "mercury-pool"):
            libraries = self.needed(name)
            self.assertTrue(libraries)
            for library in libraries:
                self.assertFalse(library.startswith(HEAVY),
                                 f"{name} links {library}")
        for name in ("mercury-control", "mercuryctl"):
            for library in self.needed(name):
                self.assertFalse(
                    library.startswith(("libssl", "libcrypto", "libsqlite3")),
                    f"{name} links {library}")
        for name in ("mercury-config", "mercury-gateway"):  # have TLS
            for library in self.needed(name):
                self.assertFalse(library.startswith("libsqlite3"), library)
        for library in self.needed("mercury-gateway"):
            self.assertFalse(library.startswith("libconfuse"), library)


class Rights(mercury.TestCase):
    def test_children_of_root_are_ordinary(self):
        if not mercury.ROOT:
            raise unittest.SkipTest("only root can change the user")
        d = self.started(mercury.gateway(mercury.free_port())
                         + mercury.listener("a", workers=2))
        for pid in d.tree() - {d.pid}:
            status = mercury.status_of(pid)
            uid, gid = mercury.NOBODY.pw_uid, mercury.NOBODY.pw_gid
            name = status["Name"]
            self.assertEqual(status["Uid"].split(), [str(uid)] * 4, name)
            self.assertEqual(status["Gid"].split(), [str(gid)] * 4, name)
            self.assertEqual(status["Groups"].split(), [], name)
            for key in ("CapPrm", "CapEff", "CapInh", "CapAmb"):
                self.assertEqual(int(status[key], 16), 0, f"{name} {key}")
            self.assertEqual(status["NoNewPrivs"], "1", name)

    def test_children_of_an_ordinary_user(self):
        d = self.started(mercury.gateway(mercury.free_port())
                         + mercury.listener("a"), as_root=False)
        uid = mercury.NOBODY.pw_uid if mercury.ROOT else os.geteuid()
        for pid in d.tree():
            status = mercury.status_of(pid)
            self.assertEqual(status["Uid"].split(), [str(uid)] * 4)
            if pid != d.pid:  # nobody waits for the gateway to be ready
                wait_until(lambda p=pid: mercury.status_of(p)["NoNewPrivs"]
                           == "1", "it may not get rights")

    def test_signals_of_the_children(self):
        """Nothing blocked, and SIGCHLD at its default in the supervisor."""
        d = self.started(mercury.listener("a"))
        for pid in d.tree() - {d.pid}:  # that one has a signalfd
            status = mercury.status_of(pid)
            self.assertEqual(int(status["SigBlk"], 16), 0, status["Name"])
        ignored = int(mercury.status_of(d.pid)["SigIgn"], 16)
        self.assertFalse(ignored & 1 << (signal.SIGCHLD - 1))

    def test_one_thread_each(self):
        if mercury.SANITIZED:
            raise unittest.SkipTest("a sanitizer may have threads")
        d = self.started(mercury.listener("a"))
        for pid in d.tree():
            self.assertEqual(len(os.listdir(f"/proc/{pid}/task")), 1)

    def test_signals_to_the_whole_family_end_nothing_early(self):
        d = self.started(mercury.listener("a"), shutdown_deadline="20s")
        client = connect(d.port("a"))
        self.assertEqual(ask(client, b"x"), b"x")
        for pid in d.tree():
            mercury.kill(pid, signal.SIGTERM)
        wait_until(lambda: mercury.refused(client.getpeername()), "closed")
        self.assertEqual(ask(client, b"y"), b"y")
        client.close()
        self.assertEqual(d.wait(), 0)

    def test_who_may_use_the_control_socket(self):
        if not mercury.ROOT:
            raise unittest.SkipTest("needs two users")
        d = self.started(mercury.listener("a"))
        os.chmod(d.control, 0o777)  # so that only the check itself decides
        stranger = ["setpriv", "--reuid=12345", "--regid=12345",
                    "--clear-groups", "socat", "-t", "5", "-",
                    f"UNIX-CONNECT:{d.control}"]
        request = b'{"jsonrpc":"2.0","id":1,"method":"daemon.status"}\n'
        result = mercury.run(stranger, data=request)
        self.assertNotIn('"result"', result.out)
        member = [w.replace("12345", str(mercury.NOBODY.pw_uid))
                  for w in stranger]
        self.assertIn('"result"', mercury.run(member, data=request).out)

    def test_readers_may_only_look(self):
        if not mercury.ROOT:
            raise unittest.SkipTest("needs two users")
        d = self.started(control_readers="daemon")
        reader = ["setpriv", "--reuid=12345", "--regid=12345",
                  "--groups=1", "socat", "-t", "5", "-",
                  f"UNIX-CONNECT:{d.control}"]
        look = b'{"jsonrpc":"2.0","id":1,"method":"daemon.status"}\n'
        result = mercury.run(reader, data=look)
        self.assertIn('"result"', result.out, result)
        touch = b'{"jsonrpc":"2.0","id":1,"method":"daemon.shutdown"}\n'
        result = mercury.run(reader, data=touch)
        self.assertIn('"permission"', result.out, result)


class DescriptorLimit(mercury.TestCase):
    def test_a_full_worker_pauses_and_recovers(self):
        d = self.daemon(mercury.listener("a"))
        d.prefix += ["prlimit", "--nofile=40:40"]
        d.start()
        other = d.add("b")["port"]
        worker, port = d.workers("a")[0], d.port("a")
        clients = [connect(port) for _ in range(60)]
        wait_until(lambda: d.listener("a")["connections"] >= 20,
                   "the worker is full")
        began, clock = mercury.cpu_seconds(worker), time.monotonic()
        wait_until(lambda: time.monotonic() > clock + 1, "a second")
        self.assertLess(mercury.cpu_seconds(worker) - began, 0.1, "it spins")
        self.assertEqual(d.workers("a"), [worker])
        self.assertTrue(answers(other))
        self.assertEqual(ask(clients[0], b"served"), b"served")
        complaints = [l for l in d.log().splitlines() if "open files" in l]
        self.assertEqual(len(complaints), 1, "logged once")
        for s in clients[:40]:
            s.close()
        for s in clients[40:]:
            self.assertEqual(ask(s, b"waited"), b"waited")
            s.close()
        self.assertTrue(answers(port))
        self.assertEqual(d.listener("a")["restarts"], 0)


if __name__ == "__main__":
    mercury.main()
