"""Shutdown: one deadline for all, and nothing stays behind."""

import re
import signal
import threading
import time

import mercury
import supervising
from mercury import alive, answers, ask, connect, kill, refused, wait_until
from supervising import Background, Moods, wait_state

GRACE = 8 if mercury.SANITIZED else 0.2


class Shutdown(mercury.TestCase):
    def end(self, d, number=signal.SIGTERM):
        """Stop it by a signal: seconds that it took; exit code must be 0."""
        began = time.monotonic()
        d.signal(number)
        self.assertEqual(d.wait(30), 0)
        took = time.monotonic() - began
        d.process = d.pid = None
        return took

    def open(self, port, count):
        clients = [connect(port) for _ in range(count)]
        for s in clients:
            self.addCleanup(s.close)
        return clients

    def counts(self, d):
        """How many connections finished and how many were cut, by its log."""
        lines = [l for l in d.log().splitlines()
                 if "were cut" in l and "listener=" not in l]
        self.assertEqual(len(lines), 1, "one closing line")
        found = re.search(r"(\d+) connections finished, (\d+) were cut",
                          lines[0])
        return int(found[1]), int(found[2])


class Deadline(Shutdown):
    def test_many_listeners_with_stubborn_connections(self):
        d = self.started(shutdown_deadline="2s")
        with d.rpc() as rpc:
            ports = [rpc.call("listener.add", name=f"l{i}", pool="p",
                              address="127.0.0.1", port=0, protocol="echo",
                              workers=2)["port"] for i in range(200)]
        clients = [s for p in ports for s in self.open(p, 5)]
        for s in clients[::50]:
            self.assertEqual(ask(s, b"x"), b"x")
        wait_until(lambda: sum(l["connections"] for l in
                               d.status()["listeners"]) == 1000, "accepted")
        took = self.end(d)
        self.assertLess(took, 2 + GRACE)
        self.assertGreater(took, 1.9)
        self.assertEqual(self.counts(d), (0, 1000))
        self.assertTrue(all(refused(p) for p in ports))

    def test_pools_of_their_own(self):
        d = self.started("".join(mercury.listener(f"l{i}")
                                 for i in range(40)), shutdown_deadline="1s")
        ports = [l["port"] for l in d.status()["listeners"]]
        for port in ports:
            self.open(port, 3)
        wait_until(lambda: sum(l["connections"] for l in
                               d.status()["listeners"]) == 120, "accepted")
        self.assertLess(self.end(d), 1 + GRACE)
        self.assertEqual(self.counts(d), (0, 120))

    def test_at_once_when_there_is_nothing_to_wait_for(self):
        d = self.started("".join(mercury.listener(f"l{i}", workers=2)
                                 for i in range(10)),
                         shutdown_deadline="60s")
        self.assertLess(self.end(d), 1 * supervising.SLOWER)
        self.assertEqual(self.counts(d), (0, 0))

    def test_who_finishes_and_who_is_cut(self):
        d = self.started(mercury.listener("a", workers=2),
                         shutdown_deadline="1500ms")
        clients = self.open(d.port("a"), 10)
        for s in clients:
            self.assertEqual(ask(s, b"x"), b"x")
        port = d.port("a")
        began = time.monotonic()
        d.signal(signal.SIGTERM)
        wait_until(lambda: not mercury.is_listening(port), "closed")
        for s in clients[:6]:
            self.assertEqual(ask(s, b"last words"), b"last words")
            s.close()
        self.assertEqual(d.wait(), 0)
        self.assertLess(time.monotonic() - began, 1.5 + GRACE)
        self.assertEqual(self.counts(d), (6, 4))

    def test_drain_timeout_is_earlier(self):
        d = self.started(mercury.listener("a", drain_timeout="300ms"),
                         shutdown_deadline="60s")
        client, = self.open(d.port("a"), 1)
        self.assertEqual(ask(client, b"x"), b"x")
        self.assertLess(self.end(d), 0.5 + GRACE * 2)

    def test_stopped_workers_are_killed(self):
        d = self.started(mercury.listener("a", workers=3)
                         + mercury.listener("b"), shutdown_deadline="1s")
        self.open(d.port("a"), 10)
        for pid in d.workers("a"):
            kill(pid, signal.SIGSTOP)
        tree = d.tree()
        self.assertLess(self.end(d), 1 + GRACE)
        self.assertFalse([p for p in tree if alive(p)])

    def test_a_stopped_control_process(self):
        d = self.started(mercury.listener("a"), shutdown_deadline="1s")
        kill(d.child("mercury-control"), signal.SIGSTOP)
        self.assertLess(self.end(d), 1 + GRACE)

    def test_a_stopped_store(self):
        d = self.started(mercury.listener("a"), shutdown_deadline="1s")
        kill(d.child("mercury-store"), signal.SIGSTOP)
        self.assertLess(self.end(d), 1 + GRACE)

    def test_a_stopped_store_and_a_second_signal(self):
        d = self.started(mercury.listener("a"), shutdown_deadline="60s")
        store = d.child("mercury-store")
        kill(store, signal.SIGSTOP)
        d.signal(signal.SIGTERM)
        wait_until(lambda: "were cut" in d.log(), "only the store is left")
        self.assertLess(self.end(d), 1 + GRACE)
        self.assertFalse(alive(store))

    def test_workers_that_never_started(self):
        d = self.daemon(mercury.listener("a"), shutdown_deadline="1s")
        moods = Moods(d)
        moods.set("* hang")
        d.start(wait=False)
        wait_until(lambda: [p for p in mercury.descendants(d.pid) if
                            mercury.executable(p).endswith("mercury-pool")],
                   "it hangs at its start")
        self.assertLess(self.end(d), 1 + GRACE)

    def test_workers_that_keep_dying(self):
        d = self.daemon(shutdown_deadline="1s")
        moods = Moods(d)
        d.start()
        for i in range(5):
            d.add(f"l{i}", max_restarts=10000)
        moods.set("* exit 1")
        for i in range(5):
            for pid in d.workers(f"l{i}"):
                if pid:
                    kill(pid)
        wait_until(lambda: d.listener("l0")["restarts"] > 5, "they crash")
        self.assertLess(self.end(d), 1 + GRACE)

    def test_deadline_of_the_request(self):
        d = self.started(mercury.listener("a"), shutdown_deadline="60s")
        client, = self.open(d.port("a"), 1)
        self.assertEqual(ask(client, b"x"), b"x")
        began = time.monotonic()
        d.call("daemon.shutdown", deadline="500ms")
        self.assertEqual(d.wait(), 0)
        self.assertLess(time.monotonic() - began, 0.5 + GRACE)
        self.assertEqual(self.counts(d), (0, 1))

    def test_an_earlier_deadline_wins(self):
        d = self.started(mercury.listener("a"), shutdown_deadline="60s")
        client, = self.open(d.port("a"), 1)
        self.assertEqual(ask(client, b"x"), b"x")
        d.call("daemon.shutdown", deadline="30s")
        began = time.monotonic()
        d.call("daemon.shutdown", deadline="300ms")
        self.assertEqual(d.wait(), 0)
        self.assertLess(time.monotonic() - began, 0.3 + GRACE)

    def test_whoever_is_in_the_queue_is_served(self):
        d = self.started(mercury.listener("a"), shutdown_deadline="10s")
        pid = d.workers("a")[0]
        kill(pid, signal.SIGSTOP)
        clients = self.open(d.port("a"), 50)
        for s in clients:
            s.sendall(b"early")
        d.signal(signal.SIGTERM)
        kill(pid, signal.SIGCONT)
        for s in clients:
            self.assertEqual(mercury.receive(s, 5), b"early")
            s.close()
        self.assertEqual(d.wait(), 0)
        self.assertEqual(self.counts(d)[1], 0)


class Signals(Shutdown):
    def test_a_second_signal_ends_at_once(self):
        for first, second in ((signal.SIGTERM, signal.SIGTERM),
                              (signal.SIGINT, signal.SIGTERM)):
            d = self.started(mercury.listener("a", workers=2),
                             shutdown_deadline="60s")
            client, = self.open(d.port("a"), 1)
            self.assertEqual(ask(client, b"x"), b"x")
            d.signal(first)
            wait_until(lambda: refused(client.getpeername()), "it drains")
            self.assertEqual(ask(client, b"y"), b"y")
            self.assertLess(self.end(d, second), 0.5 * supervising.SLOWER)

    def test_a_second_signal_in_the_lame_duck(self):
        d = self.started(mercury.listener("a"), lame_duck="60s",
                         shutdown_deadline="60s")
        d.signal(signal.SIGTERM)
        wait_until(lambda: not d.status()["ready"], "not ready")
        self.assertLess(self.end(d), 0.5 * supervising.SLOWER)

    def test_a_request_during_shutdown(self):
        d = self.started(mercury.listener("a"), shutdown_deadline="60s")
        client, = self.open(d.port("a"), 1)
        self.assertEqual(ask(client, b"x"), b"x")
        with d.rpc() as rpc:
            d.signal(signal.SIGTERM)
            wait_until(lambda: rpc.call("daemon.status")["state"]
                       == "stopping", "it drains")
            for method, params in (
                    ("listener.restart", {"name": "a"}),
                    ("listener.pause", {"name": "a"}),
                    ("listener.resume", {"name": "a"}),
                    ("daemon.reload", {}),
                    ("listener.remove", {"name": "a"})):
                with self.assertRaises(mercury.RpcError) as e:
                    rpc.call(method, **params)
                self.assertEqual(e.exception.reason, "unavailable", method)
            client.close()
            self.assertIsNone(rpc.line())
        self.assertEqual(d.wait(), 0)


class LameDuck(Shutdown):
    def test_not_ready_but_serving(self):
        d = self.started(mercury.listener("a", workers=2), lame_duck="1s",
                         shutdown_deadline="1s")
        port = d.port("a")
        began = time.monotonic()
        d.signal(signal.SIGTERM)
        wait_until(lambda: not d.status()["ready"], "not ready")
        served = 0
        while time.monotonic() < began + 0.8:
            self.assertTrue(answers(port))
            self.assertFalse(d.status()["ready"])
            self.assertEqual(d.listener("a")["state"], "listening")
            served += 1
        self.assertGreater(served, 3)
        self.assertEqual(d.wait(), 0)
        took = time.monotonic() - began
        self.assertGreater(took, 0.95)
        self.assertLess(took, 2 + GRACE)
        self.assertEqual(d.log().count("were cut"), 2)

    def test_by_request(self):
        d = self.started(mercury.listener("a"), lame_duck="300ms")
        began = time.monotonic()
        d.call("daemon.shutdown", deadline="1s")
        self.assertTrue(answers(d.port("a")))
        self.assertEqual(d.wait(), 0)
        self.assertGreater(time.monotonic() - began, 0.25)

    def test_a_worker_dies_in_it(self):
        """It is replaced: a load balancer sends clients still."""
        d = self.started(mercury.listener("a"), lame_duck="1s")
        port = d.port("a")
        d.signal(signal.SIGTERM)
        wait_until(lambda: not d.status()["ready"], "not ready")
        d.kill_worker("a")
        self.assertTrue(answers(port))
        self.assertEqual(d.wait(), 0)


class Remove(Shutdown):
    """The same for one listener."""

    def test_deadline(self):
        d = self.started()
        for workers in (1, 4):
            name = f"a{workers}"
            port = d.add(name, workers=workers)["port"]
            clients = self.open(port, 20)
            for s in clients:
                self.assertEqual(ask(s, b"x"), b"x")
            for s in clients[:5]:
                s.close()
            wait_until(lambda: d.listener(name)["connections"] == 15,
                       "closed")
            began = time.monotonic()
            result = d.call("listener.remove", name=name, deadline="500ms")
            took = time.monotonic() - began
            self.assertLess(took, 0.5 + GRACE)
            self.assertGreater(took, 0.45)
            self.assertEqual((result["finished"], result["cut"]), (0, 15))
            self.assertTrue(refused(port))

    def test_in_a_shared_pool(self):
        """The others of its pool are not touched."""
        d = self.started()
        ports = {n: d.add(n, pool="p", workers=2)["port"] for n in "ab"}
        stay, = self.open(ports["b"], 1)
        go, = self.open(ports["a"], 1)
        for s in (stay, go):
            self.assertEqual(ask(s, b"x"), b"x")
        workers = d.workers("b")
        result = d.call("listener.remove", name="a", deadline="100ms")
        self.assertEqual(result["cut"], 1)
        self.assertEqual(d.workers("b"), workers)
        self.assertEqual(ask(stay, b"y"), b"y")

    def test_a_stopped_worker(self):
        d = self.started()
        d.add("a", workers=2, hang_timeout="60s")
        kill(d.workers("a")[0], signal.SIGSTOP)
        pids = d.workers("a")
        began = time.monotonic()
        d.call("listener.remove", name="a", deadline="300ms")
        self.assertLess(time.monotonic() - began, 0.6 + GRACE)
        wait_until(lambda: not any(alive(p) for p in pids), "killed", 2)

    def test_many_at_once(self):
        d = self.started()
        ports = [d.add(f"l{i}")["port"] for i in range(20)]
        for port in ports:
            for s in self.open(port, 2):
                self.assertEqual(ask(s, b"x"), b"x")
        began = time.monotonic()
        calls = [Background(d, "listener.remove", name=f"l{i}",
                            deadline="600ms") for i in range(20)]
        for call in calls:
            with call:
                self.assertEqual(call.answer()["cut"], 2)
        self.assertLess(time.monotonic() - began, 0.6 + GRACE * 2)

    def test_an_earlier_deadline_wins(self):
        d = self.started()
        client, = self.open(d.add("a")["port"], 1)
        self.assertEqual(ask(client, b"x"), b"x")
        with Background(d, "listener.remove", name="a",
                        deadline="60s") as first:
            wait_state(d, "a", "draining")
            began = time.monotonic()
            d.call("listener.remove", name="a", deadline="200ms")
            self.assertLess(time.monotonic() - began, 0.2 + GRACE * 2)
            self.assertEqual(first.answer()["cut"], 1)


class NoOrphans(Shutdown):
    def test_killed_under_load(self):
        """Workers drain; a new daemon binds and serves at once."""
        ports = [mercury.free_port() for _ in range(3)]
        d = self.started("".join(
            mercury.listener(f"l{i}", port=p, workers=2)
            for i, p in enumerate(ports)), shutdown_deadline="2s")
        stopping = threading.Event()
        wrong = []

        def talk(port):
            while not stopping.is_set():
                try:
                    with connect(port) as s:
                        if ask(s, b"ping") not in (b"ping", b""):
                            wrong.append(port)
                except OSError:
                    pass  # between the two daemons

        threads = [threading.Thread(target=talk, args=(p,)) for p in ports]
        for t in threads:
            t.start()
        old = set()
        for _ in range(4):
            wait_until(lambda: d.listener("l0")["accepted"] > 10, "load")
            tree = d.tree() - {d.pid}
            old |= tree
            kill(d.pid)
            d.wait()
            d.start()
            for port in ports:
                self.assertTrue(answers(port))
        stopping.set()
        for t in threads:
            t.join(mercury.DEADLINE)
            self.assertFalse(t.is_alive(), "a client hangs")
        self.assertEqual(wrong, [])
        wait_until(lambda: not [p for p in old if alive(p)], "no orphans")
        self.assertNotIn("stray", d.log())

    def test_killed_in_the_middle_of_things(self):
        """While it restarts, retries, pauses and drains."""
        d = self.daemon(shutdown_deadline="300ms")
        moods = Moods(d)
        d.start()
        for name in ("restarting", "paused", "draining"):
            d.add(name, drain_timeout="60s")
        d.call("listener.pause", name="paused", queue=True)
        client, = self.open(d.port("draining"), 1)
        self.assertEqual(ask(client, b"x"), b"x")
        moods.set("restarting/0 hang")
        with supervising.Holder() as holder, \
                Background(d, "listener.restart", name="restarting"), \
                Background(d, "listener.remove", name="draining"), \
                Background(d, "listener.add", name="retrying",
                           port=holder.port, address="127.0.0.1",
                           protocol="echo", bind_backoff="30s"):
            wait_state(d, "draining", "draining")
            wait_state(d, "retrying", "retrying")
            tree = d.tree() - {d.pid}
            hanging = [p for p in tree if mercury.executable(p).endswith(
                "/roles/mercury-pool")]
            kill(d.pid)
            d.wait()
            # One that never became a worker can't see that it is alone.
            for pid in hanging:
                kill(pid)
            wait_until(lambda: not [p for p in tree if alive(p)],
                       "no orphans")
        moods.set()
        d.start()


if __name__ == "__main__":
    mercury.main()
