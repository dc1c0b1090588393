"""Connections that are ended for what they do not do: idle_timeout,
max_lifetime, user_timeout; and that each end counts by its reason."""

import os
import select
import socket
import subprocess
import time
import unittest

import mercury
from mercury import ask, connect, kill, listener, wait_until
from storing import wait_rows


def ends(d, name="pos"):
    """The ends that there were, by reason."""
    return {k: v for k, v in d.listener(name)["ends"].items() if v}


def wait_ends(d, want):
    """A peer sees an end a moment before it is counted."""
    wait_until(lambda: ends(d) == want, f"{want}, not {ends(d)}")


def ended(s):
    """Has the server ended it?"""
    try:
        return s.recv(1) == b""
    except ConnectionResetError:
        return True


class Idle(mercury.TestCase):
    def test_one_that_says_nothing(self):
        d = self.started(listener("pos", idle_timeout="300ms"))
        begun = time.monotonic()
        with connect(d.port("pos")) as s:
            self.assertTrue(ended(s))
        self.assertGreaterEqual(time.monotonic() - begun, 0.29)
        wait_ends(d, {"idle_timeout": 1})

    def test_one_that_speaks_stays(self):
        d = self.started(listener("pos", idle_timeout="1s"))
        with connect(d.port("pos")) as s:
            end = time.monotonic() + 2.5
            while time.monotonic() < end:
                self.assertEqual(ask(s, b"x"), b"x")
                select.select([], [], [], 0.05)
            self.assertEqual(ends(d), {})
            self.assertTrue(ended(s))
        wait_ends(d, {"idle_timeout": 1})

    def test_an_update_concerns_those_that_are_open(self):
        d = self.started(listener("pos"))
        with connect(d.port("pos")) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            d.call("listener.update", name="pos", idle_timeout="200ms")
            self.assertTrue(ended(s))

    def test_many_at_once(self):
        count = 200 if mercury.SANITIZED else 1000
        d = self.started(listener("pos", idle_timeout="500ms", workers=2,
                                  backlog=4096))
        clients = [connect(d.port("pos")) for _ in range(count)]
        wait_ends(d, {"idle_timeout": count})
        for s in clients:
            s.close()

    def test_its_event_says_why(self):
        d = self.started(listener("pos", idle_timeout="200ms",
                                  record_connections=True))
        with connect(d.port("pos")) as s:
            self.assertTrue(ended(s))
        closed = wait_rows(d, "connection.closed")[0]
        self.assertEqual(closed["reason"], "idle_timeout")
        self.assertGreaterEqual(closed["detail"]["duration_ms"], 200)


class Lifetime(mercury.TestCase):
    def test_one_that_speaks_ends_as_well(self):
        d = self.started(listener("pos", max_lifetime="1s"))
        begun = time.monotonic()
        with connect(d.port("pos")) as s:
            try:
                while ask(s, b"x") == b"x":
                    select.select([], [], [], 0.02)
            except OSError:
                pass
        self.assertGreaterEqual(time.monotonic() - begun, 0.89)
        wait_ends(d, {"max_lifetime": 1})


class Ends(mercury.TestCase):
    def test_of_the_peer(self):
        d = self.started(listener("pos"))
        with connect(d.port("pos")) as s:
            self.assertEqual(ask(s, b"x"), b"x")
        s = connect(d.port("pos"))
        self.assertEqual(ask(s, b"x"), b"x")
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     b"\1\0\0\0\0\0\0\0")
        s.close()
        wait_ends(d, {"peer_closed": 1, "peer_reset": 1})

    def test_of_a_crash(self):
        d = self.started(listener("pos"))
        with connect(d.port("pos")) as s, connect(d.port("pos")) as t:
            for c in (s, t):
                self.assertEqual(ask(c, b"x"), b"x")
            d.kill_worker("pos")
            wait_ends(d, {"worker_crash": 2})


@unittest.skipUnless(mercury.ROOT, "only root may make a network namespace")
class UserTimeout(mercury.TestCase):
    def ip(self, *args):
        subprocess.run(["ip", *args], check=True)

    def test_a_peer_that_is_gone(self):
        """Its cable is cut while output waits for it."""
        name = f"merc{os.getpid()}"
        self.ip("netns", "add", name)
        self.addCleanup(self.ip, "netns", "delete", name)
        self.ip("link", "add", name, "type", "veth", "peer", "name", "far",
                "netns", name)
        self.ip("address", "add", "198.18.77.1/30", "dev", name)
        self.ip("link", "set", name, "up")
        for args in (("address", "add", "198.18.77.2/30", "dev", "far"),
                     ("link", "set", "far", "up")):
            self.ip("-n", name, *args)
        d = self.started(listener("pos", address="198.18.77.1",
                                  user_timeout="1s"))
        client = subprocess.Popen(
            ["ip", "netns", "exec", name, "socat", "-u", "/dev/zero",
             f"TCP:198.18.77.1:{d.port('pos')}"])
        mercury.Daemon.started_pids.add(client.pid)
        try:
            def waits():
                row = d.listener("pos")
                return row["bytes_in"] > row["bytes_out"]
            wait_until(waits, "output waits")
            self.ip("-n", name, "link", "set", "far", "down")
            wait_ends(d, {"user_timeout": 1})
        finally:
            kill(client.pid)
            client.wait()


if __name__ == "__main__":
    mercury.main()
