"""What the soak judges by, without a daemon: excuses, accounts, growth, and
that the same seed makes the same choices."""

import io
import os
import random
import shutil
import sys
import tempfile
import unittest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)),
                             "../system"))

import mercury  # noqa: E402
from excuses import (ALL, BREAK, CLOCK, HANG, REFUSE,  # noqa: E402
                     STORE, Excuses)
from follower import Follower  # noqa: E402
from leaks import Series, growth, slope  # noqa: E402
from ledger import (SETTLED_S, Counters, Deaths, Lag, Story,  # noqa: E402
                    given_up, listener_counters)
from refusals import Asked, explained  # noqa: E402
from report import LAST_ACTIONS, Journal  # noqa: E402
from world import Kind  # noqa: E402


class ExcuseTest(unittest.TestCase):
    def setUp(self):
        self.e = Excuses()

    def test_only_while_it_lasts_and_lingers(self):
        token = self.e.begin(BREAK, "a", 10)
        self.assertTrue(self.e.cover(BREAK, "a", 100, 101))
        self.e.end(token, 20, 2)
        for since, until, covered in ((1, 9, False), (1, 10, True),
                                      (12, 13, True), (22, 30, True),
                                      (23, 30, False)):
            self.assertEqual(self.e.cover(BREAK, "a", since, until), covered,
                             (since, until))

    def test_only_its_kind_and_its_listener(self):
        self.e.during(BREAK, "a", 0, 10)
        self.assertFalse(self.e.cover(REFUSE, "a", 1, 2))
        self.assertFalse(self.e.cover(BREAK, "b", 1, 2))
        self.e.during(HANG, ALL, 0, 10)
        self.assertTrue(self.e.cover(HANG, "b", 1, 2))

    def test_an_end_is_the_first_one(self):
        token = self.e.begin(BREAK, "a", 0)
        self.e.end(token, 1)
        self.e.end(token, 50)
        self.assertFalse(self.e.cover(BREAK, "a", 2, 60))

    def test_what_lasts_is_not_forgotten(self):
        self.e.begin(BREAK, "a", 0)
        self.e.during(BREAK, "b", 0, 10)
        self.e.forget(20)
        self.assertTrue(self.e.cover(BREAK, "a", 30, 31))
        self.assertFalse(self.e.cover(BREAK, "b", 5, 6))


class RefusalTest(unittest.TestCase):
    """What a call is told that nothing explains is a broken promise."""

    def explained(self, method, name, reason, *excuses, message="",
                  rival=None):
        asked = Asked(method, name, {"added1": "shared"})
        if rival is not None:
            asked.meet(Asked(*rival, {"added1": "shared"}))
        return explained(asked, reason, message, lambda kind, names: any(
            k == kind and (n == ALL or n in (names or ()))
            for k, n in excuses))

    def test_who_is_not_found(self):
        for name, may_be in (("calm", False), ("added1", True)):
            self.assertEqual(self.explained("listener.restart", name,
                                            "not_found", (BREAK, ALL)),
                             may_be, name)
        self.assertTrue(self.explained("connection.kick", "proxy",
                                       "not_found"))

    def test_whose_port_is_taken(self):
        for name, may_be in (("moody", True), ("calm", False)):
            self.assertEqual(self.explained("listener.resume", name,
                                            "port_in_use",
                                            (REFUSE, "moody")), may_be, name)
        self.assertFalse(self.explained("listener.pause", "moody",
                                        "port_in_use", (REFUSE, "moody")))

    def test_names_are_used_once(self):
        self.assertFalse(self.explained("listener.add", "added1", "exists",
                                        (BREAK, ALL)))

    def test_what_hurts_the_pool(self):
        for reason in ("timeout", "unavailable"):
            for name, by, may_be in (
                    ("one", "one", True), ("one", "two", False),
                    ("added1", "shared-b", True), ("added2", "one", False),
                    (None, "two", True), (None, ALL, True)):
                self.assertEqual(
                    self.explained("listener.restart", name, reason,
                                   (BREAK, by)), may_be, (name, by))
        self.assertFalse(self.explained("daemon.tree", None, "timeout",
                                        (BREAK, ALL)))

    def test_the_store(self):
        self.assertTrue(self.explained("events.query", None, "unavailable",
                                       (STORE, ALL)))
        self.assertFalse(self.explained("events.query", None, "unavailable",
                                        (BREAK, ALL)))

    def test_busy_with_another_call(self):
        restart = "listener.restart"
        for rival, may_be in (
                (None, False), ((restart, "one"), True),
                ((restart, "two"), False), (("daemon.reload", None), True),
                (("daemon.tree", None), False)):
            self.assertEqual(self.explained(restart, "one", "busy",
                                            rival=rival), may_be, rival)
        self.assertTrue(self.explained("listener.add", "added1", "busy",
                                       rival=(restart, "shared-a")))
        for rival, may_be in ((None, False), (("listener.remove", "added1"),
                                              True)):
            self.assertEqual(
                self.explained("listener.add", "added1", "unavailable",
                               message="the listener was removed meanwhile",
                               rival=rival), may_be)

    def test_a_certificate_of_another_time(self):
        for name, excuses, may_be in (
                ("tls", [(CLOCK, ALL)], True), ("tls", [], False),
                (None, [(CLOCK, ALL)], True), ("one", [(CLOCK, ALL)], False)):
            self.assertEqual(
                self.explained("listener.restart", name, "invalid", *excuses,
                               message="the certificate X expired"), may_be)
        self.assertFalse(self.explained("listener.restart", "tls", "invalid",
                                        (CLOCK, ALL), message="no key"))

    def test_an_end_of_the_daemon(self):
        self.assertTrue(self.explained("daemon.tree", None, "unavailable",
                                       (REFUSE, ALL)))


class CounterTest(unittest.TestCase):
    def test_only_up(self):
        c = Counters()
        self.assertEqual(c.check({"a": 1, "b": 5}), [])
        self.assertEqual(c.check({"a": 1, "b": 6}), [])
        self.assertEqual(c.check({"a": 2, "b": 4}), [("b", 6, 4)])
        # It is still to be more than it ever was.
        self.assertEqual(c.check({"a": 2, "b": 5}), [("b", 6, 5)])

    def test_none_goes_missing(self):
        c = Counters()
        c.check({"a": 1, "b": 5})
        self.assertEqual(c.check({"a": 1}), [("b", 5, None)])
        self.assertEqual(c.check({"a": 1, "b": 4}), [("b", 5, 4)])
        # But what it was of may be gone, and another may come.
        self.assertEqual(c.check({"a": 1}, "b".__eq__), [])
        self.assertEqual(c.check({"a": 1, "b": 0}, "b".__eq__), [])

    def test_all_of_a_listener(self):
        row = dict.fromkeys(("accepted", "rejected", "denied", "probes",
                             "handshake_failures", "bytes_in", "bytes_out",
                             "accept_errors", "restarts", "generation"), 1)
        row.update(name="x", ends={"kicked": 2}, probe_kinds={"fin": 3})
        values = listener_counters(row)
        self.assertEqual(values["x", "ends", "kicked"], 2)
        self.assertEqual(values["x", "probes", "fin"], 3)
        self.assertEqual(len(values), 12)


class GivenUpTest(unittest.TestCase):
    def found(self, excused=False, **states):
        rows = {name: {"state": state, "last_error": "why"}
                for name, state in states.items()}
        return given_up(rows, {"strict": Kind({}, strict=True),
                               "moody": Kind({}),
                               "frail": Kind({}, may_fail=True)},
                        lambda name: excused)

    def test_all_are_there(self):
        self.assertEqual(self.found(strict="listening", moody="paused",
                                    frail="failed", added1="failed"), [])

    def test_one_is_gone(self):
        self.assertEqual(self.found(True, strict="listening",
                                    moody="paused"), ["frail is gone"])

    def test_only_who_may_be_refused_is_excused(self):
        states = dict.fromkeys(("strict", "moody", "frail"), "failed")
        self.assertEqual(self.found(False, **states),
                         ["strict has failed: why", "moody has failed: why"])
        self.assertEqual(self.found(True, **states),
                         ["strict has failed: why"])


class LagTest(unittest.TestCase):
    def setUp(self):
        self.lag = Lag(300, 3)

    def test_once_when_it_has_grown(self):
        self.assertIsNone(self.lag.wrong(1, 500, 0))
        self.assertIsNone(self.lag.wrong(1, 500, 2))
        self.assertIn("500 ms", self.lag.wrong(1, 500, 3))
        self.assertIsNone(self.lag.wrong(1, 500, 9))

    def test_as_late_as_the_machine_about_then(self):
        self.lag.machine_was(200, 100)
        self.assertIsNone(self.lag.wrong(1, 500, 99))
        self.assertIsNone(self.lag.wrong(1, 500, 103))
        # That is long ago for what comes later.
        self.assertIsNone(self.lag.wrong(1, 501, 120))
        self.assertIn("501 ms", self.lag.wrong(1, 501, 124))

    def test_a_new_supervisor(self):
        for run in (1, 2):
            self.assertIsNone(self.lag.wrong(run, 400, 10 * run))
            self.assertIn("400 ms", self.lag.wrong(run, 400, 10 * run + 4))

    def test_a_supervisor_that_died_before_it_was_judged(self):
        self.assertIsNone(self.lag.wrong(1, 400, 10))
        self.assertIsNone(self.lag.wrong(2, 5, 11))
        self.assertIn("400 ms", self.lag.wrong(2, 5, 14))


def record(seq, kind, pid, reason=None, listener="a"):
    return {"seq": seq, "type": "worker." + kind, "pid": pid,
            "reason": reason, "listener": listener}


KILLED = "was killed by signal 9 (SIGKILL)"


class DeathTest(unittest.TestCase):
    def setUp(self):
        self.d = Deaths()
        self.alive = set()

    def wrong(self, now=0, **more):
        return self.d.wrong(self.alive.__contains__, now, **more)

    def test_one_end_with_the_real_reason(self):
        self.d.signal(5, 9)
        self.d.take([record(1, "started", 5), record(2, "crashed", 5, KILLED)])
        self.assertEqual(self.wrong(), [])

    def test_each_record_counts_once(self):
        records = [record(1, "started", 5), record(2, "crashed", 5, KILLED)]
        self.assertEqual(len(self.d.take(records)), 2)
        self.assertEqual(self.d.take(records), [])
        self.assertEqual(self.wrong(), [])

    def test_two_ends(self):
        self.d.take([record(1, "crashed", 5, KILLED),
                     record(2, "exited", 5, "exited with status 0")])
        self.assertIn("ended 2 times", self.wrong()[0])

    def test_another_signal(self):
        self.d.signal(5, 9)
        self.d.take([record(1, "crashed", 5,
                            "was killed by signal 11 (SIGSEGV)")])
        self.assertIn("was sent signal 9", self.wrong()[0])

    def test_an_exit_of_one_that_was_killed(self):
        self.d.signal(5, 9)
        self.d.signal(6, 9, leaving=True)
        self.d.take([record(1, "exited", 5, "exited with status 0"),
                     record(2, "exited", 6, "exited with status 0")])
        self.assertEqual(len(self.wrong()), 1)
        self.assertIn("worker 5 ", self.wrong()[0])

    def test_no_end(self):
        self.alive = {5}
        self.d.take([record(1, "started", 5)])
        self.assertEqual(self.wrong(1), [])
        self.alive = set()
        self.assertEqual(self.wrong(2), [])
        self.assertIn("not in the history", self.wrong(3 + SETTLED_S)[0])
        # A listener that was removed has no history any more.
        self.assertEqual(
            self.wrong(3 + SETTLED_S, kept=lambda name: name != "a"), [])

    def test_a_new_supervisor(self):
        self.d.take([record(7, "started", 5)])
        self.d.begin()
        self.assertEqual(self.wrong(100), [])
        self.assertEqual(len(self.d.take([record(1, "started", 6)])), 1)


class StoryTest(unittest.TestCase):
    def event(self, pid, kind="crashed"):
        return {"type": "worker." + kind, "detail": {"pid": pid}}

    def test_what_was_dropped_may_be_missing(self):
        s = Story()
        s.report([record(1, "crashed", 5), record(2, "crashed", 6),
                  record(3, "started", 7)], 0)
        s.arrive(self.event(5))
        s.arrive(self.event(7, "started"))
        self.assertEqual(s.wrong(1), [])
        self.assertIn("never became an event", s.wrong(0)[0])
        s.arrive(self.event(6))
        self.assertEqual(s.wrong(0), [])

    def test_none_comes_twice(self):
        s = Story()
        s.arrive(self.event(5))
        s.arrive(self.event(5, "killed"))
        self.assertIn("2 events", s.wrong(100)[0])

    def test_what_is_settled_counts_no_more(self):
        s = Story()
        s.report([record(1, "crashed", 5), record(2, "crashed", 6)], 0)
        s.arrive(self.event(5))
        s.arrive(self.event(7))
        s.settle()
        self.assertEqual(s.wrong(0), [])
        s.report([record(3, "crashed", 7), record(4, "crashed", 8)], 0)
        self.assertIn("[8]", s.wrong(0)[0])

    def test_a_dead_supervisor_tells_nothing_more(self):
        s = Story()
        s.report([record(1, "crashed", 5)], 0)
        s.supervisor_died()
        self.assertEqual(s.wrong(0), [])


class FollowerTest(unittest.TestCase):
    def test_a_loss_excuses_no_later_one(self):
        f = Follower(None, None, None)
        f.dropped = 1000
        f.story.report([record(1, "crashed", 5)], 0)
        f.catch_up()
        f.story.report([record(2, "crashed", 6)], 0)
        self.assertIn("[6]", f.wrong()[0])
        f.dropped = 1001
        self.assertEqual(f.wrong(), [])
        f.catch_up()
        f.supervisor_died()
        f.story.report([record(1, "crashed", 7)], 0)
        self.assertIn("[7]", f.wrong()[0])


class GrowthTest(unittest.TestCase):
    def test_steady(self):
        self.assertEqual(growth([(0, 100), (10, 100), (20, 100)]), 0)
        self.assertEqual(growth([(0, 100)]), 0)

    def test_a_few_samples(self):
        self.assertEqual(growth([(0, 100), (10, 110), (20, 150)]), 50)
        self.assertLess(growth([(0, 100), (10, 110), (20, 50)]), 0)

    def test_a_peak_is_no_slope(self):
        rng = random.Random(1)
        flat = [(t, 1000 + rng.randrange(10)) for t in range(30)]
        flat[-1] = (29, 9000)
        self.assertLess(growth(flat), 20)
        leak = [(t, 1000 + 7 * t + rng.randrange(10)) for t in range(30)]
        leak[10] = (10, 9000)
        self.assertAlmostEqual(growth(leak), 29 * 7, delta=20)
        self.assertAlmostEqual(slope(leak), 7, delta=0.5)

    def test_series_of_processes(self):
        s = Series()
        s.add("a", 1, -1, 0, used=False)
        for t in range(8):
            s.add("a", 1, t, t * 100)
            s.add("a", 2, t, 5000)
        self.assertEqual(s.ends(), {"a": (0, 5700)})
        self.assertEqual(s.grown(), {"a": 700.0})
        self.assertEqual(s.wrong(lambda who: 10000), [])
        self.assertEqual(len(s.wrong(lambda who: 300)), 1)
        self.assertIn("pid 1", s.wrong(lambda who: 300)[0])


class JournalTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mercury-test-", dir="/tmp")
        self.addCleanup(shutil.rmtree, self.folder)
        self.out = io.StringIO()
        self.j = Journal(self.folder, 42, self.out)
        self.addCleanup(self.j.file.close)

    def test_a_run_that_kept_all(self):
        self.j.did("kill")
        self.j.worst("lag", 3)
        self.j.worst("lag", 1)
        self.assertEqual(self.j.summary({}), 0)
        self.assertIn("lag 3", self.out.getvalue())
        self.assertIn("SOAK_SEED=42", self.out.getvalue())

    def test_a_failure_tells_all_that_helps(self):
        for i in range(LAST_ACTIONS + 10):
            self.j.did("act", str(i))
        self.j.fail("the promise", "the sight")
        self.assertTrue(self.j.broken.is_set())
        self.assertEqual(self.j.summary({}), 1)
        text = self.out.getvalue()
        for word in ("the promise", "the sight", "SOAK_SEED=42",
                     self.folder, "act 59"):
            self.assertIn(word, text)
        self.assertNotIn("act 9\n", text)


if __name__ == "__main__":
    mercury.main()
