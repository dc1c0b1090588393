"""Which upstream gets a connection, and what is known of upstreams: those that
die, come back, are paused, drained, full, or names that move."""

import collections
import os
import select
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import urllib.request

import mercury
from certs import Certificates
from mercury import connect, gateway, kill, wait_until
from proxying import proxy
from storing import wait_rows

# Says its name, then echoes; to a check that says PING, too.
SERVER = """
import socketserver, sys
class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            self.request.sendall(sys.argv[1].encode() + b"\\n")
            while data := self.request.recv(65536):
                self.request.sendall(data)
        except OSError:
            pass
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 256
with Server((sys.argv[2], int(sys.argv[3])), Handler) as server:
    print("ready", flush=True)
    server.serve_forever()
"""

QUICK = {"check": "connect", "check_interval": "100ms",
         "check_timeout": "100ms"}


class Server:
    """An upstream that is a process: it can die, hang and come back."""

    def __init__(self, test, name, host="127.0.0.1", port=None):
        self.name, self.host = name, host
        self.port = port or mercury.free_port(host)
        self.process = None
        test.addCleanup(self.die)

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, self.name, self.host,
             str(self.port)], stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"ready\n"
        return self

    def die(self):
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process = None

    def pause(self):
        kill(self.process.pid, signal.SIGSTOP)

    def go_on(self):
        kill(self.process.pid, signal.SIGCONT)

    def __str__(self):
        return f"{self.host}:{self.port}"


def line(s):
    """One line, without its end; empty when the connection ends."""
    data = b""
    while not data.endswith(b"\n"):
        try:
            part = s.recv(1)
        except ConnectionResetError:
            return ""
        if not part:
            return ""
        data += part
    return data[:-1].decode()


class Upstreams(mercury.TestCase):
    def servers(self, *names):
        return [Server(self, name).start() for name in names]

    def serve(self, upstreams, more="", workers=1, **options):
        """A daemon with a listener p; options of its section proxy."""
        self.d = self.started(more + self.section(upstreams, workers,
                                                  **options))
        self.port = self.d.port("p")

    @staticmethod
    def section(upstreams, workers=1, **options):
        return proxy("p", [str(u) for u in upstreams], workers=workers,
                     proxy_options=options)

    def open(self, source=None):
        """A device that is connected; and the name of its upstream."""
        s = socket.socket()
        self.addCleanup(s.close)
        s.settimeout(mercury.DEADLINE)
        if source is not None:
            s.bind((source, 0))
        try:
            s.connect(("127.0.0.1", self.port))
        except ConnectionResetError:  # it was served already, in vain
            return s, ""
        return s, line(s)

    def who(self, source=None):
        s, name = self.open(source)
        s.close()
        return name

    def count(self, times):
        return collections.Counter(self.who() for _ in range(times))

    def rows(self):
        return self.d.call("listener.upstreams", name="p")["upstreams"]

    def row(self, upstream):
        return next(r for r in self.rows() if r["name"] == str(upstream))

    def wait_state(self, upstream, state):
        wait_until(lambda: self.row(upstream)["state"] == state,
                   f"{upstream} is {state}")

    def wait_checks(self, upstream, more):
        want = self.row(upstream)["checks"] + more
        wait_until(lambda: self.row(upstream)["checks"] >= want,
                   f"{upstream} is checked {more} times")

    def set(self, upstream, mode):
        return self.d.call("listener.upstream_set", name="p",
                           upstream=str(upstream), mode=mode)


class Balance(Upstreams):
    def test_in_turn_by_weight(self):
        a, b = self.servers("a", "b")
        self.serve([f"{a} weight=3", b])
        self.assertEqual(self.count(40), {"a": 30, "b": 10})

    def test_who_has_fewest(self):
        a, b = self.servers("a", "b")
        self.serve([a, b], balance="least_connections", workers=2)
        held = [self.open() for _ in range(20)]
        names = collections.Counter(name for _s, name in held)
        self.assertEqual(names, {"a": 10, "b": 10})
        for s, name in held:
            if name == "a":
                s.close()
        wait_until(lambda: self.row(a)["connections"] == 0, "they are over")
        self.assertEqual({self.open()[1] for _ in range(10)}, {"a"})

    def test_the_first_and_its_backup(self):
        a, b, c = self.servers("a", "b", "c")
        self.serve([f"{a} backup", b, c], balance="first", **QUICK)
        self.assertEqual(self.count(5), {"b": 5})
        b.die()
        self.assertEqual(self.count(5), {"c": 5})
        c.die()
        self.assertEqual(self.count(5), {"a": 5})

    def test_a_source_keeps_its_upstream(self):
        servers = self.servers("a", "b", "c", "d")
        self.serve(servers, balance="source", workers=2)
        sources = [f"127.0.1.{n}" for n in range(1, 41)]
        before = {s: self.who(s) for s in sources}
        self.assertEqual(len(set(before.values())), 4)
        self.assertEqual({s: self.who(s) for s in sources}, before)
        self.d.call("listener.update", name="p", proxy={
            "check": "off", "balance": "source",
            "upstreams": [str(s) for s in servers[1:]]})
        after = {s: self.who(s) for s in sources}
        for s in sources:
            if before[s] != "a":
                self.assertEqual(after[s], before[s])
            else:
                self.assertNotEqual(after[s], "a")


class Health(Upstreams):
    def test_the_only_one_dies_and_comes_back(self):
        a, = self.servers("a")
        self.serve([a], **QUICK)
        device, name = self.open()
        self.assertEqual(name, "a")
        a.die()
        self.assertEqual(line(device), "")
        self.wait_state(a, "down")
        self.assertEqual(self.who(), "")  # at once, not hanging
        down = wait_rows(self.d, "upstream.down")[0]
        self.assertEqual(down["severity"], "error")
        self.assertEqual(down["reason"], "connect: Connection refused")
        self.assertEqual(down["detail"]["upstream"], str(a))
        row = self.row(a)
        self.assertEqual(row["last_error"], "connect: Connection refused")
        self.assertGreaterEqual(row["checks_failed"], 1)
        a.start()
        self.assertEqual(self.who(), "a")  # also before a check says so
        self.wait_state(a, "up")
        self.assertEqual(wait_rows(self.d, "upstream.up")[0]["detail"],
                         {"upstream": str(a)})
        self.assertEqual(self.d.listener("p")["proxy"],
                         {"up": 1, "down": 0, "unchecked": 0,
                          "not_ready": 0, "waiting": 0})

    def test_nobody_notices_that_one_of_two_dies(self):
        a, b = self.servers("a", "b")
        self.serve([a, b], workers=2, **QUICK)
        over = threading.Event()
        names = []

        def devices():
            while not over.is_set():
                names.append(self.who())
        threads = [threading.Thread(target=devices) for _ in range(4)]
        for t in threads:
            t.start()
        try:
            wait_until(lambda: {"a", "b"} <= set(names), "both serve")
            before = len(names)
            a.die()
            self.wait_state(a, "down")
            wait_until(lambda: len(names) > before + 40, "they go on")
            a.start()
            self.wait_state(a, "up")
            mark = len(names)
            wait_until(lambda: "a" in names[mark:], "it serves again")
        finally:
            over.set()
            for t in threads:
                t.join()
        # Only those that it had accepted just then are lost.
        self.assertLessEqual(names.count(""), 4)

    def test_one_that_hangs_is_down(self):
        a, b = self.servers("a", "b")
        self.serve([a, b], check="expect", check_send="PING\\r\\n",
                   check_expect="PING\\r\\n", check_interval="200ms",
                   check_timeout="200ms", check_rise=1)
        self.wait_state(a, "up")
        a.pause()
        self.wait_state(a, "down")
        self.assertEqual(self.row(a)["last_error"], "check: timed out")
        self.assertEqual(self.count(6), {"b": 6})
        a.go_on()
        self.wait_state(a, "up")
        wait_until(lambda: self.who() == "a", "it serves again")

    def test_one_that_answers_otherwise_is_down(self):
        a, b = self.servers("a", "b")
        self.serve([a, b], check="expect", check_expect="a\\n",
                   check_interval="100ms", check_timeout="100ms")
        self.wait_state(a, "up")
        self.wait_state(b, "down")
        # It takes connections, which says nothing of its answers.
        self.assertEqual(self.count(6), {"a": 6})
        self.assertEqual(self.row(b)["state"], "down")

    def test_one_worker_checks_and_another_one_follows_it(self):
        a, = self.servers("a")
        self.serve([a], workers=2, **QUICK)
        self.wait_state(a, "up")
        for pid in self.d.workers("p"):
            kill(pid)
        self.d.wait_replaced("p", 0)
        self.wait_checks(a, 5)
        before, start = self.row(a)["checks"], time.monotonic()
        wait_until(lambda: self.row(a)["checks"] >= before + 20,
                   "it goes on")
        # Two workers that check would need half of these two seconds.
        self.assertGreater(time.monotonic() - start, 1.5)

    def test_without_checks_it_is_tried_again(self):
        a, b = self.servers("a", "b")
        self.serve([a, b], check="off", check_interval="200ms")
        a.die()
        wait_until(lambda: (self.who(), self.row(a)["state"])[1] == "down",
                   "it is down")
        failed = self.row(a)["failed"]
        self.assertEqual(self.count(5)["b"], 5)
        self.assertLessEqual(self.row(a)["failed"], failed + 3)
        a.start()
        wait_until(lambda: self.who() == "a", "somebody was let try")


class Modes(Upstreams):
    def test_drain(self):
        a, b = self.servers("a", "b")
        self.serve([a, b], **QUICK)
        held = dict(reversed(self.open()) for _ in range(2))
        self.set(a, "drain")
        self.assertEqual(self.count(6), {"b": 6})
        held["a"].sendall(b"still\n")
        self.assertEqual(line(held["a"]), "still")
        self.wait_checks(a, 2)
        self.assertEqual(self.d.listener("p")["proxy"]["not_ready"], 1)
        self.set(b, "drain")
        self.assertEqual(self.who(), "")
        self.set(a, "ready")
        self.assertEqual(self.count(3), {"a": 3})

    def test_maint(self):
        a, b = self.servers("a", "b")
        self.serve([a, b], **QUICK)
        self.wait_state(a, "up")
        self.set(a, "maint")
        self.assertEqual(self.row(a)["mode"], "maint")
        self.wait_checks(b, 3)  # one of a may be under way
        checks = self.row(a)["checks"]
        a.die()
        self.wait_checks(b, 5)
        self.assertEqual(self.row(a)["checks"], checks)
        self.assertEqual(self.row(a)["state"], "up")
        self.assertEqual(self.count(6), {"b": 6})

    def test_a_mode_lasts(self):
        a, b = self.servers("a", "b")
        self.serve([a, b], **QUICK)
        self.set(a, "drain")
        pid = self.d.workers("p")[0]
        kill(pid)
        self.d.wait_replaced("p", 0)
        self.assertEqual(self.count(4), {"b": 4})
        self.d.call("listener.restart", name="p")
        self.assertEqual(self.count(4), {"b": 4})
        c, = self.servers("c")
        self.d.write(self.section([a, b, c], **QUICK))
        self.d.call("daemon.reload")
        self.assertEqual(set(self.count(6)), {"b", "c"})
        self.assertEqual([r["mode"] for r in self.rows()],
                         ["drain", "ready", "ready"])
        # At another place it is another listener of that name.
        port = mercury.free_port()
        self.d.write(self.section([a, b], **QUICK).replace(
            "port = 0", f"port = {port}"))
        self.d.call("daemon.reload")
        self.port = self.d.port("p")
        self.assertEqual(self.port, port)
        self.assertEqual(self.count(4), {"b": 4})

    def test_updates_that_come_faster_than_a_worker_hears_of_them(self):
        a, b, c = self.servers("a", "b", "c")
        self.serve([a])
        device, name = self.open()
        self.assertEqual(name, "a")
        pid, = self.d.workers("p")
        kill(pid, signal.SIGSTOP)
        try:
            for u in b, c:
                self.d.call("listener.update", name="p",
                            proxy={"upstreams": [str(u)]})
        finally:
            kill(pid, signal.SIGCONT)
        wait_until(lambda: self.who() == "c", "the last update counts")
        self.assertEqual(self.d.workers("p"), [pid])
        device.sendall(b"still there\n")
        self.assertEqual(line(device), "still there")

    def test_what_makes_no_sense(self):
        a, = self.servers("a")
        self.serve([a], more=mercury.listener("echo"))
        with self.assertRaises(mercury.RpcError) as e:
            self.set("10.0.0.1:1", "drain")
        self.assertEqual(e.exception.reason, "not_found")
        self.assertIn(str(a), str(e.exception))
        with self.assertRaises(mercury.RpcError) as e:
            self.set(a, "off")
        self.assertIn("ready, drain or maint", str(e.exception))
        with self.assertRaises(mercury.RpcError) as e:
            self.d.call("listener.upstreams", name="echo")
        self.assertEqual(e.exception.reason, "invalid")
        with self.assertRaises(mercury.RpcError) as e:
            self.d.call("listener.upstreams", name="nobody")
        self.assertEqual(e.exception.reason, "not_found")

    def test_mercuryctl(self):
        a, b = self.servers("a", "b")
        self.serve([a, f"{b} backup max_connections=7"], **QUICK)
        self.wait_state(b, "up")
        done = self.d.ctl("upstream-set", "p", str(a), "maint")
        self.assertEqual(done.code, 0, done)
        self.assertRegex(done.out, rf"{a} +up +maint ")
        self.assertRegex(self.d.ctl("upstreams", "p").out,
                         rf"{b} +up +ready +0 +7 ")
        self.assertEqual(self.d.ctl("--json", "upstreams", "p").json()
                         ["upstreams"][0]["mode"], "maint")
        self.assertIn("upstreams      2 up, 1 not_ready\n",
                      self.d.ctl("status", "p").out)
        self.assertEqual(self.d.ctl("upstream-set", "p", "x", "maint").code,
                         1)
        self.assertEqual(self.d.ctl("upstream-set", "p", str(a)).code, 2)
        reasons = [r["reason"] for r in
                   self.d.call("supervisor.history", name="p")["records"]]
        self.assertIn(f"upstream {a}: maint", reasons)

    def test_metrics(self):
        a, b = self.servers("a", "b")
        http = mercury.free_port()
        self.serve([a, b], more=gateway(http), **QUICK)
        self.wait_state(a, "up")
        b.die()
        self.wait_state(b, "down")
        self.set(a, "drain")

        def text():
            with urllib.request.urlopen(
                    f"http://127.0.0.1:{http}/metrics",
                    timeout=mercury.DEADLINE) as answer:
                return answer.read().decode()
        want = [f'mercury_upstream_up{{listener="p",upstream="{a}"}} 1',
                f'mercury_upstream_up{{listener="p",upstream="{b}"}} 0',
                f'mercury_upstream_mode{{listener="p",upstream="{a}",'
                'mode="drain"} 1']
        wait_until(lambda: set(want) <= set(text().splitlines()),
                   "metrics say so")


class Limits(Upstreams):
    def test_no_more_than_it_may_have_over_two_workers(self):
        a, = self.servers("a")
        self.serve([a], workers=2, max_connections=3, queue=100,
                   queue_timeout="60s", check="off")
        waiting = []
        for _ in range(20):
            s = connect(self.port)
            self.addCleanup(s.close)
            waiting.append(s)
        served = 0
        while waiting:
            ready, _, _ = select.select(waiting, [], [], mercury.DEADLINE)
            self.assertTrue(ready, "they hang")
            row = self.row(a)
            self.assertLessEqual(row["connections"], 3)
            for s in ready:
                self.assertEqual(line(s), "a")
                s.close()
                waiting.remove(s)
                served += 1
        self.assertEqual(served, 20)
        wait_until(lambda: (self.row(a)["connections"],
                            self.row(a)["waiting"]) == (0, 0), "none is left")

    def test_a_full_queue_and_a_long_wait(self):
        a, = self.servers("a")
        self.serve([a], max_connections=1, queue=2, queue_timeout="500ms",
                   check="off")
        self.assertEqual(self.open()[1], "a")
        waiting = [connect(self.port) for _ in range(2)]
        wait_until(lambda: self.row(a)["waiting"] == 2, "they wait")
        start = time.monotonic()
        self.assertEqual(self.who(), "")
        for s in waiting:
            self.assertEqual(line(s), "")
            s.close()
        self.assertGreater(time.monotonic() - start, 0.2)
        self.assertEqual(self.row(a)["waiting"], 0)

    def test_the_places_of_a_dead_worker_are_free(self):
        a, = self.servers("a")
        self.serve([a], workers=2, max_connections=4, queue=10,
                   queue_timeout="60s", check="off")
        held = [self.open() for _ in range(4)]
        extra = connect(self.port)
        self.addCleanup(extra.close)
        wait_until(lambda: self.row(a)["waiting"] == 1, "it waits")
        for pid in self.d.workers("p"):
            kill(pid)
        self.d.wait_replaced("p", 0)
        self.d.wait_replaced("p", 0)
        wait_until(lambda: self.row(a)["connections"] == 0 and
                   self.row(a)["waiting"] == 0, "all is taken back")
        self.assertEqual(len(held), 4)
        self.assertEqual([self.open()[1] for _ in range(4)], ["a"] * 4)

    def test_who_waits_is_found_another(self):
        a, b = self.servers("a", "b")
        self.serve([f"{a} max_connections=1", f"{b} max_connections=1"],
                   queue=10, queue_timeout="60s", **QUICK)
        held = dict(reversed(self.open()) for _ in range(2))
        waiting = [connect(self.port) for _ in range(2)]
        wait_until(lambda: sum(r["waiting"] for r in self.rows()) == 2,
                   "they wait")
        self.set(a, "drain")
        wait_until(lambda: self.row(b)["waiting"] == 2, "they wait there")
        held["b"].close()
        ready, _, _ = select.select(waiting, [], [], mercury.DEADLINE)
        self.assertEqual(line(ready[0]), "b")
        for s in waiting:
            s.close()


class Dns:
    """A name server that knows pos.example, or nothing."""

    def __init__(self, test, address):
        self.address, self.asked = address, 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        thread = threading.Thread(target=self._serve, daemon=True)
        thread.start()
        test.addCleanup(self._end, thread)

    def _end(self, thread):
        self.socket.sendto(b"", ("127.0.0.1", self.port))
        thread.join()
        self.socket.close()

    def _serve(self):
        while True:
            question, peer = self.socket.recvfrom(512)
            if not question:
                return
            self.asked += 1
            address = self.address
            if address != "silent":
                self.socket.sendto(self._answer(question, address), peer)

    @staticmethod
    def _answer(question, address):
        end = question.index(b"\0", 12) + 5
        kind = struct.unpack("!H", question[end - 4:end - 2])[0]
        record = b""
        if address is not None and kind == 1:
            record = b"\xc0\x0c" + struct.pack(
                "!HHIH", 1, 1, 0, 4) + socket.inet_aton(address)
        flags = 0x8180 if address is not None else 0x8183
        return (question[:2] + struct.pack("!HHHHH", flags, 1, bool(record),
                                           0, 0) + question[12:end] + record)


class Names(Upstreams):
    def resolving(self, dns, port, tls="", **options):
        name = f"pos.example:{port}"
        options = {"check": "off", "resolve_every": "1s", **options}
        transport = {"transport": "tls"} if tls else {}
        text = proxy("p", [name], f'resolvers = {{"127.0.0.1:{dns.port}"}}',
                     tls, workers=1, proxy_options=options, **transport)
        self.d = self.started(text)
        self.port = self.d.port("p")
        return name

    def test_a_name_that_moves(self):
        a = Server(self, "a", "127.0.0.2").start()
        Server(self, "b", "127.0.0.3", a.port).start()
        dns = Dns(self, "127.0.0.2")
        self.resolving(dns, a.port)
        self.assertEqual(self.who(), "a")
        dns.address = "127.0.0.3"
        wait_until(lambda: self.who() == "b", "it has moved")
        for address in ("silent", None):
            dns.address = address
            asked = dns.asked
            wait_until(lambda asked=asked: dns.asked > asked, "it asks again")
            self.assertEqual(self.who(), "b")

    def test_a_name_that_is_not_known_yet(self):
        a = Server(self, "a", "127.0.0.2").start()
        dns = Dns(self, None)
        name = self.resolving(dns, a.port, **QUICK)
        self.assertEqual(self.who(), "")
        self.wait_state(name, "down")
        self.assertEqual(self.row(name)["last_error"],
                         "its name can't be resolved")
        dns.address = "127.0.0.2"
        wait_until(lambda: self.who() == "a", "it is resolved")
        self.wait_state(name, "up")

    def test_it_waits_for_the_first_answer(self):
        a = Server(self, "a", "127.0.0.2").start()
        dns = Dns(self, "silent")
        self.resolving(dns, a.port, queue_timeout="60s")
        s = connect(self.port)
        self.addCleanup(s.close)
        wait_until(lambda: dns.asked > 0, "it asks")
        dns.address = "127.0.0.2"
        self.assertEqual(line(s), "a")

    def test_with_tls(self):
        """What resolves and what does TLS are loaded one after the other."""
        a = Server(self, "a", "127.0.0.2").start()
        dns = Dns(self, "127.0.0.2")
        certs = Certificates(os.path.join(self.scratch(), "tls"))
        cert, key = certs.make("server")
        self.resolving(dns, a.port, f'tls {{ cert = "{cert}" key = "{key}" }}')
        context = ssl.create_default_context(cafile=certs.ca)
        with context.wrap_socket(connect(self.port),
                                 server_hostname="localhost") as s:
            self.assertEqual(line(s), "a")

    def test_by_hosts(self):
        """Without resolvers: the system's, and /etc/hosts."""
        a = Server(self, "a").start()
        self.serve([f"localhost:{a.port}"])
        self.assertEqual(self.who(), "a")

    def resolves(self):
        """Which workers of p have what resolves names in memory?"""
        found = []
        for pid in self.d.workers("p"):
            with open(f"/proc/{pid}/maps") as f:
                found.append("libevent_extra" in f.read())
        return found

    def test_only_who_has_to_resolve_loads_what_does(self):
        a = Server(self, "a").start()
        self.serve([a], workers=2)
        self.assertEqual(self.who(), "a")
        self.assertEqual(self.resolves(), [False, False])
        self.d.call("listener.update", name="p",
                    proxy={"upstreams": [f"localhost:{a.port}"]})
        wait_until(lambda: self.resolves() == [True, True], "they have it")
        self.assertEqual(self.who(), "a")
        self.d.kill_worker("p")
        self.assertEqual(self.resolves(), [True, True])
        self.d.call("listener.update", name="p",
                    proxy={"upstreams": [f"127.0.0.1:{a.port}"]})
        self.d.call("listener.restart", name="p")
        self.assertEqual(self.resolves(), [False, False])
        self.assertEqual(self.who(), "a")


if __name__ == "__main__":
    mercury.main()
