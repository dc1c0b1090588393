"""Groups: what is restarted when a worker of one listener ends, in which
order, and who notices."""

import mercury
from mercury import alive, answers, ask, connect, kill, wait_until
from supervising import Background, Moods, Storm, history, wait_state

NAMES = "abc"
ENDS = ("worker.crashed", "worker.exited")


def group(name, *children, **options):
    """A group section of the config file."""
    body = "".join(f"  {k} = {mercury.text(v)}\n" for k, v in options.items())
    names = ", ".join(f'"{c}"' for c in children)
    return f'group "{name}" {{\n  children = {{{names}}}\n{body}}}\n'


class GroupTestCase(mercury.TestCase):
    def with_group(self, workers=1, **options):
        """A daemon whose listeners a, b and c are a group, in that order."""
        return self.started(
            group("g", *NAMES, **options)
            + "".join(mercury.listener(n, workers=workers) for n in NAMES))

    def clients(self, d):
        """An open connection to each listener."""
        clients = {n: connect(d.port(n)) for n in NAMES}
        for s in clients.values():
            self.addCleanup(s.close)
            self.assertEqual(ask(s, b"x"), b"x")
        return clients

    @staticmethod
    def pids(d):
        return {n: d.workers(n) for n in NAMES}

    @staticmethod
    def last_seq(d):
        return max(r["seq"] for n in NAMES for r in history(d, n))

    @staticmethod
    def records_since(d, seq):
        """What happened to the workers of all three, in order."""
        found = [r for n in NAMES for r in history(d, n)
                 if r["seq"] > seq and r["type"].startswith("worker.")]
        return sorted(found, key=lambda r: r["seq"])

    def wait_restarted(self, d, old, names):
        """Wait until these listeners have new workers and listen."""
        def done():
            rows = {n: d.listener(n) for n in NAMES}
            return all(
                r["state"] == "listening"
                and all(w["pid"] for w in r["workers"])
                and (n not in names or not {w["pid"] for w in r["workers"]}
                     & set(old[n]))
                for n, r in rows.items())
        wait_until(done, f"{names} have new workers")


class Strategies(GroupTestCase):
    def check(self, strategy, restarted):
        """Kill the worker of b under load: these are restarted, no others."""
        d = self.with_group(strategy=strategy)
        clients = self.clients(d)
        old = self.pids(d)
        with Storm(*(d.port(n) for n in NAMES)) as storm:
            wait_until(lambda: d.listener("c")["accepted"] > 50, "a storm")
            seq = self.last_seq(d)
            kill(old["b"][0])
            self.wait_restarted(d, old, restarted)
            was = d.listener("c")["accepted"]
            wait_until(lambda: d.listener("c")["accepted"] > was + 50,
                       "the storm goes on")
            result = storm.stop()
        self.assertEqual(result["refused"], 0, result)
        self.assertEqual(result["hung"], 0, result)
        self.assertEqual(result["wrong"], 0, result)
        # Those that a worker had accepted when it ended.
        self.assertLessEqual(result["reset"] + result["lost"], 16, result)
        for name in NAMES:
            if name not in restarted:
                self.assertEqual(d.workers(name), old[name])
                self.assertEqual(ask(clients[name], b"y"), b"y")
                self.assertEqual(d.listener(name)["restarts"], 0)
        return d, old, self.records_since(d, seq)

    def check_order(self, old, records, restarted):
        """First to end was b, then the rest from the last to the first; then
        they start from the first to the last."""
        first = {pid for pids in old.values() for pid in pids}
        ends = [r["listener"] for r in records
                if r["type"] in ENDS and r["pid"] in first]
        self.assertEqual(
            ends, ["b"] + [n for n in reversed(restarted) if n != "b"])
        starts = [r for r in records if r["type"] == "worker.started"]
        self.assertEqual([r["listener"] for r in starts], list(restarted))
        last_end = max(r["seq"] for r in records
                       if r["type"] in ENDS and r["pid"] in first)
        self.assertLess(last_end, starts[0]["seq"])

    def test_one_for_one(self):
        d, old, records = self.check("one_for_one", "b")
        self.check_order(old, records, "b")
        self.assertEqual(d.listener("b")["restarts"], 1)

    def test_rest_for_one(self):
        _, old, records = self.check("rest_for_one", "bc")
        self.check_order(old, records, "bc")

    def test_one_for_all(self):
        _, old, records = self.check("one_for_all", "abc")
        self.check_order(old, records, "abc")

    def test_the_default_is_one_for_one(self):
        d = self.with_group()
        old = self.pids(d)
        kill(old["b"][0])
        self.wait_restarted(d, old, "b")
        self.assertEqual(d.workers("a") + d.workers("c"),
                         old["a"] + old["c"])

    def test_the_order_is_that_of_the_group(self):
        d = self.started(
            "".join(mercury.listener(n) for n in NAMES)
            + group("g", "c", "a", "b", strategy="rest_for_one"))
        old = self.pids(d)
        kill(old["a"][0])
        self.wait_restarted(d, old, "ab")
        self.assertEqual(d.workers("c"), old["c"])

    def test_the_first_and_the_last(self):
        for victim, restarted in (("a", "abc"), ("c", "c")):
            with self.subTest(victim=victim):
                d = self.with_group(strategy="rest_for_one", workers=2)
                old = self.pids(d)
                kill(old[victim][1])
                self.wait_restarted(d, old, restarted)
                for name in set(NAMES) - set(restarted):
                    self.assertEqual(d.workers(name), old[name])

    def test_another_dies_while_they_are_restarted(self):
        d = self.with_group(strategy="one_for_all")
        old = self.pids(d)
        for name in ("c", "a"):
            kill(old[name][0])
        self.wait_restarted(d, old, NAMES)
        for name in NAMES:
            self.assertTrue(mercury.answers(d.port(name)))

    def test_again_and_again(self):
        d = self.with_group(strategy="one_for_all", max_restarts=100)
        for name in "abcba":
            old = self.pids(d)
            kill(old[name][0])
            self.wait_restarted(d, old, NAMES)
        for name in NAMES:
            self.assertTrue(mercury.answers(d.port(name)))


class OldGenerations(GroupTestCase):
    """A hot restart has left workers that have a connection still."""

    def setUp(self):
        super().setUp()
        self.d = self.started(
            group("g", "b", "c", strategy="one_for_all")
            + "".join(mercury.listener(n, workers=1, drain_timeout="60s")
                      for n in "bc"))
        self.client = connect(self.d.port("b"))
        self.addCleanup(self.client.close)
        self.assertEqual(ask(self.client, b"x"), b"x")
        self.d.call("listener.restart", name="b")

    def wait_new(self, name, old):
        wait_until(lambda: set(self.d.workers(name)) - {None, *old},
                   f"{name} has a new worker")

    def test_nobody_waits_for_them(self):
        d = self.d
        old = {n: d.workers(n) for n in "bc"}
        kill(old["c"][0])
        for name in "bc":
            self.wait_new(name, old[name])
            self.assertTrue(answers(d.port(name)))
        self.assertEqual(ask(self.client, b"y"), b"y")

    def test_one_is_removed_meanwhile(self):
        d, old = self.d, self.d.workers("c")
        kill(old[0])
        wait_until(lambda: not alive(old[0]), "the group is restarted")
        d.call("listener.remove", name="b", deadline="0s")
        self.wait_new("c", old)
        self.assertTrue(answers(d.port("c")))


class WhileOneStarts(GroupTestCase):
    """The first does not come up: the others need not wait for it."""

    def check(self, method, **params):
        d = self.daemon(
            group("g", "a", "b", strategy="one_for_all")
            + "".join(mercury.listener(n, workers=1) for n in "ab"))
        moods = Moods(d)
        d.start()
        old = d.workers("b")
        moods.set("a/0 hang")
        kill(d.workers("a")[0])
        hanging = wait_until(lambda: [
            p for p in mercury.descendants(d.pid)
            if mercury.executable(p).endswith("/roles/mercury-pool")],
            "it starts")
        with Background(d, method, name="a", **params):
            wait_until(lambda: set(d.workers("b")) - {None, *old},
                       "b has a new worker")
            self.assertTrue(answers(d.port("b")))
            self.assertTrue(alive(hanging[0]), "it took until its deadline")
            moods.set()
            kill(hanging[0])

    def test_it_is_paused(self):
        self.check("listener.pause")

    def test_it_is_removed(self):
        self.check("listener.remove", deadline="60s")


class Intensity(GroupTestCase):
    def use_up(self, d, restarts):
        for count in range(restarts + 1):
            old = self.pids(d)
            kill(old["b"][0])
            if count < restarts:
                self.wait_restarted(d, old, "b")

    def check(self, strategy):
        d = self.with_group(strategy=strategy, max_restarts=2, max_seconds=60)
        ports = [d.port(n) for n in NAMES]
        self.use_up(d, 2)
        for name in NAMES:
            row = wait_state(d, name, "failed")
            self.assertIn("group", row["last_error"])
        for port in ports:
            wait_until(lambda: mercury.refused(port), "it is refused")
        return d

    def test_past_it_all_have_failed(self):
        for strategy in ("one_for_one", "rest_for_one", "one_for_all"):
            with self.subTest(strategy=strategy):
                self.check(strategy).stop()

    def test_a_restart_brings_them_back(self):
        d = self.check("one_for_all")
        for name in NAMES:
            d.call("listener.restart", name=name)
            wait_state(d, name, "listening")
            self.assertTrue(mercury.answers(d.port(name)))

    def test_others_are_not_touched(self):
        d = self.started(
            group("g", "a", "b", max_restarts=0, strategy="one_for_all")
            + "".join(mercury.listener(n) for n in NAMES))
        old = self.pids(d)
        kill(old["a"][0])
        for name in "ab":
            wait_state(d, name, "failed")
        self.assertEqual(d.workers("c"), old["c"])
        self.assertTrue(mercury.answers(d.port("c")))


class Config(GroupTestCase):
    def test_errors_name_the_line(self):
        listeners = "".join(mercury.listener(n, pool="p" if n != "a" else "a")
                            for n in NAMES)
        for text, message in (
                (group("g", "a", "nobody"), 'no listener "nobody"'),
                (group("g", "a", "a"), '"a" is given twice'),
                (group("g", "a") + group("h", "a"), 'in group "g" at'),
                (group("g", "b"), "shares pool p"),
                (group("g"), "children: is missing or empty"),
                (group("g", "a") + group("g", "a"), "given twice"),
                (group("g", "a", strategy="all"), "must be one_for_one")):
            with self.subTest(message=message):
                d = self.daemon(text + listeners)
                result = d.run("-t")
                self.assertEqual(result.code, 78, result)
                self.assertRegex(result.err, rf"{d.config}:\d+: .*{message}")

    def test_a_reload_makes_and_unmakes_a_group(self):
        listeners = "".join(mercury.listener(n) for n in NAMES)
        d = self.started(listeners)
        for text, restarted in (
                (group("g", *NAMES, strategy="one_for_all"), "abc"),
                ("", "b")):
            before = self.pids(d)
            d.write(text + listeners)
            d.call("daemon.reload")
            self.assertEqual(self.pids(d), before)
            kill(before["b"][0])
            self.wait_restarted(d, before, restarted)
            for name in set(NAMES) - set(restarted):
                self.assertEqual(d.workers(name), before[name])

    def test_a_reload_leaves_a_group_that_is_the_same(self):
        """It goes on counting its restarts."""
        listeners = "".join(mercury.listener(n, workers=1) for n in NAMES)
        other = group("h", "c")
        d = self.started(group("g", "a", "b", max_restarts=1,
                               max_seconds=300) + other + listeners)
        before = self.pids(d)
        kill(before["b"][0])
        self.wait_restarted(d, before, "b")
        for text in other, "":
            d.write(text + group("g", "a", "b", max_restarts=1,
                                 max_seconds=300) + listeners)
            d.call("daemon.reload")
        kill(d.workers("a")[0])
        for name in "ab":
            wait_state(d, name, "failed")
        self.assertEqual(d.workers("c"), before["c"])

    def test_the_records_of_a_worker_outlive_its_crew(self):
        listeners = "".join(mercury.listener(n, workers=1) for n in NAMES)
        d = self.started(group("g", *NAMES, strategy="one_for_all")
                         + listeners)
        before = self.pids(d)
        kill(before["b"][0])
        self.wait_restarted(d, before, "abc")
        for _ in range(2):  # also over a hot restart
            rows = {row["name"]: row
                    for row in d.call("supervisor.stats")["children"]
                    if row["role"] == "worker" and not row["leaving"]}
            self.assertEqual(rows["b"]["restarts"], 1)
            self.assertIn("signal 9", rows["b"]["last_reason"])
            self.assertEqual(rows["a"]["restarts"], 0)
            d.call("listener.restart", name="b")


if __name__ == "__main__":
    mercury.main()
