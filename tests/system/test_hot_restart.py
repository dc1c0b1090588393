"""Hot restart: new workers take over, and no client notices."""

import os
import pwd
import signal
import socket
import time
import unittest

import mercury
import supervising
from mercury import alive, answers, ask, connect, kill, wait_until
from supervising import Background, Moods, Storm, history, wait_state


def pool_workers(d):
    """The pids of all workers, also those of other generations."""
    return sorted(p for p in mercury.descendants(d.pid)
                  if mercury.comm(p) == "mercury-pool")


def process_state(pid):
    return (mercury.stat_fields(pid) or " ")[0]


def sockets(pid):
    """All that it has open, by their inodes; without those that it closes
    meanwhile."""
    folder = f"/proc/{pid}/fd"
    links = set()
    for fd in os.listdir(folder):
        try:
            links.add(os.readlink(os.path.join(folder, fd)))
        except FileNotFoundError:
            pass
    return {link for link in links if link.startswith("socket:")}


class HotRestart(mercury.TestCase):
    def clean(self, result):
        """Everybody who wanted to was served."""
        for key in ("refused", "reset", "lost", "hung", "wrong"):
            self.assertEqual(result[key], 0, result)
        self.assertEqual(result["served"], result["started"], result)
        self.assertGreater(result["served"], 20, "there was no storm")

    def all_new(self, d, name, old):
        self.assertFalse(set(d.workers(name)) & set(old))
        wait_until(lambda: not any(alive(p) for p in old),
                   "the old workers are gone")


class Storms(HotRestart):
    def test_restarts(self):
        d = self.started()
        ports = [d.add("a", workers=2)["port"], d.add("b")["port"]]
        other = d.workers("b")
        old, generation = d.workers("a"), d.listener("a")["generation"]
        with Storm(*ports) as storm:
            for i in range(1, 11):
                row = d.call("listener.restart", name="a")
                self.assertEqual(row["state"], "listening")
                self.assertEqual(row["generation"], generation + i)
                self.assertEqual(row["port"], ports[0])
                self.all_new(d, "a", old)
                old = d.workers("a")
        result = storm.stop()
        self.clean(result)
        self.assertEqual(d.workers("b"), other)
        row = d.listener("a")
        self.assertEqual(row["restarts"], 0, "they were wanted")
        accepted = row["accepted"] + d.listener("b")["accepted"]
        self.assertEqual(accepted, result["served"])
        self.assertEqual(row["bytes_in"], 8 * row["accepted"])
        self.assertEqual(row["connections"], 0)
        self.assertEqual(len(history(d, "a", "listener.restarted")), 10)
        self.assertEqual(history(d, "a", "worker.crashed"), [])

    def test_all_at_once(self):
        d = self.started()
        ports = [d.add(f"own{i}")["port"] for i in range(5)]
        ports += [d.add(f"shared{i}", pool="p", workers=2)["port"]
                  for i in range(5)]
        rows = d.status()["listeners"]
        old = {w["pid"] for row in rows for w in row["workers"]}
        with Storm(*ports) as storm:
            for _ in range(3):
                d.call("listener.restart", all=True)
            wait_until(lambda: sum(row["accepted"] for row in
                                   d.status()["listeners"]) > 40, "a storm")
        self.clean(storm.stop())
        for row in d.status()["listeners"]:
            self.assertEqual(row["state"], "listening")
            self.assertEqual(row["generation"], rows[0]["generation"] + 3)
            self.assertFalse(old & {w["pid"] for w in row["workers"]})
        wait_until(lambda: not any(alive(p) for p in old), "all are gone")

    def test_another_number_of_workers(self):
        """Also fewer: whoever waits in the queue of a slot is served."""
        port = mercury.free_port()
        d = self.started(mercury.listener("a", port=port, workers=1))
        with Storm(port) as storm:
            for workers in (4, 2, 8, 1, 3):
                d.write(mercury.listener("a", port=port, workers=workers))
                d.call("daemon.reload")
                self.assertEqual(len(d.workers("a")), workers)
                self.assertEqual(d.listener("a")["state"], "listening")
        self.clean(storm.stop())
        self.assertEqual(d.listener("a")["accepted"], storm.result["served"])

    def test_from_a_full_queue(self):
        """Clients that the old workers never came to are served."""
        for before, after in ((4, 1), (1, 4), (3, 3)):
            with self.subTest(before=before, after=after):
                self.from_a_full_queue(before, after)

    def from_a_full_queue(self, before, after):
        port = mercury.free_port()
        d = self.started(mercury.listener("a", port=port, workers=before,
                                          drain_timeout="300ms"))
        old = d.workers("a")
        for pid in old:
            kill(pid, signal.SIGSTOP)
        clients = [connect(port) for _ in range(100)]
        for s in clients:
            s.sendall(b"early bytes")
        if before == after:
            d.call("listener.restart", name="a")
        else:
            d.write(mercury.listener("a", port=port, workers=after,
                                     drain_timeout="300ms"))
            d.call("daemon.reload")
        for s in clients:
            self.assertEqual(mercury.receive(s, 11), b"early bytes")
            s.close()
        self.all_new(d, "a", old)
        self.assertEqual(len(d.workers("a")), after)

    def test_workers_die_meanwhile(self):
        """Only whom the dead worker had accepted may be reset."""
        d = self.started()
        port = d.add("a", workers=2, max_restarts=1000)["port"]
        with Storm(port) as storm:
            for i in range(10):
                seen = d.listener("a")["accepted"]
                wait_until(lambda: d.listener("a")["accepted"] > seen + 20,
                           "the storm goes on")
                with Background(d, "listener.restart", name="a") as restart:
                    pids = wait_until(lambda: pool_workers(d), "workers")
                    kill(pids[i % len(pids)])
                    try:
                        restart.answer()
                    except mercury.RpcError:
                        pass  # it was one of the new ones
                wait_state(d, "a", "listening")
        result = storm.stop()
        for key in ("refused", "hung", "wrong"):
            self.assertEqual(result[key], 0, result)
        self.assertTrue(answers(port))

    def test_unix_socket(self):
        d = self.started()
        path = os.path.join(d.dir, "dev.sock")
        d.add("u", path=path, mode="0666", workers=2)
        inode = os.stat(path).st_ino
        for _ in range(3):
            old = d.workers("u")
            d.call("listener.restart", name="u")
            self.all_new(d, "u", old)
            self.assertTrue(answers(path))
        self.assertEqual(os.stat(path).st_ino, inode)


class Drain(HotRestart):
    def test_open_connections_go_on(self):
        d = self.started()
        port = d.add("a", drain_timeout="60s")["port"]
        old = d.workers("a")
        with connect(port) as client:
            self.assertEqual(ask(client, b"x"), b"x")
            d.call("listener.restart", name="a")
            self.assertTrue(answers(port))
            self.assertEqual(ask(client, b"y"), b"y")
            self.assertTrue(alive(old[0]))
            wait_until(lambda: d.listener("a")["connections"] == 1,
                       "the other one has ended")
        wait_until(lambda: not alive(old[0]), "it goes with its last one")
        self.assertEqual(d.listener("a")["connections"], 0)

    def test_until_drain_timeout(self):
        d = self.started()
        port = d.add("a", drain_timeout="500ms")["port"]
        old = d.workers("a")
        with connect(port) as client:
            self.assertEqual(ask(client, b"x"), b"x")
            began = time.monotonic()
            d.call("listener.restart", name="a")
            wait_until(lambda: not alive(old[0]), "the deadline")
            took = time.monotonic() - began
            self.assertGreater(took, 0.4)
            self.assertLess(took, 1.0 * supervising.SLOWER)
            with self.assertRaises((ConnectionResetError, EOFError)):
                if not client.recv(1):
                    raise EOFError
        self.assertEqual(d.listener("a")["state"], "listening")
        self.assertEqual(history(d, "a", "worker.crashed"), [])

    def test_many_generations_at_once(self):
        """Each drains by itself; together they are counted right."""
        d = self.started()
        port = d.add("a", drain_timeout="60s")["port"]
        clients = []
        for i in range(8):
            clients.append(connect(port))
            self.assertEqual(ask(clients[-1], b"x"), b"x")
            d.call("listener.restart", name="a")
            self.assertEqual(d.listener("a")["connections"], i + 1)
        for s in clients:
            self.assertEqual(ask(s, b"still"), b"still")
            s.close()
        wait_until(lambda: len(pool_workers(d)) == 1,
                   "only the last generation is left")
        row = d.listener("a")
        self.assertEqual((row["accepted"], row["connections"]), (8, 0))

    def test_counters_never_go_back(self):
        d = self.started()
        port = d.add("a", workers=2)["port"]
        keys = ("accepted", "bytes_in", "bytes_out", "restarts",
                "generation")
        last = dict.fromkeys(keys, 0)
        with Storm(port, rate=800) as storm:
            for _ in range(6):
                with Background(d, "listener.restart", name="a") as restart:
                    for _ in range(15):
                        row = d.listener("a")
                        for key in keys:
                            self.assertGreaterEqual(row[key], last[key], key)
                            last[key] = row[key]
                    restart.answer()
        self.clean(storm.stop())
        row = d.listener("a")
        self.assertEqual(row["accepted"], storm.result["served"])
        self.assertEqual(row["bytes_out"], 8 * row["accepted"])

    def test_a_stopped_old_worker_is_killed(self):
        d = self.started()
        port = d.add("a", drain_timeout="200ms")["port"]
        old = d.workers("a")
        kill(old[0], signal.SIGSTOP)
        d.call("listener.restart", name="a")
        self.assertTrue(answers(port))
        wait_until(lambda: not alive(old[0]), "it is killed", 3)
        self.assertEqual(d.listener("a")["restarts"], 0)

    def test_shutdown_meanwhile(self):
        d = self.started(shutdown_deadline="400ms")
        port = d.add("a", drain_timeout="60s")["port"]
        clients = []
        for _ in range(3):
            clients.append(connect(port))
            self.assertEqual(ask(clients[-1], b"x"), b"x")
            d.call("listener.restart", name="a")
        began = time.monotonic()
        self.assertEqual(d.stop(), 0)
        self.assertLess(time.monotonic() - began, 0.6 * supervising.SLOWER)
        for s in clients:
            s.close()


class BadGeneration(HotRestart):
    def setUp(self):
        super().setUp()
        self.d = self.daemon()
        self.moods = Moods(self.d)

    def changes_nothing(self, name, act, word):
        """act() fails with word in its text; nothing else happens."""
        d = self.d
        before, port = d.listener(name), d.port(name)
        with connect(port) as client, Storm(port, rate=500) as storm:
            self.assertEqual(ask(client, b"x"), b"x")
            with self.assertRaises(mercury.RpcError) as e:
                act()
            self.assertIn(word, e.exception.message)
            self.assertTrue(answers(port))
            self.assertEqual(ask(client, b"y"), b"y")
        self.clean_of(storm.stop())
        after = d.listener(name)
        self.assertEqual([w["pid"] for w in after["workers"]],
                         [w["pid"] for w in before["workers"]])
        for key in ("state", "generation", "restarts", "port", "protocol"):
            self.assertEqual(after[key], before[key], key)
        wait_until(lambda: {p for p in mercury.descendants(d.pid)
                            if mercury.executable(p).endswith("pool")}
                   == {w["pid"] for row in d.status()["listeners"]
                       for w in row["workers"]}, "no new worker is left")

    def clean_of(self, result):
        for key in ("refused", "reset", "lost", "hung", "wrong"):
            self.assertEqual(result[key], 0, result)

    def test_it_crashes_at_start(self):
        d = self.d.start()
        d.add("a", workers=3)

        def restart():
            d.call("listener.restart", name="a")
        for mood, word in (("* exit 42", "42"), ("a/1 signal 6", "SIGABRT"),
                           ("a/2 exit 0", "0")):
            with self.subTest(mood=mood):
                self.moods.set(mood)
                self.changes_nothing("a", restart, word)
        self.moods.set()
        old = d.workers("a")
        d.call("listener.restart", name="a")
        self.all_new(d, "a", old)

    def test_all(self):
        """The others are restarted; the answer names the one that wasn't."""
        d = self.d.start()
        for name in "abc":
            d.add(name)
        old = {n: d.workers(n) for n in "abc"}
        self.moods.set("b/0 exit 42")
        with self.assertRaises(mercury.RpcError) as e:
            d.call("listener.restart", all=True)
        self.assertRegex(e.exception.message, r"\bb\b.*42")
        self.assertEqual(d.workers("b"), old["b"])
        for name in "ac":
            self.all_new(d, name, old[name])

    def test_at_a_reload(self):
        d = self.d
        port = mercury.free_port()
        d.write(mercury.listener("a", port=port, workers=2))
        d.start()
        self.moods.set("* exit 42")
        d.write(mercury.listener("a", port=port, workers=4))

        def reload():
            d.call("daemon.reload")
        self.changes_nothing("a", reload, "42")
        d.write(mercury.listener("a", port=port, workers=2,
                                 protocol="discard"))
        self.changes_nothing("a", reload, "42")
        # A replacement of a worker now is one of the old kind.
        self.moods.set()
        d.kill_worker("a")
        self.assertTrue(answers(port))
        d.call("daemon.reload")
        self.assertEqual(d.listener("a")["protocol"], "discard")

    def test_while_a_worker_waits_to_be_restarted(self):
        """It starts once, and serves the slots that came meanwhile."""
        d = self.d
        d.write(mercury.listener("a", allow="127.0.0.1", max_restarts=1000))
        d.start()
        old = d.workers("a")[0]
        self.moods.set("a/1 signal 19")
        d.write(mercury.listener("a", allow="127.0.0.1", max_restarts=1000,
                                 workers=2))
        with Background(d, "daemon.reload") as reload:
            def started():
                return [r["pid"] for r in history(d, "a", "worker.started")
                        if r["pid"] != old]
            first = wait_until(started, "the first new one is ready")[0]
            # It won't say that it serves: the old crew stays for now.
            kill(first, signal.SIGSTOP)
            second = wait_until(lambda: [
                p for p in mercury.descendants(d.pid) - {old, first}
                if mercury.comm(p) == "mercury-pool"
                and mercury.stat_fields(p)[0] == "T"], "it waits")[0]
            self.moods.set("a/0 exit 1")
            kill(old)
            wait_until(lambda: d.listener("a")["restarts"] >= 8,
                       "it is restarted after a while only")
            self.moods.set()
            kill(second, signal.SIGCONT)
            before = d.listener("a")["restarts"]
            wait_until(lambda: d.listener("a")["workers"][0]["state"]
                       == "running", "the old one is back")
            self.assertNotIn("did not come", d.log())
            self.assertEqual(d.listener("a")["restarts"], before)
            kill(first, signal.SIGCONT)
            reload.answer()
        self.assertTrue(answers(d.port("a")))

    def test_it_never_gets_ready(self):
        """It is killed when its time is over; so is a mere replacement."""
        d = self.d.start()
        d.add("a")
        port = d.add("b")["port"]
        self.moods.set("b/0 hang")
        old = d.workers("b")[0]
        kill(old)

        def hanging():
            pid = d.workers("b")[0]
            sleeps = pid and (mercury.stat_fields(pid) or " ")[0] == "S"
            stands_in = mercury.executable(pid).endswith("roles/mercury-pool")
            return pid if sleeps and stands_in else None
        stuck = wait_until(hanging, "the next one hangs")
        self.assertNotEqual(d.listener("b")["state"], "listening")
        self.moods.set("a/0 hang")
        with mercury.Rpc(d.control, 30) as rpc:
            with self.assertRaises(mercury.RpcError) as e:
                rpc.call("listener.restart", name="a")
        self.assertIn("ready", e.exception.message)
        self.assertTrue(answers(d.port("a")))
        self.moods.set()
        with connect(port) as s:
            s.sendall(b"early")
            self.assertEqual(mercury.receive(s, 5), b"early")
        self.assertFalse(alive(stuck))
        self.assertIn("ready", d.listener("b")["last_error"])


class Meanwhile(HotRestart):
    """Other requests while a restart is under way."""

    def setUp(self):
        super().setUp()
        self.d = self.daemon()
        self.moods = Moods(self.d)
        self.d.start()

    def hold(self, name, **options):
        """A listener with a restart whose new workers don't get ready."""
        port = self.d.add(name, **options)["port"]
        self.moods.set(f"{name}/0 hang")
        restart = Background(self.d, "listener.restart", name=name)
        self.addCleanup(restart.__exit__)
        wait_until(lambda: any(
            mercury.executable(p).endswith("/roles/mercury-pool")
            for p in mercury.descendants(self.d.pid)), "it has begun")
        self.assertTrue(answers(port))
        return port, restart

    def test_several_restarts_are_one(self):
        d = self.d
        generation = d.add("a")["generation"]
        calls = [Background(d, "listener.restart", name="a")
                 for _ in range(10)]
        for call in calls:
            with call:
                self.assertEqual(call.answer()["state"], "listening")
        self.assertLessEqual(d.listener("a")["generation"], generation + 10)
        self.assertTrue(answers(d.port("a")))

    def half_told(self):
        """A listener with a restart whose new workers were told what to serve,
        and one of them has not looked yet; its pid, and the restart."""
        d = self.d
        port = mercury.free_port()
        d.write(mercury.listener("a", port=port, workers=2))
        d.call("daemon.reload")
        wait_state(d, "a", "listening")
        old = d.workers("a")
        self.moods.set("a/1 signal 19")
        restart = Background(d, "listener.restart", name="a")
        self.addCleanup(restart.__exit__)

        def stopped(name):
            return [p for p in mercury.descendants(d.pid)
                    if mercury.executable(p).endswith(name)
                    and process_state(p) == "T"]
        first = wait_until(lambda: stopped("/roles/mercury-pool"),
                           "one has not begun")[0]
        late = wait_until(lambda: set(pool_workers(d)) - {first, *old},
                          "the other one").pop()
        wait_until(lambda: process_state(late) == "S", "it is up")
        self.moods.set()
        kill(late, signal.SIGSTOP)
        kill(first, signal.SIGCONT)
        wait_until(lambda: sockets(first) & sockets(old[1]),
                   "it was told what to serve")
        return port, late, restart

    def test_a_reload_once_the_new_workers_know_what_to_serve(self):
        """It is done only when what it asked for is what is served."""
        d = self.d
        port, late, restart = self.half_told()
        d.write(mercury.listener("a", port=port, workers=2,
                                 protocol="discard"))
        with Background(d, "daemon.reload") as reload:
            self.assertTrue(reload.pending(), "the restart is under way")
            kill(late, signal.SIGCONT)
            self.assertEqual(restart.answer()["state"], "listening")
            reload.answer()
        self.assertEqual(d.listener("a")["protocol"], "discard")
        for _ in range(20):
            with connect(port) as s:
                s.sendall(b"is there an echo?")
                s.shutdown(socket.SHUT_WR)
                self.assertEqual(mercury.receive_all(s), b"")

    @unittest.skipUnless(mercury.ROOT, "needs another user")
    def test_a_reload_with_another_user(self):
        """It does not join workers that were started as the old one."""
        d = self.d
        port = mercury.free_port()
        d.write(mercury.listener("a", port=port))
        d.call("daemon.reload")
        wait_state(d, "a", "listening")
        self.moods.set("a/0 hang")
        restart = Background(d, "listener.restart", name="a")
        self.addCleanup(restart.__exit__)
        hanging = wait_until(lambda: [
            p for p in mercury.descendants(d.pid)
            if mercury.executable(p).endswith("/roles/mercury-pool")
            and process_state(p) == "S"], "it hangs")
        d.write(mercury.listener("a", port=port, user="games"))
        with Background(d, "daemon.reload") as reload:
            self.assertTrue(reload.pending(), "the restart is under way")
            self.moods.set()
            kill(hanging[0])
            with self.assertRaises(mercury.RpcError):
                restart.answer()
            reload.answer()
        uid = mercury.status_of(d.workers("a")[0])["Uid"].split()[0]
        self.assertEqual(int(uid), pwd.getpwnam("games").pw_uid)

    def test_another_restart_once_the_new_workers_know_what_to_serve(self):
        """Who asks then gets workers that have started later."""
        d = self.d
        port, late, restart = self.half_told()
        generation = d.listener("a")["generation"]
        again = [Background(d, "listener.restart", name="a")
                 for _ in range(3)]
        for call in again:
            self.addCleanup(call.__exit__)
        self.assertTrue(again[-1].pending(), "the restart is under way")
        kill(late, signal.SIGCONT)
        self.assertEqual(restart.answer()["generation"], generation + 1)
        for call in again:
            self.assertEqual(call.answer()["generation"], generation + 2)
        self.assertTrue(answers(port))

    def test_remove(self):
        port, restart = self.hold("a")
        self.d.call("listener.remove", name="a")
        self.assertIsNone(self.d.listener("a"))
        self.assertTrue(mercury.refused(port))
        with self.assertRaises(mercury.RpcError) as e:
            restart.answer()
        self.assertNotEqual(e.exception.reason, "internal", e.exception)

    def test_removed_as_it_is_done(self):
        """Whatever comes first, the answer makes sense."""
        for i in range(30):
            self.d.add("a", pool="p")
            self.d.add("b", pool="p")
            with Background(self.d, "listener.restart", name="a") as restart:
                end = time.monotonic() + i * 0.0005
                wait_until(lambda: time.monotonic() > end, "a moment")
                self.d.call("listener.remove", name="a")
                try:
                    self.assertEqual(restart.answer()["name"], "a")
                except mercury.RpcError as e:
                    self.assertNotEqual(e.reason, "internal", e)
            self.d.call("listener.remove", name="b")

    def test_shutdown(self):
        _, restart = self.hold("a")
        began = time.monotonic()
        self.assertEqual(self.d.stop(), 0)  # shutdown_deadline is 2 s
        self.assertLess(time.monotonic() - began,
                        2.2 * supervising.SLOWER)

    def test_pause(self):
        port, restart = self.hold("a")
        self.d.call("listener.pause", name="a")
        self.assertTrue(mercury.refused(port))
        # The one that hangs has to go first: it is killed by hand here.
        for pid in mercury.descendants(self.d.pid):
            if mercury.executable(pid).endswith("/roles/mercury-pool"):
                kill(pid)
        with self.assertRaises(mercury.RpcError):
            restart.answer()
        self.moods.set()  # not before: it may not have looked yet
        self.d.call("listener.resume", name="a")
        self.assertTrue(answers(port))

    def test_a_listener_is_added_to_the_pool(self):
        _, restart = self.hold("a")
        port = self.d.add("b", pool="a")["port"]
        self.assertTrue(answers(port))
        for pid in mercury.descendants(self.d.pid):
            if mercury.executable(pid).endswith("/roles/mercury-pool"):
                kill(pid)
        with self.assertRaises(mercury.RpcError):
            restart.answer()
        self.moods.set()
        self.d.call("listener.restart", name="b")
        self.assertTrue(answers(port))
        self.assertEqual(self.d.workers("a"), self.d.workers("b"))

    def test_a_paused_one_stays_paused(self):
        d = self.d
        ports = {n: d.add(n, pool="p", workers=2)["port"] for n in "abc"}
        d.call("listener.pause", name="a")
        d.call("listener.pause", name="b", queue=True)
        old = d.workers("c")
        with connect(ports["b"]) as waiting:
            waiting.sendall(b"patience")
            d.call("listener.restart", name="c")
            self.all_new(d, "c", old)
            self.assertEqual(d.listener("a")["state"], "paused")
            self.assertEqual(d.listener("b")["state"], "paused")
            self.assertTrue(mercury.refused(ports["a"]))
            d.call("listener.resume", name="b")
            self.assertEqual(mercury.receive(waiting, 8), b"patience")
        d.call("listener.resume", name="a")
        for port in ports.values():
            self.assertTrue(answers(port))

    def test_who_asked_is_gone(self):
        _, restart = self.hold("a")
        old = self.d.child("mercury-control")
        kill(old)
        wait_until(lambda: not alive(old), "control is dead")
        for pid in mercury.descendants(self.d.pid):
            if mercury.executable(pid).endswith("/roles/mercury-pool"):
                kill(pid)
        self.assertEqual(self.d.listener("a")["state"], "listening")
        self.assertTrue(answers(self.d.port("a")))


class NoSuch(mercury.TestCase):
    def test_unknown_name(self):
        d = self.started()
        with self.assertRaises(mercury.RpcError) as e:
            d.call("listener.restart", name="nobody")
        self.assertEqual(e.exception.reason, "not_found")


if __name__ == "__main__":
    mercury.main()
