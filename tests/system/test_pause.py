"""Pause and resume: nobody new, nobody lost."""

import os
import signal
import time

import mercury
import supervising
from mercury import answers, ask, connect, kill, refused, wait_until
from supervising import Background, Storm, history, wait_state


class Pause(mercury.TestCase):
    def setUp(self):
        super().setUp()
        self.d = self.started()

    def pause(self, name="a", **how):
        row = self.d.call("listener.pause", name=name, **how)
        self.assertEqual(row["state"], "paused")
        return row

    def resume(self, name="a"):
        row = self.d.call("listener.resume", name=name)
        self.assertEqual(row["state"], "listening")
        return row

    def test_refused_and_back_on_the_same_port(self):
        port = self.d.add("a", workers=2)["port"]
        other = self.d.add("b")["port"]
        for _ in range(3):
            self.assertEqual(self.pause()["port"], port)
            self.assertTrue(refused(port))
            self.assertFalse(mercury.is_listening(port))
            self.assertTrue(answers(other))
            self.assertEqual(self.d.status()["not_ready"], "a is paused")
            self.assertEqual(self.resume()["port"], port)
            self.assertTrue(answers(port))
        self.assertEqual(len(history(self.d, "a", "listener.paused")), 3)
        self.assertEqual(len(history(self.d, "a", "listener.resumed")), 3)

    def test_twice_is_as_once(self):
        port = self.d.add("a")["port"]
        for how in ({}, {"queue": True}):
            for _ in range(3):
                self.pause(**how)
            self.assertEqual(refused(port), not how)
            for _ in range(3):
                self.resume()
            self.assertTrue(answers(port))
        self.assertEqual(len(history(self.d, "a", "listener.paused")), 2)

    def test_open_connections_live_on(self):
        for how in ({}, {"queue": True}):
            name = f"a{len(how)}"
            port = self.d.add(name, workers=2)["port"]
            workers = self.d.workers(name)
            clients = [connect(port) for _ in range(10)]
            for s in clients:
                self.assertEqual(ask(s, b"x"), b"x")
            self.pause(name, **how)
            for s in clients:
                self.assertEqual(ask(s, b"while paused"), b"while paused")
            self.assertEqual(self.d.listener(name)["connections"], 10)
            self.resume(name)
            for s in clients:
                self.assertEqual(ask(s, b"y"), b"y")
                s.close()
            self.assertEqual(self.d.workers(name), workers)
            wait_until(lambda: self.d.listener(name)["connections"] == 0,
                       "closed")
            self.assertEqual(self.d.listener(name)["accepted"], 10)

    def test_queue_waits_and_is_served(self):
        port = self.d.add("a", workers=2)["port"]
        self.pause(queue=True)
        clients = [connect(port) for _ in range(50)]
        for s in clients:
            s.sendall(b"early")
            s.settimeout(0.01)
        for s in clients[:20]:
            with self.assertRaises(TimeoutError):
                s.recv(1)
        self.assertEqual(self.d.listener("a")["accepted"], 0)
        self.resume()
        for s in clients:
            s.settimeout(mercury.DEADLINE)
            self.assertEqual(mercury.receive(s, 5), b"early")
            s.close()

    def test_whom_the_kernel_accepted_is_served(self):
        """A queue that workers had no time for is emptied, then closed."""
        for workers in (1, 3):
            with self.subTest(workers=workers):
                self.queue_is_served(f"a{workers}", workers)

    def queue_is_served(self, name, workers):
        port = self.d.add(name, workers=workers)["port"]
        pids = self.d.workers(name)
        for pid in pids:
            kill(pid, signal.SIGSTOP)
        clients = [connect(port) for _ in range(150)]
        for s in clients:
            s.sendall(b"early bytes")
        with Background(self.d, "listener.pause", name=name) as pause:
            self.assertTrue(pause.pending(), "nobody has emptied the queue")
            for pid in pids:
                kill(pid, signal.SIGCONT)
            self.assertEqual(pause.answer()["state"], "paused")
        self.assertTrue(refused(port))
        for s in clients:
            self.assertEqual(mercury.receive(s, 11), b"early bytes")
            self.assertEqual(ask(s, b"more"), b"more")
        self.resume(name)
        for s in clients:
            s.close()

    def test_a_full_queue_and_a_crash(self):
        """The worker that should empty the queue dies: the next one does."""
        port = self.d.add("a")["port"]
        old = self.d.workers("a")[0]
        kill(old, signal.SIGSTOP)
        clients = [connect(port) for _ in range(50)]
        for s in clients:
            s.sendall(b"early")
        with Background(self.d, "listener.pause", name="a") as pause:
            self.assertTrue(pause.pending())
            kill(old)
            self.assertEqual(pause.answer()["state"], "paused")
        for s in clients:
            self.assertEqual(mercury.receive(s, 5), b"early")
            s.close()
        wait_until(lambda: refused(port), "closed")

    def test_a_worker_stays_stopped(self):
        """One of two hangs: its sibling empties its queue."""
        port = self.d.add("a", workers=2, hang_timeout="60s")["port"]
        stopped = self.d.workers("a")[0]
        kill(stopped, signal.SIGSTOP)
        clients = [connect(port) for _ in range(40)]
        for s in clients:
            s.sendall(b"early")
        wait_state(self.d, "a", "degraded")
        with Background(self.d, "listener.pause", name="a") as pause:
            for s in clients:
                self.assertEqual(mercury.receive(s, 5), b"early")
                s.close()
            kill(stopped, signal.SIGCONT)
            pause.answer()
        wait_until(lambda: refused(port), "closed")
        self.resume()
        self.assertTrue(answers(port))

    def test_survives_crashes(self):
        for how in ({}, {"queue": True}):
            name = f"a{len(how)}"
            port = self.d.add(name, workers=2)["port"]
            self.pause(name, **how)
            for pid in self.d.workers(name):
                kill(pid)
            wait_until(lambda: all(w["state"] == "running" for w in
                                   self.d.listener(name)["workers"]),
                       "they are replaced")
            self.assertEqual(self.d.listener(name)["state"], "paused")
            self.assertEqual(refused(port), not how)
            self.assertEqual(self.d.port(name), port)
            if how:
                with connect(port) as s:
                    s.sendall(b"patience")
                    s.settimeout(0.2)
                    with self.assertRaises(TimeoutError):
                        s.recv(1)
                    self.resume(name)
                    s.settimeout(mercury.DEADLINE)
                    self.assertEqual(mercury.receive(s, 8), b"patience")
            else:
                self.resume(name)
            self.assertTrue(answers(port))
            self.assertGreater(self.d.listener(name)["accepted"], 0)

    def test_from_one_kind_to_the_other(self):
        port = self.d.add("a")["port"]
        self.pause(queue=True)
        with connect(port) as s:
            s.sendall(b"early")
            # Who was let in is served, and then nobody is let in.
            self.pause()
            self.assertEqual(mercury.receive(s, 5), b"early")
        self.assertTrue(refused(port))
        self.pause(queue=True)
        with connect(port) as s:
            s.sendall(b"again")
            self.resume()
            self.assertEqual(mercury.receive(s, 5), b"again")
        self.assertTrue(answers(port))

    def test_shared_pool(self):
        ports = {n: self.d.add(n, pool="p", workers=2)["port"] for n in "abc"}
        self.pause("b")
        self.assertTrue(refused(ports["b"]))
        for name in "ac":
            self.assertTrue(answers(ports[name]))
        self.resume("b")
        for port in ports.values():
            self.assertTrue(answers(port))

    def test_unix_socket(self):
        path = os.path.join(self.d.dir, "dev.sock")
        self.d.add("a", path=path, mode="0666")
        self.pause()
        self.assertTrue(refused(path))
        self.resume()
        self.assertTrue(answers(path))
        self.pause(queue=True)
        with connect(path) as s:
            s.sendall(b"early")
            self.resume()
            self.assertEqual(mercury.receive(s, 5), b"early")
        self.assertEqual(oct(os.stat(path).st_mode & 0o777), "0o666")

    def test_remove_and_shutdown_while_paused(self):
        for i, how in enumerate(({}, {"queue": True})):
            name = f"a{i}"
            port = self.d.add(name)["port"]
            self.pause(name, **how)
            began = time.monotonic()
            self.d.call("listener.remove", name=name)
            self.assertLess(time.monotonic() - began,
                            1 * supervising.SLOWER)
            self.assertTrue(refused(port))
            self.d.add(name)
            self.pause(name, **how)
        began = time.monotonic()
        self.assertEqual(self.d.stop(), 0)
        self.assertLess(time.monotonic() - began, 1.5 * supervising.SLOWER)

    def test_removed_from_a_queue(self):
        """Who waits in the queue of one that is removed is served."""
        port = self.d.add("a")["port"]
        self.pause(queue=True)
        clients = [connect(port) for _ in range(20)]
        for s in clients:
            s.sendall(b"early")
        with Background(self.d, "listener.remove", name="a",
                        deadline="5s") as removal:
            for s in clients:
                self.assertEqual(mercury.receive(s, 5), b"early")
                s.close()
            self.assertEqual(removal.answer()["cut"], 0)

    def test_update_while_paused(self):
        port = self.d.add("a")["port"]
        self.pause()
        self.d.call("listener.update", name="a", backlog=17)
        self.resume()
        out = mercury.run(["ss", "-Hltn", f"sport = :{port}"]).out
        self.assertEqual({l.split()[2] for l in out.splitlines()}, {"17"})

    def test_restart_while_paused(self):
        """It stays paused; its workers are new."""
        for how in ({}, {"queue": True}):
            name = f"a{len(how)}"
            port = self.d.add(name)["port"]
            self.pause(name, **how)
            old = self.d.workers(name)
            row = self.d.call("listener.restart", name=name)
            self.assertEqual(row["state"], "paused")
            self.assertNotEqual(self.d.workers(name), old)
            self.assertEqual(refused(port), not how)
            self.resume(name)
            self.assertTrue(answers(port))

    def test_the_port_was_taken_meanwhile(self):
        port = self.d.add("a", bind_attempts=1)["port"]
        self.pause()
        with supervising.Holder(port) as other:
            with self.assertRaises(mercury.RpcError) as e:
                self.d.call("listener.resume", name="a")
            self.assertEqual(e.exception.reason, "port_in_use")
            self.assertEqual(self.d.listener("a")["state"], "failed")
            other.leave()
        self.d.call("listener.restart", name="a")
        self.assertTrue(answers(port))

    def test_the_port_comes_free_again(self):
        port = self.d.add("a", bind_attempts=100, bind_backoff="20ms",
                          bind_backoff_max="20ms")["port"]
        self.pause()
        with supervising.Holder(port) as other:
            with Background(self.d, "listener.resume", name="a") as resume:
                wait_state(self.d, "a", "retrying")
                self.assertTrue(resume.pending())
                other.leave()
                self.assertEqual(resume.answer()["state"], "listening")
        self.assertTrue(answers(port))

    def test_under_a_storm_nobody_is_reset_with_a_queue(self):
        """With a queue a pause is nothing but a wait."""
        port = self.d.add("a", workers=2)["port"]
        with Storm(port, rate=300) as storm:
            for _ in range(10):
                seen = self.d.listener("a")["accepted"]
                self.pause(queue=True)
                self.resume()
                wait_until(lambda: self.d.listener("a")["accepted"] > seen + 5,
                           "the storm goes on")
        result = storm.stop()
        for key in ("refused", "reset", "lost", "hung", "wrong"):
            self.assertEqual(result[key], 0, result)
        self.assertGreater(result["served"], 10)

    def test_ordinary_user(self):
        """For one the kernel has no filter to keep late clients away."""
        d = self.started(mercury.listener("a", workers=2), as_root=False)
        port = d.port("a")
        with connect(port) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            d.call("listener.pause", name="a")
            self.assertTrue(refused(port))
            self.assertEqual(ask(s, b"y"), b"y")
        d.call("listener.resume", name="a")
        self.assertTrue(answers(port))

    def test_unknown_and_leaving(self):
        for method in ("listener.pause", "listener.resume"):
            with self.assertRaises(mercury.RpcError) as e:
                self.d.call(method, name="nobody")
            self.assertEqual(e.exception.reason, "not_found")
        port = self.d.add("a")["port"]
        with connect(port) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            with Background(self.d, "listener.remove", name="a") as removal:
                wait_state(self.d, "a", "draining")
                for method in ("listener.pause", "listener.resume"):
                    with self.assertRaises(mercury.RpcError) as e:
                        self.d.call(method, name="a")
                    self.assertEqual(e.exception.reason, "busy")
                s.close()
                removal.answer()

    def test_each_request_is_answered_whatever_comes_after_it(self):
        self.d.add("a", workers=1)
        worker = self.d.workers("a")[0]
        self.pause(queue=True)
        kill(worker, signal.SIGSTOP)
        for first, second in (("listener.resume", "listener.pause"),
                              ("listener.pause", "listener.resume")):
            with Background(self.d, first, name="a") as early, \
                    Background(self.d, second, name="a") as late:
                with self.assertRaises(mercury.RpcError) as e:
                    early.answer()
                self.assertEqual(e.exception.reason, "unavailable")
                self.assertIn("meanwhile", e.exception.message)
                late.rpc.close()
        kill(worker, signal.SIGCONT)
        wait_state(self.d, "a", "listening")


class WhileWorkersComeAndGo(mercury.TestCase):
    """Each worker that adopts a slot is told to stop like the others."""

    def setUp(self):
        super().setUp()
        self.d = self.started()

    def add(self, **more):
        return self.d.add("a", workers=2, hang_timeout="60s", **more)["port"]

    def stop(self, index):
        pid = self.d.workers("a")[index]
        kill(pid, signal.SIGSTOP)
        return pid

    def pause(self, **how):
        return Background(self.d, "listener.pause", name="a", **how)

    def wait_running(self, index, old):
        wait_until(lambda: self.d.workers("a")[index] not in (None, old),
                   "a worker is replaced")

    def test_sibling_of_a_hung_one_is_replaced(self):
        port = self.add()
        hung, sibling = self.stop(0), self.d.workers("a")[1]
        wait_state(self.d, "a", "degraded")
        with self.pause() as pause:
            self.assertTrue(pause.pending(), "one has not answered")
            kill(sibling)
            self.wait_running(1, sibling)
            kill(hung, signal.SIGCONT)
            self.assertEqual(pause.answer()["state"], "paused")
        self.assertTrue(refused(port))

    def test_nobody_comes_who_could_empty_the_queue(self):
        port = self.add(restart="temporary")
        stopped = self.stop(0)
        clients = [connect(port) for _ in range(40)]
        for s in clients:
            s.sendall(b"early")
        with self.pause() as pause:
            self.assertTrue(pause.pending(), "one has not answered")
            kill(stopped)
            self.assertEqual(pause.answer()["state"], "paused")
        for s in clients:
            self.assertEqual(mercury.receive(s, 5), b"early")
            s.close()
        self.assertTrue(refused(port))

    def test_nobody_adopts_what_is_paused_with_a_queue(self):
        port = self.add(max_restarts=100)
        for _ in range(6):  # the next replacement comes after 320 ms
            self.d.kill_worker("a", 0)
        dying, sibling = self.d.workers("a")[0], self.stop(1)
        with self.pause(queue=True) as pause:
            wait_state(self.d, "a", "paused")
            kill(dying)
            self.wait_running(0, dying)
            kill(sibling, signal.SIGCONT)
            pause.answer()
        accepted = self.d.listener("a")["accepted"]
        clients = [connect(port) for _ in range(20)]
        with self.pause() as pause:
            pause.answer()
        row = self.d.listener("a")
        self.assertEqual(row["accepted"], accepted + 20)
        for s in clients:
            self.assertEqual(ask(s, b"x"), b"x")
            s.close()

    def test_queue_that_was_to_be_kept_is_emptied(self):
        port = self.add()
        stopped = [self.stop(0), self.stop(1)]
        clients = [connect(port) for _ in range(20)]
        with self.pause(queue=True) as first, self.pause() as second:
            self.assertTrue(second.pending(), "nobody has heard of it")
            for pid in stopped:
                kill(pid, signal.SIGCONT)
            second.answer()
            first.rpc.close()
        for s in clients:
            self.assertEqual(ask(s, b"x"), b"x")
            s.close()
        self.assertTrue(refused(port))

    def test_queue_that_was_to_be_closed_is_kept(self):
        port = self.add()
        stopped = [self.stop(0), self.stop(1)]
        with self.pause() as first, self.pause(queue=True) as second:
            self.assertTrue(second.pending(), "nobody has heard of it")
            for pid in stopped:
                kill(pid, signal.SIGCONT)
            self.assertTrue(second.answer()["queueing"])
            first.rpc.close()
        with connect(port) as s:
            s.sendall(b"early")
            self.d.call("listener.resume", name="a")
            self.assertEqual(mercury.receive(s, 5), b"early")

    def test_the_port_for_a_queue_was_taken_meanwhile(self):
        port = self.add()
        with self.pause() as pause:
            pause.answer()
        with supervising.Holder(port):
            with self.pause(queue=True) as pause, \
                    self.assertRaises(mercury.RpcError) as e:
                pause.answer()
        self.assertEqual(e.exception.reason, "port_in_use")


if __name__ == "__main__":
    mercury.main()
