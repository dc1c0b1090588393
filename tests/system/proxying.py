"""What the tests of protocol proxy share: its section, and upstreams."""

import socket
import struct
import threading

import mercury
from mercury import listener


def proxy(name, upstreams, proxy_more="", more="", proxy_options=None,
          **options):
    """A listener section of protocol proxy; upstreams are texts or ports."""
    places = ", ".join(
        '"%s"' % (f"127.0.0.1:{u}" if isinstance(u, int) else u)
        for u in upstreams)
    body = "".join(f" {k} = {mercury.text(v)}"
                   for k, v in {"check": "off", **(proxy_options or {})}.items())
    text = listener(name, protocol="proxy", **options).rstrip("}\n")
    return (f"{text}\n  proxy {{ upstreams = {{{places}}}{body}"
            f" {proxy_more} }}\n  {more}\n}}\n")


def reset(s):
    """Close by a reset."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


class Upstream:
    """A listening socket; the test accepts, and plays the upstream."""

    def __init__(self, test, backlog=128, port=0, path=None):
        self.test = test
        if path is None:
            self.socket = socket.socket()
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind(("127.0.0.1", port))
            self.port = self.socket.getsockname()[1]
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.bind(path)
        self.socket.settimeout(mercury.DEADLINE)
        self.socket.listen(backlog)
        test.addCleanup(self.socket.close)

    def accept(self):
        s, _ = self.socket.accept()
        s.settimeout(mercury.DEADLINE)
        self.test.addCleanup(s.close)
        return s

    def nobody_waits(self):
        """Has nobody connected that was not accepted?"""
        self.socket.settimeout(0)
        try:
            self.socket.accept()[0].close()
            return False
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(mercury.DEADLINE)

    def close(self):
        """From now on it refuses."""
        self.socket.close()


def send_all(s, data, finish=True):
    """Send in a thread, then FIN; returns the thread."""
    def work():
        try:
            s.sendall(data)
            if finish:
                s.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # who reads says what is missing
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def fill(s, quiet=0.3):
    """Send until nothing has moved for so long; what was sent."""
    block = bytes(range(256)) * 256
    sent = 0
    s.settimeout(quiet)
    try:
        while True:
            sent += s.send(block[sent % 256:])
    except TimeoutError:
        s.settimeout(mercury.DEADLINE)
    return sent


def is_filling(data, at):
    """Is this what fill() has sent from byte at on?"""
    want = bytes(range(256)) * (len(data) // 256 + 2)
    return data == want[at % 256:][:len(data)]
