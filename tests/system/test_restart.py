"""Workers that end: who is replaced and when, who is given up, and why."""

import contextlib
import signal
import time

import mercury
import supervising
from mercury import alive, answers, ask, connect, kill, refused, wait_until
from supervising import Moods, history, wait_state


class RestartType(mercury.TestCase):
    """`permanent` is what all other tests of crashes use."""

    def end_worker(self, d, name, how):
        """End the one worker; how is a signal, or 0 for a normal exit."""
        pid = d.workers(name)[0]
        kill(pid, how)
        wait_until(lambda: not alive(pid), "it is gone")
        return pid

    def test_permanent_and_transient_after_a_crash(self):
        d = self.started()
        for kind in ("permanent", "transient"):
            port = d.add(kind, restart=kind)["port"]
            old = self.end_worker(d, kind, signal.SIGKILL)
            self.assertTrue(answers(port))
            d.wait_replaced(kind, old)

    def test_temporary_with_siblings(self):
        """Its siblings serve all; when the last is gone, it has failed."""
        d = self.started()
        port = d.add("a", restart="temporary", workers=2)["port"]
        first, last = d.workers("a")
        kill(first)
        wait_state(d, "a", "degraded")
        for _ in range(20):
            self.assertTrue(answers(port), "a black hole")
        self.assertEqual(d.listener("a")["restarts"], 0)
        kill(last)
        row = wait_state(d, "a", "failed")
        self.assertIn("temporary", row["last_error"])
        wait_until(lambda: refused(port), "its sockets are closed")
        self.assertFalse(d.status()["ready"])

    def test_one_that_has_retired_holds_nothing_up(self):
        """What can serve does: so nobody waits for more."""
        d = self.started()
        port = d.add("a", restart="temporary", workers=2)["port"]
        self.end_worker(d, "a", signal.SIGKILL)
        wait_state(d, "a", "degraded")
        for queue in (False, True):
            with self.subTest(queue=queue):
                d.call("listener.pause", name="a", queue=queue)
                row = d.call("listener.resume", name="a")
                self.assertEqual(row["state"], "degraded")
                self.assertTrue(row["ready"], row["not_ready"])
                self.assertTrue(all(answers(port) for _ in range(20)))
        row = d.call("listener.resume", name="a")  # twice is as once
        self.assertEqual(row["state"], "degraded")
        port = d.add("b", pool="a", workers=2)["port"]
        self.assertEqual(d.listener("b")["state"], "degraded")
        self.assertTrue(all(answers(port) for _ in range(20)))
        d.call("listener.restart", name="a")
        for name in "ab":
            self.assertEqual(d.listener(name)["state"], "listening")

    def test_one_that_retires_while_the_listener_starts(self):
        d = self.daemon()
        moods = Moods(d)
        moods.set("a/1 exit 0")
        d.start()
        port = d.add("a", restart="transient", workers=2)["port"]
        self.assertEqual(d.listener("a")["state"], "degraded")
        self.assertTrue(all(answers(port) for _ in range(20)))

    def test_temporary_comes_back_when_asked(self):
        d = self.started()
        port = d.add("a", restart="temporary")["port"]
        pid = self.end_worker(d, "a", signal.SIGABRT)
        wait_state(d, "a", "failed")
        row = d.call("listener.restart", name="a")
        self.assertEqual(row["state"], "listening")
        self.assertEqual(row["port"], port)
        self.assertTrue(answers(port))
        self.assertNotIn(pid, d.workers("a"))

    def test_a_normal_exit(self):
        """Permanent ones come back after it too; transient ones don't."""
        d = self.daemon()
        moods = Moods(d)
        d.start()
        for kind in ("permanent", "transient"):
            port = d.add(kind, restart=kind)["port"]
            moods.set(f"{kind}/0 exit 0")
            kill(d.workers(kind)[0])
            if kind == "transient":
                wait_state(d, kind, "failed")
                wait_until(lambda: refused(port), "closed")
                continue
            wait_until(lambda: d.listener(kind)["restarts"] > 2, "retried")
            self.assertNotEqual(d.listener(kind)["state"], "listening")
            moods.set()
            wait_state(d, kind, "listening")
            self.assertTrue(answers(port))


class Backoff(mercury.TestCase):
    def test_grows_and_is_reset_by_a_healthy_run(self):
        d = self.daemon()
        moods = Moods(d)
        d.start()
        d.add("a", max_restarts=1000)
        moods.set("* exit 9")
        began = time.monotonic()
        kill(d.workers("a")[0])
        wait_until(lambda: d.listener("a")["restarts"] >= 7, "it keeps dying")
        # At once, then 10, 20, 40, 80, 160 ms.
        took = time.monotonic() - began
        self.assertGreater(took, 0.25)
        self.assertLess(took, 2 * supervising.SLOWER)
        moods.set()
        wait_state(d, "a", "listening")
        wait_until(lambda: d.listener("a")["workers"][0]["uptime_ms"] > 1100,
                   "a healthy run")
        began, old = time.monotonic(), d.workers("a")[0]
        kill(old)
        d.wait_replaced("a", old)
        self.assertLess(time.monotonic() - began, 0.3 * supervising.SLOWER,
                        "the first replacement comes at once")

    def test_never_listening_while_nobody_serves(self):
        """Whenever status says listening, a client is served."""
        d = self.daemon()
        moods = Moods(d)
        d.start()
        port = d.add("a", max_restarts=10000)["port"]
        for round_ in range(4):
            moods.set("* signal 6")
            kill(d.workers("a")[0])
            wait_until(lambda: d.listener("a")["state"] != "listening",
                       "it shows")
            for _ in range(20):
                self.assertNotEqual(d.listener("a")["state"], "listening")
            self.assertFalse(d.status()["ready"])
            self.assertFalse(refused(port), "the socket stays")
            moods.set()
            wait_state(d, "a", "listening")
            self.assertTrue(answers(port, 2 * supervising.SLOWER))


class Intensity(mercury.TestCase):
    def setUp(self):
        super().setUp()
        self.d = self.daemon()
        self.moods = Moods(self.d)
        self.d.start()

    def crash_for_good(self, name):
        self.moods.set(f"{name}/0 exit 42")
        kill(self.d.workers(name)[0])
        return wait_state(self.d, name, "failed")

    def test_failed_closed_and_brought_back(self):
        d = self.d
        port = d.add("a", max_restarts=3, max_seconds=60)["port"]
        other = d.add("b")["port"]
        row = self.crash_for_good("a")
        self.assertRegex(row["last_error"], "more than 3 restarts in 60 s")
        self.assertIn("42", row["last_error"])
        self.assertTrue(refused(port), "a load balancer sees it")
        self.assertFalse(mercury.is_listening(port))
        self.assertFalse(d.status()["ready"])
        self.assertTrue(answers(other))
        for type_ in ("worker.restart_limit", "listener.failed"):
            self.assertEqual(len(history(d, "a", type_)), 1, type_)
        # While the cause is there still, so is the failure.
        with self.assertRaises(mercury.RpcError) as e:
            d.call("listener.restart", name="a")
        self.assertIn("42", e.exception.message)
        wait_state(d, "a", "failed")
        self.assertTrue(refused(port))
        self.moods.set()
        row = d.call("listener.restart", name="a")
        self.assertEqual((row["state"], row["port"]), ("listening", port))
        self.assertTrue(answers(port))
        self.assertTrue(d.status()["ready"])

    def test_restart_all_brings_it_back(self):
        port = self.d.add("a", max_restarts=1)["port"]
        self.crash_for_good("a")
        self.moods.set()
        self.d.call("listener.restart", all=True)
        wait_state(self.d, "a", "listening")
        self.assertTrue(answers(port))

    def test_what_else_can_be_done_with_a_failed_one(self):
        d = self.d
        port = d.add("a", max_restarts=0)["port"]
        self.crash_for_good("a")
        for method in ("listener.pause", "listener.resume"):
            with self.assertRaises(mercury.RpcError) as e:
                d.call(method, name="a")
            self.assertIn("restart-listener", e.exception.message)
        self.assertEqual(
            d.call("listener.update", name="a", max_restarts=5)["state"],
            "failed")
        d.call("listener.remove", name="a")
        self.assertIsNone(d.listener("a"))
        self.moods.set()
        self.assertEqual(d.add("a", port=port)["port"], port)
        self.assertTrue(answers(port))

    def test_open_connections_of_siblings_live_on(self):
        d = self.d
        port = d.add("a", max_restarts=2, workers=2)["port"]
        clients = [connect(port) for _ in range(20)]
        for s in clients:
            self.assertEqual(ask(s, b"x"), b"x")
        row = d.listener("a")
        self.assertGreater(row["workers"][1]["connections"], 0)
        self.crash_for_good("a")
        living = 0
        for s in clients:
            try:
                living += ask(s, b"y") == b"y"
            except OSError:
                pass
            s.close()
        self.assertEqual(living, row["workers"][1]["connections"])

    def test_all_of_a_pool(self):
        d = self.d
        ports = [d.add(n, pool="p", max_restarts=1)["port"] for n in "abc"]
        self.moods.set("p/0 exit 1")
        kill(d.workers("a")[0])
        for name, port in zip("abc", ports):
            wait_state(d, name, "failed")
            wait_until(lambda: refused(port), f"{name} is closed")
        with self.assertRaises(mercury.RpcError) as e:
            d.add("d", pool="p")
        self.assertIn("failed", e.exception.message)
        self.moods.set()
        d.call("listener.restart", name="b")
        for name, port in zip("abc", ports):
            wait_state(d, name, "listening")
            self.assertTrue(answers(port))

    def test_it_is_forgotten_after_max_seconds(self):
        d = self.d
        d.add("a", max_restarts=1, max_seconds=1)
        for _ in range(3):
            old = d.workers("a")[0]
            kill(old)
            d.wait_replaced("a", old)
            wait_until(lambda:
                       d.listener("a")["workers"][0]["uptime_ms"] > 1100,
                       "the window has passed")
        self.assertEqual(d.listener("a")["state"], "listening")


class Hang(mercury.TestCase):
    def test_siblings_serve_within_two_seconds(self):
        """No black hole, and the kernel's choice is the sibling soon."""
        d = self.started()
        port = d.add("a", workers=4, hang_timeout="60s")["port"]
        stopped = d.workers("a")[2]
        kill(stopped, signal.SIGSTOP)
        began = time.monotonic()
        clients = [connect(port) for _ in range(100)]
        for s in clients:
            s.sendall(b"ping")
        for s in clients:
            self.assertEqual(mercury.receive(s, 4), b"ping")
            s.close()
        self.assertLess(time.monotonic() - began, 2 * supervising.SLOWER)
        row = wait_state(d, "a", "degraded")
        self.assertTrue(d.status()["ready"], "siblings serve it")
        kill(stopped, signal.SIGCONT)
        row = wait_state(d, "a", "listening")
        self.assertEqual(row["restarts"], 0)
        self.assertIn(stopped, d.workers("a"))

    def test_killed_and_replaced(self):
        d = self.started()
        port = d.add("a", hang_timeout="1s")["port"]
        client = connect(port)
        self.assertEqual(ask(client, b"x"), b"x")
        old = d.workers("a")[0]
        kill(old, signal.SIGSTOP)
        began = time.monotonic()
        waiting = connect(port)
        waiting.sendall(b"early")
        self.assertEqual(mercury.receive(waiting, 5), b"early")
        took = time.monotonic() - began
        self.assertLess(took, 2.5 * supervising.SLOWER)
        self.assertFalse(alive(old))
        d.wait_replaced("a", old)
        self.assertIn("hang", d.listener("a")["last_error"])
        hung = history(d, "a", "worker.hung")
        self.assertEqual([r["pid"] for r in hung], [old])
        client.close()
        waiting.close()

    def test_killed_while_it_drains(self):
        """Its clients don't wait for the end of a long drain."""
        d = self.started()
        port = d.add("a", hang_timeout="1s", drain_timeout="1h")["port"]
        with connect(port) as client:
            self.assertEqual(ask(client, b"x"), b"x")
            old = d.workers("a")[0]
            d.call("listener.restart", name="a")
            self.assertEqual(ask(client, b"y"), b"y")
            kill(old, signal.SIGSTOP)
            client.sendall(b"z")
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(mercury.receive_all(client), b"")
        wait_until(lambda: not alive(old), "it is killed")
        hung = history(d, "a", "worker.hung")
        self.assertEqual([r["pid"] for r in hung], [old])
        wait_until(lambda: [r["pid"] for r in
                            history(d, "a", "worker.killed")] == [old],
                   "its end is recorded")
        self.assertEqual(d.listener("a")["restarts"], 0)

    def test_a_worker_of_others_is_left_alone(self):
        d = self.started()
        d.add("a", hang_timeout="1s")
        d.add("b", hang_timeout="1s")
        other = d.workers("b")
        stopped = d.workers("a")[0]
        kill(stopped, signal.SIGSTOP)
        d.wait_replaced("a", stopped)
        self.assertEqual(d.workers("b"), other)

    def test_the_daemon_was_stopped_itself(self):
        """All heartbeats are old then: nobody is killed for that."""
        d = self.started()
        d.add("a", hang_timeout="1s", workers=2)
        pids = d.workers("a")
        tree = d.tree()
        for pid in tree:
            kill(pid, signal.SIGSTOP)
        end = time.monotonic() + 3  # longer than what is forgiven otherwise
        wait_until(lambda: time.monotonic() > end, "a long sleep")
        for pid in tree:
            kill(pid, signal.SIGCONT)
        end = time.monotonic() + 1.5
        wait_until(lambda: time.monotonic() > end, "a few looks")
        self.assertEqual(d.workers("a"), pids)
        self.assertEqual(d.listener("a")["restarts"], 0)

    def test_a_hung_worker_does_not_hold_up_a_removal(self):
        d = self.started()
        d.add("a", workers=2, hang_timeout="60s")
        kill(d.workers("a")[1], signal.SIGSTOP)
        began = time.monotonic()
        d.call("listener.remove", name="a", deadline="500ms")
        self.assertLess(time.monotonic() - began, 1.5 * supervising.SLOWER)


class Reasons(mercury.TestCase):
    def setUp(self):
        super().setUp()
        self.d = self.daemon()
        self.moods = Moods(self.d)
        self.d.start()
        self.port = self.d.add("a", max_restarts=1000)["port"]

    def crashes(self):
        return history(self.d, "a", "worker.crashed")

    def test_the_signal(self):
        numbers = [signal.SIGABRT, signal.SIGKILL, signal.SIGTRAP]
        if not mercury.SANITIZED:  # a sanitizer catches these
            numbers += [signal.SIGSEGV, signal.SIGBUS]
        for number in numbers:
            old = self.d.workers("a")[0]
            kill(old, number)
            self.d.wait_replaced("a", old)
            last = self.crashes()[-1]
            self.assertEqual((last["pid"], last["slot"]), (old, 0))
            for text in (last["reason"], self.d.listener("a")["last_error"]):
                self.assertRegex(text, f"SIG{number.name[3:]}|"
                                 f"signal {number.value}\\b")

    def test_the_exit_code(self):
        for code in (1, 42, 255):
            self.moods.set(f"* exit {code}")
            kill(self.d.workers("a")[0])
            wait_until(lambda: f"exited with status {code}" in
                       [r["reason"] for r in self.crashes()], f"code {code}")
            self.assertIn(f"exited with status {code}",
                          self.d.listener("a")["last_error"])
            self.moods.set()
            wait_state(self.d, "a", "listening")

    def test_numbers_times_and_order(self):
        for _ in range(3):
            self.d.kill_worker("a")
        records = history(self.d, "a")
        numbers = [r["seq"] for r in records]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual({r["listener"] for r in records}, {"a"})
        self.assertEqual(records[0]["type"], "listener.added")
        types = [r["type"] for r in records]
        self.assertEqual(types.count("worker.crashed"), 3)
        self.assertEqual(types.count("worker.started"), 4)
        for record in self.crashes():
            self.assertGreaterEqual(record["uptime_ms"], 0)
            self.assertLess(record["uptime_ms"], mercury.TEST_TIMEOUT * 1000)

    def test_the_ring_has_an_end(self):
        """The last thousand are kept; numbers go on counting."""
        self.d.call("listener.update", name="a", max_restarts=100000)
        with self.d.rpc() as rpc:
            for i in range(1100):
                rpc.call("listener.update", name="a", backlog=10 + i % 2)
        updates = history(self.d, "a", "listener.updated")
        self.assertEqual(len(updates), 1000)
        self.assertGreater(updates[0]["seq"], 100)

    def test_failure_rate_and_stats(self):
        for _ in range(3):
            self.d.kill_worker("a")
        rate = self.d.call("supervisor.failure_rate", name="a", window="60s")
        self.assertIn(3, numbers_in(rate), rate)
        wait_until(lambda: 3 not in numbers_in(
            self.d.call("supervisor.failure_rate", name="a", window="1s")),
            "they were more than a second ago")
        stats = str(self.d.call("supervisor.stats"))
        self.assertIn("restarts", stats)
        self.assertRegex(stats, "SIGKILL|signal 9")


def numbers_in(value):
    """All numbers in an object."""
    if isinstance(value, dict):
        return [n for v in value.values() for n in numbers_in(v)]
    if isinstance(value, list):
        return [n for v in value for n in numbers_in(v)]
    return [value] if isinstance(value, (int, float)) else []


if __name__ == "__main__":
    mercury.main()
