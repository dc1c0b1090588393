"""mercuryctl trace and trace.start with the real daemon: what is shown of the
connections of a listener, when, to whom, and what it costs the others."""

import base64
import grp
import json
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time

import mercury
from mercury import ask, connect, listener, wait_until
from pcapng import FIN, RST, Bad, Capture

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
TRACES_MAX = 8


def name_of(s):
    host, port = s.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def capture_of(path):
    with open(path, "rb") as f:
        return Capture(f.read())


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class Tracer:
    """mercuryctl trace; what it prints is read while it runs."""

    def __init__(self, d, *args, out=None):
        self.process = subprocess.Popen(
            [mercury.binary("mercuryctl"), "-s", d.control, "trace", *args],
            stdout=out or subprocess.PIPE, stderr=subprocess.PIPE)
        self.out, self.err = bytearray(), bytearray()
        self.threads = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.out),
                         (self.process.stderr, self.err)) if pair[0]]
        for thread in self.threads:
            thread.start()

    @staticmethod
    def _read(pipe, data):
        while True:
            part = os.read(pipe.fileno(), 1 << 16)
            if not part:
                return
            data += part

    def armed(self):
        wait_until(lambda: b"Ctrl-C ends it" in self.err, "it traces")
        return self

    def lines(self):
        return self.out.decode().splitlines()

    def notes(self, *methods):
        """Of --json: the notifications of these methods, or all."""
        whole = self.out[:self.out.rfind(b"\n") + 1].splitlines()
        found = [json.loads(line) for line in whole]
        return [n for n in found if not methods or n["method"] in methods]

    def data(self, direction, peer=None):
        """Of --json: the bytes of a direction."""
        return b"".join(
            base64.b64decode(n["params"]["data"])
            for n in self.notes("trace.data")
            if n["params"]["direction"] == direction
            and peer in (None, n["params"]["peer"]))

    def wait(self):
        """Its end, and all that it printed."""
        code = self.process.wait(mercury.DEADLINE)
        for thread in self.threads:
            thread.join(mercury.DEADLINE)
        return code

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.wait()

    def close(self):
        self.process.kill()
        self.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()


class TraceCase(mercury.TestCase):
    def tracer(self, d, *args, out=None, armed=True):
        t = Tracer(d, *args, out=out)
        self.addCleanup(t.close)
        return t.armed() if armed else t

    def opened(self, where):
        s = connect(where)
        self.addCleanup(s.close)
        return s

    def file(self, name="trace.pcapng"):
        return os.path.join(self.scratch(), name)

    def capture(self, path, packets):
        """Once the file has so many packets."""
        def there():
            try:
                found = capture_of(path)
            except Bad:  # it is being written
                return None
            return found if len(found.packets) >= packets else None
        return wait_until(there, f"{packets} packets")


class Text(TraceCase):
    def test_what_is_shown(self):
        d = self.started(listener("a"))
        t = self.tracer(d, "a")
        with connect(d.port("a")) as s:
            peer = name_of(s)
            ask(s, b"hello\x00\x1b[2J\xff, world")
        wait_until(lambda: b"closed" in t.out, "its end")
        lines = t.lines()
        head = rf"{TIME} [0-9a-f]{{8}}-1 {re.escape(peer)}"
        dump = [
            "  00000000  68 65 6c 6c 6f 00 1b 5b  32 4a ff 2c 20 77 6f 72"
            "  |hello..[2J., wor|",
            "  00000010  6c 64                                           "
            "  |ld|"]
        self.assertRegex(lines[0], f"^{head} opened$")
        self.assertRegex(lines[1], f"^{head} -> 18 bytes$")
        self.assertEqual(lines[2:4], dump)
        self.assertRegex(lines[4], f"^{head} <- 18 bytes$")
        self.assertEqual(lines[5:7], dump)
        self.assertRegex(
            lines[7], f"^{head} closed: peer_closed, 18 bytes in, 18 out$")
        self.assertEqual(len(lines), 8)
        self.assertEqual(t.stop(), 0)
        self.assertEqual(t.err, b"mercuryctl: tracing a; Ctrl-C ends it\n")

    def test_hexdump_shows_the_same(self):
        if not shutil.which("hexdump"):
            self.skipTest("there is no hexdump")
        d = self.started(listener("a", protocol="discard"))
        sent = os.urandom(3001)
        t = self.tracer(d, "a", "--count", "1")
        self.opened(d.port("a")).sendall(sent)
        self.assertEqual(t.wait(), 0)
        want = subprocess.run(["hexdump", "-vC"], input=sent, check=True,
                              capture_output=True).stdout.decode()
        self.assertEqual([l[2:] for l in t.lines()[2:]],
                         want.splitlines()[:-1])

    def test_count_ends_it(self):
        d = self.started(listener("a"))
        t = self.tracer(d, "a", "--count", "3", "--json")
        s = self.opened(d.port("a"))
        for _ in range(3):
            ask(s, b"x")
        self.assertEqual(t.wait(), 0)
        self.assertEqual([n["method"] for n in t.notes()],
                         ["trace.opened"] + 3 * ["trace.data"])

    def test_nobody_reads(self):
        d = self.started(listener("a"))
        for restore in (True, False):  # with SIGPIPE, or EPIPE
            with subprocess.Popen(
                    [mercury.binary("mercuryctl"), "-s", d.control, "trace",
                     "a"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    restore_signals=restore) as p:
                self.assertIn(b"tracing", p.stderr.readline())
                p.stdout.close()
                self.assertEqual(p.wait(mercury.DEADLINE), 0)
                self.assertEqual(p.stderr.read(), b"")

    def test_what_is_wrong(self):
        d = self.started(listener("a"))
        for words, code, what in (
                (["b"], 1, "no listener named b"),
                (["a", "--peer", "10.0.0.0/33"], 1, "must be an address"),
                (["a", "--count", "0"], 2, "--count"),
                (["a", "--limit", "5"], 2, "does not go with trace"),
                ([], 2, "usage: mercuryctl trace"),
                (["a", "--json", "--pcap", "x"], 2, "--json does not go"),
                (["a", "--pcap", "/nonexistent/x"], 1, "No such file")):
            result = d.ctl("trace", *words)
            self.assertEqual((result.code, result.out), (code, ""), words)
            self.assertIn(what, result.err)


class Json(TraceCase):
    def test_what_is_told(self):
        d = self.started(listener("a"))
        t = self.tracer(d, "a", "--json")
        before = time.time()
        with connect(d.port("a")) as s:
            peer, local = name_of(s), f"127.0.0.1:{d.port('a')}"
            ask(s, b"ping")
            ask(s, b"pong!")
        wait_until(lambda: t.notes("trace.closed"), "its end")
        after = time.time()
        worker = d.listener("a")["workers"][0]
        notes = t.notes()
        for n in notes:
            self.assertEqual(n["jsonrpc"], "2.0")
            p = n["params"]
            self.assertEqual((p["peer"], p["local"]), (peer, local))
            self.assertEqual((p["slot"], p["pid"]), (0, worker["pid"]))
            self.assertRegex(p["id"], r"^[0-9a-f]{8}-1$")
            self.assertTrue(before * 1e6 - 1 <= p["at_us"] <= after * 1e6)
        self.assertEqual(
            [(n["method"], *(n["params"].get(key) for key in (
                "direction", "offset", "length", "data"))) for n in notes],
            [("trace.opened", None, None, None, None),
             ("trace.data", "in", 0, 4, "cGluZw=="),
             ("trace.data", "out", 0, 4, "cGluZw=="),
             ("trace.data", "in", 4, 5, "cG9uZyE="),
             ("trace.data", "out", 4, 5, "cG9uZyE="),
             ("trace.closed", None, None, None, None)])
        self.assertEqual(
            {k: notes[-1]["params"][k]
             for k in ("reason", "bytes_in", "bytes_out")},
            {"reason": "peer_closed", "bytes_in": 9, "bytes_out": 9})
        times = [n["params"]["at_us"] for n in notes]
        self.assertEqual(times, sorted(times))

    def test_ends_have_their_reason(self):
        d = self.started(listener("a"))
        t = self.tracer(d, "a", "--json")

        def reasons():
            return [n["params"]["reason"] for n in t.notes("trace.closed")]
        s = self.opened(d.port("a"))
        ask(s, b"x")
        row = d.call("connection.list", name="a")["connections"][0]
        d.call("connection.kick", name="a", id=row["id"])
        wait_until(lambda: len(reasons()) == 1, "a first end")
        s = self.opened(d.port("a"))
        ask(s, b"x")
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack("ii", 1, 0))
        s.close()
        wait_until(lambda: len(reasons()) == 2, "a second end")
        self.assertEqual(reasons(), ["kicked", "peer_reset"])
        self.assertEqual(row["id"],
                         t.notes("trace.closed")[0]["params"]["id"])

    def test_one_that_was_open_before(self):
        d = self.started(listener("a"))
        s = self.opened(d.port("a"))
        ask(s, b"before")
        t = self.tracer(d, "a", "--json")
        ask(s, b"now")
        wait_until(lambda: t.data("out") == b"now", "its data")
        self.assertEqual([(n["method"], n["params"]["offset"])
                          for n in t.notes()],
                         [("trace.data", 6), ("trace.data", 6)])

    def test_what_was_kept_for_a_slow_peer(self):
        d = self.started(listener("a"))
        s = socket.socket()
        self.addCleanup(s.close)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", d.port("a")))
        t = self.tracer(d, "a", "--json")
        sent = b""
        while (d.call("connection.list", name="a")["connections"] or
               [{"state": ""}])[0]["state"] != "waiting":
            part = os.urandom(65536)
            s.sendall(part)
            sent += part
            wait_until(lambda: t.data("in") == sent
                       or len(t.data("out")) < len(t.data("in")), "it is in")
        self.assertEqual(mercury.receive(s, len(sent)), sent)
        wait_until(lambda: len(t.data("out")) == len(sent), "all is told")
        self.assertEqual(t.notes("trace.lost"), [])
        self.assertEqual(t.data("in"), sent)
        self.assertEqual(t.data("out"), sent)
        self.assertLessEqual(
            max(n["params"]["length"] for n in t.notes("trace.data")), 32768)

    def test_only_those_of_a_peer(self):
        d = self.started(listener("a", address="::", workers=2))
        port = d.port("a")
        opened = [self.opened(port), self.opened(port),
                  self.opened(("::1", port))]
        for s in opened:
            ask(s, b"before")
        names = [name_of(s) for s in opened]
        wanted = [("127.0.0.0/8", names[:2]), ("::1", names[2:]),
                  ("::/0", names[2:]), (names[1], names[1:2]),
                  ("10.0.0.0/8", [])]
        tracers = [self.tracer(d, "a", "--json", "--peer", peer)
                   for peer, _ in wanted]
        everything = self.tracer(d, "a", "--json")
        for s in opened:
            ask(s, b"data")
            s.close()
        opened.append(self.opened(port))  # and a new one
        ask(opened[-1], b"data")
        opened[-1].close()
        wait_until(lambda: len(everything.notes("trace.closed")) == 4, "all")
        for (peer, want), t in zip(wanted, tracers):
            count = len(want) + (peer == "127.0.0.0/8")
            wait_until(lambda t=t, count=count:
                       len(t.notes("trace.closed")) == count, peer)
            self.assertEqual(
                {n["params"]["peer"] for n in t.notes()} - set(want),
                {n["params"]["peer"] for n in t.notes("trace.opened")}, peer)
            self.assertEqual(len(t.notes("trace.data")), 2 * count, peer)

    def test_the_plaintext_of_tls(self):
        folder = self.scratch()
        cert, key = (os.path.join(folder, n) for n in ("cert", "key"))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=a", "-days",
             "2", "-keyout", key, "-out", cert], check=True,
            stderr=subprocess.DEVNULL)
        d = self.started()
        d.add("a", transport="tls", tls={"cert": cert, "key": key})
        t = self.tracer(d, "a", "--json")
        context = ssl.create_default_context(cafile=cert)
        with connect(d.port("a")) as plain, context.wrap_socket(
                plain, server_hostname="a") as s:
            peer = name_of(s)
            s.sendall(b"secret")
            self.assertEqual(s.recv(6), b"secret")
        wait_until(lambda: t.notes("trace.closed"), "its end")
        self.assertEqual((t.data("in"), t.data("out")), (b"secret",) * 2)
        with connect(d.port("a")) as s:
            s.sendall(b"GET / HTTP/1.1\r\n\r\n")
            wait_until(lambda: len(t.notes("trace.closed")) == 2, "another")
        self.assertEqual(
            [(n["params"]["reason"], n["params"]["peer"] == peer)
             for n in t.notes("trace.closed")],
            [("peer_closed", True), ("tls_error", False)])

    def test_behind_a_proxy(self):
        d = self.started()
        d.add("a", proxy_protocol="v1", proxy_trusted=["127.0.0.0/8"])
        port = d.port("a")
        t = self.tracer(d, "a", "--json", "--peer", "192.0.2.0/24")
        other = self.tracer(d, "a", "--json", "--peer", "127.0.0.1")
        with connect(port) as s:
            s.sendall(b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\nhello")
            self.assertEqual(mercury.receive(s, 5), b"hello")
        wait_until(lambda: t.notes("trace.closed"), "its end")
        self.assertEqual({(n["params"]["peer"], n["params"]["local"])
                          for n in t.notes()},
                         {("192.0.2.7:4711", "198.51.100.1:443")})
        self.assertEqual(t.data("in"), b"hello")
        # Who does not get in has no more than an end, and a probe not even.
        connect(port).close()
        with connect(port) as s:
            s.sendall(b"GET / HTTP/1.1\r\n\r\n")
            wait_until(lambda: other.notes(), "its end is told")
        self.assertEqual([(n["method"], n["params"]["reason"])
                          for n in other.notes()],
                         [("trace.closed", "protocol_error")])

    def test_unix(self):
        path = os.path.join(self.scratch(), "a.sock")
        d = self.started(listener("a", path=path))
        t = self.tracer(d, "a", "--json")
        other = self.tracer(d, "a", "--json", "--peer", "::/0")
        with connect(path) as s:
            ask(s, b"x")
        wait_until(lambda: t.notes("trace.closed"), "its end")
        self.assertEqual({n["params"]["peer"] for n in t.notes()}, {None})
        self.assertEqual(other.notes(), [])


class Workers(TraceCase):
    def test_two_workers(self):
        d = self.started(listener("a", workers=2))
        t = self.tracer(d, "a", "--json")
        for _ in range(40):
            s = self.opened(d.port("a"))
            ask(s, name_of(s).encode())
        wait_until(lambda: len(t.notes("trace.data")) == 80, "all data")
        self.assertEqual({n["params"]["slot"] for n in t.notes()}, {0, 1})
        for n in t.notes("trace.data"):
            self.assertEqual(base64.b64decode(n["params"]["data"]).decode(),
                             n["params"]["peer"])

    def test_it_goes_on_over_a_hot_restart(self):
        d = self.started(listener("a", workers=2))
        t = self.tracer(d, "a", "--json")
        old = self.opened(d.port("a"))
        peer = name_of(old)
        ask(old, b"old1")
        first = set(d.workers("a"))
        done = threading.Event()
        asked = []

        def storm():
            """Connections all the time: each of them must be there."""
            while not done.is_set():
                with connect(d.port("a")) as s:
                    ask(s, name_of(s).encode())
                    asked.append(name_of(s))
        thread = threading.Thread(target=storm)
        thread.start()
        try:
            self.assertEqual(d.ctl("restart-listener", "a").code, 0)
            count = len(asked)
            wait_until(lambda: len(asked) > count + 20, "some more")
        finally:
            done.set()
            thread.join()
        ask(old, b"old2")
        old.close()
        wait_until(lambda: len(t.notes("trace.closed")) == len(asked) + 1,
                   "all have ended")
        self.assertEqual(
            sorted(n["params"]["peer"] for n in t.notes("trace.opened")),
            sorted([peer, *asked]))
        for other in asked:
            self.assertEqual(t.data("in", other).decode(), other)
        wait_until(lambda: len(t.notes("trace.worker")) == 4,
                   "workers come and go")
        states = {(n["params"]["pid"], n["params"]["state"])
                  for n in t.notes("trace.worker")}
        self.assertEqual(states, {(pid, "left") for pid in first} |
                         {(pid, "joined") for pid in d.workers("a")})
        self.assertEqual(t.data("in", peer), b"old1old2")

    def test_a_worker_that_crashes(self):
        d = self.started(listener("a"))
        path = self.file()
        t = self.tracer(d, "a", "--json")
        pcap = self.tracer(d, "a", "--pcap", path)
        ask(self.opened(d.port("a")), b"x")
        wait_until(lambda: len(t.notes("trace.data")) == 2, "data")
        old = d.workers("a")[0]
        d.kill_worker("a")
        ask(self.opened(d.port("a")), b"y")
        wait_until(lambda: len(t.notes("trace.data")) == 4, "data again")
        states = [(n["params"]["pid"], n["params"]["state"])
                  for n in t.notes("trace.worker")]
        self.assertEqual(sorted(states), sorted(
            [(old, "lost"), (d.workers("a")[0], "joined")]))
        wait_until(lambda: self.capture(path, 1).packets[-1].data == b"y",
                   "the last is written")
        self.assertEqual(pcap.stop(), 0)
        resets = [p for p in capture_of(path).packets
                  if p.flags & RST]
        self.assertEqual([p.comment for p in resets],
                         ["closed: worker_crash"])

    def test_a_pause_a_failure_and_a_shared_pool(self):
        d = self.started(listener("a", pool="p") + listener("b", pool="p"))
        t = self.tracer(d, "a", "--json")
        ask(self.opened(d.port("b")), b"of b")
        d.call("listener.pause", name="a")
        d.call("listener.resume", name="a")
        d.add("c", pool="p")
        ask(self.opened(d.port("c")), b"of c")
        ask(self.opened(d.port("a")), b"of a")
        wait_until(lambda: t.data("out") == b"of a", "data of a")
        self.assertEqual(d.ctl("remove-listener", "b").code, 0)
        self.assertEqual(d.ctl("remove-listener", "a", "--deadline",
                               "0s").code, 0)
        self.assertEqual(t.wait(), 0)
        self.assertEqual(t.data("in"), b"of a")

    def test_one_that_has_failed_and_is_back(self):
        d = self.started(listener("a", max_restarts=1, max_seconds=60))
        t = self.tracer(d, "a", "--json")
        d.kill_worker("a")
        mercury.kill(d.workers("a")[0])
        wait_until(lambda: d.listener("a")["state"] == "failed", "it fails")
        self.assertEqual(d.ctl("restart-listener", "a").code, 0)
        ask(self.opened(d.port("a")), b"back")
        wait_until(lambda: t.data("out") == b"back", "its data")

    def test_removed(self):
        d = self.started(listener("a", workers=2))
        tracers = [self.tracer(d, "a", "--json"), self.tracer(d, "a")]
        path = self.file()
        tracers.append(self.tracer(d, "a", "--pcap", path))
        s = self.opened(d.port("a"))
        ask(s, b"x")
        self.assertEqual(d.ctl("remove-listener", "a", "--deadline",
                               "0s").code, 0)
        for t in tracers:
            self.assertEqual(t.wait(), 0)
            self.assertIn(b"a was removed: the trace is over", t.err)
        self.assertEqual(tracers[0].notes()[-1], {
            "jsonrpc": "2.0", "method": "trace.end",
            "params": {"reason": "removed"}})
        self.assertEqual(
            [n["params"]["reason"]
             for n in tracers[0].notes("trace.closed")], ["deadline"])
        self.assertIn(b"closed: deadline, 1 bytes in, 1 out", tracers[1].out)
        self.assertEqual(
            capture_of(path).statistics[1], 0)


class Clients(TraceCase):
    def test_over_the_socket(self):
        d = self.started(listener("a", workers=2))
        with d.rpc() as rpc:
            self.assertEqual(rpc.call("trace.start", name="a"),
                             {"tracing": True, "workers": 2, "missing": 0})
            with connect(d.port("a")) as s:
                ask(s, b"x")
            self.assertEqual(
                [rpc.line()["method"] for _ in range(4)],
                ["trace.opened", "trace.data", "trace.data", "trace.closed"])
            for method in ("trace.start", "events.follow"):
                params = {"name": "a"} if method == "trace.start" else {}
                with self.assertRaises(mercury.RpcError) as e:
                    rpc.call(method, **params)
                self.assertIn(e.exception.reason, ("busy", "unavailable"))
            # Others are answered in between.
            self.assertEqual(rpc.call("listener.list")[0]["name"], "a")

    def test_it_ends_and_the_client_stays(self):
        d = self.started(listener("a") + listener("b"))
        with d.rpc() as rpc:
            rpc.call("trace.start", name="a")
            d.call("listener.remove", name="a", deadline="0s")
            self.assertEqual(rpc.line()["method"], "trace.worker")
            self.assertEqual(rpc.line()["method"], "trace.end")
            self.assertEqual(rpc.call("trace.start", name="b")["workers"], 1)

    def test_errors(self):
        d = self.started(listener("a"))
        for params, reason in (({"name": "b"}, "not_found"),
                               ({"name": "a", "peer": "x"}, "invalid"),
                               ({"name": ""}, "invalid")):
            with self.assertRaises(mercury.RpcError) as e:
                d.call("trace.start", **params)
            self.assertEqual(e.exception.reason, reason)
        for params in ({}, {"name": 5}, {"name": "a", "count": 3}):
            with self.assertRaises(mercury.RpcError) as e:
                d.call("trace.start", **params)
            self.assertEqual(e.exception.code, -32602)

    def test_so_many_and_no_more(self):
        d = self.started(listener("a"))
        worker = d.workers("a")[0]
        control = d.child("mercury-control")
        before = descriptors(worker), descriptors(control)
        clients = []
        for _ in range(TRACES_MAX):
            clients.append(d.rpc())
            self.addCleanup(clients[-1].close)
            clients[-1].call("trace.start", name="a")
        with self.assertRaises(mercury.RpcError) as e:
            d.call("trace.start", name="a")
        self.assertEqual(e.exception.reason, "busy")
        ask(self.opened(d.port("a")), b"x")
        for rpc in clients:
            self.assertEqual([rpc.line()["method"] for _ in range(3)],
                             ["trace.opened", "trace.data", "trace.data"])
        clients[3].close()
        wait_until(lambda: descriptors(worker) == before[0] + TRACES_MAX,
                   "one has ended")  # and one connection
        with d.rpc() as rpc:
            rpc.call("trace.start", name="a")
        for rpc in clients:
            rpc.close()
        wait_until(lambda: (descriptors(worker) - 1, descriptors(control))
                   == before, "all have ended")

    def test_a_client_that_is_killed(self):
        d = self.started(listener("a", workers=2))
        before = [descriptors(pid) for pid in d.workers("a")]
        tracers = [self.tracer(d, "a") for _ in range(3)]
        tracers[1].process.send_signal(signal.SIGSTOP)
        self.assertEqual([descriptors(pid) for pid in d.workers("a")],
                         [n + 3 for n in before])
        for t in tracers:
            t.process.kill()
        wait_until(lambda: [descriptors(pid) for pid in d.workers("a")]
                   == before, "workers stop tracing")

    def test_control_is_killed(self):
        d = self.started(listener("a"))
        worker = d.workers("a")[0]
        before = descriptors(worker)
        path = self.file()
        tracers = [self.tracer(d, "a"), self.tracer(d, "a", "--pcap", path)]
        mercury.kill(d.child("mercury-control"))
        for t in tracers:
            self.assertEqual(t.wait(), 1)
            self.assertIn(b"lost the connection", t.err)
        self.assertEqual(capture_of(path).packets, [])
        wait_until(lambda: descriptors(worker) == before, "it is not traced")
        wait_until(lambda: mercury.answers(d.port("a")), "it serves")
        d.wait_ready()
        t = self.tracer(d, "a")
        ask(self.opened(d.port("a")), b"again")
        wait_until(lambda: b"again" in t.out, "a new trace")

    def test_the_daemon_stops(self):
        d = self.started(listener("a"))
        path = self.file()
        t = self.tracer(d, "a", "--pcap", path)
        ask(self.opened(d.port("a")), b"x")
        self.assertEqual(d.stop(), 0)
        self.assertIn(t.wait(), (0, 1, 3))
        self.assertGreater(len(capture_of(path).packets), 4)

    def test_who_may_only_look_may_not(self):
        if not mercury.ROOT:
            self.skipTest("not root")
        group = mercury.NOBODY.pw_gid
        d = self.started(listener("a"), user="daemon",
                         control_readers=grp.getgrgid(group).gr_name)
        result = mercury.run(
            ["setpriv", f"--reuid={mercury.NOBODY.pw_uid}",
             f"--regid={group}", "--clear-groups",
             shutil.copy(mercury.binary("mercuryctl"), self.scratch()),
             "-s", d.control, "trace", "a"])
        self.assertEqual(result.code, 1)
        self.assertIn("you may only look", result.err)


class Load(TraceCase):
    """64 connections that echo as fast as they can, in threads."""

    MESSAGE = b"\x5a" * 2000

    def load(self, port, seconds, meanwhile=None):
        """Run it; echoes a second."""
        sockets = [connect(port) for _ in range(64)]
        counts = [0] * 4
        end = time.monotonic() + seconds

        def run(n):
            mine = sockets[n::4]
            while time.monotonic() < end:
                for s in mine:
                    s.sendall(self.MESSAGE)
                for s in mine:
                    if mercury.receive(s, len(self.MESSAGE)) != self.MESSAGE:
                        return
                counts[n] += len(mine)
        threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
        for t in threads:
            t.start()
        if meanwhile:
            meanwhile()
        for t in threads:
            t.join()
        for s in sockets:
            s.close()
        self.echoes = sum(counts)
        return self.echoes / seconds

    def test_a_slow_tracer_loses_and_is_told(self):
        d = self.started(listener("a"))
        worker, port = d.workers("a")[0], d.port("a")
        free = self.load(port, 2)
        t = self.tracer(d, "a", "--json")
        t.process.send_signal(signal.SIGSTOP)
        control = mercury.anonymous_bytes(d.child("mercury-control"))
        memory = mercury.anonymous_bytes(worker)
        traced = self.load(port, 2)
        echoes = self.echoes
        if not mercury.SANITIZED:
            self.assertLess(mercury.anonymous_bytes(worker) - memory, 2 << 20)
            self.assertLess(mercury.anonymous_bytes(
                d.child("mercury-control")) - control, 4 << 20)
        # It is a tenth or so; machines that run tests have other things to do.
        self.assertGreater(traced, free / 2)
        print(f"echoes a second: {free:.0f}, with a stopped tracer "
              f"{traced:.0f}")
        # It is not dropped for that; and then it is told.
        t.process.send_signal(signal.SIGCONT)
        wait_until(lambda: t.notes("trace.lost"), "it is told")
        ask(self.opened(port), b"the end")
        wait_until(lambda: t.data("out").endswith(b"the end"), "it is back")
        lost = [n["params"] for n in t.notes("trace.lost")]
        for way, key in (("in", "bytes_in"), ("out", "bytes_out")):
            seen = len(t.data(way)) - len(b"the end")
            missing = sum(n[key] for n in lost)
            self.assertGreater(missing, 0)
            self.assertEqual(seen + missing, echoes * len(self.MESSAGE))
        self.assertEqual(t.stop(), 0)

    def test_a_tracer_that_keeps_up_does_not_slow_it(self):
        d = self.started(listener("a"))
        free = self.load(d.port("a"), 2)
        with open(os.devnull, "wb") as null:
            t = self.tracer(d, "a", "--pcap", "-", out=null)
            traced = self.load(d.port("a"), 2)
        self.assertGreater(traced, free / 4)
        print(f"echoes a second: {free:.0f}, with a tracer {traced:.0f}")
        self.assertEqual(t.stop(), 0)

    def test_another_tracer_gets_on(self):
        d = self.started(listener("a"))
        slow = self.tracer(d, "a", "--json")
        slow.process.send_signal(signal.SIGSTOP)
        t = self.tracer(d, "a", "--json")
        s = self.opened(d.port("a"))
        sent = b""
        for n in range(64):
            part = bytes([n]) * 40000
            ask(s, part)
            sent += part
            wait_until(lambda: len(t.data("out")) == len(sent), "all is told")
        self.assertEqual(t.data("in"), sent)
        self.assertEqual(t.notes("trace.lost"), [])


class Pcap(TraceCase):
    def test_streams_are_exact(self):
        d = self.started(listener("a", address="::", workers=2))
        port = d.port("a")
        path = self.file()
        t = self.tracer(d, "a", "--pcap", path)
        sent = {}
        for where in (port, ("::1", port)):
            for size in (1, 17, 65536, 150000):
                with connect(where) as s:
                    data = os.urandom(size)
                    for at in range(0, size, 50000):
                        ask(s, data[at:at + 50000])
                    host, number = s.getsockname()[:2]
                    if host == "::1":
                        host = "0:0:0:0:0:0:0:1"
                    sent[host, number] = data
        found = self.capture(path, 8 * 8)
        wait_until(lambda: sum(1 for p in self.capture(path, 1).packets
                               if p.flags & FIN) == 16, "all ends")
        self.assertEqual(t.stop(), 0)
        self.assertIn(b"0 records lost", t.err)
        found = capture_of(path)
        self.assertEqual(found.interface, "a")
        self.assertTrue(found.application.startswith("mercuryctl "))
        self.assertEqual(found.statistics, (len(found.packets), 0))
        streams = found.streams()
        self.assertEqual(len(streams), 16)
        for (source, target), data in streams.items():
            peer = source if source in sent else target
            local = target if source in sent else source
            self.assertEqual(data, sent[peer])
            self.assertEqual(local, (peer[0], port))
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)

    def test_gaps_where_something_is_lost(self):
        d = self.started(listener("a", protocol="discard"))
        path = self.file()
        t = self.tracer(d, "a", "--pcap", path)
        s = self.opened(d.port("a"))
        t.process.send_signal(signal.SIGSTOP)
        for _ in range(200):
            s.sendall(b"x" * 65536)
        wait_until(lambda: d.listener("a")["bytes_in"] == 200 * 65536,
                   "all is read")
        before = os.path.getsize(path)
        t.process.send_signal(signal.SIGCONT)
        seen = []

        def last():
            """What comes while much waits is lost, too."""
            s.sendall(b"last")
            seen.append(b"last")
            found = self.capture(path, 1).packets[-1]
            return found if found.data == b"last" else None
        found = wait_until(last, "the last")
        self.assertGreater(os.path.getsize(path), before)
        self.assertEqual(t.stop(), 0)
        capture = self.capture(path, 1)
        first = capture.packets[0].seq + 1
        gap = found.seq - first - 200 * 65536 & 0xffffffff
        self.assertIn(gap, range(0, 4 * len(seen), 4))
        comments = [p.comment for p in capture.packets
                    if p.comment and p.comment.startswith("lost before")]
        self.assertGreaterEqual(len(comments), 1)
        self.assertGreater(capture.statistics[1], 0)
        self.assertIn(f"{capture.statistics[1]} records lost".encode(), t.err)

    def test_unix(self):
        path = os.path.join(self.scratch(), "a.sock")
        d = self.started(listener("a", path=path))
        file = self.file()
        t = self.tracer(d, "a", "--pcap", file)
        for n in range(3):
            with connect(path) as s:
                ask(s, b"%d" % n)
        wait_until(lambda: sum(1 for p in self.capture(file, 1).packets
                               if p.flags & FIN) == 6, "all ends")
        self.assertEqual(t.stop(), 0)
        streams = self.capture(file, 1).streams()
        self.assertEqual(
            {key: data for key, data in streams.items()
             if key[1] == ("192.0.2.1", 1)},
            {(("198.18.0.0", 1024 + n), ("192.0.2.1", 1)): b"%d" % n
             for n in range(3)})

    def test_the_file(self):
        d = self.started(listener("a"))
        folder = self.scratch()
        new, old = os.path.join(folder, "new"), os.path.join(folder, "old")
        with open(old, "w") as f:
            f.write("precious" * 100)
        for path in (new, old):
            self.assertEqual(d.ctl("trace", "b", "--pcap", path).code, 1)
        self.assertEqual(os.listdir(folder), ["old"])
        self.assertEqual(os.path.getsize(old), 800)
        t = self.tracer(d, "a", "--pcap", old)
        self.assertEqual(t.stop(), 0)
        self.capture(old, 0)
        t = self.tracer(d, "a", "--pcap", "/dev/full", armed=False)
        self.assertEqual(t.wait(), 1)
        self.assertIn(b"No space left", t.err)

    def test_live_into_a_pipe(self):
        d = self.started(listener("a"))
        t = self.tracer(d, "a", "--pcap", "-")
        wait_until(lambda: len(t.out) > 40, "the head comes at once")
        s = self.opened(d.port("a"))
        for n in range(1, 4):
            ask(s, b"x")
            wait_until(lambda n=n: len(Capture(bytes(t.out)).packets)
                       == 3 + 2 * n, "each message comes at once")
        self.assertEqual(t.stop(), 0)
        self.assertEqual(Capture(bytes(t.out)).statistics, (9, 0))


class Tshark(TraceCase):
    """What Wireshark makes of it."""

    def setUp(self):
        super().setUp()
        mercury.need_tool(self, "tshark")

    @staticmethod
    def tshark(path, *args):
        result = mercury.run(["tshark", "-n", "-r", path, *args])
        if result.code != 0:
            raise AssertionError(f"tshark: {result!r}")
        return result.out

    def test_it_follows_streams_and_has_no_complaint(self):
        d = self.started(listener("a", address="::", workers=2))
        path, port = self.file(), d.port("a")
        before = self.opened(port)
        ask(before, b"open before")
        t = self.tracer(d, "a", "--pcap", path)
        ask(before, b"and now")
        sent = os.urandom(100000)
        clients = []
        for where in (port, ("::1", port)):
            with connect(where) as s:
                clients.append(s.getsockname()[1])
                ask(s, b"hello")
                for at in range(0, len(sent), 40000):  # one is cut in two
                    ask(s, sent[at:at + 40000])
        first = before.getsockname()[1]
        before.close()
        wait_until(lambda: sum(1 for p in self.capture(path, 1).packets
                               if p.flags & FIN) == 6, "all ends")
        self.assertEqual(t.stop(), 0)
        # Everything that deserves a warning, a note but that of an end, or
        # has a sum that is wrong.
        self.assertEqual(self.tshark(
            path, "-o", "tcp.check_checksum:TRUE", "-o",
            "ip.check_checksum:TRUE", "-Y",
            "tcp.analysis.flags or tcp.checksum.status != good or "
            "ip.checksum.status == bad or _ws.malformed"), "")
        self.assertEqual(self.tshark(path, "-Y", f"tcp.port == {first} and "
                                     "tcp.len > 0", "-T", "fields", "-e",
                                     "tcp.payload").split(),
                         [b"and now".hex()] * 2)
        for client in clients:
            # What two workers tell comes in any order.
            stream = self.tshark(path, "-Y", f"tcp.port == {client}", "-T",
                                 "fields", "-e", "tcp.stream").split()[0]
            out = self.tshark(path, "-q", "-z", f"follow,tcp,raw,{stream}")
            body = out.splitlines()[6:-1]
            there = bytes.fromhex("".join(
                l for l in body if not l.startswith("\t")))
            back = bytes.fromhex("".join(
                l[1:] for l in body if l.startswith("\t")))
            self.assertEqual((there, back), (b"hello" + sent,) * 2)


if __name__ == "__main__":
    mercury.main()
