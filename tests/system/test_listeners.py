"""Listeners come and go while the daemon runs; nobody else notices."""

import os
import signal
import threading
import time

import mercury
from mercury import (ask, answers, connect, kill, refused, run, wait_until)

LISTENER_KEYS = {
    "name", "state", "pool", "generation", "address", "port", "path",
    "transport", "protocol", "connections", "accepted", "bytes_in",
    "bytes_out", "restarts", "bind_attempts", "last_error", "workers"}
WORKER_KEYS = {"slot", "pid", "state", "connections", "uptime_ms",
               "restarts"}


class Chatter(threading.Thread):
    """Talks on open connections in turn until told to stop."""

    def __init__(self, sockets):
        super().__init__()
        self.sockets = sockets
        self.stopping = threading.Event()
        self.rounds = 0
        self.slowest = 0.0
        self.error = None

    def run(self):
        try:
            while not self.stopping.is_set():
                for number, s in enumerate(self.sockets):
                    word = f"{self.rounds}/{number};".encode()
                    began = time.monotonic()
                    if ask(s, word) != word:
                        raise AssertionError(f"connection {number}: cut")
                    self.slowest = max(self.slowest,
                                       time.monotonic() - began)
                self.rounds += 1
        except Exception as e:  # told to the test by finish()
            self.error = e

    def finish(self):
        self.stopping.set()
        self.join(mercury.DEADLINE)
        if self.error:
            raise self.error


class ThreeListeners(mercury.TestCase):
    def setUp(self):
        super().setUp()
        self.d = self.started()
        self.path = os.path.join(self.d.dir, "dev.sock")
        self.v4 = self.d.add_with_ctl("v4")["port"]
        self.v6 = self.d.add_with_ctl("v6", address="::1")["port"]
        self.d.add_with_ctl("local", path=self.path, mode="0666")

    def test_talk_with_nc_and_socat(self):
        commands = [
            ["nc", "-N", "127.0.0.1", str(self.v4)],
            ["nc", "-N", "::1", str(self.v6)],
            ["nc", "-N", "-U", self.path],
            ["socat", "-t", "5", "-", f"TCP4:127.0.0.1:{self.v4}"],
            ["socat", "-t", "5", "-", f"TCP6:[::1]:{self.v6}"],
            ["socat", "-t", "5", "-", f"UNIX-CONNECT:{self.path}"],
        ]
        for command in commands:
            with self.subTest(command=" ".join(command)):
                result = run(command, data=b"hello, device\n")
                self.assertEqual(result.out, "hello, device\n", result)
                self.assertEqual(result.code, 0, result)

    def test_status_shows_them(self):
        for where in (self.v4, ("::1", self.v6), self.path):
            self.assertTrue(answers(where))
        status = self.d.ctl("--json", "status").json()
        self.assertEqual(status["state"], "running")
        self.assertIs(status["ready"], True)
        self.assertEqual(status["pid"], self.d.pid)
        self.assertEqual(status["version"], "0.1.0")
        rows = {row["name"]: row for row in status["listeners"]}
        self.assertEqual(set(rows), {"v4", "v6", "local"})
        for row in rows.values():
            self.assertLessEqual(LISTENER_KEYS, set(row))
            self.assertEqual(row["state"], "listening")
            self.assertEqual(row["protocol"], "echo")
            self.assertEqual(row["pool"], row["name"])
            self.assertEqual(len(row["workers"]), 1)
            self.assertLessEqual(WORKER_KEYS, set(row["workers"][0]))
            self.assertEqual(row["workers"][0]["state"], "running")
            self.assertIsNone(row["last_error"])
        self.assertEqual(rows["v4"]["address"], "127.0.0.1")
        self.assertEqual(rows["v4"]["port"], self.v4)
        self.assertEqual(rows["v4"]["transport"], "tcp")
        self.assertIsNone(rows["v4"]["path"])
        self.assertEqual(rows["v6"]["address"], "::1")
        self.assertEqual(rows["local"]["path"], self.path)
        self.assertEqual(rows["local"]["transport"], "unix")
        wait_until(lambda: self.d.listener("v4")["bytes_in"] == 4,
                   "the bytes are counted")

    def test_status_as_a_table(self):
        result = self.d.ctl("status")
        self.assertEqual(result.code, 0, result)
        for word in ("v4", "v6", "local", str(self.v4), self.path):
            self.assertIn(word, result.out)
        self.assertNotIn("\x1b", result.out, "colour into a pipe")
        one = self.d.ctl("status", "v6")
        self.assertEqual(one.code, 0, one)
        self.assertIn(str(self.v6), one.out)
        self.assertNotIn(self.path, one.out)

    def test_tree_shows_the_processes(self):
        result = self.d.ctl("tree")
        self.assertEqual(result.code, 0, result)
        for pid in self.d.tree():
            self.assertIn(str(pid), result.out)

    def test_remove_disturbs_no_other(self):
        others = [connect(self.v4) for _ in range(34)]
        others += [connect(("::1", self.v6)) for _ in range(33)]
        gone = self.d.add("gone")["port"]
        others += [connect(self.path) for _ in range(33)]
        self.assertEqual(len(others), 100)
        leaving = [connect(gone) for _ in range(10)]
        for s in leaving:
            self.assertEqual(ask(s, b"x"), b"x")
        workers = [self.d.workers(n) for n in ("v4", "v6", "local")]
        chatter = Chatter(others)
        chatter.start()
        try:
            wait_until(lambda: chatter.rounds >= 2 or chatter.error, "talk")
            result = self.d.ctl("--json", "remove-listener", "gone",
                                "--deadline", "200ms")
            self.assertEqual(result.code, 0, result)
            after = chatter.rounds
            wait_until(lambda: chatter.rounds >= after + 3 or chatter.error,
                       "talk goes on")
        finally:
            chatter.finish()
            for s in others + leaving:
                s.close()
        limit = 2.0 if mercury.SANITIZED else 0.5
        self.assertLess(chatter.slowest, limit, "a hiccup")
        self.assertTrue(refused(gone))
        self.assertIsNone(self.d.listener("gone"))
        self.assertEqual(result.json()["cut"], 10)
        self.assertEqual(workers, [self.d.workers(n)
                                   for n in ("v4", "v6", "local")])


class AddAndRemove(mercury.TestCase):
    def setUp(self):
        super().setUp()
        self.d = self.started()

    def test_name_and_port_are_free_again(self):
        port = self.d.add("a")["port"]
        for _ in range(5):
            result = self.d.ctl("remove-listener", "a")
            self.assertEqual(result.code, 0, result)
            self.assertTrue(refused(port))
            self.d.add("a", port=port)
            self.assertTrue(answers(port))

    def test_removed_pool_leaves_no_process(self):
        before = self.d.tree()
        self.d.add("a", workers=3)
        self.assertEqual(len(self.d.tree()), len(before) + 3)
        self.assertEqual(self.d.ctl("remove-listener", "a").code, 0)
        wait_until(lambda: self.d.tree() == before, "the workers are gone")

    def test_remove_lets_connections_finish(self):
        port = self.d.add("a")["port"]
        s = connect(port)
        self.assertEqual(ask(s, b"x"), b"x")
        with self.d.rpc() as rpc:
            rpc.send(b'{"jsonrpc":"2.0","id":1,"method":"listener.remove",'
                     b'"params":{"name":"a","deadline":"20s"}}\n')
            wait_until(lambda: self.d.listener("a")["state"] == "draining",
                       "the listener drains")
            self.assertTrue(refused(port))
            self.assertEqual(ask(s, b"still here"), b"still here")
            s.close()
            self.assertEqual(rpc.line()["result"]["finished"], 1)
        self.assertIsNone(self.d.listener("a"))

    def test_what_a_stuck_worker_had_counts_as_cut(self):
        d = self.d
        d.add("stuck", workers=1)
        clients = [connect(d.port("stuck")) for _ in range(5)]
        for s in clients:
            self.assertEqual(ask(s, b"x"), b"x")
        kill(d.workers("stuck")[0], signal.SIGSTOP)
        with d.rpc() as rpc:
            result = rpc.call("listener.remove", name="stuck",
                              deadline="100ms")
        self.assertEqual(result["cut"], 5)
        for s in clients:
            s.close()

    def test_remove_of_an_unknown_name(self):
        result = self.d.ctl("remove-listener", "nobody-knows")
        self.assertEqual(result.code, 1, result)
        self.assertIn("nobody-knows", result.err)
        with self.assertRaises(mercury.RpcError) as caught:
            self.d.call("listener.remove", name="nobody-knows")
        self.assertEqual(caught.exception.code, -32000)
        self.assertEqual(caught.exception.reason, "not_found")

    def test_a_name_twice(self):
        port = self.d.add("a")["port"]
        result = self.d.ctl("add-listener", "a", "port=0", "protocol=echo")
        self.assertEqual(result.code, 1, result)
        with self.assertRaises(mercury.RpcError) as caught:
            self.d.call("listener.add", name="a", port=0, protocol="echo")
        self.assertEqual(caught.exception.reason, "exists")
        self.assertTrue(answers(port))

    def test_add_from_a_file(self):
        spec = b'{"name": "f", "port": 0, "protocol": "echo", "workers": 1}'
        result = self.d.ctl("--json", "add-listener", "--file", "-",
                            data=spec)
        self.assertEqual(result.code, 0, result)
        self.assertTrue(answers(result.json()["port"]))

    def test_a_hundred_at_once_from_many_clients(self):
        def one(number):
            with self.d.rpc() as rpc:
                for i in range(10):
                    port = rpc.call("listener.add", name=f"l{number}-{i}",
                                    address="127.0.0.1", port=0, workers=1,
                                    protocol="echo", pool="many")["port"]
                    ports.append(port)
        ports = []
        threads = [threading.Thread(target=one, args=(n,)) for n in range(10)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(len(ports), 100)
        for port in ports:
            self.assertTrue(answers(port))


class SharedPool(mercury.TestCase):
    def test_adding_to_a_running_pool_starts_no_process(self):
        d = self.started()
        first = d.add("a", pool="meters", workers=2)
        tree = d.tree()
        second = d.add("b", pool="meters", workers=2)
        self.assertEqual(d.tree(), tree)
        self.assertEqual(d.workers("a"), d.workers("b"))
        self.assertEqual(len(d.workers("b")), 2)
        for row in (first, second):
            self.assertTrue(answers(row["port"]))
        self.assertEqual(d.ctl("remove-listener", "a").code, 0)
        self.assertEqual(d.tree(), tree, "b still needs the workers")
        self.assertTrue(refused(first["port"]))
        self.assertTrue(answers(second["port"]))
        self.assertEqual(d.listener("b")["accepted"], 2)

    def test_two_hundred_listeners_cost_no_cpu(self):
        text = "".join(
            mercury.listener(f"l{i}", pool="many") for i in range(200))
        d = self.started(text)
        ports = [row["port"] for row in d.status()["listeners"]]
        self.assertEqual(len(set(ports)), 200)
        for port in (ports[0], ports[-1]):
            self.assertTrue(answers(port))
        before = mercury.cpu_seconds(d.pid)
        end = time.monotonic() + 2
        wait_until(lambda: time.monotonic() > end, "2 s without traffic")
        self.assertLessEqual(mercury.cpu_seconds(d.pid) - before, 0.02)


class Workers(mercury.TestCase):
    def test_connections_spread_over_the_workers(self):
        d = self.started()
        port = d.add("a", workers=4)["port"]
        sockets = [connect(port) for _ in range(200)]
        try:
            wait_until(lambda: d.listener("a")["connections"] == 200,
                       "all are accepted")
            shares = [w["connections"] for w in d.listener("a")["workers"]]
            self.assertEqual(len(shares), 4)
            self.assertEqual(sum(shares), 200)
            self.assertGreater(min(shares), 10)
        finally:
            for s in sockets:
                s.close()
        wait_until(lambda: d.listener("a")["connections"] == 0,
                   "all are closed")
        self.assertEqual(d.listener("a")["accepted"], 200)

    def test_auto_is_one_for_each_cpu(self):
        d = self.started()
        d.add("a", workers="auto")
        self.assertEqual(len(d.workers("a")), os.cpu_count())


if __name__ == "__main__":
    mercury.main()
