"""Bytes: all of them, in order, and bounded memory for who doesn't read."""

import os
import socket
import struct
import threading
import time
import unittest

import mercury
from mercury import ask, answers, connect, receive_all, wait_until


def random_bytes(size):
    return os.urandom(1 << 16) * (size >> 16) or os.urandom(size)


def send_in_background(s, data, finish=True):
    """Send all of data; then FIN."""
    def work():
        try:
            s.sendall(data)
            if finish:
                s.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # the reader says what is missing
    t = threading.Thread(target=work, daemon=True)
    t.start()
    return t


def send_until_full(s, size):
    """Send up to size bytes; stop when nothing moves for 300 ms."""
    s.settimeout(0.3)
    data = random_bytes(1 << 20)
    sent = 0
    try:
        while sent < size:
            sent += s.send(data[sent % len(data):])
    except TimeoutError:
        pass
    s.settimeout(mercury.DEADLINE)
    return sent, data


class Echo(mercury.TestCase):
    def setUp(self):
        super().setUp()
        self.d = self.daemon()
        self.path = os.path.join(self.d.dir, "dev.sock")
        self.d.write(mercury.listener("a")
                     + mercury.listener("u", path=self.path, mode="0666"))
        self.d.start()
        self.places = (self.d.port("a"), self.path)

    def test_64_kib(self):
        data = os.urandom(1 << 16)
        for place in self.places:
            with self.subTest(place=place), connect(place) as s:
                sender = send_in_background(s, data, finish=False)
                self.assertEqual(mercury.receive(s, len(data)), data)
                sender.join()

    def test_half_close(self):
        for size in (0, 1, 5, 4 << 20):
            for place in self.places:
                with self.subTest(size=size, place=place):
                    data = random_bytes(size)
                    with connect(place) as s:
                        sender = send_in_background(s, data)
                        self.assertEqual(receive_all(s), data)
                        sender.join()
        wait_until(lambda: self.d.listener("a")["connections"] == 0,
                   "all are closed")

    def test_many_sizes_on_one_connection(self):
        with connect(self.places[0]) as s:
            for size in list(range(1, 64)) + [1000, 4096, 16384, 65536]:
                data = os.urandom(size)
                self.assertEqual(ask(s, data), data)

    def test_bytes_are_counted_exactly(self):
        with connect(self.places[0]) as s:
            sender = send_in_background(s, random_bytes(3 << 20))
            self.assertEqual(len(receive_all(s)), 3 << 20)
            sender.join()

        def counted():
            row = self.d.listener("a")
            return (row["bytes_in"], row["bytes_out"]) == (3 << 20, 3 << 20)
        wait_until(counted, "3 MiB both ways")

    def test_a_client_that_does_not_read_is_back_pressured(self):
        worker = self.d.workers("a")[0]
        before = mercury.anonymous_bytes(worker)
        with connect(self.places[0]) as s:
            sent, data = send_until_full(s, 64 << 20)
            self.assertLess(sent, 64 << 20, "the worker kept everything")
            grown = mercury.anonymous_bytes(worker) - before
            if not mercury.SANITIZED:
                self.assertLess(grown, 1 << 20)
            self.assertTrue(answers(self.places[0]), "the others go on")
            began = mercury.cpu_seconds(worker)
            end = time.monotonic() + 0.5
            wait_until(lambda: time.monotonic() > end, "half a second")
            self.assertLess(mercury.cpu_seconds(worker) - began, 0.1,
                            "the worker spins")
            s.shutdown(socket.SHUT_WR)
            got = receive_all(s)
        self.assertEqual(len(got), sent)
        whole = data * (sent // len(data) + 1)
        self.assertEqual(got, whole[:sent])

    def test_fifty_clients_that_do_not_read(self):
        worker = self.d.workers("u")[0]
        before = mercury.anonymous_bytes(worker)
        clients = [connect(self.path) for _ in range(50)]
        for s in clients:
            s.setblocking(False)
            try:
                while True:
                    s.send(b"x" * 65536)
            except BlockingIOError:
                pass
        self.assertTrue(answers(self.path))
        grown = mercury.anonymous_bytes(worker) - before
        if not mercury.SANITIZED:
            self.assertLess(grown, 50 * (80 << 10))
        for s in clients:
            s.close()
        wait_until(lambda: self.d.listener("u")["connections"] == 0,
                   "all are closed")

    def test_reset_by_the_client(self):
        clients = [connect(self.places[0]) for _ in range(20)]
        for s in clients:
            s.sendall(b"x" * 1000)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                         struct.pack("ii", 1, 0))
            s.close()
        wait_until(lambda: self.d.listener("a")["accepted"] == 20
                   and self.d.listener("a")["connections"] == 0,
                   "all are accounted for")
        self.assertEqual(self.d.listener("a")["restarts"], 0)

    def test_an_idle_connection_takes_little_memory(self):
        if mercury.SANITIZED:
            raise unittest.SkipTest("a sanitizer has its own memory")
        worker = self.d.workers("a")[0]

        def open_some(count):
            sockets = [connect(self.places[0]) for _ in range(count)]
            total.extend(sockets)
            wait_until(lambda: self.d.listener("a")["connections"]
                       == len(total), "accepted")
            return mercury.anonymous_bytes(worker)

        total = []
        before = open_some(500)
        after = open_some(4000)
        for s in total:
            s.close()
        self.assertLessEqual((after - before) / 4000, 512)


class Discard(mercury.TestCase):
    def setUp(self):
        super().setUp()
        self.d = self.started(mercury.listener("a", protocol="discard"))
        self.port = self.d.port("a")

    def test_takes_everything_and_says_nothing(self):
        size = 32 << 20
        with connect(self.port) as s:
            s.sendall(random_bytes(size))
            s.shutdown(socket.SHUT_WR)
            self.assertEqual(receive_all(s), b"")
        wait_until(lambda: self.d.listener("a")["bytes_in"] == size,
                   "every byte is counted")
        self.assertEqual(self.d.listener("a")["bytes_out"], 0)
        self.assertEqual(self.d.listener("a")["protocol"], "discard")

    def test_stays_open_until_the_client_ends(self):
        with connect(self.port) as s:
            s.sendall(b"x")
            s.settimeout(0.2)
            with self.assertRaises(TimeoutError):
                s.recv(1)


if __name__ == "__main__":
    mercury.main()
