"""The gateway under slow, hostile and many clients."""

import os
import random
import resource
import signal
import time

import mercury
from mercury import wait_until
from web import Client, Served, request

MANY = 300 if mercury.SANITIZED else 1000
CONNS_MAX = 2048  # of the gateway at a time
REQUEST_S = 10  # for a request, and for taking an answer
MEMORY = 200 << 20 if mercury.SANITIZED else 48 << 20


class Load(Served):
    timeout = mercury.TEST_TIMEOUT * 2

    def slow(self, count, data=b"GET /livez HTTP/1.1\r\nHost: 127"):
        """Clients that have sent that, and no more."""
        clients = []
        for _ in range(count):
            c = Client(self.port)
            self.addCleanup(c.close)
            c.send(data)
            clients.append(c)
        return clients

    def memory(self):
        return mercury.anonymous_bytes(self.d.child("mercury-gateway"))


class Slow(Load):
    def test_a_thousand_slow_clients(self):
        self.d = self.up()
        self.slow(MANY)
        for path in ("/livez", "/readyz", "/readyz/pos") * 10:
            began = time.monotonic()
            self.assertEqual(self.ask(path).status, 200)
            self.assertLess(time.monotonic() - began, mercury.DEADLINE)

    def test_more_than_there_is_room_for(self):
        """The oldest that has not finished its request gives way."""
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if soft < CONNS_MAX + 1000:
            self.skipTest(f"only {soft} descriptors")
        self.d = self.up()
        idle = Client(self.port)
        self.addCleanup(idle.close)
        self.assertEqual(idle.ask("/livez").status, 200)
        pid = self.d.child("mercury-gateway")
        self.slow(CONNS_MAX + 500)
        for path in ("/livez", "/readyz", "/readyz/pos") * 10:
            self.assertEqual(self.ask(path).status, 200)
        self.assertLess(len(os.listdir(f"/proc/{pid}/fd")), CONNS_MAX + 50)
        self.assertLess(self.memory(), MEMORY)

    def test_idle_ones_give_way_too(self):
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if soft < CONNS_MAX + 1000:
            self.skipTest(f"only {soft} descriptors")
        self.d = self.up()
        clients = self.slow(CONNS_MAX + 20, request("/livez"))
        self.assertEqual(clients[-1].answer().status, 200)
        for path in ("/livez", "/readyz", "/readyz/pos") * 10:
            self.assertEqual(self.ask(path).status, 200)

    def test_a_request_has_a_deadline(self):
        """However steadily it comes: no gap is long."""
        self.d = self.up()
        c = Client(self.port)
        self.addCleanup(c.close)
        c.send(b"GET /livez HTTP/1.1\r\nA: ")
        silent = Client(self.port)
        self.addCleanup(silent.close)
        began = time.monotonic()

        def over():
            c.socket.settimeout(0.2)
            try:
                c.send(b"x")
                return not c.more() or b"408" in c.rest
            except TimeoutError:
                return False
        wait_until(over, "it is over", REQUEST_S + mercury.DEADLINE)
        self.assertGreaterEqual(time.monotonic() - began, REQUEST_S - 1)
        self.assertIn(b"408 Request Timeout", c.rest)
        c.socket.settimeout(mercury.DEADLINE)
        self.assertIsNone(silent.answer())

    def test_slow_readers_take_no_memory(self):
        """Each has asked for far more than it reads."""
        names = [f"listener-{i}-{'x' * 40}" for i in range(200)]
        self.d = self.up("".join(
            mercury.listener(n, pool="all") for n in names))
        size = len(self.ask("/api/status").body)
        self.assertGreater(size, 100_000)
        before = self.memory()
        clients = []
        for i in range(MANY // 4):
            c = Client(self.port)
            self.addCleanup(c.close)
            c.socket.setsockopt(1, 8, 4096)  # SO_RCVBUF
            c.send(request("/api/status") * 50)
            clients.append(c)
            if i % 50 == 0:
                self.assertEqual(self.ask("/readyz").status, 200)
        self.assertEqual(self.ask("/readyz").status, 200)
        self.assertLess(self.memory() - before, MEMORY)
        # Nobody waits for them for ever.
        pid = self.d.child("mercury-gateway")
        wait_until(lambda: len(os.listdir(f"/proc/{pid}/fd")) < 40,
                   "they are dropped", REQUEST_S + mercury.DEADLINE * 2)


class Hostile(Load):
    def setUp(self):
        super().setUp()
        self.d = self.up()
        self.pid = self.d.child("mercury-gateway")
        self.random = random.Random(7)

    def hold(self, inputs):
        """None of that does any harm."""
        for data in inputs:
            with Client(self.port) as c:
                try:
                    c.send(data)
                    c.socket.shutdown(1)
                    while c.more():
                        if len(c.rest) > 1 << 22:
                            break
                except OSError:
                    pass
        self.assertEqual(self.ask("/livez").status, 200)
        self.assertEqual(self.d.child("mercury-gateway"), self.pid)
        self.assertLess(self.memory(), MEMORY)

    def turns(self):
        """The share of a flood that was answered before a health check."""
        one = request("/livez")
        count = 8000 // len(one)
        clients = [Client(self.port) for _ in range(200)]
        check = Client(self.port)
        for c in clients + [check]:
            self.addCleanup(c.close)
            self.assertEqual(c.ask("/livez").status, 200)
        os.kill(self.pid, signal.SIGSTOP)
        for c in clients:
            c.send(one * count)
        check.send(one)
        os.kill(self.pid, signal.SIGCONT)
        self.assertEqual(check.answer().status, 200)
        os.kill(self.pid, signal.SIGSTOP)
        answers = 0
        for c in clients:
            c.socket.setblocking(False)
            try:
                answers += c.socket.recv(1 << 20).count(b"HTTP/1.1 200")
            except BlockingIOError:
                pass
            c.close()
        os.kill(self.pid, signal.SIGCONT)
        return answers / (len(clients) * count)

    def test_they_take_turns(self):
        """Who has sent many requests does not keep a health check waiting."""
        # This test may have to wait for a CPU before it can look.
        shares = sorted(self.turns() for _ in range(3))
        self.assertLess(shares[1], 0.3)

    def test_requests_without_end(self):
        """They come far faster than they are answered."""
        before = self.memory()
        many, rest = request("/livez") * 1000, b""
        with Client(self.port) as c:
            c.socket.setblocking(False)
            until = time.monotonic() + 3
            while time.monotonic() < until:
                rest = rest or many
                try:
                    rest = rest[c.socket.send(rest):]
                except BlockingIOError:
                    pass
                try:
                    c.socket.recv(1 << 20)
                except BlockingIOError:
                    pass
            if not mercury.SANITIZED:  # freed memory is kept for a while
                self.assertLess(self.memory() - before, 4 << 20)
        self.assertEqual(self.ask("/livez").status, 200)

    def test_random_bytes(self):
        self.hold(self.random.randbytes(self.random.randrange(1, 5000))
                  for _ in range(200))

    def test_bent_requests(self):
        good = (request("/api/events?limit=5&since=1h", accept="text/html",
                        authorization="Bearer x", content_length=4) + b"body"
                + request("/readyz/pos?verbose", "POST",
                          transfer_encoding="chunked")
                + b"4;a=b\r\nbody\r\n0\r\nA: b\r\n\r\n")

        def bend(_):
            data = bytearray(good)
            for _ in range(self.random.randrange(1, 6)):
                at = self.random.randrange(len(data))
                what = self.random.randrange(4)
                if what == 0:
                    data[at] = self.random.randrange(256)
                elif what == 1:
                    del data[at:at + self.random.randrange(20)]
                elif what == 2:
                    data[at:at] = self.random.choice(
                        (b"\r\n", b"\0", b"\n", b" ", b"%", b":", b"\x80" * 9))
                else:
                    data[at:at] = data[:at]
            return bytes(data)
        self.hold(map(bend, range(300)))

    def test_truncated(self):
        good = request("/readyz/pos", "POST", transfer_encoding="chunked") \
            + b"4\r\nbody\r\n0\r\n\r\n"
        self.hold(good[:n] for n in range(len(good)))

    def test_huge(self):
        big = b"x" * (8 << 20)
        self.hold((
            b"GET /" + big + b" HTTP/1.1\r\n\r\n",
            b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * (1 << 20) + b"\r\n",
            b"GET / HTTP/1.1\r\nA: " + big,
            b"\r\n" * (1 << 22) + request("/livez"),
            request("/livez", "POST", transfer_encoding="chunked")
            + b"1\r\nx\r\n" * (1 << 20),
            request("/livez", content_length=10 ** 30) + big,
            request("/livez") * 100_000))


if __name__ == "__main__":
    mercury.main()
