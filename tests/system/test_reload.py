"""Reload: the difference between the file and what runs, and no more."""

import os
import pwd
import signal
import unittest

import mercury
import supervising
from mercury import alive, answers, ask, connect, kill, refused, wait_until
from mercury import free_port, listener
from supervising import Background, Moods, Storm, wait_state
from test_groups import group


class Reload(mercury.TestCase):
    def reload(self, d, *sections):
        """Write these listener sections and reload; what was said."""
        d.write("".join(sections))
        return d.call("daemon.reload")

    def plan(self, d, *sections):
        """What a dry run of these says: name -> action."""
        d.write("".join(sections))
        result = d.call("daemon.reload", dry_run=True)
        rows = next(v for v in result.values() if isinstance(v, list))
        return {row["name"]: row["action"] for row in rows}

    def snapshot(self, d):
        """All that must not change when nothing may."""
        return [(l["name"], l["state"], l["port"], l["protocol"], l["pool"],
                 l["generation"], [w["pid"] for w in l["workers"]])
                for l in d.status()["listeners"]]


class Difference(Reload):
    def setUp(self):
        super().setUp()
        self.ports = [mercury.free_port() for _ in range(4)]
        self.keep = listener("keep", port=self.ports[0], workers=2)
        self.d = self.started(
            self.keep + listener("change", port=self.ports[1]))
        self.port = self.ports[1]
        self.kept = self.d.workers("keep")
        self.client = connect(self.ports[0])
        self.addCleanup(self.client.close)
        self.assertEqual(ask(self.client, b"x"), b"x")

    def tearDown(self):
        """Whatever was done to the other, this one was not touched."""
        if self.d.pid is not None and alive(self.d.pid):
            self.assertEqual(self.d.workers("keep"), self.kept)
            self.assertEqual(self.d.listener("keep")["generation"], 1)
            self.assertEqual(ask(self.client, b"y"), b"y")

    def test_nothing(self):
        before = self.snapshot(self.d)
        for _ in range(3):
            self.d.call("daemon.reload")
        self.d.signal(signal.SIGHUP)
        wait_until(lambda: self.d.log().count("2 unchanged") == 4, "SIGHUP")
        self.assertEqual(self.snapshot(self.d), before)

    def test_added_and_removed(self):
        d = self.d
        with connect(self.port) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            self.reload(d, self.keep, listener("new", port=self.ports[2]))
            self.assertTrue(answers(self.ports[2]))
            wait_until(lambda: refused(self.port), "closed")
            self.assertEqual(d.listener("change")["state"], "draining")
            self.assertEqual(ask(s, b"y"), b"y")
        wait_until(lambda: d.listener("change") is None, "drained")

    def test_updated_in_place(self):
        workers = self.d.workers("change")
        with connect(self.port) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            self.reload(self.d, self.keep, listener(
                "change", port=self.port, backlog=33, keepalive="off",
                drain_timeout="1s", max_restarts=3))
            self.assertEqual(ask(s, b"y"), b"y")
        self.assertEqual(self.d.workers("change"), workers)
        out = mercury.run(["ss", "-Hltn", f"sport = :{self.port}"]).out
        self.assertEqual({l.split()[2] for l in out.splitlines()}, {"33"})

    def test_workers_by_hot_restart(self):
        old = self.d.workers("change")
        with connect(self.port) as s, Storm(self.port, rate=800) as storm:
            self.assertEqual(ask(s, b"x"), b"x")
            self.reload(self.d, self.keep,
                        listener("change", port=self.port, workers=3))
            new = self.d.workers("change")
            self.assertEqual(len(new), 3)
            self.assertFalse(set(old) & set(new))
            self.assertEqual(ask(s, b"y"), b"y")
            seen = self.d.listener("change")["accepted"]
            wait_until(lambda: self.d.listener("change")["accepted"]
                       > seen + 10, "the storm goes on")
        for key in ("refused", "reset", "lost", "hung", "wrong"):
            self.assertEqual(storm.result[key], 0, storm.result)
        self.assertEqual(self.d.listener("change")["generation"], 2)

    def test_protocol_by_hot_restart(self):
        with connect(self.port) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            self.reload(self.d, self.keep, listener(
                "change", port=self.port, protocol="discard"))
            row = self.d.listener("change")
            self.assertEqual((row["protocol"], row["generation"]),
                             ("discard", 2))
            self.assertEqual(ask(s, b"still echo"), b"still echo")
        with connect(self.port) as s:
            s.sendall(b"gone")
            s.settimeout(0.2)
            with self.assertRaises(TimeoutError):
                s.recv(1)

    def test_port(self):
        with connect(self.port) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            self.reload(self.d, self.keep,
                        listener("change", port=self.ports[2]))
            self.assertTrue(answers(self.ports[2]))
            self.assertEqual(self.d.port("change"), self.ports[2])
            wait_until(lambda: refused(self.port), "the old port is closed")
            self.assertEqual(ask(s, b"y"), b"y")

    def test_figures_go_on_at_another_port(self):
        def figures():
            found = self.d.listener("change")
            return [found[key] for key in
                    ("accepted", "connections", "bytes_in")]
        with connect(self.port) as s:
            self.assertEqual(ask(s, b"abc"), b"abc")
            wait_until(lambda: figures()[2] == 3, "three bytes are counted")
            before = figures()
            self.assertGreaterEqual(before[1], 1)
            for i in 2, 3:
                self.reload(self.d, self.keep,
                            listener("change", port=self.ports[i]))
                self.assertEqual(figures(), before)
            self.assertEqual(ask(s, b"de"), b"de")
            wait_until(lambda: figures()[2] == 5, "they go on")
        wait_until(lambda: figures()[1] == before[1] - 1, "it has ended")
        found = self.d.listener("change")
        self.assertEqual(sum(found["ends"].values()),
                         found["accepted"] - found["connections"])

    def test_pool(self):
        with Storm(self.port, rate=800) as storm:
            self.reload(self.d, self.keep, listener(
                "change", port=self.port, pool="keep", workers=2))
            self.assertEqual(self.d.workers("change"), self.kept)
            self.assertTrue(answers(self.port))
            seen = self.d.listener("change")["accepted"]
            wait_until(lambda: self.d.listener("change")["accepted"]
                       > seen + 10, "the storm goes on")
        for key in ("refused", "reset", "lost", "hung", "wrong"):
            self.assertEqual(storm.result[key], 0, storm.result)

    def test_renamed(self):
        """Another name for the same port keeps the socket and its queue."""
        old = self.d.workers("change")
        for pid in old:
            kill(pid, signal.SIGSTOP)
        clients = [connect(self.port) for _ in range(20)]
        for s in clients:
            s.sendall(b"early")
        self.reload(self.d, self.keep,
                    listener("renamed", port=self.port,
                             drain_timeout="500ms"))
        for s in clients:
            self.assertEqual(mercury.receive(s, 5), b"early")
            s.close()
        self.assertEqual(self.d.port("renamed"), self.port)
        for pid in old:
            kill(pid, signal.SIGCONT)
        wait_until(lambda: self.d.listener("change") is None, "gone")
        self.assertTrue(answers(self.port))

    def test_two_swap_their_ports(self):
        d, (_, one, two, _) = self.d, self.ports
        self.reload(d, self.keep, listener("change", port=one),
                    listener("other", port=two, protocol="discard"))
        self.reload(d, self.keep, listener("change", port=two),
                    listener("other", port=one, protocol="discard"))
        self.assertEqual(d.port("change"), two)
        self.assertTrue(answers(two))
        with connect(one) as s:
            s.sendall(b"x")
            s.settimeout(0.2)
            with self.assertRaises(TimeoutError):
                s.recv(1)

    def test_what_was_added_at_runtime_stays(self):
        port = self.d.add("runtime")["port"]
        workers = self.d.workers("runtime")
        self.reload(self.d, self.keep)
        self.assertEqual(self.d.workers("runtime"), workers)
        self.assertTrue(answers(port))

    def test_the_file_takes_over_what_was_added_at_runtime(self):
        self.d.add("runtime", port=self.ports[2])
        workers = self.d.workers("runtime")
        section = listener("runtime", port=self.ports[2])
        self.reload(self.d, self.keep, section)
        self.assertEqual(self.d.workers("runtime"), workers)
        self.reload(self.d, self.keep)  # now the file can take it back
        wait_until(lambda: self.d.listener("runtime") is None, "removed")

    def test_a_paused_one_stays_paused(self):
        d = self.d
        d.call("listener.pause", name="change")
        self.reload(d, self.keep,
                    listener("change", port=self.port, backlog=20))
        self.assertEqual(d.listener("change")["state"], "paused")
        self.reload(d, self.keep,
                    listener("change", port=self.port, workers=2))
        self.assertEqual(d.listener("change")["state"], "paused")
        self.assertTrue(refused(self.port))
        d.call("listener.resume", name="change")
        self.assertEqual(len(d.workers("change")), 2)
        self.assertTrue(answers(self.port))

    def test_during_a_restart(self):
        with Background(self.d, "listener.restart", name="change") as restart:
            self.reload(self.d, self.keep, listener(
                "change", port=self.port, backlog=20))
            restart.answer()
        wait_state(self.d, "change", "listening")
        self.assertTrue(answers(self.port))


class Refused(Reload):
    """Whatever is wrong, nothing changes."""

    def setUp(self):
        super().setUp()
        self.ports = [mercury.free_port() for _ in range(5)]
        self.file = (listener("a", port=self.ports[0], workers=2)
                     + listener("b", port=self.ports[1]))
        self.d = self.started(self.file)
        self.other = (listener("a", port=self.ports[2], workers=1)
                      + listener("c", port=self.ports[3]))

    def nothing(self, *sections, match):
        before = self.snapshot(self.d)
        with connect(self.ports[0]) as client:
            self.assertEqual(ask(client, b"x"), b"x")
            for dry_run in (True, False):
                self.d.write("".join(sections))
                with self.assertRaises(mercury.RpcError) as e:
                    self.d.call("daemon.reload", dry_run=dry_run)
                self.assertRegex(e.exception.message, match)
            self.assertEqual(ask(client, b"y"), b"y")
        self.assertEqual(self.snapshot(self.d), before)
        self.assertTrue(answers(self.ports[1]))
        self.assertTrue(refused(self.ports[3]))

    def test_an_error_in_the_last_line(self):
        text = self.other + 'listener "d" {\n  port = 70000\n}'
        lines = 2 + len(self.d.settings) + text.count("\n")
        self.nothing(text, match=rf"mercury\.conf:{lines}: port: 70000")
        out = self.d.ctl("reload")
        self.assertEqual(out.code, 1, out)
        self.assertIn("70000", out.err)
        self.d.signal(signal.SIGHUP)
        wait_until(lambda: self.d.log().count("70000") >= 3, "SIGHUP")
        self.assertTrue(answers(self.ports[0]))

    def test_a_file_that_is_cut_off(self):
        self.nothing(self.other + 'listener "d" {\n  port = 7000\n',
                     match="mercury.conf:")

    def test_unknown_option(self):
        self.nothing(self.other, 'colour = "red"\n', match="colour")

    def test_a_port_in_use(self):
        """Checked before anything is touched, also what comes later."""
        with supervising.Holder() as holder:
            before = self.snapshot(self.d)
            self.d.write(self.other + listener("d", port=holder.port))
            with self.assertRaises(mercury.RpcError) as e:
                self.d.call("daemon.reload")
            self.assertEqual(e.exception.reason, "port_in_use")
            self.assertRegex(e.exception.message, rf"\bd\b.*{holder.port}")
        self.assertEqual(self.snapshot(self.d), before)
        for port in self.ports[2:4]:
            wait_until(lambda: refused(port), "what was bound is let go")
        self.d.call("daemon.reload")
        self.assertTrue(answers(self.ports[2]))
        self.assertTrue(answers(self.ports[3]))

    def test_config_process_crashes(self):
        """A crash of the reader is a failed reload."""
        before = self.snapshot(self.d)
        with Background(self.d, "daemon.reload") as reload:
            def reader():
                return [p for p in mercury.descendants(self.d.pid)
                        if mercury.executable(p).endswith("mercury-config")]
            # It is quick: stop it if it can be caught.
            for pid in reader():
                kill(pid)
            try:
                reload.answer()
            except mercury.RpcError as e:
                self.assertTrue(e.message)
        self.assertEqual(self.snapshot(self.d), before)
        self.d.call("daemon.reload")

    def test_no_file(self):
        os.rename(self.d.config, self.d.config + ".away")
        before = self.snapshot(self.d)
        with self.assertRaises(mercury.RpcError) as e:
            self.d.call("daemon.reload")
        self.assertIn(self.d.config, e.exception.message)
        self.assertEqual(self.snapshot(self.d), before)


class DryRun(Reload):
    def test_nothing_at_all(self):
        d = self.started(listener("a"))
        d.write("")
        d.call("daemon.reload")
        wait_until(lambda: not d.status()["listeners"], "it is gone")
        self.assertEqual(self.plan(d), {})
        self.assertEqual(d.ctl("reload", "--dry-run").code, 0)

    def test_the_whole_plan(self):
        ports = [mercury.free_port() for _ in range(7)]
        d = self.started(
            listener("keep", port=ports[0]) + listener("go", port=ports[1])
            + listener("live", port=ports[2])
            + listener("workers", port=ports[3])
            + listener("move", port=ports[4]))
        d.add("runtime")
        before = self.snapshot(d)
        sections = (listener("keep", port=ports[0]),
                    listener("live", port=ports[2], backlog=9),
                    listener("workers", port=ports[3], workers=3),
                    listener("move", port=ports[5]),
                    listener("new", port=ports[6]))
        want = {"go": "remove", "live": "update", "workers": "restart",
                "move": "rebind", "new": "add"}
        plan = self.plan(d, *sections)
        self.assertEqual({n: a for n, a in plan.items() if a != "keep"}, want)
        self.assertEqual(self.snapshot(d), before)
        self.assertTrue(refused(ports[5]) and refused(ports[6]))
        out = d.ctl("reload", "--dry-run")
        self.assertEqual(out.code, 0, out)
        for name, action in want.items():
            self.assertRegex(out.out, rf"{name}\b.*{action}|"
                             rf"{action}\b.*{name}")
        # And what it said is what is done.
        d.call("daemon.reload")
        self.assertEqual(d.workers("keep"), before_pids(before, "keep"))
        self.assertEqual(d.workers("live"), before_pids(before, "live"))
        self.assertEqual(d.workers("runtime"),
                         before_pids(before, "runtime"))
        self.assertEqual(len(d.workers("workers")), 3)
        for port in (ports[0], ports[2], ports[3], ports[5], ports[6]):
            self.assertTrue(answers(port))
        wait_until(lambda: refused(ports[1]) and refused(ports[4]), "closed")
        self.assertLessEqual(set(self.plan(d, *sections).values()), {"keep"})


def before_pids(snapshot, name):
    return next(row[-1] for row in snapshot if row[0] == name)


class OfThePool(Reload):
    """What listeners say of their pool changes with other things of them."""

    def test_with_the_port(self):
        d = self.started(listener("a", port=free_port(), workers=1))
        old = d.workers("a")
        port = free_port()
        self.reload(d, listener("a", port=port, workers=3))
        self.assertEqual(len(d.workers("a")), 3)
        self.assertEqual(d.listener("a")["port"], port)
        self.assertTrue(answers(port))
        wait_until(lambda: not alive(old[0]), "it has handed over")
        for option, value in (("max_restarts", 7), ("max_seconds", 9),
                              ("hang_timeout", "3s"),
                              ("restart", "temporary")):
            with self.subTest(option=option):
                section = listener("a", port=free_port(), workers=3,
                                   **{option: value})
                self.reload(d, section)
                self.assertEqual(self.plan(d, section), {})
        self.reload(d, listener("a", port=free_port(), workers=1,
                                max_restarts=0))
        pid, = d.workers("a")
        kill(pid)
        wait_state(d, "a", "failed")

    @unittest.skipUnless(mercury.ROOT, "only root may run workers as others")
    def test_the_user_with_the_port(self):
        d = self.started(listener("a", port=free_port(), workers=1,
                                  user="bin"))
        with connect(d.port("a")) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            section = listener("a", port=free_port(), workers=1,
                               user="daemon")
            self.reload(d, section)
            self.assertEqual(ask(s, b"y"), b"y")
        pid, = d.workers("a")
        self.assertEqual(os.stat(f"/proc/{pid}").st_uid,
                         pwd.getpwnam("daemon").pw_uid)
        self.assertEqual(self.plan(d, section), {})

    def test_the_new_workers_do_not_come_up(self):
        """It has moved, and the next reload tries the rest again."""
        d = self.daemon(listener("a", port=free_port(), workers=1))
        moods = Moods(d)
        d.start()
        section = listener("a", port=free_port(), workers=2)
        moods.set("a/0 exit 1")
        with self.assertRaises(mercury.RpcError):
            self.reload(d, section)
        self.assertEqual(len(d.workers("a")), 1)
        self.assertTrue(answers(d.port("a")))
        self.assertEqual(self.plan(d, section), {"a": "restart"})
        moods.set()
        self.reload(d, section)
        self.assertEqual(len(d.workers("a")), 2)

    def test_a_new_member(self):
        """It joins a pool that is changed for it, too."""
        a = listener("a", port=free_port(), pool="x", workers=1)
        d = self.started(a)
        d.write(listener("a", port=free_port(), pool="x", workers=2,
                         max_restarts=5)
                + listener("b", pool="x", workers=2, max_restarts=5))
        d.call("daemon.reload")
        self.assertEqual(d.workers("a"), d.workers("b"))
        self.assertEqual(len(d.workers("b")), 2)
        self.assertTrue(answers(d.port("b")))

    def test_another_member(self):
        """Those that the pool had leave it as one joins that wants it to
        be different."""
        d = self.started(listener("a", pool="x", workers=1))
        self.reload(d, listener("b", pool="x", workers=2, max_restarts=3))
        self.assertEqual(len(d.workers("b")), 2)
        self.assertTrue(answers(d.port("b")))

    def test_while_it_is_being_removed(self):
        d = self.started(listener("a", port=free_port(), workers=1))
        with connect(d.port("a")) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            with Background(d, "listener.remove", name="a", deadline="60s"):
                wait_state(d, "a", "draining")
                self.reload(d, listener("a", port=free_port(), workers=2))
                wait_state(d, "a", "listening")
                self.assertEqual(len(d.workers("a")), 2)
                self.assertEqual(ask(s, b"y"), b"y")

    def test_a_child_of_a_group(self):
        sections = [group("g", "a", "b"), listener("b", port=free_port())]
        port = free_port()
        d = self.started("".join(sections)
                         + listener("a", port=free_port()))
        self.reload(d, *sections, listener("a", port=port))
        self.assertTrue(answers(port))


class States(Reload):
    """Listeners that don't listen, and a new file."""

    def test_failed(self):
        """It stays failed if nothing changed; a new place is a new start."""
        d = self.daemon()
        moods = Moods(d)
        ports = [mercury.free_port() for _ in range(2)]
        d.write(listener("a", port=ports[0], max_restarts=0))
        d.start()
        moods.set("* exit 1")
        kill(d.workers("a")[0])
        wait_state(d, "a", "failed")
        moods.set()
        d.call("daemon.reload")
        self.assertEqual(d.listener("a")["state"], "failed")
        self.reload(d)
        wait_until(lambda: d.listener("a") is None, "removed")
        self.reload(d, listener("a", port=ports[1]))
        self.assertTrue(answers(ports[1]))

    def test_retrying(self):
        with supervising.Holder() as holder:
            section = listener("a", port=holder.port, required=False,
                               bind_backoff="50ms", bind_backoff_max="50ms")
            d = self.started(section)
            wait_state(d, "a", "retrying")
            d.call("daemon.reload")
            self.assertEqual(d.listener("a")["state"], "retrying")
            port = mercury.free_port()
            self.reload(d, listener("a", port=port))
            self.assertTrue(answers(port))
        self.reload(d)
        wait_until(lambda: d.listener("a") is None, "removed")

    def test_twice_at_once(self):
        d = self.started(listener("a", port=mercury.free_port()))
        calls = [Background(d, "daemon.reload") for _ in range(5)]
        done = 0
        for call in calls:
            with call:
                try:
                    call.answer()
                    done += 1
                except mercury.RpcError as e:
                    self.assertEqual(e.reason, "busy")
        self.assertGreaterEqual(done, 1)


if __name__ == "__main__":
    mercury.main()
