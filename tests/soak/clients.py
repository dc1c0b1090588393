"""The clients of a soak run: a process of its own, for they take time.

    clients.py '{"places": [...], "seed": 1, "patience": 10}'

Talks to every listener as its protocol wants, keeps connections, is slow, says
nothing, and sends garbage, until its standard input ends. Each line that it
prints is a JSON object: what it has counted, or a promise that was broken.
"""

import collections
import json
import random
import socket
import ssl
import struct
import sys
import threading
import time

TALKS = ("echo", "discard", "tls", "proxy", "exec", "module", "header",
         "limited")
HEADER_V2 = b"\r\n\r\n\0\r\nQUIT\n"
KEEP_S = 0.5


def proxy_header(version):
    """It says that 192.0.2.1:1000 has connected."""
    if version == 1:
        return b"PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\n"
    return (HEADER_V2 + b"\x21\x11" + struct.pack("!H", 12) +
            socket.inet_aton("192.0.2.1") + socket.inet_aton("192.0.2.2") +
            struct.pack("!HH", 1000, 2000))


def open_socket(place, timeout):
    """A connection, as the listener wants it to begin."""
    where = place["where"]
    if isinstance(where, str):
        s = socket.socket(socket.AF_UNIX)
    else:
        s, where = socket.socket(), ("127.0.0.1", where)
    try:
        s.settimeout(timeout)
        s.connect(where)
        if place["talk"] == "header":
            s.sendall(proxy_header(random.choice((1, 2))))
        if place["talk"] == "tls":
            context = ssl.create_default_context(cafile=place["ca"])
            s = context.wrap_socket(s, server_hostname="localhost")
    except BaseException:
        s.close()
        raise
    return s


def receive(s, size):
    data = b""
    while len(data) < size:
        part = s.recv(size - len(data))
        if not part:
            raise ConnectionResetError("closed")
        data += part
    return data


def ask(s, talk, data):
    """Say something and want the right answer."""
    if talk == "module":
        s.sendall(b"\n")
        answer = receive(s, 21)
        if not answer.endswith(b"Z\n"):
            raise ValueError(f"{answer!r} is no time")
        return
    s.sendall(data)
    if talk == "discard":
        return
    answer = receive(s, len(data))
    if answer != data:
        raise ValueError(f"{answer[:60]!r} is not {data[:60]!r}")


def exchange(place, timeout, data=b"ping"):
    """One whole conversation. OSError: it was not served; ValueError: the
    answer is wrong."""
    talk = place["talk"]
    with open_socket(place, timeout) as s:
        try:
            ask(s, talk, data)
            if talk == "discard":
                s.shutdown(socket.SHUT_WR)
                if s.recv(1):
                    raise ValueError("an answer of discard")
        except (ConnectionResetError, BrokenPipeError):
            if talk != "limited":  # which may reject
                raise


class Clients:
    """The threads, and what they count together."""

    def __init__(self, settings):
        self.places = settings["places"]
        self.patience = settings["patience"]
        self.seed = settings["seed"]
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.counts = collections.Counter()

    def tell(self, **what):
        with self.lock:
            print(json.dumps(what), flush=True)

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def talk(self, place, rng):
        """Come and go."""
        while not self.stopping.wait(rng.expovariate(10)):
            begun = time.monotonic()
            data = rng.randbytes(rng.choice((1, 10, 100, 5000, 100000)))
            try:
                exchange(place, self.patience, data)
                self.count(place["name"])
            except TimeoutError:
                self.tell(hung=place["name"], since=begun,
                          until=time.monotonic())
            except ValueError as e:
                self.tell(wrong=place["name"], what=str(e))
            except OSError as e:
                self.count("failed: " + type(e).__name__)

    def keep(self, place, rng):
        """Stay, and talk now and then; again, when it was ended."""
        since = None
        while not self.stopping.is_set():
            begun = time.monotonic()
            try:
                with open_socket(place, self.patience) as s:
                    since = time.monotonic()
                    while not self.stopping.wait(KEEP_S):
                        begun = time.monotonic()
                        ask(s, place["talk"], rng.randbytes(20))
                        self.count("kept")
            except ValueError as e:
                self.tell(wrong=place["name"], what=str(e))
            except OSError as e:
                if place["calm"] or isinstance(e, TimeoutError):
                    self.tell(broke=place["name"], since=since or begun,
                              asked=begun, until=time.monotonic(),
                              what=repr(e))
                self.count("ended")
                self.stopping.wait(0.3)

    def crawl(self, place, rng):
        """One byte at a time, and then say nothing for a while."""
        while not self.stopping.wait(rng.uniform(0, 1)):
            try:
                with open_socket(place, self.patience) as s:
                    for _ in range(rng.randrange(20)):
                        s.sendall(b"x")
                        if self.stopping.wait(0.1):
                            return
                    self.stopping.wait(rng.uniform(0, 3))
                    self.count("slow")
            except OSError:
                pass

    def lurk(self, place, rng):
        """Connect, and be half of a connection: without the handshake."""
        while not self.stopping.wait(rng.uniform(0, 1)):
            silent = dict(place, talk="echo")
            try:
                with open_socket(silent, self.patience) as s:
                    if rng.random() < 0.5:
                        s.shutdown(socket.SHUT_WR)
                    self.stopping.wait(rng.uniform(0, 4))
                    self.count("half open")
            except OSError:
                pass

    def threads(self):
        rng = random.Random(self.seed)
        for place in self.places:
            works = [self.talk, self.crawl, self.lurk]
            if place["talk"] not in ("discard", "limited"):
                works += [self.keep] * (4 if place["calm"] else 1)
            if place["calm"]:
                works.remove(self.lurk)
            for work in works:
                yield threading.Thread(target=work, args=(
                    place, random.Random(rng.random())))

    def run(self):
        threads = list(self.threads())
        for t in threads:
            t.start()
        sys.stdin.read()
        self.stopping.set()
        for t in threads:
            t.join()
        self.tell(counts=self.counts)


if __name__ == "__main__":
    Clients(json.loads(sys.argv[1])).run()
