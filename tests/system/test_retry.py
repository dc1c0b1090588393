"""A port that somebody else has: it is tried again, and all can see it."""

import os
import re
import signal
import time

import mercury
import supervising
from mercury import answers, kill, refused, wait_until
from supervising import Background, Holder, history, wait_state

QUICK = {"bind_backoff": "50ms", "bind_backoff_max": "100ms"}
SLOW = {"bind_attempts": 10, "bind_backoff": "60s", "bind_backoff_max": "60s"}


class Add(mercury.TestCase):
    def setUp(self):
        super().setUp()
        self.d = self.started()

    def nothing_left(self, name):
        self.assertIsNone(self.d.listener(name))
        wait_until(lambda: "mercury-pool" not in map(
            mercury.comm, mercury.descendants(self.d.pid)), "no worker")

    def test_fails_after_bind_attempts(self):
        with Holder() as holder:
            began = time.monotonic()
            with self.assertRaises(mercury.RpcError) as e:
                self.d.add("a", port=holder.port, bind_attempts=4, **QUICK)
            # 50, 100 and 100 ms, 10% more or less.
            took = time.monotonic() - began
            self.assertGreater(took, 0.22)
            self.assertLess(took, 0.5 * supervising.SLOWER)
            self.assertEqual(e.exception.reason, "port_in_use")
            self.assertIn(str(holder.port), e.exception.message)
            self.nothing_left("a")
        self.d.add("a", port=holder.port)
        self.assertTrue(answers(holder.port))

    def test_one_attempt(self):
        with Holder() as holder:
            began = time.monotonic()
            with self.assertRaises(mercury.RpcError) as e:
                self.d.add("a", port=holder.port, bind_attempts=1,
                           bind_backoff="30s")
            self.assertEqual(e.exception.reason, "port_in_use")
            self.assertLess(time.monotonic() - began,
                            0.5 * supervising.SLOWER)
            self.nothing_left("a")

    def test_only_what_can_pass_is_tried_again(self):
        """An address that is not ours is no matter of time."""
        began = time.monotonic()
        with self.assertRaises(mercury.RpcError) as e:
            self.d.add("a", address="192.0.2.1", port=7000, **SLOW)
        self.assertIn("192.0.2.1", e.exception.message)
        self.assertLess(time.monotonic() - began, 1 * supervising.SLOWER)
        self.nothing_left("a")

    def test_comes_up_when_the_port_is_free(self):
        with Holder() as holder, Background(
                self.d, "listener.add", name="a", port=holder.port,
                address="127.0.0.1", protocol="echo", workers=1,
                bind_attempts=1000, **QUICK) as add:
            row = wait_state(self.d, "a", "retrying")
            self.assertIn(str(holder.port), row["last_error"])
            wait_until(lambda: self.d.listener("a")["bind_attempts"] >= 3,
                       "a few attempts")
            self.assertTrue(add.pending(0.05))
            holder.leave()
            row = add.answer()
            self.assertEqual(row["state"], "listening")
            self.assertGreaterEqual(row["bind_attempts"], 4)
        self.assertTrue(answers(holder.port))
        self.assertGreaterEqual(
            len(history(self.d, "a", "listener.bind_retry")), 3)

    def test_visible(self):
        with Holder() as holder, Background(
                self.d, "listener.add", name="a", port=holder.port,
                address="127.0.0.1", protocol="echo", bind_attempts=5,
                bind_backoff="2s"):
            row = wait_state(self.d, "a", "retrying")
            self.assertEqual(row["bind_attempts"], 1)
            self.assertEqual(row["port"], holder.port)
            self.assertGreater(row["retry_in_ms"], 500)
            self.assertLessEqual(row["retry_in_ms"], 2200)
            self.assertTrue(self.d.status()["ready"],
                            "what is being added takes nothing away")
            first = row["retry_in_ms"]
            wait_until(lambda: self.d.listener("a")["retry_in_ms"] < first,
                       "it counts down")
            out = self.d.ctl("status").out
            self.assertIn("retrying", out)
            self.d.call("listener.remove", name="a")

    def test_backoff_and_jitter(self):
        with Holder() as holder:
            names = [f"a{i}" for i in range(8)]
            calls = [Background(self.d, "listener.add", name=n,
                                port=holder.port, address="127.0.0.1",
                                protocol="echo", bind_attempts=5,
                                bind_backoff="100ms", bind_backoff_max="200ms")
                     for n in names]
            waits = []
            for call in calls:
                with call, self.assertRaises(mercury.RpcError):
                    call.answer()
            for line in self.d.log().splitlines():
                found = re.search(r"bind_retry.*attempt (\d+): .*; next in "
                                  r"(\d+) ms", line)
                if found:
                    waits.append((int(found[1]), int(found[2])))
        self.assertEqual(len(waits), 8 * 4)
        for attempt, ms in waits:
            middle = min(100 * 2 ** (attempt - 1), 200)
            self.assertTrue(0.9 * middle <= ms <= 1.1 * middle + 1,
                            (attempt, ms))
        self.assertGreater(len({ms for n, ms in waits if n == 1}), 1,
                           "without jitter all come at once, again and again")

    def test_nobody_is_blocked(self):
        """Others are added, served and removed meanwhile."""
        with Holder() as holder:
            calls = [Background(self.d, "listener.add", name=f"w{i}",
                                port=holder.port, address="127.0.0.1",
                                protocol="echo", **SLOW) for i in range(20)]
            wait_state(self.d, "w19", "retrying")
            began = time.monotonic()
            for i in range(5):
                self.assertTrue(answers(self.d.add(f"b{i}")["port"]))
                self.d.call("listener.remove", name=f"b{i}")
            self.assertLess(time.monotonic() - began,
                            1 * supervising.SLOWER)
            for i, call in enumerate(calls):
                self.d.call("listener.remove", name=f"w{i}")
                with call, self.assertRaises(mercury.RpcError):
                    call.answer()

    def test_place_of_a_sibling(self):
        """Our own listener has it: its name is told."""
        port = self.d.add("first")["port"]
        with self.assertRaises(mercury.RpcError) as e:
            self.d.add("second", port=port, bind_attempts=1)
        self.assertEqual(e.exception.reason, "port_in_use")
        self.assertIn("first", e.exception.message)


class Meanwhile(mercury.TestCase):
    """Every request works while one is retrying."""

    def setUp(self):
        super().setUp()
        self.d = self.started()
        self.holder = Holder()
        self.addCleanup(self.holder.leave)
        self.port = self.holder.port

    def begin(self, **options):
        add = Background(self.d, "listener.add", name="a", port=self.port,
                         address="127.0.0.1", protocol="echo", workers=1,
                         **options)
        self.addCleanup(add.__exit__)
        wait_state(self.d, "a", "retrying")
        return add

    def test_remove(self):
        """At any moment: also just as the next attempt is made."""
        for i in range(40):
            add = self.begin(bind_attempts=1000, bind_backoff="10ms",
                             bind_backoff_max="10ms")
            end = time.monotonic() + i * 0.0005
            wait_until(lambda: time.monotonic() > end, "a moment")
            self.d.call("listener.remove", name="a")
            self.assertIsNone(self.d.listener("a"))
            with self.assertRaises(mercury.RpcError):
                add.answer()

    def test_remove_as_the_port_comes_free(self):
        for i in range(20):
            add = self.begin(bind_attempts=1000, bind_backoff="10ms",
                             bind_backoff_max="10ms")
            self.holder.leave()
            end = time.monotonic() + i * 0.001
            wait_until(lambda: time.monotonic() > end, "a moment")
            self.d.call("listener.remove", name="a")
            self.assertIsNone(self.d.listener("a"))
            wait_until(lambda: refused(self.port), "closed")
            try:
                self.assertEqual(add.answer()["name"], "a")
            except mercury.RpcError:
                pass  # it was removed before
            self.holder = Holder(self.port)
            self.addCleanup(self.holder.leave)

    def test_update(self):
        add = self.begin(**SLOW)
        row = self.d.call("listener.update", name="a", backlog=5)
        self.assertEqual(row["state"], "retrying")
        # A shorter wait counts from the next attempt on.
        self.d.call("listener.update", name="a", bind_attempts=2)
        self.assertTrue(add.pending())
        self.d.call("listener.remove", name="a")

    def test_what_was_updated_is_what_is_bound(self):
        add = self.begin(bind_attempts=1000, **QUICK)
        self.d.call("listener.update", name="a", backlog=5)
        self.holder.leave()
        add.answer()
        out = mercury.run(["ss", "-Hltn", f"sport = :{self.port}"]).out
        self.assertEqual({l.split()[2] for l in out.splitlines()}, {"5"})

    def test_shutdown(self):
        add = self.begin(**SLOW)
        began = time.monotonic()
        self.assertEqual(self.d.stop(), 0)
        self.assertLess(time.monotonic() - began, 1 * supervising.SLOWER)

    def test_pause_restart_and_others(self):
        self.begin(**SLOW)
        for method in ("listener.pause", "listener.resume",
                       "listener.restart"):
            with Background(self.d, method, name="a") as call:
                if not call.pending(0.2):
                    try:
                        call.answer()
                    except mercury.RpcError as e:
                        self.assertNotEqual(e.reason, "internal")
        self.assertIn(self.d.listener("a")["state"], ("retrying", "paused"))
        self.d.call("listener.remove", name="a")
        self.assertIsNone(self.d.listener("a"))

    def test_the_same_name_again(self):
        self.begin(**SLOW)
        with self.assertRaises(mercury.RpcError) as e:
            self.d.add("a")
        self.assertEqual(e.exception.reason, "exists")

    def test_control_dies(self):
        """Who asked is gone: what was asked goes on."""
        self.begin(bind_attempts=1000, **QUICK)
        kill(self.d.child("mercury-control"))
        self.holder.leave()
        wait_until(lambda: answers(self.port, 1), "it comes up")
        wait_state(self.d, "a", "listening")

    def test_reload(self):
        self.begin(**SLOW)
        self.d.call("daemon.reload")
        self.assertEqual(self.d.listener("a")["state"], "retrying")

    def test_a_worker_of_its_pool_dies(self):
        port = self.d.add("b", pool="p", workers=1)["port"]
        add = Background(self.d, "listener.add", name="a", port=self.port,
                         address="127.0.0.1", protocol="echo", pool="p",
                         bind_attempts=1000, **QUICK)
        with add:
            wait_state(self.d, "a", "retrying")
            self.d.kill_worker("b")
            self.holder.leave()
            self.assertEqual(add.answer()["state"], "listening")
        self.assertTrue(answers(port))
        self.assertTrue(answers(self.port))


class Boot(mercury.TestCase):
    def test_required_ones_end_it(self):
        with Holder() as one, Holder() as two:
            free = mercury.free_port()
            d = self.daemon(
                mercury.listener("good", port=free)
                + mercury.listener("bad", port=one.port, bind_attempts=3,
                                   **QUICK)
                + mercury.listener("worse", port=two.port, bind_attempts=2,
                                   **QUICK))
            began = time.monotonic()
            result = d.run("-f")
            took = time.monotonic() - began
        self.assertEqual(result.code, 69, result)
        self.assertGreater(took, 0.04)
        self.assertLess(took, 2 * supervising.SLOWER)
        self.assertRegex(result.err,
                         r"listener worse: .*127\.0\.0\.1:%d" % two.port)
        self.assertTrue(refused(free), "nothing half-started stays")
        self.assertFalse(os.path.exists(d.pid_file))
        self.assertFalse(os.path.exists(d.control))
        wait_until(lambda: not [p for p in mercury.descendants(os.getpid())
                                if mercury.alive(p)], "no process stays")

    def test_each_of_them_is_named(self):
        """All that are wrong at once are told at once."""
        with Holder() as one, Holder() as two:
            d = self.daemon(
                mercury.listener("bad", port=one.port, bind_attempts=1)
                + mercury.listener("worse", port=two.port, bind_attempts=1))
            result = d.run("-f")
        self.assertEqual(result.code, 69, result)
        self.assertRegex(result.err, r"listener bad: .*:%d" % one.port)
        self.assertRegex(result.err, r"listener worse: .*:%d" % two.port)

    def test_who_has_it(self):
        """The process that holds the port is named, where it can be seen."""
        with Holder() as holder:
            d = self.daemon(mercury.listener("bad", port=holder.port,
                                             bind_attempts=1))
            result = d.run("-f")
            self.assertEqual(result.code, 69, result)
            if mercury.ROOT:
                self.assertRegex(result.err, r"\b%d\b" % os.getpid())

    def test_detached_it_says_so_too(self):
        with Holder() as holder:
            d = self.daemon(mercury.listener("bad", port=holder.port,
                                             bind_attempts=2, **QUICK),
                            log="syslog")
            result = d.run()
        self.assertEqual(result.code, 69, result)
        self.assertRegex(result.err, r"listener bad: .*:%d" % holder.port)

    def test_it_waits_for_one_that_comes_free(self):
        with Holder() as holder:
            d = self.daemon(
                mercury.listener("good")
                + mercury.listener("late", port=holder.port,
                                   bind_attempts=1000, **QUICK))
            d.start(wait=False)

            def retrying():
                try:
                    row = d.listener("late")
                    return row and row["state"] == "retrying"
                except OSError:
                    return False
            wait_until(retrying, "it is retrying")
            self.assertFalse(d.status()["ready"])
            self.assertTrue(answers(d.port("good")))
            holder.leave()
            d.wait_ready()
        self.assertTrue(answers(holder.port))

    def test_stopped_while_it_waits(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with Holder() as holder:
                d = self.daemon(mercury.listener("late", port=holder.port,
                                                 **SLOW))
                d.start(wait=False)
                wait_until(lambda: "bind_retry" in d.log(), "it retries")
                began = time.monotonic()
                d.signal(number)
                self.assertEqual(d.wait(), 0)
                self.assertLess(time.monotonic() - began,
                                1 * supervising.SLOWER)
                d.process = d.pid = None

    def test_not_required_ones_come_later(self):
        with Holder() as holder:
            d = self.started(
                mercury.listener("good")
                + mercury.listener("late", port=holder.port, required=False,
                                   bind_attempts=2, **QUICK))
            self.assertTrue(answers(d.port("good")))
            # It goes on past bind_attempts.
            wait_until(lambda: d.listener("late")["bind_attempts"] > 4,
                       "it goes on trying")
            self.assertEqual(d.listener("late")["state"], "retrying")
            holder.leave()
            wait_state(d, "late", "listening")
        self.assertTrue(answers(holder.port))


if __name__ == "__main__":
    mercury.main()
