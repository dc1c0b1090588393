"""A crash stays in its process, and nobody waits for a dead worker."""

import signal
import threading

import mercury
from mercury import alive, answers, ask, connect, kill, wait_until
from supervising import Background, wait_state


class WorkerCrash(mercury.TestCase):
    def test_next_connection_is_served(self):
        d = self.started()
        port = d.add("a")["port"]
        other = d.add("b")["port"]
        untouched = d.workers("b")
        idle = connect(other)
        self.assertEqual(ask(idle, b"x"), b"x")
        for restarts in range(1, 4):
            old = d.workers("a")[0]
            kill(old)
            self.assertTrue(answers(port), "right after the crash")
            d.wait_replaced("a", old)
            self.assertEqual(d.listener("a")["restarts"], restarts)
        self.assertEqual(d.workers("b"), untouched)
        self.assertEqual(d.listener("b")["restarts"], 0)
        self.assertEqual(ask(idle, b"y"), b"y")
        idle.close()
        self.assertEqual(d.listener("a")["generation"],
                         d.listener("b")["generation"],
                         "a crash is no restart of the pool")

    def test_waiting_client_is_served_by_the_replacement(self):
        d = self.started()
        port = d.add("a")["port"]
        old = d.workers("a")[0]
        kill(old, signal.SIGSTOP)
        clients = [connect(port) for _ in range(20)]
        for s in clients:
            s.sendall(b"early bytes")
        kill(old)
        for s in clients:
            self.assertEqual(mercury.receive(s, 11), b"early bytes")
            s.close()

    def test_counters_never_go_back(self):
        d = self.started()
        port = d.add("a", workers=2)["port"]
        keys = ("accepted", "bytes_in", "bytes_out", "restarts")
        last = dict.fromkeys(keys, 0)
        for i in range(6):
            for _ in range(5):
                self.assertTrue(answers(port))
            pids = d.workers("a")
            for step in range(10):
                if step == 3:
                    kill(pids[i % 2])
                row = d.listener("a")
                for key in keys:
                    self.assertGreaterEqual(row[key], last[key], key)
                    last[key] = row[key]
            d.wait_replaced("a", pids[i % 2])
        row = d.listener("a")
        self.assertEqual(row["accepted"], 30)
        self.assertEqual(row["bytes_in"], 120)
        self.assertEqual(row["bytes_out"], 120)
        self.assertEqual(row["connections"], 0)

    def test_open_connections_of_a_dead_worker_are_not_counted(self):
        d = self.started()
        port = d.add("a")["port"]
        clients = [connect(port) for _ in range(5)]
        wait_until(lambda: d.listener("a")["connections"] == 5, "accepted")
        d.kill_worker("a")
        self.assertEqual(d.listener("a")["connections"], 0)
        for s in clients:
            s.close()

    def test_siblings_answer_while_a_slot_has_no_worker(self):
        d = self.started()
        port = d.add("a", workers=2, max_restarts=100)["port"]
        survivor = d.workers("a")[0]
        killed = []  # its end may not be seen at once

        def victims():
            return [w["pid"] for w in d.listener("a")["workers"]
                    if w["pid"] and w["pid"] not in {survivor, *killed}]

        # Each death in a row makes the next replacement come later.
        backing_off = False
        for _ in range(12):
            for pid in wait_until(victims, "the slot has a worker again"):
                kill(pid)
                killed.append(pid)
            for _ in range(10):
                self.assertTrue(answers(port, timeout=5), "a black hole")
            states = [w["state"] for w in d.listener("a")["workers"]]
            backing_off = backing_off or "backoff" in states
        self.assertTrue(backing_off, "the test never saw a late replacement")
        self.assertTrue(alive(survivor))
        wait_until(lambda: d.listener("a")["state"] == "listening",
                   "all slots have a worker again")
        self.assertEqual(d.listener("a")["restarts"], 12)
        # The slot is its worker's own again: both get connections.
        clients = [connect(port) for _ in range(100)]
        wait_until(lambda: d.listener("a")["connections"] == 100, "accepted")
        shares = [w["connections"] for w in d.listener("a")["workers"]]
        self.assertGreater(min(shares), 10)
        for s in clients:
            s.close()

    def test_port_0_keeps_its_port(self):
        d = self.started()
        port = d.add("a", workers=2)["port"]
        self.assertGreater(port, 0)
        for index in range(2):
            d.kill_worker("a", index)
        self.assertEqual(d.port("a"), port)
        self.assertTrue(answers(port))

    def test_crash_while_the_listener_is_removed(self):
        d = self.started()
        port = d.add("a", workers=2)["port"]
        pids = d.workers("a")
        clients = [connect(port) for _ in range(10)]
        for s in clients:
            self.assertEqual(ask(s, b"x"), b"x")
        with d.rpc() as rpc:
            rpc.send(b'{"jsonrpc":"2.0","id":1,"method":"listener.remove",'
                     b'"params":{"name":"a","deadline":"60s"}}\n')
            wait_until(lambda: d.listener("a")["state"] == "draining",
                       "the listener drains")
            for pid in pids:
                kill(pid)
            self.assertIn("result", rpc.line())
        self.assertIsNone(d.listener("a"))
        for s in clients:
            s.close()

    def test_crashes_of_a_shared_pool(self):
        d = self.started()
        ports = [d.add(n, pool="p", workers=2)["port"] for n in "abc"]
        for round_ in range(4):
            pid = d.workers("a")[round_ % 2]
            kill(pid)
            for port in ports:
                self.assertTrue(answers(port))
            for name in "abc":
                d.wait_replaced(name, pid)
        for name in "abc":
            self.assertEqual(d.listener(name)["accepted"], 4)
            self.assertEqual(d.listener(name)["restarts"], 4)


class RemovalCrash(mercury.TestCase):
    def client_of(self, d, index):
        """A client whom that worker of listener a serves."""
        def find():
            s = connect(d.port("a"))
            self.assertEqual(ask(s, b"x"), b"x")
            self.addCleanup(s.close)
            return s if d.listener("a")["workers"][index]["connections"] \
                else None
        return wait_until(find, f"worker {index} serves somebody")

    def test_sibling_that_was_told_to_close_adopts_nothing(self):
        d = self.started()
        d.add("a", workers=2, max_restarts=100)
        client = self.client_of(d, 1)
        for _ in range(6):  # the next replacement comes after 320 ms
            d.kill_worker("a", 0)
        dying, sibling = d.workers("a")
        kill(sibling, signal.SIGSTOP)
        with Background(d, "listener.remove", name="a", deadline="60s") as b:
            wait_until(lambda: d.listener("a")["state"] == "draining",
                       "the listener drains")
            kill(dying)
            wait_until(lambda: d.workers("a")[0] not in (None, dying),
                       "the replacement has come")
            kill(sibling, signal.SIGCONT)
            self.assertEqual(ask(client, b"y"), b"y")
            self.assertEqual(d.workers("a")[1], sibling)
            client.close()
            b.answer()


    def test_queue_that_only_an_old_worker_has_left(self):
        """It has handed its sockets over: that it closes says nothing."""
        d = self.started()
        port = d.add("a", drain_timeout="60s", hang_timeout="60s")["port"]
        client = self.client_of(d, 0)
        d.call("listener.restart", name="a")
        current = d.workers("a")[0]
        kill(current, signal.SIGSTOP)
        waiting = [connect(port) for _ in range(20)]
        for s in waiting:
            self.addCleanup(s.close)
            s.sendall(b"early")
        with Background(d, "listener.remove", name="a", deadline="60s") as b:
            wait_state(d, "a", "draining")
            self.assertTrue(b.pending(), "the other one has not answered")
            kill(current)
            for s in waiting:
                self.assertEqual(mercury.receive(s, 5), b"early")
                s.close()
            client.close()
            b.answer()


class ControlCrash(mercury.TestCase):
    def test_control_comes_back(self):
        d = self.started()
        port = d.add("a")["port"]
        workers = d.workers("a")
        for _ in range(3):
            old = d.child("mercury-control")
            kill(old)
            wait_until(lambda: not alive(old), "control is dead")
            self.assertTrue(answers(port))
            self.assertEqual(d.ctl("status").code, 0)
            self.assertEqual(d.workers("a"), workers)

    def test_client_of_a_dead_control_sees_the_end(self):
        d = self.started()
        with d.rpc() as rpc:
            rpc.call("daemon.status")
            kill(d.child("mercury-control"))
            self.assertIsNone(rpc.line())


class SupervisorKilled(mercury.TestCase):
    def test_no_orphans_and_the_port_is_free_at_once(self):
        path = None
        port = mercury.free_port()
        d = self.daemon()
        path = d.dir + "/dev.sock"
        d.write(mercury.listener("a", port=port, workers=2)
                + mercury.listener("u", path=path, mode="0666"))
        d.start()
        client = connect(port)
        self.assertEqual(ask(client, b"x"), b"x")
        left = d.tree() - {d.pid}
        kill(d.pid)
        d.wait()
        d.start()
        self.assertTrue(answers(port))
        self.assertTrue(answers(path))
        # The old connection may finish, as at any shutdown.
        self.assertEqual(ask(client, b"y"), b"y")
        client.close()
        wait_until(lambda: not any(alive(p) for p in left),
                   "the old processes are gone")
        for _ in range(20):
            self.assertTrue(answers(port))
        self.assertEqual(d.listener("a")["accepted"], 21)

    def test_connections_of_orphans_are_cut_at_the_deadline(self):
        d = self.started(mercury.listener("a"), shutdown_deadline="300ms")
        client = connect(d.port("a"))
        self.assertEqual(ask(client, b"x"), b"x")
        left = d.tree() - {d.pid}
        kill(d.pid)
        d.wait()
        wait_until(lambda: not any(alive(p) for p in left),
                   "the orphans are gone")
        client.close()
        d.start()  # over the stale socket and pid file

    def test_traffic_goes_on_while_workers_die(self):
        d = self.started()
        port = d.add("a", workers=2)["port"]
        failures = []
        stopping = threading.Event()

        def talk():
            while not stopping.is_set():
                try:
                    with connect(port) as s:
                        ask(s, b"ping")
                except ConnectionRefusedError as e:
                    failures.append(e)
                except (ConnectionResetError, BrokenPipeError):
                    pass  # its own worker was the one that died

        threads = [threading.Thread(target=talk) for _ in range(4)]
        for t in threads:
            t.start()
        for i in range(6):
            pid = wait_until(lambda: d.workers("a")[i % 2], "a worker")
            kill(pid)
            wait_until(lambda: not alive(pid), "it is dead")
        stopping.set()
        for t in threads:
            t.join(mercury.DEADLINE)
            self.assertFalse(t.is_alive(), "a client hangs")
        self.assertEqual(failures, [])


if __name__ == "__main__":
    mercury.main()
