"""Limits over all workers of a listener: max_connections, overflow,
accept_rate; and the alarms that say that one is near."""

import contextlib
import select
import signal
import time

import mercury
from mercury import ask, connect, kill, listener, receive_all, wait_until
from storing import rows, wait_rows
from supervising import Background


def open_now(d, name="pos"):
    return d.listener(name)["connections"]


class Client:
    """A connection of which we know whether it was accepted: it answers."""

    def __init__(self, port):
        self.socket = connect(port)
        self.socket.sendall(b"x")
        self.socket.setblocking(False)

    def state(self):
        try:
            return "in" if self.socket.recv(1) == b"x" else "closed"
        except BlockingIOError:
            return "waits"
        except ConnectionResetError:
            return "closed"

    def close(self):
        self.socket.close()


class MaxConnections(mercury.TestCase):
    def clients(self, d, count):
        clients = [Client(d.port("pos")) for _ in range(count)]
        for c in clients:
            self.addCleanup(c.close)
        return clients

    def never_more_than(self, d, most, seconds=0.5):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.assertLessEqual(open_now(d), most)

    def test_exact_over_all_workers(self):
        d = self.started(listener("pos", workers=4, max_connections=5))
        clients = self.clients(d, 40)
        wait_until(lambda: open_now(d) == 5, "as many as may")
        self.never_more_than(d, 5)
        states = [c.state() for c in clients]
        self.assertEqual(states.count("in"), 5)
        self.assertEqual(states.count("waits"), 35)
        # Each that goes lets one in, whichever worker it is at.
        left = [c for c, s in zip(clients, states) if s == "waits"]
        for c, s in zip(clients, states):
            if s == "in":
                c.close()
        wait_until(lambda: [c.state() for c in left].count("in") == 5 or
                   open_now(d) == 5 and d.listener("pos")["accepted"] == 10,
                   "five more")
        self.never_more_than(d, 5)
        self.assertEqual(d.listener("pos")["rejected"], 0)

    def test_reject(self):
        d = self.started(listener("pos", workers=2, max_connections=3,
                                  overflow="reject"))
        clients = self.clients(d, 3)
        wait_until(lambda: open_now(d) == 3, "as many as may")
        more = self.clients(d, 10)
        wait_until(lambda: d.listener("pos")["rejected"] == 10, "rejected")
        for c in more:
            wait_until(lambda c=c: c.state() == "closed", "closed at once")
        self.assertEqual(open_now(d), 3)
        rejected = wait_rows(d, "connection.rejected")
        self.assertEqual(sum(r["detail"]["count"] for r in rejected), 10)
        self.assertLessEqual(len(rejected), 3)
        self.assertEqual(rejected[0]["reason"], "limit")
        self.assertIn(rejected[-1]["peer"],
                      ["%s:%u" % c.socket.getsockname() for c in more])
        clients[0].close()
        wait_until(lambda: open_now(d) == 2, "one place is free")
        again = self.clients(d, 1)[0]
        wait_until(lambda: again.state() == "in", "and taken")

    def test_after_one_that_a_hung_worker_has_left_late(self):
        """What it has of a listener that is gone is not the next one's."""
        d = self.started(listener("x", pool="p", workers=2,
                                  hang_timeout="1h"))
        d.add("old", pool="p", workers=2)
        port = mercury.free_port()
        held = []

        def at_both():
            held.append(connect(d.port("old")))
            self.addCleanup(held[-1].close)
            return all(w["connections"] for w in d.listener("old")["workers"])
        wait_until(at_both, "both workers have some")
        hung = d.workers("old")[0]
        kill(hung, signal.SIGSTOP)
        d.call("listener.remove", name="old", deadline="100ms")
        with Background(d, "listener.add", name="pos", address="127.0.0.1",
                        port=port, pool="p", workers=2, protocol="echo",
                        max_connections=1, overflow="reject") as add:
            wait_until(lambda: mercury.is_listening(port), "it is bound")
            # The other one serves it alone for now.
            with connect(port) as client:
                self.assertEqual(ask(client, b"x"), b"x")
                kill(hung, signal.SIGCONT)
                for s in held:
                    with contextlib.suppress(ConnectionResetError):
                        receive_all(s)
                add.answer()
                other = self.clients(d, 1)[0]
                wait_until(lambda: other.state() != "waits", "it is decided")
                self.assertEqual(d.listener("pos")["rejected"], 1)
                self.assertEqual(ask(client, b"y"), b"y")

    def test_who_may_not_connect_is_denied_when_full_too(self):
        d = self.started(listener("pos", workers=1, max_connections=1,
                                  overflow="reject"))
        with connect(d.port("pos")) as client:
            self.assertEqual(ask(client, b"x"), b"x")
            d.call("listener.update", name="pos", deny="127.0.0.0/8")
            with connect(d.port("pos")) as other:
                self.assertEqual(receive_all(other), b"")
            wait_until(lambda: d.listener("pos")["denied"] == 1, "denied")
            self.assertEqual(d.listener("pos")["rejected"], 0)

    def test_changed_while_it_runs(self):
        d = self.started(listener("pos", workers=2, max_connections=2))
        clients = self.clients(d, 6)
        wait_until(lambda: open_now(d) == 2, "two")
        d.call("listener.update", name="pos", max_connections=4)
        wait_until(lambda: open_now(d) == 4, "two more at once")
        d.call("listener.update", name="pos", max_connections=1)
        self.never_more_than(d, 4)
        self.assertEqual(open_now(d), 4, "nobody is sent away")
        d.call("listener.update", name="pos", max_connections=0)
        wait_until(lambda: open_now(d) == 6, "no limit")
        self.assertEqual(len(clients), 6)

    def test_what_a_dead_worker_had_inside_is_free(self):
        d = self.started(listener("pos", workers=2, max_connections=4,
                                  max_restarts=1000))
        for _ in range(5):
            clients = self.clients(d, 4)
            wait_until(lambda: open_now(d) == 4, "all places are taken")
            for pid in d.workers("pos"):
                kill(pid)
            wait_until(lambda: d.listener("pos")["state"] == "listening" and
                       open_now(d) == 0, "new workers")
            for c in clients:
                c.close()

    def test_over_a_hot_restart(self):
        d = self.started(listener("pos", workers=2, max_connections=3,
                                  drain_timeout="20s"))
        clients = self.clients(d, 3)
        wait_until(lambda: open_now(d) == 3, "all places are taken")
        d.call("listener.restart", name="pos")
        more = self.clients(d, 3)
        self.never_more_than(d, 3)
        self.assertEqual([c.state() for c in more], ["waits"] * 3)
        for c in clients:
            c.close()
        wait_until(lambda: open_now(d) == 3, "the new ones are in")

    def test_the_queue_of_one_that_goes(self):
        """They can't wait any more: closed, and not served beyond the limit."""
        d = self.started(listener("pos", max_connections=2))
        clients = self.clients(d, 5)
        wait_until(lambda: open_now(d) == 2, "two")
        d.call("listener.pause", name="pos")
        wait_until(lambda: [c.state() for c in clients].count("closed") == 3,
                   "the others are told")
        self.assertEqual(open_now(d), 2)


class Rate(mercury.TestCase):
    def test_one_bucket_for_all_workers(self):
        d = self.started(listener("pos", workers=4, accept_rate=20,
                                  accept_burst=5))
        port = d.port("pos")
        begun = time.monotonic()
        clients = [Client(port) for _ in range(45)]
        for c in clients:
            self.addCleanup(c.close)
        wait_until(lambda: open_now(d) == 45, "all are let in, in the end")
        took = time.monotonic() - begun
        # 5 at once, then 40 at 20 a second.
        self.assertGreater(took, 1.7)
        self.assertLess(took, 2.6 if not mercury.SANITIZED else 5)
        self.assertEqual(d.listener("pos")["rejected"], 0)

    def test_a_quiet_time_fills_it(self):
        d = self.started(listener("pos", accept_rate=10))
        with connect(d.port("pos")) as s:
            self.assertEqual(ask(s, b"x"), b"x")
        select.select([], [], [], 0.3)
        begun = time.monotonic()
        for _ in range(9):
            self.assertTrue(mercury.answers(d.port("pos")))
        self.assertLess(time.monotonic() - begun, 0.9)

    def test_a_new_rate_counts_at_once(self):
        d = self.started(listener("pos", accept_rate=1))
        port = d.port("pos")
        clients = [Client(port) for _ in range(20)]
        for c in clients:
            self.addCleanup(c.close)
        d.call("listener.update", name="pos", accept_rate=1000)
        wait_until(lambda: open_now(d) == 20, "all are in", 3)


class Alarm(mercury.TestCase):
    def test_up_and_down(self):
        d = self.started(listener("pos", max_connections=20))
        port = d.port("pos")
        clients = []

        def levels():
            return [r["detail"]["level"] for r in rows(d, "listener.alarm")]

        def grow(count, want):
            while len(clients) < count:
                clients.append(connect(port))
            while len(clients) > count:
                clients.pop().close()
            wait_until(lambda: levels() == want, f"{want}, not {levels()}")
        wait_rows(d, "daemon.ready")
        try:
            grow(16, [80])
            grow(19, [80, 95])
            grow(20, [80, 95, 100])
            grow(18, [80, 95, 100, 95])
            grow(5, [80, 95, 100, 95, 0])
        finally:
            for s in clients:
                s.close()
        row = rows(d, "listener.alarm")[2]
        self.assertEqual(row["severity"], "warning")
        self.assertEqual(row["detail"]["connections"], 20)
        self.assertEqual(row["detail"]["max_connections"], 20)


if __name__ == "__main__":
    mercury.main()
