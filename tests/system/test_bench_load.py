"""The tools of the benchmarks: does the load generator count what really
happened, and do the reference servers serve?"""

import contextlib
import json
import os
import socket
import subprocess
import threading

import mercury
from certs import Certificates
from mercury import binary, connect, free_port, receive_all, wait_until

LOAD = binary("tests/bench/load")
REFERENCE = binary("tests/bench/reference")
NO_FAILURE = {"refused": 0, "reset": 0, "ended": 0, "wrong": 0, "hung": 0,
              "tls": 0, "other": 0}


class Peculiar:
    """A server that does something of its own with each connection."""

    def __init__(self, behaviour):
        self.behaviour = behaviour
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listening.getsockname()[1]
        self.accepted = 0
        self.open = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                s, _ = self.listening.accept()
            except OSError:
                return
            self.accepted += 1
            self.open.append(s)
            threading.Thread(target=self.one, args=(s,), daemon=True).start()

    def one(self, s):
        with contextlib.suppress(OSError):
            self.behaviour(s)

    def close(self):
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        for s in self.open:
            s.close()


def echo(s, change=lambda data: data, delay=0.0):
    while data := s.recv(1 << 16):
        if delay:
            threading.Event().wait(delay)
        s.sendall(change(data))


def end_after_a_byte(s):
    s.sendall(s.recv(1))
    s.recv(1 << 16)
    s.shutdown(socket.SHUT_WR)


def reset(s):
    s.recv(1)  # the rest is not read: the end is a reset
    s.close()


class LoadTest(mercury.TestCase):
    def load(self, *args):
        done = mercury.run([LOAD, *map(str, args)], timeout=60)
        self.assertEqual(done.code, 0, done)
        return json.loads(done.out.splitlines()[-1])

    def peculiar(self, behaviour):
        server = Peculiar(behaviour)
        self.addCleanup(server.close)
        return server

    def reference(self, *args):
        """A reference server, ended with the test."""
        process = subprocess.Popen([REFERENCE, *map(str, args)])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        port = int(args[1])
        wait_until(lambda: not mercury.refused(port), "reference listens")
        return port


class Counts(LoadTest):
    def test_connections_are_those_that_the_daemon_accepted(self):
        d = self.started(mercury.listener("a"))
        r = self.load("rate", "-c", 4, "-m", 300, d.port("a"))
        self.assertGreaterEqual(r["total"], 300)
        self.assertEqual(r["failed"], NO_FAILURE)

        def same():
            return d.listener("a")["accepted"] >= r["total"]
        wait_until(same, "all are counted")
        # One that was under way at the end may have been accepted too.
        self.assertLessEqual(d.listener("a")["accepted"], r["total"] + 4)

    def test_messages_are_those_that_the_daemon_echoed(self):
        d = self.started(mercury.listener("a"))
        r = self.load("echo", "-c", 1, "-n", 1000, "-m", 250, d.port("a"))
        self.assertEqual((r["total"], r["done"], r["opened"]), (250, 250, 1))
        wait_until(lambda: d.listener("a")["bytes_out"] >= 250000, "counted")
        self.assertEqual(d.listener("a")["bytes_in"], 250000)
        self.assertEqual(d.listener("a")["bytes_out"], 250000)

    def test_paced_messages_are_as_many_as_were_due(self):
        d = self.started(mercury.listener("a"))
        r = self.load("pace", "-c", 10, "-p", 50, "-w", 0, "-s", 1, "-j", 2,
                      d.port("a"))
        self.assertEqual(r["done"] + r["unanswered"] + r["skipped"], 200)
        self.assertEqual(r["failed"], NO_FAILURE)

    def test_latency_is_that_of_the_server(self):
        server = self.peculiar(lambda s: echo(s, delay=0.05))
        r = self.load("echo", "-c", 2, "-m", 10, server.port)
        self.assertGreaterEqual(r["latency_us"]["median"], 50000)
        self.assertLess(r["latency_us"]["median"], 1000000)
        self.assertGreaterEqual(r["latency_us"]["max"],
                                r["latency_us"]["median"])

    def test_paced_latency_counts_from_when_a_message_was_due(self):
        # The second message waits for the first one's answer.
        server = self.peculiar(lambda s: echo(s, delay=0.3))
        r = self.load("pace", "-c", 1, "-p", 50, "-w", 0, "-s", 0.3,
                      server.port)
        self.assertGreaterEqual(r["latency_us"]["max"], 400000)

    def test_idle_connections_are_held_and_then_asked(self):
        d = self.started(mercury.listener("a"))
        process = subprocess.Popen(
            [LOAD, "hold", "-c", "300", "-j", "2", str(d.port("a"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(json.loads(process.stdout.readline()),
                         {"held": 300})
        wait_until(lambda: d.listener("a")["connections"] == 300, "held")
        self.assertEqual(d.listener("a")["bytes_in"], 0)
        out, _ = process.communicate(timeout=60)
        self.assertEqual(json.loads(out)["done"], 300)

    def test_handshakes_are_full_or_resumed(self):
        certs = Certificates(os.path.join(self.scratch(), "tls"))
        cert, key = certs.make("server")
        d = self.started(mercury.listener("a", transport="tls").removesuffix(
            "}\n") + f'  tls {{ cert = "{cert}" key = "{key}" }}\n}}\n')
        full = self.load("rate", "-t", "-c", 2, "-m", 20, d.port("a"))
        self.assertEqual((full["resumed"], full["failed"]), (0, NO_FAILURE))
        self.assertGreaterEqual(full["total"], 20)
        resumed = self.load("rate", "-r", "-c", 2, "-m", 20, d.port("a"))
        self.assertEqual(resumed["failed"], NO_FAILURE)
        self.assertGreaterEqual(resumed["resumed"], 15)


class Failures(LoadTest):
    def failures(self, behaviour):
        server = self.peculiar(behaviour)
        r = self.load("rate", "-c", 2, "-s", 0.3, "-w", 0, server.port)
        self.assertEqual(r["total"], 0)
        self.assertGreater(server.accepted, 0)
        return {key: n for key, n in r["failed"].items() if n}

    def test_other_bytes(self):
        found = self.failures(lambda s: echo(s, lambda data: data[:-1] + b"!"))
        self.assertEqual(list(found), ["wrong"])

    def test_more_bytes_than_were_sent(self):
        found = self.failures(lambda s: echo(s, lambda data: data + data))
        self.assertEqual(list(found), ["wrong"])

    def test_an_early_end(self):
        self.assertEqual(list(self.failures(end_after_a_byte)), ["ended"])

    def test_resets(self):
        self.assertEqual(list(self.failures(reset)), ["reset"])

    def test_refused(self):
        r = self.load("rate", "-s", 0.2, "-c", 2, free_port())
        self.assertEqual((r["done"], r["opened"]), (0, 0))
        self.assertGreater(r["failed"]["refused"], 0)

    def test_no_answer(self):
        server = self.peculiar(lambda s: None)
        r = self.load("pace", "-c", 2, "-p", 100, "-w", 0, "-s", 0.5,
                      server.port)
        self.assertEqual((r["done"], r["unanswered"]), (0, 10))
        self.assertIsNone(r["latency_us"])


class References(LoadTest):
    def setUp(self):
        super().setUp()
        self.echo = self.reference("echo", free_port(), 2)

    def proxies(self):
        for how in ("copy", "splice"):
            yield how, self.reference(how, free_port(), 2, self.echo)

    def each(self):
        yield "echo", self.echo
        yield from self.proxies()

    def test_they_echo_small_and_large(self):
        for what, port in self.each():
            for size, connections in ((1, 50), (64, 1), (65536, 8),
                                      (3000000, 2)):
                with self.subTest(what=what, size=size):
                    r = self.load("echo", "-n", size, "-c", connections, "-m",
                                  10, port)
                    self.assertGreaterEqual(r["total"], 10)
                    self.assertEqual(r["failed"], NO_FAILURE)

    def test_they_bear_a_client_that_reads_late(self):
        data = os.urandom(4000000)
        for what, port in self.each():
            with self.subTest(what=what), connect(port) as s:
                sender = threading.Thread(target=s.sendall, args=(data,))
                sender.start()
                got = mercury.receive(s, len(data))
                sender.join()
                self.assertEqual(got, data)

    def test_the_proxies_pass_an_end_on(self):
        for what, port in self.proxies():
            with self.subTest(what=what), connect(port) as s:
                s.sendall(b"x" * 1000)
                s.shutdown(socket.SHUT_WR)
                self.assertEqual(receive_all(s), b"x" * 1000)


if __name__ == "__main__":
    mercury.main()
