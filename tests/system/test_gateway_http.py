"""The gateway's HTTP: health checks, the API, who may, and each byte."""

import os
import socket
import time
from email.utils import parsedate_to_datetime

import mercury
import web
from mercury import wait_until
from web import Client, Served, request

HEALTH = ("/livez", "/readyz", "/readyz/pos")


class Health(Served):
    def test_each_method_and_version(self):
        self.up()
        for path in HEALTH:
            for method in "GET", "HEAD", "OPTIONS":
                for version in "1.0", "1.1":
                    a = self.ask(path, method, version=version)
                    self.assertEqual(a.status, 200, (path, method, a))
                    self.assertEqual(a.headers["cache-control"], "no-store")
                    # The dashboard tells by it how far a browser's clock is off.
                    said = parsedate_to_datetime(a.headers["date"])
                    self.assertLess(abs(said.timestamp() - time.time()), 60)
                    if method != "HEAD":
                        self.assertRegex(a.text(), r"^(alive|(pos is )?ready)\n$")
        for target in "/", "*":
            a = self.ask(target, "OPTIONS", version="1.0", host=None)
            self.assertEqual((a.status, a.text()), (200, "ready\n"))

    def test_ready_follows_the_listeners(self):
        d = self.up(mercury.listener("pos") + mercury.listener("gps")
                    + mercury.listener("tmp", required=False))
        self.wait_status("/readyz/tmp", 200)  # nobody has waited for it yet
        d.call("listener.pause", name="tmp")
        self.wait_status("/readyz/tmp", 503)
        self.assertEqual(self.ask("/readyz").status, 200)
        d.call("listener.pause", name="pos")
        a = self.wait_status("/readyz", 503)
        self.assertIn("pos is paused", a.text())
        a = self.ask("/readyz/pos")
        self.assertEqual(a.status, 503)
        self.assertIn("paused", a.text())
        self.assertEqual(self.ask("/readyz/gps").status, 200)
        self.assertEqual(self.ask("/livez").status, 200)
        d.call("listener.resume", name="pos")
        self.wait_status("/readyz", 200)
        d.add("new one")
        self.wait_status("/readyz/new%20one", 200)
        d.call("listener.remove", name="new one")
        self.wait_status("/readyz/new%20one", 503)

    def test_names_that_are_none(self):
        self.up()
        a = self.ask("/readyz/x")
        self.assertEqual(a.status, 503)
        self.assertEqual(a.text(), "there is no listener of that name\n")
        for name in "%", "%00", "a/b", "%ff", "x" * 2000, "%0d%0aX:y":
            a = self.ask("/readyz/" + name)
            self.assertEqual(a.status, 503, name)
            self.assertNotIn("x", a.headers)

    def test_every_listener(self):
        d = self.up(mercury.listener("pos") + mercury.listener("gps"))
        a = self.ask("/readyz?verbose")
        self.assertEqual(a.status, 200)
        self.assertEqual(a.text(), "ready\ngps: ready\npos: ready\n")
        d.call("listener.pause", name="pos")
        self.wait_status("/readyz", 503)
        a = self.ask("/readyz?verbose=1", accept="application/json")
        self.assertEqual(a.status, 503)
        self.assertEqual(a.headers["content-type"], "application/json")
        rows = {r["name"]: r for r in a.json()["listeners"]}
        self.assertEqual(sorted(rows), ["gps", "pos"])
        self.assertEqual((rows["pos"]["ready"], rows["pos"]["paused"]),
                         (False, True))
        self.assertTrue(rows["gps"]["ready"])
        self.assertEqual(rows["gps"]["not_ready"], None)

    def test_json(self):
        self.up()
        accept = {"accept": "application/json"}
        self.assertEqual(self.ask("/livez", **accept).json(),
                         {"alive": True, "not_alive": None})
        self.assertEqual(self.ask("/readyz", **accept).json(),
                         {"ready": True, "not_ready": None})
        self.assertEqual(self.ask("/readyz/pos", **accept).json(),
                         {"name": "pos", "ready": True, "not_ready": None})

    def test_nothing_can_be_changed(self):
        self.up()
        for path in HEALTH + ("/", "/metrics", "/api/status"):
            for method in "POST", "PUT", "DELETE", "PATCH", "get":
                a = self.ask(path, method)
                self.assertEqual(a.status, 405, (path, method))
                self.assertIn("GET, HEAD", a.headers["allow"])


class Connections(Served):
    """Bytes in whatever order, and an end that a prober can bear."""

    def setUp(self):
        super().setUp()
        self.d = self.up()

    def client(self):
        c = Client(self.port)
        self.addCleanup(c.close)
        return c

    def test_keep_alive(self):
        c = self.client()
        for path in HEALTH * 3:
            a = c.ask(path)
            self.assertEqual(a.status, 200)
            self.assertNotIn("connection", a.headers)
        a = c.ask("/livez", version="1.0", connection="Keep-Alive")
        self.assertEqual(a.headers["connection"], "keep-alive")
        a = c.ask("/livez", connection="close")
        self.assertEqual(a.headers["connection"], "close")
        c.end()

    def test_an_old_client_is_closed(self):
        c = self.client()
        self.assertEqual(c.ask("/livez", version="1.0").status, 200)
        c.end()

    def test_pipelined(self):
        c = self.client()
        paths = ("/livez", "/api/status", "/readyz/x", "/api/tree", "/") * 40
        c.send(b"".join(request(p) for p in paths))
        statuses = [c.answer().status for _ in paths]
        self.assertEqual(statuses, [200, 200, 503, 200, 200] * 40)

    def test_pipelined_and_half_closed(self):
        c = self.client()
        c.send(request("/livez") + request("/api/status") + request("/livez"))
        c.socket.shutdown(socket.SHUT_WR)
        for _ in range(3):
            self.assertEqual(c.answer().status, 200)
        c.end()

    def test_bodies_are_read(self):
        c = self.client()
        c.send(request("/livez", content_length=65536) + b"x" * 65536)
        self.assertEqual(c.answer().status, 200)
        c.send(request("/livez", "POST", transfer_encoding="chunked")
               + b"5;x=y\r\nhello\r\n0\r\nTrailer: x\r\n\r\n"
               + request("/readyz", "HEAD") + request("/livez"))
        self.assertEqual(c.answer().status, 405)
        self.assertEqual(c.answer(head=True).status, 200)
        self.assertEqual(c.answer().text(), "alive\n")

    def test_a_body_that_is_waited_for(self):
        c = self.client()
        c.send(request("/livez", "POST", content_length=5,
                       expect="100-continue"))
        self.assertEqual(c.answer().status, 100)
        c.send(b"hello" + request("/livez"))
        self.assertEqual(c.answer().status, 405)
        self.assertEqual(c.answer().status, 200)

    def test_byte_by_byte(self):
        c = self.client()
        c.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = b"\r\n" + request("/livez", "POST", connection="close",
                                 transfer_encoding="chunked") \
            + b"a\r\n0123456789\r\n0\r\n\r\n"
        for i in range(len(data)):
            c.send(data[i:i + 1])
        self.assertEqual(c.answer().status, 405)
        c.end()

    def test_the_end_is_a_fin(self):
        """Also when the client has sent more than was asked for."""
        huge = b"x" * (1 << 20)
        close = request("/livez", connection="close")
        for data, statuses in (
                (close + huge, [200]),
                (close * 1000, [200]),
                (request("/livez", version="1.0") + huge, [200]),
                (request("/livez", "POST", content_length=len(huge)) + huge,
                 [413]),
                (request("/livez", "POST", transfer_encoding="chunked")
                 + b"ffff\r\n" + b"x" * 65535 + b"\r\nffff\r\n" + huge, [413]),
                (b"GET /livez HTTP/1.1\r\nA: " + huge, [431]),
                (b"GET /" + huge, [431]),
                (b"GET /" + b"x" * 3000 + b" HTTP/1.1\r\n\r\n" + huge, [414]),
                (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n" + huge,
                 [400]),
                (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + huge, [505]),
                (request("/livez", transfer_encoding="gzip") + huge, [501]),
                (request("/livez") + b"bad\r\n\r\n" + huge, [200, 400]),
                (b"", [])):
            c = self.client()
            c.send(data)
            if not data:
                c.socket.shutdown(socket.SHUT_WR)
            self.assertEqual([c.answer().status for _ in statuses], statuses,
                             data[:80])
            c.end()

    def test_half_a_request(self):
        for data in b"GET /li", request("/", content_length=9) + b"x":
            c = self.client()
            c.send(data)
            c.socket.shutdown(socket.SHUT_WR)
            c.end()

    def test_a_client_that_resets(self):
        gateway = self.d.child("mercury-gateway")
        for i in range(50):
            c = Client(self.port)
            c.send(request("/api/status") * (i % 3) + b"GET")
            c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                b"\1\0\0\0\0\0\0\0")
            c.close()
        self.assertEqual(self.ask("/livez").status, 200)
        self.assertEqual(self.d.child("mercury-gateway"), gateway)

    def test_curl(self):
        url = f"http://127.0.0.1:{self.port}"
        self.assertEqual(web.curl(self, url + "/livez", url + "/readyz"),
                         "alive\nready\n")
        self.assertEqual(web.curl(self, "-0", url + "/livez"), "alive\n")
        self.assertIn("405", web.curl(self, "-i", "-d", "@/etc/passwd",
                                      url + "/livez"))
        self.assertIn("200 OK", web.curl(self, "-I", url + "/"))


class Api(Served):
    def test_it_is_what_the_control_socket_says(self):
        d = self.up(mercury.listener("pos", workers=2))
        with d.rpc() as rpc:
            self.agree(lambda: rpc.call("daemon.status"), "status", self.same)
            self.agree(lambda: rpc.call("daemon.tree"), "tree", self.same)
            self.agree(lambda: rpc.call("supervisor.history", name="pos"),
                       "history?name=pos", self.assertEqual)
            self.agree(lambda: rpc.call("supervisor.history"), "history",
                       self.same)
            self.agree(lambda: rpc.call("events.query", limit=3)["events"],
                       "events?limit=3",
                       lambda want, got: self.assertEqual(want, got["events"]))

    def agree(self, told, path, compare):
        """Both say the same, once nothing happens between the questions."""
        end = time.monotonic() + mercury.DEADLINE
        while True:
            try:
                return compare(told(), self.api(path))
            except AssertionError:
                if time.monotonic() > end:
                    raise

    def api(self, path):
        a = self.ask("/api/" + path)
        self.assertEqual(a.status, 200, a)
        self.assertEqual(a.headers["content-type"], "application/json")
        return a.json()

    def same(self, want, got):
        """The same members, at all depths; numbers may have changed."""
        if isinstance(want, dict):
            self.assertEqual(list(want), list(got))
            for key in want:
                self.same(want[key], got[key])
        elif isinstance(want, list):
            self.assertEqual(len(want), len(got))
            for a, b in zip(want, got):
                self.same(a, b)

    def test_events(self):
        d = self.up(mercury.listener("pos") + mercury.listener("gps"))
        for _ in range(5):
            d.call("listener.pause", name="gps")
            d.call("listener.resume", name="gps")

        def written():
            # Who asks for the same within half a second gets the same.
            self.seen = self.api("events?listener=gps&type=listener.resumed"
                                 f"&limit=999&since=2{'0' * 3}-01-01")
            return len(self.seen["events"]) == 5
        wait_until(written, "all of it is written")
        self.assertEqual(self.seen["next"], None)
        self.assertEqual({e["listener"] for e in self.seen["events"]}, {"gps"})
        page = self.api("events?listener=gps&type=listener.resumed&limit=2")
        self.assertEqual(page["events"], self.seen["events"][-2:])
        self.assertEqual(page["next"], None)
        self.assertEqual(self.api("events?since=0s&severity=error")["events"],
                         [])
        self.assertEqual(
            d.call("events.query", type="daemon,listener.added")["events"],
            self.api("events?type=daemon,listener.added")["events"])
        first = d.call("events.query")
        self.assertEqual(len(self.api("events?limit=4")["events"]), 4)
        self.assertEqual(self.api("events?limit=1")["events"],
                         first["events"][-1:])

    def test_errors(self):
        self.up()
        for path, status, reason in (
                ("history?name=x", 404, "not_found"),
                ("history?name=a%2fb", 400, "invalid"),
                ("history?name=%", 400, "invalid"),
                ("events?type=x", 400, "invalid"),
                ("events?limit=0", 400, "invalid"),
                ("events?limit=1001", 400, "invalid"),
                ("events?since=yesterday", 400, "invalid"),
                ("events?after=x", 400, "invalid"),
                ("nothing", 404, "not_found")):
            a = self.ask("/api/" + path)
            self.assertEqual(a.status, status, path)
            self.assertEqual(a.json()["error"]["reason"], reason, path)
            self.assertTrue(a.json()["error"]["message"])
        a = self.ask("/nothing")
        self.assertEqual(a.status, 404)
        self.assertEqual(a.headers["content-type"],
                         "text/plain; charset=utf-8")

    def test_a_store_that_is_not_there(self):
        self.port = mercury.free_port()
        d = self.daemon('store { database = "" }\n'
                        + mercury.gateway(self.port)
                        + mercury.listener("pos")).start()
        self.wait_status("/livez", 200)
        a = self.ask("/api/events")
        self.assertEqual(a.status, 503)
        self.assertEqual(a.json()["error"]["reason"], "unavailable")
        self.assertIn("retry-after", a.headers)
        self.assertIsNone(d.status()["store"])

    def test_many_ask_for_the_same(self):
        self.up()
        clients = [Client(self.port) for _ in range(100)]
        for c in clients:
            self.addCleanup(c.close)
            c.send(request("/api/status") + request("/api/tree"))
        for c in clients:
            self.assertEqual(c.answer().json()["listeners"][0]["name"], "pos")
            self.assertEqual(c.answer().json()["role"], "supervisor")

    def test_many_ask_for_many_things(self):
        """More than can be asked at a time: some are told to come again."""
        self.up()
        clients = [Client(self.port) for _ in range(100)]
        for i, c in enumerate(clients):
            self.addCleanup(c.close)
            c.send(request(f"/api/events?limit={i + 1}"))
        statuses = [c.answer().status for c in clients]
        self.assertLessEqual(set(statuses), {200, 503})
        self.assertGreaterEqual(statuses.count(200), 32)

    def test_a_flood_of_histories(self):
        """Each is another question: few of them reach the supervisor."""
        self.up()
        paths = [f"/api/history?x={i}" for i in range(200)]
        with Client(self.port) as c:
            c.send(b"".join(map(request, paths)))
            statuses = [c.answer().status for _ in paths]
        self.assertEqual(set(statuses), {200, 503})
        self.wait_status("/api/history", 200)
        self.assertEqual(self.ask("/api/status").status, 200)

    def test_the_page(self):
        self.up()
        a = self.ask("/")
        self.assertEqual(a.status, 200)
        self.assertEqual(a.headers["content-type"], "text/html; charset=utf-8")
        self.assertIn("default-src 'none'",
                      a.headers["content-security-policy"])
        self.assertEqual(a.headers["x-content-type-options"], "nosniff")
        self.assertEqual(a.headers["referrer-policy"], "no-referrer")
        self.assertEqual(a.headers["x-frame-options"], "DENY")
        self.assertEqual(a.headers["cache-control"], "no-store")
        self.assertIn(b"<!doctype html>", a.body[:100].lower())


class Access(Served):
    DATA = ("/metrics", "/api/status", "/api/tree", "/api/history",
            "/api/events")

    def test_token(self):
        self.up(token="s3cret")
        for path in self.DATA:
            for given in (None, "Bearer", "Bearer s3cre", "Bearer s3cret1",
                          "Bearer " + "s" * 5000, "Basic s3cret"):
                a = self.ask(path, authorization=given)
                self.assertEqual(a.status, 401, (path, given))
                self.assertTrue(
                    a.headers["www-authenticate"].startswith("Bearer"))
            self.assertNotEqual(
                self.ask(path, authorization="bearer s3cret").status, 401)
        for path in HEALTH + ("/",):
            self.assertEqual(self.ask(path).status, 200)
        self.assertEqual(self.ask("/api/nothing").status, 404)

    def test_host(self):
        self.up(hosts="mercury.example ops")
        for host in ("127.0.0.1", "10.1.2.3:9180", "[::1]:9180", "localhost",
                     "LOCALHOST:1", "mercury.example", "ops:80"):
            for path in "/", "/api/status":
                self.assertEqual(self.ask(path, host=host).status, 200, host)
        for host in ("evil.example", "mercury.example.evil", "", "ops:80:90",
                     "127.0.0.1.evil.example", "ops@evil.example", None):
            for path in "/", "/api/status", "/nothing":
                self.assertEqual(self.ask(path, host=host).status, 421, host)
            for path in HEALTH:
                self.assertEqual(self.ask(path, host=host).status, 200, host)
        self.assertEqual(
            self.ask("/api/status", host=None, version="1.0").status, 200)
        self.assertEqual(
            self.ask("http://evil.example/api/status").status, 421)
        self.assertEqual(
            self.ask("http://ops/api/status", host="evil").status, 200)

    def test_allow(self):
        self.up(more='  allow = { "127.0.0.1", "10.0.0.0/8" }')
        self.assertEqual(self.ask("/api/status").status, 200)
        for path in HEALTH + ("/", "/api/status", "/nothing"):
            raw = socket.socket()
            self.addCleanup(raw.close)
            raw.settimeout(mercury.DEADLINE)
            raw.bind(("127.0.0.2", 0))
            raw.connect(("127.0.0.1", self.port))
            c = Client(self.port, raw)
            self.assertEqual(c.ask(path, connection="close").status, 403, path)
            c.end()

    def test_it_tells_nothing_of_the_token(self):
        d = self.up(token="s3cret")
        for path in "/api/status", "/api/tree", "/api/history", "/api/events":
            a = self.ask(path, authorization="Bearer s3cret")
            self.assertEqual(a.status, 200)
            self.assertNotIn(b"s3cret", a.body)
        self.assertNotIn("s3cret", d.log())
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) in d.tree():
                with open(f"/proc/{entry}/cmdline", "rb") as f:
                    self.assertNotIn(b"s3cret", f.read())


if __name__ == "__main__":
    mercury.main()
