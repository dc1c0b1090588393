"""Each type of health event, and the action that makes it."""

import os
import signal
import socket

import mercury
from mercury import (connect, free_port, kill, listener, wait_until)
from storing import rows, wait_rows


def only(found):
    """The one row that there should be."""
    if len(found) != 1:
        raise AssertionError(f"{len(found)} rows, not one: {found}")
    return found[0]


class Daemon(mercury.TestCase):
    def test_a_life_from_start_to_stop(self):
        d = self.started(listener("pos"), shutdown_deadline="1500ms")
        pid = d.pid
        with connect(d.port("pos")):
            self.assertEqual(d.stop(), 0)
        started = only(rows(d, "daemon.started"))
        self.assertEqual(started["detail"]["pid"], pid)
        self.assertEqual(started["detail"]["listeners"], 1)
        self.assertRegex(started["detail"]["version"], r"^\d+\.\d+")
        self.assertGreaterEqual(
            only(rows(d, "daemon.ready"))["detail"]["duration_ms"], 0)
        stopping = only(rows(d, "daemon.stopping"))
        self.assertEqual(stopping["detail"]["deadline_ms"], 1500)
        self.assertIn("signal 15", stopping["reason"])
        last = rows(d)[-1]
        self.assertEqual(last["type"], "daemon.stopped")
        self.assertEqual(last["detail"]["finished"], 0)
        self.assertEqual(last["detail"]["cut"], 1)
        order = [r["type"] for r in rows(d)]
        self.assertLess(order.index("daemon.started"),
                        order.index("listener.added"))
        self.assertLess(order.index("listener.listening"),
                        order.index("daemon.ready"))
        self.assertLess(order.index("listener.removed"),
                        order.index("daemon.stopped"))

    def test_asked_for_by_a_client(self):
        d = self.started(listener("pos"))
        self.assertEqual(d.ctl("shutdown").code, 0)
        d.wait()
        self.assertEqual(only(rows(d, "daemon.stopping"))["reason"],
                         "by request")

    def test_a_lame_duck(self):
        d = self.started(listener("pos"), lame_duck="200ms")
        d.stop()
        draining = only(rows(d, "daemon.draining"))
        self.assertEqual(draining["detail"]["lame_duck_ms"], 200)
        stopping = only(rows(d, "daemon.stopping"))
        self.assertGreaterEqual(stopping["at_ms"] - draining["at_ms"], 190)

    def test_a_reload(self):
        d = self.started(listener("a") + listener("b", nodelay=True))
        d.write(listener("b", nodelay=False) + listener("c"))
        self.assertEqual(d.ctl("reload").code, 0)
        d.stop()
        detail = only(rows(d, "daemon.reloaded"))["detail"]
        self.assertEqual(
            detail, {"added": 1, "updated": 1, "restarted": 0, "removed": 1})


class Listener(mercury.TestCase):
    def test_added_listening_removed(self):
        d = self.started()
        port = d.add("pos")["port"]
        with connect(port):
            wait_until(lambda: d.listener("pos")["connections"] == 1,
                       "it is accepted")
            d.call("listener.remove", name="pos", deadline="0s")
        d.stop()
        added = only(rows(d, "listener.added", "pos"))
        self.assertEqual(added["detail"]["origin"], "runtime")
        self.assertEqual(added["detail"]["pool"], "pos")
        self.assertEqual(added["detail"]["workers"], 1)
        listening = only(rows(d, "listener.listening", "pos"))
        self.assertEqual(listening["detail"]["port"], port)
        self.assertEqual(listening["detail"]["address"], "127.0.0.1")
        self.assertIn(f"127.0.0.1:{port}", listening["reason"])
        removed = only(rows(d, "listener.removed", "pos"))
        self.assertEqual(removed["detail"], {"finished": 0, "cut": 1})

    def test_of_a_path(self):
        d = self.started()
        path = os.path.join(d.dir, "pos.sock")
        d.add("pos", path=path)
        d.stop()
        self.assertEqual(
            only(rows(d, "listener.listening"))["detail"]["path"], path)

    def test_updated_paused_resumed_restarted(self):
        d = self.started(listener("pos"))
        d.call("listener.update", name="pos", backlog=77, nodelay=False)
        d.call("listener.pause", name="pos", queue=True)
        d.call("listener.resume", name="pos")
        d.call("listener.pause", name="pos")
        d.call("listener.resume", name="pos")
        d.call("listener.restart", name="pos")
        d.stop()
        self.assertEqual(only(rows(d, "listener.updated"))["reason"],
                         "backlog, nodelay")
        self.assertEqual(
            [r["detail"]["queue"] for r in rows(d, "listener.paused")],
            [True, False])
        self.assertEqual(len(rows(d, "listener.resumed")), 2)
        restarted = only(rows(d, "listener.restarted"))
        self.assertEqual(restarted["detail"],
                         {"pool": "pos", "generation": 2, "workers": 1})

    def test_a_place_that_is_taken(self):
        d = self.started()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with self.assertRaises(mercury.RpcError):
                d.add("pos", port=port, bind_attempts=2, bind_backoff="10ms")
        d.stop()
        retry = only(rows(d, "listener.bind_retry", "pos"))
        self.assertEqual(retry["severity"], "warning")
        self.assertEqual(retry["detail"]["attempt"], 1)
        self.assertEqual(retry["detail"]["port"], port)
        self.assertGreater(retry["detail"]["next_retry_ms"], 0)
        failed = only(rows(d, "listener.bind_failed", "pos"))
        self.assertEqual(failed["severity"], "error")
        self.assertEqual(failed["detail"]["attempt"], 2)
        self.assertIn("in use", failed["reason"])

    def test_given_up(self):
        d = self.started(listener("pos", max_restarts=0))
        kill(d.workers("pos")[0])
        limit = only(wait_rows(d, "worker.restart_limit", "pos"))
        failed = only(wait_rows(d, "listener.failed", "pos"))
        self.assertEqual(limit["detail"]["max_restarts"], 0)
        self.assertEqual(limit["detail"]["max_seconds"], 60)
        self.assertEqual(failed["severity"], "error")
        self.assertIn("more than 0 restarts in 60 s", failed["reason"])


class Worker(mercury.TestCase):
    def test_crashed_and_replaced(self):
        d = self.started(listener("pos"))
        old = d.workers("pos")[0]
        d.kill_worker("pos")
        new = d.workers("pos")[0]
        d.stop()
        crashed = only(rows(d, "worker.crashed", "pos"))
        self.assertEqual(crashed["severity"], "error")
        self.assertEqual(crashed["detail"]["pid"], old)
        self.assertEqual(crashed["detail"]["signal"], 9)
        self.assertEqual(crashed["detail"]["slot"], 0)
        self.assertNotIn("exit_code", crashed["detail"])
        self.assertIn("SIGKILL", crashed["reason"])
        started = rows(d, "worker.started", "pos")
        self.assertEqual([r["detail"]["pid"] for r in started], [old, new])
        self.assertEqual([r["detail"]["restarts"] for r in started], [0, 1])

    def test_exited(self):
        d = self.started(listener("pos"))
        pid = d.workers("pos")[0]
        d.stop()
        exited = only(rows(d, "worker.exited", "pos"))
        self.assertEqual(exited["detail"]["pid"], pid)
        self.assertEqual(exited["detail"]["exit_code"], 0)

    def test_hung_and_killed(self):
        d = self.started(listener("pos", hang_timeout="1s"))
        pid = d.workers("pos")[0]
        kill(pid, signal.SIGSTOP)
        killed = only(wait_rows(d, "worker.killed", "pos"))
        hung = only(rows(d, "worker.hung", "pos"))
        self.assertEqual(hung["detail"]["pid"], pid)
        self.assertEqual(killed["detail"]["pid"], pid)
        self.assertEqual(killed["detail"]["signal"], 9)
        self.assertLess(hung["id"], killed["id"])

    def test_one_that_serves_several_listeners_is_nobodys(self):
        d = self.started(listener("a", pool="shared") +
                         listener("b", pool="shared"))
        kill(d.workers("a")[0])
        crashed = only(wait_rows(d, "worker.crashed"))
        self.assertIsNone(crashed["listener"])
        self.assertEqual(crashed["detail"]["pool"], "shared")


class Connection(mercury.TestCase):
    def test_opened_and_closed(self):
        d = self.started(listener("pos", record_connections=True) +
                         listener("quiet"))
        mercury.answers(d.port("quiet"))
        with connect(d.port("pos")) as s:
            peer = "127.0.0.1:%d" % s.getsockname()[1]
            self.assertEqual(mercury.ask(s, b"hello"), b"hello")
            opened = only(wait_rows(d, "connection.opened"))
        closed = only(wait_rows(d, "connection.closed"))
        self.assertEqual(opened["listener"], "pos")
        self.assertEqual(opened["peer"], peer)
        self.assertEqual(closed["peer"], peer)
        self.assertEqual(closed["reason"], "peer_closed")
        self.assertEqual(closed["detail"]["bytes_in"], 5)
        self.assertEqual(closed["detail"]["bytes_out"], 5)
        self.assertEqual(closed["detail"]["connection"],
                         opened["detail"]["connection"])

    def test_switched_on_while_it_runs(self):
        d = self.started(listener("pos"))
        port = d.port("pos")
        with connect(port) as before:
            self.assertEqual(mercury.ask(before, b"x"), b"x")
            d.call("listener.update", name="pos", record_connections=True)
            mercury.answers(port)
            wait_rows(d, "connection.closed")
        d.stop()
        self.assertEqual(len(rows(d, "connection.opened")), 1)
        self.assertEqual(len(rows(d, "connection.closed")), 1)

    def test_cut_at_shutdown(self):
        d = self.started(listener("pos", record_connections=True),
                         shutdown_deadline="300ms")
        with connect(d.port("pos")) as s:
            self.assertEqual(mercury.ask(s, b"x"), b"x")
            d.stop()
        closed = only(rows(d, "connection.closed"))
        self.assertEqual(closed["reason"], "deadline")


if __name__ == "__main__":
    mercury.main()
