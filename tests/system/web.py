"""An HTTP client for tests, which sees each byte and how a connection ends."""

import json
import socket
import struct
import subprocess

import mercury
from mercury import connect, wait_until

TCP_CLOSE = 7


class Answer:
    """One answer; its headers by lower-case name."""

    def __init__(self, head, body):
        lines = head.decode("latin-1").split("\r\n")
        self.version, status, self.phrase = lines[0].split(" ", 2)
        self.status = int(status)
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.headers[name.lower()] = value.strip()
        self.body = body

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:500]}"

    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body)


class Client:
    """A connection to an HTTP server."""

    def __init__(self, port, sock=None, timeout=mercury.DEADLINE):
        self.socket = sock or connect(port, timeout)
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def more(self):
        """Receive; False at the end."""
        part = self.socket.recv(1 << 16)
        self.rest += part
        return bool(part)

    def answer(self, head=False):
        """The next answer; None at the end. head: it has no body."""
        while b"\r\n\r\n" not in self.rest:
            if not self.more():
                if self.rest:
                    raise AssertionError(f"half an answer: {self.rest}")
                return None
        start, _, self.rest = self.rest.partition(b"\r\n\r\n")
        answer = Answer(start, b"")
        if answer.status == 100:
            return answer
        size = 0 if head else int(answer.headers["content-length"])
        while len(self.rest) < size:
            if not self.more():
                raise AssertionError(f"half a body: {self.rest}")
        answer.body, self.rest = self.rest[:size], self.rest[size:]
        return answer

    def ask(self, path, method="GET", head=False, version="1.1", **headers):
        """Send a request and return the answer."""
        self.send(request(path, method, version, **headers))
        return self.answer(head or method == "HEAD")

    def end(self):
        """The server closes: with a FIN, and with no RST behind it."""
        while self.more():
            pass
        if self.rest:
            raise AssertionError(f"more came: {self.rest[:200]}")
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # shut before, or the error that is looked for below
        wait_until(lambda: tcp_state(self.socket) == TCP_CLOSE, "it is closed")
        error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error != 0:
            raise AssertionError(f"the end was no FIN: errno {error}")
        self.close()


def tcp_state(s):
    return struct.unpack("B", s.getsockopt(socket.IPPROTO_TCP,
                                           socket.TCP_INFO, 1))[0]


def request(path, method="GET", version="1.1", **headers):
    """The bytes of a request; a header that is None is left out."""
    headers = {"host": "127.0.0.1", **headers}
    lines = "".join(f"{k.replace('_', '-')}: {v}\r\n"
                    for k, v in headers.items() if v is not None)
    return f"{method} {path} HTTP/{version}\r\n{lines}\r\n".encode()


def ask(port, path, method="GET", **kwargs):
    """One request over a connection of its own."""
    with Client(port) as c:
        return c.ask(path, method, **kwargs)


def curl(test, *args):
    """What curl prints; it must succeed."""
    done = subprocess.run(
        (mercury.need_tool(test, "curl"), "-sS", "--max-time",
         str(mercury.DEADLINE), *args),
        capture_output=True, timeout=mercury.DEADLINE * 2, check=False)
    test.assertEqual(done.returncode, 0, done)
    return done.stdout.decode()


class Served(mercury.TestCase):
    """Tests of a daemon with a gateway on self.port."""

    def setUp(self):
        super().setUp()
        self.port = mercury.free_port()

    def up(self, listeners=None, more="", **options):
        if listeners is None:
            listeners = mercury.listener("pos")
        d = self.daemon(mercury.gateway(self.port, more, **options)
                        + listeners)
        d.start()
        self.wait_status("/readyz", 200)
        return d

    def wait_status(self, path, status, **kwargs):
        """Wait until a path is answered so; the answer."""
        def is_so():
            try:
                self.last = ask(self.port, path, **kwargs)
            except OSError:
                return False
            return self.last.status == status and self.last
        self.last = None
        try:
            return wait_until(is_so, f"{path} is answered with {status}")
        except AssertionError as e:
            raise AssertionError(f"{e}; the last answer: {self.last}") from e

    def ask(self, path, method="GET", **kwargs):
        return ask(self.port, path, method, **kwargs)
