"""allow and deny: who may connect, by the longest match."""

import os
import re
import socket
import threading
import time

import mercury
from mercury import (RpcError, answers, ask, connect, listener, receive_all,
                     wait_until)
from storing import rows, wait_rows

TIE = {"allow": ["127.0.0.1"], "deny": ["127.0.0.1/32"]}


def may(port, host="127.0.0.1", source=None):
    """Is a connection from this address served?"""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as s:
        s.settimeout(mercury.DEADLINE)
        if source is not None:
            s.bind((source, 0))
        s.connect((host, port))
        try:
            s.sendall(b"ping")
            return mercury.receive(s, 4) == b"ping"
        except (ConnectionResetError, BrokenPipeError):
            return False


class Access(mercury.TestCase):
    def expect(self, port, **hosts):
        """Of each name of HOSTS: is it served? A worker that was just in the
        middle of accepting hears of new rules after that."""
        last = {}

        def as_told():
            last.update({name: may(port, HOSTS[name]) for name in hosts})
            return last == hosts
        try:
            wait_until(as_told, "the rules hold")
        except AssertionError:
            self.assertEqual(last, hosts)


HOSTS = {"v4": "127.0.0.1", "v6": "::1", "mapped": "::ffff:127.0.0.1"}


class Rules(Access):
    def test_who_may(self):
        """On a socket of both families; mapped is IPv4 like any other."""
        d = self.started()
        port = d.add("pos", address="::", port=0)["port"]
        every = {"allow": [], "deny": []}
        for rules, v4, v6 in (
                ({}, True, True),
                ({"allow": ["127.0.0.0/8"]}, True, False),
                ({"allow": ["::1"]}, False, True),
                ({"allow": ["0.0.0.0/0"]}, True, False),
                ({"allow": ["::/0"]}, False, True),
                ({"allow": ["::ffff:127.0.0.1"]}, True, False),
                ({"allow": ["10.0.0.0/8", "2001:db8::/32"]}, False, False),
                ({"deny": ["127.0.0.1"]}, False, True),
                ({"deny": ["::1/128"]}, True, False),
                ({"deny": ["::/0"]}, True, False),
                ({"deny": ["0.0.0.0/0", "::/0"]}, False, False),
                ({"deny": ["10.0.0.0/8"]}, True, True),
                # The longest match wins, and deny a tie.
                (TIE, False, False),
                ({"allow": ["127.0.0.1"], "deny": ["127.0.0.0/8"]},
                 True, False),
                ({"allow": ["127.0.0.0/8", "::1"], "deny": ["127.0.0.0/9"]},
                 False, True),
                ({"allow": ["0.0.0.0/0", "127.0.0.1/32"],
                  "deny": ["127.0.0.0/8", "127.0.0.0/31"]}, True, False)):
            with self.subTest(rules=rules):
                d.call("listener.update", name="pos", **{**every, **rules})
                self.expect(port, v4=v4, v6=v6, mapped=v4)

    def test_other_addresses_of_a_network(self):
        d = self.started(listener("pos", allow="127.0.0.4/30"))
        port = d.port("pos")
        got = [n for n in range(1, 12) if may(port, source=f"127.0.0.{n}")]
        self.assertEqual(got, [4, 5, 6, 7])

    def test_a_unix_socket_has_no_address(self):
        d = self.started()
        for key in ("allow", "deny", "probes"):
            with self.assertRaises(RpcError) as caught:
                d.add("pos", path=self.scratch() + "/u.sock",
                      **{key: ["::/0"]})
            self.assertIn(f"{key}: does not go with path",
                          caught.exception.message)

    def test_as_many_as_may_be(self):
        d = self.started()
        others = [f"10.{n // 256}.{n % 256}.0/24" for n in range(4095)]
        port = d.add("pos", deny=others + ["127.0.0.9"],
                     allow=others[:-1] + ["127.0.0.0/8", "::1"])["port"]
        self.assertTrue(may(port))
        self.assertFalse(may(port, source="127.0.0.9"))


class Counted(Access):
    def test_counted_and_told(self):
        d = self.started(listener("pos", deny="127.0.0.2", workers=2,
                                  record_connections=True))
        port = d.port("pos")
        for _ in range(5):
            self.assertFalse(may(port, source="127.0.0.2"))
        row = wait_until(lambda: d.listener("pos")["denied"] == 5 and
                         d.listener("pos"), "denied")
        for key in ("accepted", "connections", "rejected", "probes",
                    "handshake_failures"):
            self.assertEqual(row[key], 0, key)
        denied = wait_rows(d, "connection.denied")
        wait_until(lambda: sum(r["detail"]["count"] for r in rows(
            d, "connection.denied")) == 5, "all are told")
        self.assertEqual(denied[0]["reason"], "deny")
        self.assertEqual(denied[0]["severity"], "warning")
        self.assertTrue(denied[0]["peer"].startswith("127.0.0.2:"))
        d.call("listener.update", name="pos", deny=[], allow=["127.0.0.7"])
        self.assertFalse(may(port))
        wait_until(lambda: "allow" in [r["reason"] for r in rows(
            d, "connection.denied")], "for want of being allowed")

    def test_no_place_and_no_token_is_taken(self):
        d = self.started(listener("pos", deny="127.0.0.2", workers=2,
                                  accept_rate=1, accept_burst=3,
                                  max_connections=1))
        port = d.port("pos")
        for _ in range(30):
            self.assertFalse(may(port, source="127.0.0.2"))
        begun = time.monotonic()
        for _ in range(2):
            self.assertTrue(answers(port))
        self.assertLess(time.monotonic() - begun,
                        0.9 if not mercury.SANITIZED else 5)

    def test_a_flood(self):
        """It hurts nobody, and is one event a second for each worker."""
        d = self.started(listener("pos", deny="127.0.0.2"))
        port = d.port("pos")
        with connect(port) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            storm = Storm(port, "127.0.0.2")
            begun = time.monotonic()
            slowest = 0
            while time.monotonic() - begun < 3:
                at = time.monotonic()
                self.assertEqual(ask(s, b"x" * 100), b"x" * 100)
                self.assertTrue(answers(port))
                slowest = max(slowest, time.monotonic() - at)
            sent = storm.stop()
            self.assertGreater(sent, 500)
            self.assertLess(slowest, 1)
        took = time.monotonic() - begun
        wait_until(lambda: d.listener("pos")["denied"] >= sent, "denied")
        total = d.listener("pos")["denied"]
        wait_until(lambda: sum(r["detail"]["count"] for r in rows(
            d, "connection.denied")) == total, "all are told")
        self.assertLessEqual(len(rows(d, "connection.denied")), took + 2)
        self.assertNotIn("127.0.0.2", d.log())


class Storm:
    """Connects from one address as fast as it can."""

    def __init__(self, port, source):
        self.port, self.source = port, source
        self.sent, self.over = 0, False
        self.threads = [threading.Thread(target=self._run) for _ in range(2)]
        for t in self.threads:
            t.start()

    def _run(self):
        while not self.over:
            with socket.socket() as s:
                s.settimeout(mercury.DEADLINE)
                s.bind((self.source, 0))
                try:
                    s.connect(("127.0.0.1", self.port))
                    receive_all(s)
                    self.sent += 1
                except ConnectionResetError:
                    self.sent += 1
                except OSError:  # no port was free
                    pass

    def stop(self):
        self.over = True
        for t in self.threads:
            t.join()
        return self.sent


class Changed(Access):
    def test_effective_on_the_next_accept(self):
        d = self.started(listener("pos", workers=2))
        port, workers = d.port("pos"), d.workers("pos")
        inside = connect(port)
        self.addCleanup(inside.close)
        self.assertEqual(ask(inside, b"x"), b"x")
        for _ in range(5):
            d.call("listener.update", name="pos", deny=["127.0.0.1"])
            for _ in range(8):  # so that each worker is met
                self.assertFalse(may(port))
            d.call("listener.update", name="pos", deny=[])
            for _ in range(8):
                self.assertTrue(may(port))
        self.assertEqual(ask(inside, b"y"), b"y", "nobody is sent away")
        self.assertEqual(d.workers("pos"), workers)

    def test_with_ctl(self):
        d = self.started(listener("pos"))
        result = d.ctl("update-listener", "pos",
                       "deny=127.0.0.0/8,10.0.0.0/8", "allow=127.0.0.2")
        self.assertEqual(result.code, 0, result)
        port = d.port("pos")
        self.assertFalse(may(port))
        self.assertTrue(may(port, source="127.0.0.2"))

    def test_reload(self):
        def section(*deny):
            words = ", ".join(f'"{c}"' for c in deny)
            return listener("pos", port=port).rstrip("}\n") + (
                f"\n  deny = {{{words}}}\n}}\n")
        port = mercury.free_port()
        d = self.started(section("127.0.0.2", "127.0.0.3"))
        workers = d.workers("pos")
        self.assertTrue(may(port))
        self.assertFalse(may(port, source="127.0.0.3"))
        d.write(section("127.0.0.0/31"))
        d.call("daemon.reload")
        self.assertFalse(may(port))
        self.assertTrue(may(port, source="127.0.0.3"))
        d.write(listener("pos", port=port))
        d.call("daemon.reload")
        self.assertTrue(may(port))
        d.write(section("127.0.0.0/31", "127.0.0.1/33"))
        with self.assertRaises(RpcError):
            d.call("daemon.reload")
        self.assertTrue(may(port), "nothing has changed")
        self.assertEqual(d.workers("pos"), workers)

    def test_saved(self):
        d = self.started()
        for args in (("add-listener", "pos", "port=0", "address=127.0.0.1",
                      "protocol=echo", "deny=127.0.0.2", "--save"),
                     ("add-listener", "two", "port=0", "address=127.0.0.1",
                      "protocol=echo", "--save"),
                     ("update-listener", "two", "allow=127.0.0.3,::1",
                      "--save"),
                     ("update-listener", "pos", "deny=127.0.0.0/31")):
            result = d.ctl(*args)
            self.assertEqual(result.code, 0, result)
        self.assertEqual(d.stop(), 0)
        d.start()
        pos, two = d.port("pos"), d.port("two")
        self.assertTrue(may(pos), "that change was not saved")
        self.assertFalse(may(pos, source="127.0.0.2"))
        self.assertFalse(may(two))
        self.assertTrue(may(two, source="127.0.0.3"))

    def test_kept_over_restarts_of_workers(self):
        d = self.started(listener("pos", deny="127.0.0.2", workers=2))
        d.call("listener.update", name="pos", allow=["127.0.0.0/30"])
        port = d.port("pos")

        def check():
            for _ in range(6):
                self.assertTrue(may(port))
                self.assertFalse(may(port, source="127.0.0.2"))
                self.assertFalse(may(port, source="127.0.0.5"))
        check()
        d.call("listener.restart", name="pos")
        check()
        for index in (0, 1):
            d.kill_worker("pos", index)
        check()
        d.call("listener.pause", name="pos")
        d.call("listener.resume", name="pos")
        check()


class Bad(mercury.TestCase):
    CASES = (
        (["10.0.0.0/8", "foo"], '"foo" is no numeric address'),
        (["10.0.0.0/33"], '"10.0.0.0/33" must have 0 to 32 bits'),
        (["::1/129"], '"::1/129" must have 0 to 128 bits'),
        (["10.0.0.1/8"], "must be 10.0.0.0/8 or 10.0.0.1"),
        (["localhost"], '"localhost" is no numeric address'),
        (["10.0.0.0/8", "10.1.0.0/255.255.0.0"], '"10.1.0.0/255.255.0.0"'),
        ([""], '""'),
        (["10.0.0.1"] * 4097, "at most 4096"))

    def test_over_the_control_socket(self):
        d = self.started(listener("pos"))
        for key in ("allow", "deny", "probes", "proxy_trusted"):
            for networks, want in self.CASES:
                for method, name in (("listener.add", "new"),
                                     ("listener.update", "pos")):
                    with self.subTest(key=key, want=want, method=method):
                        params = {key: networks, "name": name}
                        if method == "listener.add":
                            params.update(protocol="echo", port=0)
                        with self.assertRaises(RpcError) as caught:
                            d.call(method, **params)
                        self.assertEqual(caught.exception.reason, "invalid")
                        self.assertIn(f"{key}: ", caught.exception.message)
                        self.assertIn(want, caught.exception.message)
        for value in (5, True, {}, [5], [["10.0.0.0/8"]], [None]):
            with self.assertRaises(RpcError):
                d.call("listener.update", name="pos", allow=value)
        self.assertEqual(len(d.status()["listeners"]), 1)
        self.assertTrue(answers(d.port("pos")))

    def test_in_the_config_file(self):
        d = self.daemon()
        for networks, want in self.CASES[:-1]:
            with self.subTest(want=want):
                words = ", ".join(f'"{c}"' for c in networks)
                d.write(f'listener "pos" {{\n  protocol = "echo"\n'
                        f"  port = 0\n  deny = {{{words}}}\n}}\n")
                result = d.run("-t")
                self.assertEqual(result.code, 78, result)
                with open(d.config) as f:
                    number = [n for n, line in enumerate(f, 1)
                              if "deny" in line][0]
                self.assertRegex(result.err, re.escape(
                    f"{d.config}:{number}: ") + "(.*: )?deny: ")
                self.assertIn(want, result.err)

    def test_a_saved_file(self):
        d = self.started()
        d.add("good", save=True, deny=["127.0.0.2"])
        d.add("bad", save=True, deny=["127.0.0.2"])
        self.assertEqual(d.stop(), 0)
        path = os.path.join(d.state, "listeners", "bad.json")
        with open(path) as f:
            text = f.read()
        with open(path, "w") as f:
            f.write(text.replace("127.0.0.2", "127.0.0.2/40"))
        d.start()
        self.assertEqual([r["name"] for r in d.status()["listeners"]],
                         ["good"])
        self.assertIn('"127.0.0.2/40" must have 0 to 32 bits', d.log())
        self.assertFalse(may(d.port("good"), source="127.0.0.2"))


if __name__ == "__main__":
    mercury.main()
