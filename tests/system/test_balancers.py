"""Load balancers before mercuryd, under load: real ones, and what others do
on the wire. Whoever keeps the timing rule loses nothing."""

import itertools
import os
import re
import signal
import socket
import struct
import threading
import time

import fronting
import mercury
from mercury import DEADLINE, ask, connect, kill, receive_all, wait_until

CONFIG = os.path.join(mercury.SOURCE_DIR, "contrib/haproxy/mercury.cfg")
NGINX_CONFIG = os.path.join(mercury.SOURCE_DIR, "contrib/nginx/mercury.conf")
MANUAL = os.path.join(mercury.SOURCE_DIR, "man/mercury-gateway.8.in")

# A slow machine's checks are late; so that a daemon never looks like one that
# is down for that, theirs is a long time. What is refused is known at once.
INTER_MS, FALL, TIMEOUT_MS = 100, 3, 1000
RULE_MS = INTER_MS * FALL + TIMEOUT_MS
CLIENTS = 6


class Load:
    """Clients that connect, talk, and connect again, all the time."""

    def __init__(self, test, port):
        self.port = port
        self.done = 0
        self.failed = []  # (begun, why)
        self.end = threading.Event()
        self.threads = [threading.Thread(target=self._client)
                        for _ in range(CLIENTS)]
        test.addCleanup(self.stop)
        for thread in self.threads:
            thread.start()

    def _talk(self):
        with connect(self.port, 3 * DEADLINE) as s:
            for n in range(4):
                data = b"%d " % n * 20
                if ask(s, data) != data:
                    raise OSError("the connection has ended")
                if self.end.wait(0.005):
                    break

    def _client(self):
        while not self.end.is_set():
            begun = time.monotonic()
            try:
                self._talk()
                self.done += 1
            except OSError as e:
                self.failed.append((begun, repr(e)))

    def goes_on(self, count=3 * CLIENTS):
        """Wait until some more have been served."""
        before = self.done
        wait_until(lambda: self.done >= before + count, "clients are served")

    def stop(self):
        self.end.set()
        for thread in self.threads:
            thread.join()


class Node(mercury.Daemon):
    """A mercuryd with the listener pos and all that balancers may ask."""

    def __init__(self, options=None, **settings):
        self.http, self.agent, self.tcp, self.own, self.pos = (
            mercury.free_port() for _ in range(5))
        super().__init__(f"""
gateway {{
  listen = "127.0.0.1:{self.http}"
  agent_listen = "127.0.0.1:{self.agent}"
  tcp_check_listen = "127.0.0.1:{self.tcp}"
}}
""" + mercury.listener("pos", port=self.pos, workers=2, max_restarts=1000,
                       health_port=self.own, **(options or {})),
                         **settings)

    def served(self):
        """What clients have sent it, which grows while it has clients."""
        return self.listener("pos")["bytes_in"]


# How HAProxy may find out, and how its server is then called.
CHECKS = {
    "agent": ('check inter {i}ms fall {f} rise 1 agent-check '
              'agent-inter {i}ms agent-port {n.agent} agent-send "pos\\n"',
              ""),
    "http": ("check inter {i}ms fall {f} rise 1 port {n.http}",
             "option httpchk GET /readyz/pos"),
    "tcp": ("check inter {i}ms fall {f} rise 1 port {n.own}", ""),
}


class Balanced(mercury.TestCase):
    timeout = 3 * mercury.TEST_TIMEOUT

    def node(self, **settings):
        n = Node(**settings)
        self.daemons.append(n)
        return n.start()

    def nodes(self, **settings):
        """Two; the first one with these settings."""
        self.a, self.b = self.node(**settings), self.node()

    def nodes_that_keep_the_rule(self):
        self.nodes(lame_duck=f"{RULE_MS}ms")

    def haproxy(self, kind):
        """Without a second try, so that every mistake is seen."""
        check, more = CHECKS[kind]
        port = mercury.free_port()
        self.stats = os.path.join(self.scratch(), "stats")
        servers = "".join(
            f"  server {name} 127.0.0.1:{n.pos} "
            + check.format(i=INTER_MS, f=FALL, n=n) + "\n"
            for name, n in (("a", self.a), ("b", self.b)))
        fronting.haproxy(self, f"""
listen pos
  bind 127.0.0.1:{port}
  retries 0
  timeout check {TIMEOUT_MS}ms
  {more}
{servers}""", port, f"stats socket {self.stats}")
        for name in ("a", "b"):
            self.is_up(name)
        return port

    def server(self, name):
        return fronting.show_stat(self.stats)["pos", name]["status"]

    def is_up(self, name):
        wait_until(lambda: self.server(name) == "UP", f"{name} is up")

    def is_out(self, name):
        wait_until(lambda: not self.server(name).startswith("UP"),
                   f"{name} is out")

    def has_traffic(self, node):
        before = node.served()
        wait_until(lambda: node.served() > before + 1000, "it serves")

    def has_none(self, node, load):
        """Others serve, and it does not."""
        # Whoever was connected may finish.
        wait_until(lambda: node.listener("pos")["connections"] == 0, "empty")
        before = node.served()
        load.goes_on()
        self.assertEqual(node.served(), before)

    def nothing_was_lost(self, load):
        load.goes_on()
        load.stop()
        self.assertEqual(load.failed, [])


class Haproxy(Balanced):
    """Two mercuryd behind one HAProxy."""

    def drained(self, load):
        for node, name, other in ((self.a, "a", self.b),
                                  (self.b, "b", self.a)):
            node.call("daemon.drain", name="pos")
            self.is_out(name)
            self.has_none(node, load)
            self.has_traffic(other)
            node.call("daemon.undrain", name="pos")
            self.is_up(name)
            self.has_traffic(node)

    def paused(self, load):
        """Drained first, and the time of the rule later it is closed."""
        self.a.call("daemon.drain", name="pos")
        until = time.monotonic() + RULE_MS / 1000
        wait_until(lambda: time.monotonic() >= until, "the rule is kept")
        self.a.call("listener.pause", name="pos")
        self.is_out("a")
        self.has_none(self.a, load)
        self.a.call("listener.resume", name="pos")
        self.a.call("daemon.undrain", name="pos")
        self.is_up("a")
        self.has_traffic(self.a)

    def shut_down(self, load):
        begun = time.monotonic()
        self.assertEqual(self.a.stop(), 0)
        self.assertGreaterEqual(time.monotonic() - begun, RULE_MS / 1000)
        load.goes_on()
        self.a.start()
        self.is_up("a")
        self.has_traffic(self.a)

    def watched_over_all(self, kind):
        self.nodes_that_keep_the_rule()
        load = Load(self, self.haproxy(kind))
        self.has_traffic(self.a)
        self.has_traffic(self.b)
        for step in (self.drained, self.paused, self.shut_down):
            step(load)
            self.assertEqual(load.failed, [], step.__name__)
        self.nothing_was_lost(load)

    def test_agent_check(self):
        self.watched_over_all("agent")

    def test_http_check(self):
        self.watched_over_all("http")

    def test_tcp_check(self):
        self.watched_over_all("tcp")

    def crash(self, load, node, pids):
        """Who is connected to a worker falls with it, and nobody else."""
        before = len(load.failed)
        for pid in pids:
            kill(pid)
        wait_until(lambda: not any(map(mercury.alive, pids)), "they are dead")
        at = time.monotonic()
        for pid in pids:
            node.wait_replaced("pos", pid)
        load.goes_on()
        self.has_traffic(node)
        lost = load.failed[before:]
        self.assertLessEqual(len(lost), CLIENTS)
        for begun, why in lost:
            self.assertLessEqual(begun, at, why)

    def test_crashes(self):
        self.nodes()
        load = Load(self, self.haproxy("agent"))
        self.has_traffic(self.a)
        self.crash(load, self.a, self.a.workers("pos")[:1])
        self.crash(load, self.a, self.a.workers("pos"))
        self.crash(load, self.b, self.b.workers("pos"))
        failed = len(load.failed)
        # What only watches may fall with nobody.
        for _ in range(2):
            old = self.a.child("mercury-gateway")
            kill(old)
            wait_until(lambda: self.replaced(old), "another gateway")
            load.goes_on()
        kill(self.a.child("mercury-control"))
        wait_until(lambda: mercury.is_listening(self.a.pos), "it listens")
        load.goes_on()
        self.assertEqual(len(load.failed), failed)
        self.is_up("a")

    def replaced(self, old):
        found = [p for p in mercury.descendants(self.a.pid)
                 if mercury.comm(p) == "mercury-gateway"]
        return found and old not in found

    def test_a_gateway_that_is_killed_again_and_again(self):
        """Checks wait in the queue; not one of them fails three times."""
        self.nodes()
        load = Load(self, self.haproxy("http"))
        for _ in range(5):
            old = self.a.child("mercury-gateway")
            kill(old)
            wait_until(lambda: self.replaced(old), "another gateway")
            self.assertEqual(self.server("a"), "UP")
        self.nothing_was_lost(load)

    def test_a_supervisor_that_hangs(self):
        """Its workers serve on, but it can't be trusted with more."""
        for kind in ("agent", "http"):
            with self.subTest(kind):
                self.nodes()
                load = Load(self, self.haproxy(kind))
                self.has_traffic(self.a)
                self.a.signal(signal.SIGSTOP)
                try:
                    self.is_out("a")
                    load.goes_on()
                finally:
                    self.a.signal(signal.SIGCONT)
                self.is_up("a")
                self.has_traffic(self.a)
                self.nothing_was_lost(load)


class Example(Balanced):
    """The configuration in contrib/haproxy."""

    def test_it_is_valid(self):
        program = mercury.need_tool(self, "haproxy")
        result = mercury.run([program, "-c", "-f", CONFIG])
        self.assertEqual(result.code, 0, result)
        self.assertNotIn("WARNING", result.err + result.out)

    def test_its_lame_duck_keeps_the_rule(self):
        with open(CONFIG) as f:
            text = f.read()

        def seconds(pattern):
            return int(re.search(pattern, text).group(1))
        self.assertEqual(
            seconds(r'lame_duck = "(\d+)s"'),
            seconds(r" fall (\d+)") * seconds(r" inter (\d+)s")
            + seconds(r"timeout check (\d+)s"))

    def test_the_table_in_the_manual_keeps_it_too(self):
        with open(MANUAL) as f:
            rows = re.findall(r"^\.It ([^\n]+) Ta (\d+) s Ta (\d+) s Ta (\d+) "
                              r"Ta (\d+)s$", f.read(), re.MULTILINE)
        self.assertEqual(len(rows), 6, rows)
        for name, *numbers in rows:
            interval, timeout, fall, lame_duck = map(int, numbers)
            self.assertEqual(lame_duck, fall * interval + timeout, name)

    def front(self):
        """The same, with our ports and quicker checks."""
        with open(CONFIG) as f:
            text = f.read()
        port = mercury.free_port()
        self.stats = os.path.join(self.scratch(), "stats")
        text = text.replace("global\n", f"global\n  stats socket {self.stats}\n")
        for old, new in (("bind :9100", f"bind 127.0.0.1:{port}"),
                         ("maxconn 50000", "maxconn 200"),
                         ("inter 2s", f"inter {INTER_MS}ms"),
                         ("check port 9180", "check"),
                         ("agent-port 9181", "")):
            self.assertIn(old, text)
            text = text.replace(old, new)
        for address, n in (("10.0.0.11:9100", self.a),
                           ("10.0.0.12:9100", self.b)):
            self.assertIn(address, text)
            text = text.replace(
                address, f"127.0.0.1:{n.pos} port {n.http} "
                f"agent-port {n.agent}")
        path = os.path.join(self.scratch(), "haproxy.cfg")
        with open(path, "w") as f:
            f.write(text)
        program = mercury.need_tool(self, "haproxy")
        fronting.Front(self, [program, "-db", "-f", path],
                       os.path.dirname(path), port)
        return port

    def test_a_pause_without_a_drain(self):
        """What is refused goes to the other one."""
        self.nodes()
        load = Load(self, self.front())
        for name in ("a", "b"):
            self.is_up(name)
        self.has_traffic(self.a)
        for options in ({}, {"queue": True}):
            self.a.call("listener.pause", name="pos", **options)
            wait_until(lambda: self.server("a") == "MAINT", "a is paused")
            self.has_traffic(self.b)
            self.a.call("listener.resume", name="pos")
            self.is_up("a")
            self.has_traffic(self.a)
        self.assertEqual(self.a.stop(), 0)
        self.nothing_was_lost(load)


class NginxExample(Balanced):
    """The configuration in contrib/nginx."""

    def front(self):
        """The same, with our ports."""
        with open(NGINX_CONFIG) as f:
            text = f.read()
        begin = text.index("\nstream {")
        head, body = text[:begin], text[begin:]
        # What it says of mercury.conf is what we do.
        for line in ('proxy_protocol = "v1"', "proxy_trusted = {"):
            self.assertIn(line, head)
        port = mercury.free_port()
        for old, new in (("listen 9100;", f"listen 127.0.0.1:{port};"),
                         ("10.0.0.11:9100", f"127.0.0.1:{self.a.pos}"),
                         ("10.0.0.12:9100", f"127.0.0.1:{self.b.pos}")):
            self.assertEqual(body.count(old), 1, old)
            body = body.replace(old, new)
        fronting.nginx_whole(self, port, body)
        return port

    def test_a_node_that_ends_and_its_clients(self):
        options = {"proxy_protocol": "v1", "proxy_trusted": "127.0.0.1"}
        self.a, self.b = (self.node(options=options) for _ in range(2))
        port = self.front()
        with connect(port) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            ours = "%s:%d" % s.getsockname()
            peers = [c.get("peer") for n in (self.a, self.b) for c in
                     n.call("connection.list", name="pos")["connections"]]
            self.assertEqual(peers, [ours], "whose connection it is")
        load = Load(self, port)
        for n in (self.a, self.b):
            self.has_traffic(n)
        self.a.call("listener.pause", name="pos")
        self.has_traffic(self.b)
        self.a.call("listener.resume", name="pos")
        self.has_traffic(self.a)
        self.assertEqual(self.a.stop(), 0)
        self.has_traffic(self.b)
        self.a.start()
        self.has_traffic(self.a)
        self.nothing_was_lost(load)


class Others(Balanced):
    def test_nginx(self):
        """It knows of no checks; whoever is refused goes to the other."""
        self.nodes()
        load = Load(self, fronting.nginx_stream(
            self, [self.a.pos, self.b.pos]).port)
        self.has_traffic(self.a)
        self.has_traffic(self.b)
        self.assertEqual(self.a.stop(), 0)
        self.has_traffic(self.b)
        self.a.start()
        self.has_traffic(self.a)
        self.nothing_was_lost(load)

    def accepts(self, port, linger=None):
        """A check that only connects; linger as Kubernetes and others do."""
        try:
            s = connect(port)
        except ConnectionRefusedError:
            return False
        if linger is not None:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                         struct.pack("ii", 1, linger))
        else:
            self.assertEqual(receive_all(s), b"")
        s.close()
        return True

    def becomes(self, ready, *ports):
        for port, linger in itertools.product(ports, (None, 0, 1)):
            wait_until(lambda p=port, l=linger: self.accepts(p, l) == ready,
                       f"port {port} is {'open' if ready else 'closed'}")

    def test_those_that_only_connect(self):
        n = self.node()
        self.becomes(True, n.tcp, n.own)
        n.call("daemon.drain")
        self.becomes(False, n.tcp, n.own)
        n.call("daemon.undrain")
        self.becomes(True, n.tcp, n.own)
        n.call("daemon.drain", name="pos")
        self.becomes(False, n.own, n.tcp)  # it is required
        n.call("daemon.undrain", name="pos")
        n.call("listener.update", name="pos", required=False)
        n.call("listener.pause", name="pos")
        self.becomes(False, n.own)
        self.becomes(True, n.tcp)
        n.call("listener.resume", name="pos")
        self.becomes(True, n.own, n.tcp)

    def test_a_supervisor_that_hangs(self):
        n = self.node()
        self.becomes(True, n.tcp, n.own)
        n.signal(signal.SIGSTOP)
        try:
            self.becomes(False, n.tcp, n.own)
            self.assertTrue(mercury.answers(n.pos))
        finally:
            n.signal(signal.SIGCONT)
        self.becomes(True, n.tcp, n.own)

    def test_the_ports_go_and_come(self):
        n = self.node()
        self.becomes(True, n.own)
        port = mercury.free_port()
        n.call("listener.update", name="pos", health_port=port)
        self.becomes(True, port)
        self.becomes(False, n.own)
        n.call("listener.update", name="pos", health_port=0)
        self.becomes(False, port)
        n.call("listener.update", name="pos", health_port=n.own)
        self.becomes(True, n.own)
        n.call("listener.remove", name="pos")
        self.becomes(False, n.own)

    def test_a_gateway_that_is_killed(self):
        """Its ports say the truth again as soon as there is another."""
        n = self.node()
        self.becomes(True, n.tcp, n.own)
        for ready in (False, True):
            old = n.child("mercury-gateway")
            os.kill(old, signal.SIGSTOP)
            n.call("daemon.undrain" if ready else "daemon.drain")
            kill(old)
            self.becomes(ready, n.tcp, n.own)

    def test_probes_leave_no_trace(self):
        """Checks are no clients of the listener."""
        n = self.node()
        for _ in range(20):
            self.becomes(True, n.tcp, n.own)
        row = n.listener("pos")
        self.assertEqual((row["accepted"], row["probes"]), (0, 0))


if __name__ == "__main__":
    mercury.main()
