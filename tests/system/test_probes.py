"""Probes: what load balancers' checkers do is counted, and makes no noise."""

import socket
import ssl
import time

import fronting
import mercury
from fronting import probe, reset
from mercury import ask, connect, kill, listener, receive_all, wait_until
from storing import rows, wait_rows

KINDS = ("fin", "rst", "local", "tls")


def kinds(d, name="pos"):
    """The probes of each kind, without those that did not come."""
    row = d.listener(name)
    found = row["probe_kinds"]
    assert tuple(found) == KINDS, found
    assert row["probes"] == sum(found.values()), row
    return {k: n for k, n in found.items() if n}


def wait_kinds(d, **want):
    wait_until(lambda: kinds(d) == want, f"{want}, not {kinds(d)}")


def sources(d, name="pos"):
    return {s["address"]: s["count"]
            for s in d.listener(name)["probe_sources"]}


def from_address(address, where):
    """A connection from one of this machine's loopback addresses."""
    s = socket.socket()
    s.settimeout(mercury.DEADLINE)
    s.bind((address, 0))
    s.connect(("127.0.0.1", where))
    return s


class Quiet(mercury.TestCase):
    """What must not be there after probes."""

    def no_noise(self, d, *names):
        # Something that makes an event, so that those before it are there.
        with connect(d.port("pos")) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            peer = "%s:%u" % s.getsockname()
        wait_rows(d, "connection.closed")
        made = [r for r in rows(d) if r["type"].startswith("connection.")]
        self.assertEqual([(r["type"], r["peer"]) for r in made],
                         [("connection.opened", peer),
                          ("connection.closed", peer)])
        row = d.listener("pos")
        for key in ("rejected", "denied", "handshake_failures",
                    "accept_errors"):
            self.assertEqual(row[key], 0, key)
        for line in d.log().splitlines():
            self.assertNotRegex(line, r"probe|warning|error")
            if "listening: on" not in line:
                self.assertNotIn("127.0.0.", line)
        self.assertEqual(row["connections"], 0)


class Kinds(Quiet):
    def test_fin(self):
        d = self.started(listener("pos", record_connections=True))
        for _ in range(20):
            probe(d.port("pos"))
        wait_kinds(d, fin=20)
        self.assertEqual(sources(d), {"127.0.0.1": 20})
        seen = d.listener("pos")["probe_sources"][0]["last_seen"]
        self.assertRegex(seen, r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.no_noise(d)

    def test_rst(self):
        """Also where it comes before the connection is accepted."""
        d = self.started(listener("pos", record_connections=True))
        for _ in range(20):
            probe(d.port("pos"), reset)
        wait_kinds(d, rst=20)
        self.assertEqual(sources(d), {"127.0.0.1": 20})
        self.no_noise(d)

    def test_reset_before_it_is_accepted(self):
        d = self.started(listener("pos", record_connections=True))
        d.call("listener.pause", name="pos", queue=True)
        for _ in range(10):
            probe(d.port("pos"), reset)
            probe(d.port("pos"))
        d.call("listener.resume", name="pos")
        wait_kinds(d, rst=10, fin=10)
        self.assertEqual(sources(d), {"127.0.0.1": 20})
        self.no_noise(d)

    def test_half_open(self):
        """SYN, SYN-ACK, RST: it never reaches accept, or was reset."""
        d = self.started(listener("pos", record_connections=True))
        for _ in range(10):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", d.port("pos")))
            reset(s)
        self.no_noise(d)
        self.assertLessEqual(set(kinds(d)), {"rst"})

    def test_peer_half_closes(self):
        d = self.started(listener("pos"))
        with connect(d.port("pos")) as s:
            s.shutdown(socket.SHUT_WR)
            self.assertEqual(receive_all(s), b"")  # FIN, no reset
        wait_kinds(d, fin=1)

    def test_unix_socket(self):
        path = self.scratch() + "/u.sock"
        d = self.started(listener("pos", path=path, workers=1))
        probe(path)
        wait_kinds(d, fin=1)
        self.assertEqual(sources(d), {})

    def test_no_probes(self):
        """A byte, or too long a time."""
        d = self.started(listener("pos", record_connections=True))
        for end in (socket.socket.close, reset):
            s = connect(d.port("pos"))
            self.assertEqual(ask(s, b"x"), b"x")
            end(s)
        wait_rows(d, "connection.closed", count=2)
        slow = connect(d.port("pos"))
        peer = "%s:%u" % slow.getsockname()
        begun = time.time()
        # It is told late, and with its true time.
        wait_until(lambda: peer in [r["peer"] for r in
                                    rows(d, "connection.opened")], "told")
        told = time.time() - begun
        self.assertGreater(told, 0.8)
        self.assertLess(told, 3 if not mercury.SANITIZED else 20)
        opened = [r for r in rows(d, "connection.opened")
                  if r["peer"] == peer][0]
        self.assertLess(abs(opened["at_ms"] - begun * 1000), 500)
        slow.close()
        wait_rows(d, "connection.closed", count=3)
        self.assertEqual(kinds(d), {})
        self.assertEqual(sources(d), {})

    def test_told_with_the_first_byte(self):
        d = self.started(listener("pos", record_connections=True))
        with connect(d.port("pos")) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            begun = time.monotonic()
            wait_rows(d, "connection.opened")
            self.assertLess(time.monotonic() - begun,
                            0.8 if not mercury.SANITIZED else 5)

    def test_ended_by_us(self):
        """Kicked within the second: no probe, and both events."""
        d = self.started(listener("pos", record_connections=True))
        with connect(d.port("pos")):
            found = wait_until(lambda: d.call("connection.list", name="pos")
                               ["connections"], "listed")
            d.call("connection.kick", name="pos", id=found[0]["id"])
        closed = wait_rows(d, "connection.closed")
        self.assertEqual(closed[0]["reason"], "kicked")
        self.assertEqual(len(rows(d, "connection.opened")), 1)
        self.assertEqual(kinds(d), {})

    def test_debug_log(self):
        d = self.started(listener("pos"), log_level="debug")
        probe(d.port("pos"))
        wait_until(lambda: "a probe of 127.0.0.1:" in d.log(), "logged")


class ProxyProtocol(Quiet):
    OPTIONS = {"proxy_protocol": "any", "proxy_trusted": "127.0.0.1",
               "record_connections": True}

    def test_local(self):
        d = self.started(listener("pos", **self.OPTIONS))
        for data in (b"", b"hello"):
            with connect(d.port("pos")) as s:
                s.sendall(fronting.v2(None, command=fronting.LOCAL) + data)
                if data:
                    self.assertEqual(mercury.receive(s, len(data)), data)
        wait_kinds(d, local=2)
        self.assertEqual(sources(d), {"127.0.0.1": 2})
        wait_rows(d, "listener.listening")
        self.assertEqual(rows(d, "connection.opened"), [])

    def test_a_header_is_no_payload(self):
        d = self.started(listener("pos", **self.OPTIONS))
        for header in (fronting.v1(), fronting.v2("2001:db8::5", "::1"),
                       b"PROXY UNKNOWN\r\n"):
            with connect(d.port("pos")) as s:
                s.sendall(header)
        wait_kinds(d, fin=3)
        self.assertEqual(sources(d), {"127.0.0.1": 1, "192.0.2.7": 1,
                                      "2001:db8::5": 1})
        self.assertEqual(d.listener("pos")["handshake_failures"], 0)

    def test_nothing_is_no_failure_and_a_part_is_one(self):
        d = self.started(listener("pos", **self.OPTIONS))
        probe(d.port("pos"))
        probe(d.port("pos"), reset)
        wait_kinds(d, fin=1, rst=1)
        self.assertEqual(d.listener("pos")["handshake_failures"], 0)
        with connect(d.port("pos")) as s:
            s.sendall(b"PROX")
        failed = wait_rows(d, "connection.handshake_failed")
        self.assertEqual(failed[0]["reason"], "peer_closed")
        self.assertEqual(d.listener("pos")["handshake_failures"], 1)
        self.assertEqual(kinds(d), {"fin": 1, "rst": 1})

    def test_a_checker_need_not_be_trusted(self):
        """But it may not say a word then."""
        d = self.started(listener(
            "pos", proxy_protocol="any", proxy_trusted="127.0.0.9",
            probes="127.0.0.1"))
        probe(d.port("pos"))
        probe(d.port("pos"), reset)
        wait_kinds(d, fin=1, rst=1)
        self.assertEqual(d.listener("pos")["denied"], 0)
        with connect(d.port("pos")) as s:
            s.sendall(fronting.v1() + b"hello")
            try:
                self.assertEqual(receive_all(s), b"")
            except ConnectionResetError:
                pass
        wait_until(lambda: d.listener("pos")["denied"] == 1, "denied")
        denied = wait_rows(d, "connection.denied")
        self.assertEqual(denied[0]["reason"], "proxy_trusted")


class Tls(Quiet):
    def served(self, **options):
        d = self.started()
        cert, key = fronting.certificate(self.scratch())
        d.add("pos", transport="tls", tls={"cert": cert, "key": key},
              **options)
        return d

    def shaken(self, d, version):
        context = fronting.tls_client()
        context.maximum_version = version
        return context.wrap_socket(connect(d.port("pos")))

    def test_handshake_and_no_more(self):
        d = self.served(record_connections=True)
        done = 0
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for end in (socket.socket.close, reset):
                for _ in range(5):
                    end(self.shaken(d, version))
                    done += 1
                wait_kinds(d, tls=done)
        self.assertEqual(sources(d), {"127.0.0.1": done})
        with self.shaken(d, ssl.TLSVersion.TLSv1_3) as s:
            self.assertEqual(ask(s, b"x"), b"x")
        wait_rows(d, "connection.closed")
        self.assertEqual(len(rows(d, "connection.opened")), 1)
        self.assertEqual(rows(d, "connection.handshake_failed"), [])
        self.assertEqual(kinds(d), {"tls": done})

    def test_no_handshake(self):
        d = self.served()
        probe(d.port("pos"))
        probe(d.port("pos"), reset)
        wait_kinds(d, fin=1, rst=1)
        self.assertEqual(d.listener("pos")["handshake_failures"], 0)

    def test_a_part_of_one_is_a_failure(self):
        """Also where it is reset, or was no TLS."""
        d = self.served()
        hello = ssl.MemoryBIO()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client = context.wrap_bio(ssl.MemoryBIO(), hello,
                                  server_hostname="localhost")
        with self.assertRaises(ssl.SSLWantReadError):
            client.do_handshake()
        data = hello.read()
        parts = (data[:1], data[:-1], b"GET / HTTP/1.0\r\n\r\n")
        for n, part in enumerate(parts, 1):
            for end in (socket.socket.close, reset):
                s = connect(d.port("pos"))
                s.sendall(part)
                end(s)
            # One that was reset at once may have said nothing that we saw.
            wait_until(lambda: d.listener("pos")["handshake_failures"]
                       + kinds(d).get("rst", 0) == 2 * n, "counted")
        self.assertLessEqual(set(kinds(d)), {"rst"})
        self.assertGreaterEqual(d.listener("pos")["handshake_failures"], 3)

    def test_a_peer_that_gives_up(self):
        """It closes in the middle, and does not reset: a failure."""
        d = self.served()
        hello = ssl.MemoryBIO()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client = context.wrap_bio(ssl.MemoryBIO(), hello,
                                  server_hostname="localhost")
        with self.assertRaises(ssl.SSLWantReadError):
            client.do_handshake()
        with connect(d.port("pos")) as s:
            s.sendall(hello.read())
            s.shutdown(socket.SHUT_WR)
            receive_all(s)
        wait_until(lambda: d.listener("pos")["handshake_failures"] == 1,
                   "it failed")
        self.assertEqual(kinds(d), {})

    def test_haproxy(self):
        """It resets before it has our session tickets."""
        d = self.served(record_connections=True)
        port = mercury.free_port()
        fronting.haproxy(self, f"""
listen pos
  bind 127.0.0.1:{port}
  timeout check 10s
  server s 127.0.0.1:{d.port("pos")} check inter 50ms check-ssl verify none
""", port)
        wait_until(lambda: d.listener("pos")["probes"] >= 10, "it checks")
        self.assertEqual(list(kinds(d)), ["tls"])
        self.assertEqual(d.listener("pos")["handshake_failures"], 0)
        wait_rows(d, "listener.listening", "pos")
        self.assertEqual([r for r in rows(d)
                          if r["type"].startswith("connection.")], [])


class Listed(Quiet):
    """The networks of the option probes."""

    def test_whatever_they_do(self):
        d = self.started(listener("pos", probes="127.0.0.2/31",
                                  record_connections=True))
        port = d.port("pos")
        with from_address("127.0.0.2", port) as s:
            self.assertEqual(ask(s, b"check"), b"check")
        wait_kinds(d, fin=1)
        s = from_address("127.0.0.3", port)
        self.assertEqual(ask(s, b"check"), b"check")
        reset(s)
        wait_kinds(d, fin=1, rst=1)
        self.assertEqual(sources(d), {"127.0.0.2": 1, "127.0.0.3": 1})
        self.no_noise(d)

    def test_no_place_and_no_token(self):
        d = self.started(listener("pos", probes="127.0.0.2", workers=2,
                                  max_connections=2, accept_rate=1,
                                  accept_burst=2))
        port = d.port("pos")
        checks = [from_address("127.0.0.2", port) for _ in range(10)]
        for s in checks:
            self.addCleanup(s.close)
            self.assertEqual(ask(s, b"check"), b"check")
        begun = time.monotonic()
        with connect(port) as s, connect(port) as t:
            self.assertEqual(ask(s, b"x"), b"x")
            self.assertEqual(ask(t, b"x"), b"x")
            self.assertLess(time.monotonic() - begun,
                            0.9 if not mercury.SANITIZED else 5)
            self.assertEqual(d.listener("pos")["connections"], 12)
        for s in checks:
            s.close()
        wait_kinds(d, fin=10)

    def test_full(self):
        """The kernel answers a connect; with reject also the check itself."""
        d = self.started(listener("pos", probes="127.0.0.2",
                                  max_connections=1, overflow="reject"))
        port = d.port("pos")
        with connect(port) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            for _ in range(3):
                with from_address("127.0.0.2", port) as check:
                    self.assertEqual(ask(check, b"check"), b"check")
            wait_kinds(d, fin=3)
            self.assertEqual(d.listener("pos")["rejected"], 0)
            d.call("listener.update", name="pos", overflow="queue")
            for _ in range(3):
                from_address("127.0.0.2", port).close()
        wait_kinds(d, fin=6)
        self.assertEqual(d.listener("pos")["connections"], 0)
        for _ in range(5):  # the places are as many as before
            self.assertTrue(mercury.answers(port))

    def test_changed_while_it_runs(self):
        d = self.started(listener("pos", max_connections=1))
        port = d.port("pos")
        with connect(port) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            d.call("listener.update", name="pos", overflow="reject")
            with connect(port) as more:
                self.assertEqual(receive_all(more), b"")
            d.call("listener.update", name="pos", probes=["127.0.0.0/8"])
            with connect(port) as check:
                self.assertEqual(ask(check, b"check"), b"check")
        wait_kinds(d, fin=1)
        self.assertTrue(mercury.answers(port))


class Sources(Quiet):
    def test_the_last_eight(self):
        d = self.started(listener("pos", workers=2))
        port = d.port("pos")
        for n in range(2, 14):
            for _ in range(n):
                from_address(f"127.0.0.{n}", port).close()
        wait_kinds(d, fin=sum(range(2, 14)))
        found = d.listener("pos")["probe_sources"]
        self.assertEqual(len(found), 8)
        seen = [s["last_seen"] for s in found]
        self.assertEqual(seen, sorted(seen, reverse=True))
        shown = d.ctl("status", "pos").out
        self.assertIn("PROBES FROM", shown)
        self.assertIn(f"probes         {sum(range(2, 14))} (", shown)
        self.assertIn(found[0]["address"], shown)

    def test_they_outlive_their_worker(self):
        """Counters and sources never go back."""
        d = self.started(listener("pos", workers=2, max_restarts=1000))
        port = d.port("pos")
        total = 0
        for _ in range(4):
            for n in (2, 3, 4):
                from_address(f"127.0.0.{n}", port).close()
                total += 1
            wait_kinds(d, fin=total)
            for pid in d.workers("pos"):
                kill(pid)
            end = time.monotonic() + 0.3
            while time.monotonic() < end:
                self.assertEqual(kinds(d), {"fin": total})
                self.assertEqual(sources(d), {
                    f"127.0.0.{n}": total // 3 for n in (2, 3, 4)})
            wait_until(lambda: d.listener("pos")["state"] == "listening",
                       "workers are back")

    def test_over_a_hot_restart(self):
        d = self.started(listener("pos", workers=2))
        probe(d.port("pos"))
        wait_kinds(d, fin=1)
        d.call("listener.restart", name="pos")
        probe(d.port("pos"))
        wait_kinds(d, fin=2)
        self.assertEqual(sources(d), {"127.0.0.1": 2})


class Haproxy(Quiet):
    def front(self, d, options, more=""):
        """A HAProxy that checks; and the state of its server."""
        port = mercury.free_port()
        stats = self.scratch() + "/stats"
        front = fronting.haproxy(self, f"""
listen pos
  bind 127.0.0.1:{port}
  {more}
  server s 127.0.0.1:{d.port("pos")} check inter 50ms {options}
""", port, f"stats socket {stats}")

        def state():
            with connect(stats) as s:
                s.sendall(b"show stat\n")
                table = receive_all(s).decode().splitlines()
            names = table[0].lstrip("# ").split(",")
            for line in table[1:]:
                row = dict(zip(names, line.split(",")))
                if row.get("svname") == "s":
                    return row
            return {}
        wait_until(lambda: state().get("check_status") == "L4OK", "checked")
        return front

    def test_plain_check(self):
        """It resets before its connection is one: half-open."""
        d = self.started(listener("pos", record_connections=True))
        front = self.front(d, "")
        front.stop()
        self.assertLessEqual(set(kinds(d)), {"rst"})
        self.no_noise(d)

    def test_check_that_closes(self):
        d = self.started(listener("pos", record_connections=True))
        front = self.front(d, "", """
  option tcp-check
  tcp-check connect linger
""")
        wait_until(lambda: d.listener("pos")["probes"] >= 5, "it checks")
        front.stop()
        self.assertEqual(list(kinds(d)), ["fin"])
        self.assertEqual(list(sources(d)), ["127.0.0.1"])
        self.no_noise(d)

    def test_check_with_header(self):
        d = self.started(listener("pos", record_connections=True,
                                  proxy_protocol="any",
                                  proxy_trusted="127.0.0.1"))
        self.front(d, "send-proxy-v2 check-send-proxy")
        wait_until(lambda: d.listener("pos")["probes"] >= 10, "it checks")
        self.assertGreater(kinds(d)["local"], 5)
        row = d.listener("pos")
        self.assertEqual(row["handshake_failures"], 0)
        self.assertEqual(row["denied"], 0)
        wait_rows(d, "listener.listening")
        self.assertEqual([r for r in rows(d)
                          if r["type"].startswith("connection.")], [])


if __name__ == "__main__":
    mercury.main()
