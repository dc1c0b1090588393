"""No orphans: what a run of mercuryd leaves behind ends by itself, and what
does not is found and killed by the next one."""

import os
import signal
import socket
import threading
import unittest

import mercury
from mercury import (alive, answers, ask, connect, kill, stat_fields,
                     wait_until)
from supervising import Holder, Moods

STRAYS = "stray"


def variable(pid, name):
    """A variable of the environment that a process was started with."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as f:
            entries = f.read().split(b"\0")
    except OSError:
        return None
    for entry in entries:
        key, _, value = entry.partition(b"=")
        if key == name.encode():
            return value.decode()
    return None


class Talkers:
    """Clients that keep a connection each, and others that come and go."""

    def __init__(self, port, kept=20):
        self.kept = [connect(port) for _ in range(kept)]
        for s in self.kept:
            assert ask(s, b"x") == b"x"
        self.port = port
        self.served = 0
        self.wrong = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._talk)
                        for _ in range(4)]
        for t in self.threads:
            t.start()

    def _talk(self):
        while not self.stopping.is_set():
            try:
                with connect(self.port) as s:
                    if ask(s, b"ping") == b"ping":
                        self.served += 1
            except socket.timeout as e:
                self.wrong.append(e)
            except OSError:
                pass  # nobody listens for a moment

    def stop(self):
        self.stopping.set()
        for t in self.threads:
            t.join(mercury.DEADLINE)
        for s in self.kept:
            s.close()


class SupervisorKilled(mercury.TestCase):
    def test_under_load_all_drain_and_a_new_one_serves_at_once(self):
        port = mercury.free_port()
        d = self.daemon(mercury.listener("a", port=port, workers=4)
                        + mercury.listener("b", workers=2))
        d.start()
        talkers = Talkers(port)
        self.addCleanup(talkers.stop)
        wait_until(lambda: talkers.served > 50, "load")
        left = d.tree() - {d.pid}
        self.assertGreaterEqual(len(left), 7)
        kill(d.pid)
        d.wait()
        d.start()
        was = talkers.served
        wait_until(lambda: talkers.served > was + 50, "the new one serves")
        # Within the old one's deadline its connections go on.
        for s in talkers.kept:
            self.assertEqual(ask(s, b"y"), b"y")
        talkers.stop()
        wait_until(lambda: not any(alive(p) for p in left), "all are gone",
                   mercury.DEADLINE + 5)
        self.assertEqual(talkers.wrong, [], "a client hung")

    def test_connections_are_cut_at_the_old_deadline(self):
        d = self.started(mercury.listener("a", workers=2),
                         shutdown_deadline="500ms")
        clients = [connect(d.port("a")) for _ in range(10)]
        for s in clients:
            self.addCleanup(s.close)
            self.assertEqual(ask(s, b"x"), b"x")
        left = d.tree() - {d.pid}
        kill(d.pid)
        d.wait()
        wait_until(lambda: not any(alive(p) for p in left), "all are gone")
        d.start()
        self.wait_searched(d)
        self.assertNotIn(STRAYS, d.log())

    @staticmethod
    def wait_searched(d):
        """Wait until the search for strays must be over: it starts 1 s after
        the deadline, and what it started is gone then."""
        wait_until(lambda: d.status()["uptime_ms"] > 2000, "time goes by")
        wait_until(lambda: "mercury-config" not in
                   {mercury.comm(p) for p in d.tree()}, "it has looked")


class Strays(mercury.TestCase):
    def leave_behind(self, d):
        """Kill the supervisor; its one worker hangs, and can't notice."""
        port = d.port("a")
        worker = d.workers("a")[0]
        kill(worker, signal.SIGSTOP)
        kill(d.pid)
        d.wait()
        return port, worker

    def test_a_stopped_worker_is_killed_by_the_next_run(self):
        d = self.started(mercury.listener("a"), shutdown_deadline="300ms")
        _, worker = self.leave_behind(d)
        self.assertTrue(alive(worker))
        run = variable(worker, "MERCURY_RUN")
        self.assertTrue(run.startswith(d.control + ":"), run)
        d.write(mercury.listener("b"))
        d.start()
        self.assertTrue(answers(d.port("b")))
        wait_until(lambda: not alive(worker), "the stray is killed")
        wait_until(lambda: "killed 1 stray of an earlier run: mercury-pool "
                   f"(pid {worker})" in d.log(), "and told")
        self.assertIn(run, d.log())

    def test_one_that_may_still_drain_is_left_alone(self):
        d = self.started(mercury.listener("a"), shutdown_deadline="6s")
        client = connect(d.port("a"))
        self.addCleanup(client.close)
        self.assertEqual(ask(client, b"x"), b"x")
        worker = d.workers("a")[0]
        kill(d.pid)
        d.wait()
        d.settings["shutdown_deadline"] = "100ms"
        d.write(mercury.listener("b"))
        d.start()
        wait_until(lambda: d.status()["uptime_ms"] > 2500, "it has looked")
        self.assertTrue(alive(worker))
        self.assertEqual(ask(client, b"y"), b"y")
        client.close()
        wait_until(lambda: not alive(worker), "it ends when it has drained")
        self.assertNotIn(STRAYS, d.log())

    def test_other_daemons_are_left_alone(self):
        d = self.started(mercury.listener("a"), shutdown_deadline="100ms")
        other = self.started(mercury.listener("a"), shutdown_deadline="100ms")
        workers = other.workers("a")
        for _ in range(2):
            wait_until(lambda: d.status()["uptime_ms"] > 2000, "it has looked")
            self.assertEqual(other.workers("a"), workers)
            d.stop()
            d.start()
        self.assertTrue(all(alive(w) for w in workers))
        self.assertNotIn(STRAYS, d.log() + other.log())

    def test_a_normal_run_has_none(self):
        d = self.started(mercury.listener("a", workers=2),
                         shutdown_deadline="100ms")
        d.add("b", workers=2)
        d.kill_worker("b")
        wait_until(lambda: d.status()["uptime_ms"] > 1500, "it has looked")
        left = d.tree()
        self.assertEqual(d.stop(), 0)
        self.assertFalse(any(alive(p) for p in left))
        self.assertNotIn(STRAYS, d.log())
        self.assertNotIn("no search for strays", d.log())

    def test_one_of_our_own_run_is_killed_at_the_end(self):
        d = self.started(mercury.listener("a"))
        run = variable(d.workers("a")[0], "MERCURY_RUN")
        env = dict(d.env, MERCURY_RUN=run)
        stray = os.spawnve(os.P_NOWAIT, mercury.binary("tests/system/idle"),
                           ["idle"], env)
        mercury.Daemon.started_pids.add(stray)
        self.addCleanup(kill, stray)
        # It has an executable before it has an environment.
        wait_until(lambda: mercury.executable(stray).endswith("/idle")
                   and variable(stray, "MERCURY_RUN") == run,
                   "it is executed")
        self.assertEqual(d.stop(), 0)
        pid, status = os.waitpid(stray, 0)
        self.assertEqual(os.WTERMSIG(status), signal.SIGKILL)
        self.assertIn(f"killed 1 stray of this run: idle (pid {stray})",
                      d.log())


class Grandchildren(mercury.TestCase):
    def with_grandchild(self, *mood):
        """A daemon whose worker has a child of its own; the pid of that."""
        d = self.daemon(mercury.listener("a"))
        moods = Moods(d)
        moods.set(*mood)
        d.start()
        moods.set()
        self.assertTrue(answers(d.port("a")))
        found = mercury.descendants(d.workers("a")[0])
        self.assertEqual(len(found), 1)
        return d, found.pop()

    def test_one_whose_parent_died_is_reaped(self):
        d, grandchild = self.with_grandchild("a/0 child 0")
        d.kill_worker("a")
        wait_until(lambda: stat_fields(grandchild) is None, "it is reaped")
        self.assertTrue(answers(d.port("a")))
        self.assertEqual(d.stop(), 0)
        self.assertNotIn(STRAYS, d.log())

    def test_one_that_stays_does_not_outlive_the_daemon(self):
        d, grandchild = self.with_grandchild("a/0 child 1")
        d.kill_worker("a")
        self.assertEqual(int(stat_fields(grandchild)[1]), d.pid)
        self.assertEqual(d.stop(), 0)
        wait_until(lambda: not alive(grandchild), "it is dead")
        self.assertIn(f"killed 1 stray of this run: mercury-pool "
                      f"(pid {grandchild})", d.log())


class Holders(mercury.TestCase):
    def refuses(self, listeners, *words, **kwargs):
        d = self.daemon(listeners, **kwargs)
        result = d.run("-f")
        self.assertEqual(result.code, 69, result)
        for word in words:
            self.assertIn(word, result.err)
        return result.err

    def test_the_message_names_listener_address_and_process(self):
        me = f"{mercury.comm(os.getpid())} (pid {os.getpid()})"
        for host, address in (("127.0.0.1", "0.0.0.0"),
                              ("127.0.0.1", "127.0.0.1"),
                              ("0.0.0.0", "127.0.0.1"),
                              ("127.0.0.1", "::")):
            with self.subTest(host=host, address=address), \
                    Holder(host=host) as h:
                shown = f"[{address}]" if ":" in address else address
                self.refuses(
                    mercury.listener("pos", port=h.port, address=address,
                                     bind_attempts=1)
                    + mercury.listener("other"),
                    f"listener pos: {shown}:{h.port} is in use by {me}")

    def test_all_of_them_are_told(self):
        with Holder() as h, Holder() as i:
            text = self.refuses(
                mercury.listener("x", port=h.port, bind_attempts=1)
                + mercury.listener("y", port=i.port, bind_attempts=1))
        for port in (h.port, i.port):
            self.assertRegex(text, rf":{port} is in use by .* \(pid \d+\)")

    def test_after_the_last_attempt(self):
        with Holder() as h:
            self.refuses(mercury.listener("x", port=h.port, bind_attempts=3,
                                          bind_backoff="50ms"),
                         f"is in use by {mercury.comm(os.getpid())} ")

    def test_a_unix_socket(self):
        path = self.scratch() + "/s"
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(path)
            s.listen()
            self.refuses(mercury.listener("x", path=path, bind_attempts=1),
                         path, f"(pid {os.getpid()})")

    def test_another_mercuryd_is_named_and_not_its_worker(self):
        first = self.started(mercury.listener("a", workers=2))
        self.refuses(
            mercury.listener("a", port=first.port("a"), bind_attempts=1),
            f"is in use by mercuryd (pid {first.pid})")

    @unittest.skipUnless(mercury.ROOT, "needs root")
    def test_who_may_not_look_says_less(self):
        with Holder() as h:
            text = self.refuses(
                mercury.listener("x", port=h.port, bind_attempts=1),
                f"127.0.0.1:{h.port} is in use", as_root=False)
        self.assertNotIn("(pid", text)


if __name__ == "__main__":
    mercury.main()
