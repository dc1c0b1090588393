"""connection.list and connection.kick with the real daemon: who is shown, page
by page, who is ended, and what is said of workers that don't answer."""

import os
import resource
import signal
import time

import mercury
from mercury import ask, connect, listener, receive, wait_until

MANY = 5000


def name_of(s):
    """How the daemon calls the peer of its end of our connection."""
    host, port = s.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Connections(mercury.TestCase):
    def opened(self, where, count=1):
        """Connections that are accepted."""
        found = []
        for _ in range(count):
            s = connect(where)
            self.addCleanup(s.close)
            found.append(s)
        for s in found:
            self.assertEqual(ask(s, b"ping"), b"ping")
        return found

    def list(self, d, name="a", **params):
        """All pages: connections, and the slots that are missing."""
        rows, missing, after = [], [], {}
        with d.rpc() as rpc:
            while True:
                page = rpc.call("connection.list", name=name, **params,
                                **after)
                rows += page["connections"]
                missing += page["missing"]
                if page["next"] is None:
                    return rows, missing
                after = {"after": page["next"]}

    def peers(self, d, name="a", **params):
        return [row["peer"] for row in self.list(d, name, **params)[0]]

    def waiting(self, d, s):
        """The row of a client that sends and does not read."""
        s.setblocking(False)

        def waits():
            try:
                while True:
                    s.send(b"x" * 65536)
            except BlockingIOError:
                pass
            row = self.list(d)[0][0]
            return row if row["state"] == "waiting" else None
        row = wait_until(waits, "it waits")
        s.setblocking(True)
        return row

    def test_what_is_shown(self):
        d = self.started(listener("a", workers=2, address="::"))
        before = time.time()
        port = d.port("a")
        opened = [*self.opened(port, 5), *self.opened(("::1", port), 5)]
        for n, s in enumerate(opened):
            ask(s, b"x" * n)
        wait_until(lambda: not any(row["unsent"] for row in self.list(d)[0]),
                   "all is acknowledged")
        rows, missing = self.list(d)
        self.assertEqual(missing, [])
        rows = {row["peer"]: row for row in rows}
        self.assertEqual(set(rows), {name_of(s) for s in opened})
        workers = d.listener("a")["workers"]
        for n, s in enumerate(opened):
            row = rows[name_of(s)]
            self.assertEqual((row["bytes_in"], row["bytes_out"]),
                             (4 + n, 4 + n))
            self.assertEqual(row["state"], "open")
            self.assertEqual(row["generation"], 1)
            self.assertEqual(row["pid"], workers[row["slot"]]["pid"])
            self.assertIsNone(row["peer_pid"])
            self.assertGreater(row["rtt_us"], 0)
            self.assertLessEqual(row["idle_ms"], row["age_ms"])
            self.assertLessEqual(row["age_ms"],
                                 (time.time() - before) * 1000)
            self.assertRegex(row["id"], r"^[0-9a-f]{8}-[1-9][0-9]*$")
        self.assertEqual(len({row["id"] for row in rows.values()}), 10)

    def test_nobody_and_none(self):
        d = self.started(listener("a"))
        self.assertEqual(d.call("connection.list", name="a"),
                         {"connections": [], "next": None, "missing": []})
        self.assertEqual(d.ctl("connections", "a").out, "no connections\n")
        for words in (["connections", "b"], ["kick", "b", "b13cfa44-1"]):
            result = d.ctl(*words)
            self.assertEqual(result.code, 1)
            self.assertIn("no listener named b", result.err)

    def test_a_client_that_does_not_read(self):
        d = self.started(listener("a"))
        with connect(d.port("a")) as s:
            row = self.waiting(d, s)
            self.assertGreater(row["unsent"], 0)
            self.assertGreater(row["bytes_in"], 0)
            self.assertIn("waiting", d.ctl("connections", "a").out)
            while self.list(d)[0][0]["state"] == "waiting":
                s.recv(1 << 20)

    def test_only_some(self):
        d = self.started(listener("a", address="::"))
        port = d.port("a")
        opened = self.opened(port, 3)
        other = self.opened(("::1", port))[0]
        names = [name_of(s) for s in opened]
        for peer, want in (("127.0.0.1", names), ("127.0.0.0/8", names),
                           ("::ffff:127.0.0.1", names), (names[1], [names[1]]),
                           ("::1", [name_of(other)]),
                           (name_of(other), [name_of(other)]),
                           ("10.0.0.0/8", [])):
            self.assertEqual(self.peers(d, peer=peer), want, peer)
        self.assertEqual(len(self.peers(d, min_idle="0s")), 4)
        self.assertEqual(self.peers(d, min_idle="1h"), [])
        busy = opened[1]

        def idle():
            ask(busy, b"x")
            return self.peers(d, min_idle="300ms", peer="127.0.0.1")
        wait_until(lambda: idle() == [names[0], names[2]],
                   "two of three are idle")

    def test_many_page_by_page(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < MANY + 1000:
            self.skipTest("too few descriptors")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE,
                        (soft, hard))
        d = self.started(listener("a", workers=3, backlog=4096))
        opened = self.opened(d.port("a"), MANY)
        want = sorted(name_of(s) for s in opened)
        control = mercury.anonymous_bytes(d.child("mercury-control"))
        rows, missing = self.list(d)
        self.assertEqual(missing, [])
        self.assertEqual(sorted(row["peer"] for row in rows), want)
        places = [(row["slot"], int(row["id"].split("-")[1]))
                  for row in rows]
        self.assertEqual(places, sorted(places))
        self.assertEqual(sorted(self.peers(d, limit=333)), want)
        if not mercury.SANITIZED:
            self.assertLess(mercury.anonymous_bytes(
                d.child("mercury-control")) - control, 4 << 20)
        lines = d.ctl("connections", "a").out.splitlines()
        self.assertEqual(len(lines), MANY + 1)
        self.assertEqual(sorted(line.split()[1] for line in lines[1:]), want)
        lines = d.ctl("connections", "a", "--limit", "1500", "--json")
        self.assertEqual(len(lines.out.splitlines()), 1500)

    def test_what_stays_is_seen_once_while_others_come_and_go(self):
        d = self.started(listener("a", workers=2))
        stay = {name_of(s) for s in self.opened(d.port("a"), 40)}
        others = self.opened(d.port("a"), 40)
        got, after = [], {}
        while True:
            page = d.call("connection.list", name="a", limit=7, **after)
            got += [row["peer"] for row in page["connections"]]
            for _ in range(3):
                if others:
                    others.pop().close()
            self.opened(d.port("a"))
            if page["next"] is None or len(got) > 200:
                break
            after = {"after": page["next"]}
        self.assertEqual(len(got), len(set(got)))
        self.assertLessEqual(stay, set(got))

    def test_kick(self):
        d = self.started(listener("a", workers=2))
        opened = self.opened(d.port("a"), 10)
        ids = {row["peer"]: row["id"] for row in self.list(d)[0]}
        victim = opened.pop(4)
        name = ids[name_of(victim)]
        result = d.ctl("kick", "a", name)
        self.assertEqual((result.code, result.out), (0, f"kicked {name}\n"),
                         result)
        self.assertEqual(receive(victim, 1), b"")
        for s in opened:
            self.assertEqual(ask(s, b"still"), b"still")
        self.assertEqual(sorted(self.peers(d)),
                         sorted(name_of(s) for s in opened))
        result = d.ctl("kick", "a", name)
        self.assertEqual((result.code, result.out), (1, ""))
        self.assertIn(f"a has no connection {name}", result.err)
        with self.assertRaises(mercury.RpcError) as failed:
            d.call("connection.kick", name="a", id=name)
        self.assertEqual(failed.exception.reason, "not_found")
        result = d.ctl("kick", "a", "17")
        self.assertEqual(result.code, 1)
        self.assertIn('not "17"', result.err)

    def test_kick_who_does_not_read(self):
        d = self.started(listener("a"))
        with connect(d.port("a")) as s:
            row = self.waiting(d, s)
            self.assertTrue(d.call("connection.kick", name="a",
                                   id=row["id"])["kicked"])
            wait_until(lambda: not self.list(d)[0], "it has gone")
            with self.assertRaises(OSError):
                while True:
                    s.sendall(b"x" * 65536)

    def test_of_another_listener(self):
        d = self.started(listener("a", pool="p") + listener("b", pool="p"))
        of_a = self.opened(d.port("a"), 3)
        of_b = self.opened(d.port("b"), 2)
        self.assertEqual(self.peers(d, "a"), [name_of(s) for s in of_a])
        self.assertEqual(self.peers(d, "b"), [name_of(s) for s in of_b])
        name = self.list(d, "a")[0][0]["id"]
        with self.assertRaises(mercury.RpcError) as failed:
            d.call("connection.kick", name="b", id=name)
        self.assertEqual(failed.exception.reason, "not_found")
        self.assertEqual(ask(of_a[0], b"lives"), b"lives")

    def test_a_worker_that_does_not_answer(self):
        d = self.started(listener("a", workers=2, hang_timeout="1h"))
        opened = self.opened(d.port("a"), 20)
        rows = self.list(d)[0]
        self.assertEqual({row["slot"] for row in rows}, {0, 1})
        stopped = d.workers("a")[0]
        os.kill(stopped, signal.SIGSTOP)
        self.addCleanup(os.kill, stopped, signal.SIGCONT)
        start = time.monotonic()
        some, missing = self.list(d)
        self.assertTrue(1.5 < time.monotonic() - start < 8)
        self.assertEqual(missing, [0])
        self.assertEqual([row["id"] for row in some],
                         [row["id"] for row in rows if row["slot"] == 1])
        result = d.ctl("connections", "a")
        self.assertEqual(result.code, 0)
        self.assertEqual(len(result.out.splitlines()), 1 + len(some))
        self.assertIn("slot 0 does not answer", result.err)
        with self.assertRaises(mercury.RpcError) as failed:
            d.call("connection.kick", name="a", id="00000001-1")
        self.assertEqual(failed.exception.reason, "timeout")
        self.assertTrue(d.call("connection.kick", name="a",
                               id=some[0]["id"])["kicked"])
        os.kill(stopped, signal.SIGCONT)
        self.assertEqual(len(wait_until(
            lambda: self.list(d) if not self.list(d)[1] else None,
            "it answers")[0]), 19)
        self.assertEqual(len(opened), 20)

    def test_a_worker_that_is_replaced(self):
        d = self.started(listener("a"))
        self.opened(d.port("a"), 3)
        old = self.list(d)[0][0]
        d.kill_worker("a")
        self.assertEqual(self.list(d), ([], []))
        self.opened(d.port("a"))
        new = self.list(d)[0][0]
        self.assertNotEqual(new["id"].split("-")[0], old["id"].split("-")[0])
        self.assertNotEqual(new["pid"], old["pid"])

    def test_a_hot_restart(self):
        d = self.started(listener("a", workers=2, drain_timeout="1h"))
        before = self.opened(d.port("a"), 10)
        d.call("listener.restart", name="a")
        after = self.opened(d.port("a"), 10)
        rows, missing = self.list(d)
        self.assertEqual(missing, [])
        self.assertEqual({row["peer"]: row["generation"] for row in rows},
                         {**{name_of(s): 1 for s in before},
                          **{name_of(s): 2 for s in after}})
        self.assertEqual([(row["slot"], row["generation"]) for row in rows],
                         sorted((row["slot"], row["generation"])
                                for row in rows))
        self.assertEqual([row["id"] for row in self.list(d, limit=3)[0]],
                         [row["id"] for row in rows])
        old = [row for row in rows if row["generation"] == 1]
        victim = next(s for s in before if name_of(s) == old[0]["peer"])
        d.call("connection.kick", name="a", id=old[0]["id"])
        self.assertEqual(receive(victim, 1), b"")
        for s in before:
            s.close()
        wait_until(lambda: {row["generation"] for row in self.list(d)[0]} ==
                   {2}, "the old ones have gone")

    def test_a_paused_one(self):
        d = self.started(listener("a"))
        opened = self.opened(d.port("a"), 3)
        d.call("listener.pause", name="a")
        self.assertEqual(len(self.peers(d)), 3)
        d.call("connection.kick", name="a", id=self.list(d)[0][0]["id"])
        self.assertEqual(receive(opened[0], 1), b"")

    def test_a_unix_socket(self):
        path = os.path.join(self.scratch(), "a.sock")
        d = self.started(listener("a", path=path, mode="0666"))
        opened = self.opened(path, 2)
        rows = self.list(d)[0]
        for row in rows:
            self.assertIsNone(row["peer"])
            self.assertIsNone(row["rtt_us"])
            self.assertEqual(row["peer_pid"], os.getpid())
        self.assertIn(f"pid {os.getpid()}", d.ctl("connections", "a").out)
        self.assertEqual(self.peers(d, peer="0.0.0.0/0"), [])
        d.call("connection.kick", name="a", id=rows[1]["id"])
        self.assertEqual(receive(opened[1], 1), b"")
        self.assertEqual(ask(opened[0], b"lives"), b"lives")

    def test_control_that_is_replaced(self):
        d = self.started(listener("a"))
        self.opened(d.port("a"), 5)
        page = d.call("connection.list", name="a", limit=2)
        mercury.kill(d.child("mercury-control"))
        wait_until(lambda: d.ctl("status").code == 0, "control is back")
        rest = d.call("connection.list", name="a", after=page["next"])
        self.assertEqual(len(page["connections"] + rest["connections"]), 5)
        self.assertIsNone(rest["next"])


if __name__ == "__main__":
    mercury.main()
