"""Readiness: drain and undrain, the lame duck, what keeps the daemon from being
ready, and the health port that a listener has."""

import mmap
import os
import signal
import socket
import struct
import time
import unittest

import mercury
from mercury import answers, ask, connect, free_port, kill, wait_until
from storing import rows, wait_rows

DRAINED = "mercuryd is drained"
LEAVING = "mercuryd is shutting down"


class Readiness(mercury.TestCase):
    def ready(self, d):
        """Of the daemon, and why not."""
        s = d.status()
        return s["ready"], s["not_ready"]

    def listener_ready(self, d, name):
        row = d.listener(name)
        return row["ready"], row["not_ready"]

    def refuse(self, d, reason, method, **params):
        with self.assertRaises(mercury.RpcError) as e:
            d.call(method, **params)
        self.assertEqual(e.exception.reason, reason)
        return e.exception.message


class Drain(Readiness):
    def test_the_daemon(self):
        d = self.started(mercury.listener("a", workers=2)
                         + mercury.listener("b"))
        with connect(d.port("a")) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            for _ in range(2):  # twice is as once
                got = d.call("daemon.drain")
                self.assertEqual(
                    (got["ready"], got["draining"], got["not_ready"],
                     got["state"]), (False, True, DRAINED, "running"))
            self.assertEqual(ask(s, b"y"), b"y")
            self.assertTrue(answers(d.port("a")))
            for row in d.status()["listeners"]:
                self.assertEqual(
                    (row["state"], row["ready"], row["not_ready"],
                     row["drain"]), ("listening", False, DRAINED, False))
            for _ in range(2):
                got = d.call("daemon.undrain")
                self.assertEqual(
                    (got["ready"], got["draining"], got["not_ready"]),
                    (True, False, None))
            self.assertEqual(ask(s, b"z"), b"z")
        d.stop()
        draining, = rows(d, "daemon.draining")
        self.assertEqual((draining["reason"], draining["detail"]),
                         ("drain", {}))
        self.assertEqual([r["reason"] for r in rows(d, "daemon.ready")],
                         [None, "undrain"])

    def test_a_listener(self):
        d = self.started(mercury.listener("a") + mercury.listener("b"))
        for _ in range(2):
            got = d.call("daemon.drain", name="a")
            self.assertEqual(
                (got["name"], got["state"], got["ready"], got["not_ready"],
                 got["drain"]), ("a", "listening", False, "it is drained",
                                 True))
        self.assertTrue(answers(d.port("a")))
        self.assertEqual(self.ready(d), (False, "a is drained"))
        self.assertFalse(d.status()["draining"])
        self.assertEqual(self.listener_ready(d, "b"), (True, None))
        for _ in range(2):
            got = d.call("daemon.undrain", name="a")
            self.assertEqual((got["ready"], got["not_ready"], got["drain"]),
                             (True, None, False))
        self.assertEqual(self.ready(d), (True, None))
        d.stop()
        self.assertEqual(
            [r["reason"] for r in rows(d, "listener.updated", "a")],
            ["drain", "undrain"])

    def test_is_kept_until_the_listener_goes(self):
        d = self.started(mercury.listener("a"))
        d.call("daemon.drain", name="a")
        d.call("listener.restart", name="a")
        self.assertTrue(d.listener("a")["drain"])
        d.write(mercury.listener("a", backlog=7, port=free_port()))
        d.call("daemon.reload")
        self.assertTrue(d.listener("a")["drain"], "bound at another place")
        d.kill_worker("a")
        d.call("listener.pause", name="a")
        self.assertEqual(self.listener_ready(d, "a"), (False, "it is paused"))
        d.call("listener.resume", name="a")
        self.assertEqual(self.listener_ready(d, "a"),
                         (False, "it is drained"))
        d.write("")
        d.call("daemon.reload")
        wait_until(lambda: d.listener("a") is None, "it is gone")
        self.assertFalse(d.add("a")["drain"])

    def test_of_the_daemon_is_kept_over_a_reload(self):
        d = self.started(mercury.listener("a"))
        d.call("daemon.drain")
        d.write(mercury.listener("a") + mercury.listener("b"))
        d.call("daemon.reload")
        self.assertEqual(self.ready(d), (False, DRAINED))
        wait_until(lambda: d.listener("b")["state"] == "listening", "bound")
        self.assertEqual(self.listener_ready(d, "b"), (False, DRAINED))
        # A listener that is drained, too, stays so.
        d.call("daemon.drain", name="b")
        d.call("daemon.undrain")
        self.assertEqual(self.ready(d), (False, "b is drained"))

    def test_what_is_refused(self):
        d = self.started(mercury.listener("a"))
        for method in ("daemon.drain", "daemon.undrain"):
            self.assertIn("named nobody", self.refuse(
                d, "not_found", method, name="nobody"))
            with self.assertRaises(mercury.RpcError) as e:
                d.call(method, name=7)
            self.assertEqual(e.exception.code, -32602)
        with connect(d.port("a")) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            with d.rpc() as removing:
                removing.send(b'{"jsonrpc": "2.0", "id": 1, "method": '
                              b'"listener.remove", "params": {"name": "a"}}\n')
                wait_until(lambda: d.listener("a")["state"] == "draining",
                           "it is being removed")
                self.refuse(d, "busy", "daemon.drain", name="a")

    @unittest.skipUnless(mercury.ROOT, "needs another user")
    def test_needs_the_right_to_change(self):
        d = self.started(mercury.listener("a"), control_readers="nogroup")
        argv = ["setpriv", "--reuid=65533", "--regid=nogroup",
                "--clear-groups", mercury.binary("mercuryctl"), "-s",
                d.control]
        if mercury.run([*argv, "status"]).code != 0:
            self.skipTest("another user can't reach the build folder")
        result = mercury.run([*argv, "drain"])
        self.assertEqual(result.code, 1, result)
        self.assertEqual(self.ready(d), (True, None))

    def test_mercuryctl(self):
        d = self.started(mercury.listener("a")
                         + mercury.listener("b", required=False))
        wait_until(lambda: self.listener_ready(d, "b")[0], "b is ready too")
        result = d.ctl("drain")
        self.assertEqual(result.code, 0, result)
        self.assertEqual(result.out.splitlines(), [
            "not ready: " + DRAINED,
            "all listeners serve as before; undrain ends that"])
        self.assertEqual(d.ctl("undrain").out, "ready\n")
        self.assertEqual(d.ctl("drain", "a").out.splitlines(), [
            "a: not ready: it is drained",
            "mercuryd is not ready either: the listener is required",
            "it serves as before; undrain ends that"])
        self.assertEqual(d.ctl("undrain").out,
                         "not ready: a is drained\n")
        self.assertEqual(d.ctl("undrain", "a").out, "a: ready\n")
        self.assertEqual(d.ctl("drain", "b").out.splitlines(), [
            "b: not ready: it is drained",
            "it serves as before; undrain ends that"])
        self.assertEqual(self.ready(d), (True, None))
        self.assertTrue(d.ctl("--json", "undrain", "b").json()["ready"])
        result = d.ctl("drain", "nobody")
        self.assertEqual((result.code, result.out), (1, ""))
        self.assertIn("no listener named nobody", result.err)


class WhatIsReady(Readiness):
    def test_required_listeners(self):
        d = self.started(mercury.listener("a") + mercury.listener("b")
                         + mercury.listener("c", required=False))
        self.assertEqual(self.ready(d), (True, None))
        self.assertEqual([(r["name"], r["required"])
                          for r in d.status()["listeners"]],
                         [("a", True), ("b", True), ("c", False)])
        # A start does not wait for it.
        wait_until(lambda: d.listener("c")["state"] == "listening",
                   "it listens")
        d.call("listener.pause", name="c")
        self.assertEqual(self.ready(d), (True, None))
        self.assertEqual(self.listener_ready(d, "c"), (False, "it is paused"))
        d.call("listener.pause", name="b")
        self.assertEqual(self.ready(d), (False, "b is paused"))
        d.call("listener.pause", name="a")
        self.assertEqual(self.ready(d), (False, "a is paused, and 1 more"))
        d.call("listener.update", name="a", required=False)
        self.assertEqual(self.ready(d), (False, "b is paused"))
        d.call("listener.remove", name="b")
        self.assertEqual(self.ready(d), (True, None))
        d.call("listener.update", name="a", required=True)
        self.assertEqual(self.ready(d), (False, "a is paused"))
        d.call("listener.resume", name="a")
        self.assertEqual(self.ready(d), (True, None))

    def test_one_that_has_failed(self):
        d = self.started(mercury.listener("a", max_restarts=0))
        kill(d.workers("a")[0])
        wait_until(lambda: self.ready(d) == (False, "a has failed"), "failed")
        self.assertEqual(self.listener_ready(d, "a"), (False, "it has failed"))
        d.call("listener.restart", name="a")
        self.assertEqual(self.ready(d), (True, None))

    def test_one_that_tries_to_bind(self):
        d = self.started(mercury.listener("a", port=free_port()))
        port = d.port("a")
        d.call("listener.update", name="a", bind_attempts=1000,
               bind_backoff="10ms", bind_backoff_max="20ms")
        d.call("listener.pause", name="a")
        with d.rpc() as rpc, socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", port))
            taken.listen()
            rpc.send(b'{"jsonrpc": "2.0", "id": 1, "method": '
                     b'"listener.resume", "params": {"name": "a"}}\n')
            wait_until(lambda: self.ready(d) ==
                       (False, "a is retrying to bind"), "retrying")
            taken.close()
            self.assertEqual(rpc.line()["result"]["ready"], True)
        self.assertEqual(self.ready(d), (True, None))

    def test_one_that_is_being_added_or_removed(self):
        """It takes nothing away from the others."""
        d = self.started(mercury.listener("a"))
        with socket.create_server(("127.0.0.1", 0)) as taken, \
                d.rpc() as rpc, d.rpc() as other:
            rpc.send(b'{"jsonrpc": "2.0", "id": 1, "method": "listener.add", '
                     b'"params": {"name": "b", "address": "127.0.0.1", '
                     b'"protocol": "echo", "bind_backoff": "100ms", "port": '
                     + str(taken.getsockname()[1]).encode() + b'}}\n')
            wait_until(lambda: (d.listener("b") or {}).get("state")
                       == "retrying", "it can't be bound")
            self.assertEqual(self.ready(d), (True, None))
            self.assertEqual(self.listener_ready(d, "b"),
                             (False, "it is retrying to bind"))
            taken.close()
            self.assertTrue(rpc.line()["result"]["ready"])
            with connect(d.port("b")) as s:
                self.assertEqual(ask(s, b"x"), b"x")
                other.send(b'{"jsonrpc": "2.0", "id": 1, "method": '
                           b'"listener.remove", "params": {"name": "b"}}\n')
                wait_until(lambda: d.listener("b")["state"] == "draining",
                           "it drains")
                self.assertEqual(self.listener_ready(d, "b"),
                                 (False, "it is being removed"))
                self.assertEqual(self.ready(d), (True, None))

    def test_a_worker_that_hangs_alone(self):
        d = self.started(mercury.listener("a", hang_timeout="60s"))
        pid = d.workers("a")[0]
        kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        wait_until(lambda: not d.status()["ready"], "it is stuck")
        self.assertLess(time.monotonic() - began,
                        20 if mercury.SANITIZED else 4)
        self.assertEqual(self.ready(d),
                         (False, "a is degraded: 0 of 1 slots served"))
        kill(pid, signal.SIGCONT)
        wait_until(lambda: d.status()["ready"], "it goes on")

    def test_a_worker_whose_slots_a_sibling_has(self):
        d = self.started(mercury.listener("a", workers=3, hang_timeout="60s"))
        pid = d.workers("a")[1]
        kill(pid, signal.SIGSTOP)
        wait_until(lambda: d.listener("a")["state"] == "degraded", "stuck")
        wait_until(lambda: d.status()["ready"], "a sibling serves")
        self.assertEqual(d.listener("a")["state"], "degraded")
        self.assertEqual(self.listener_ready(d, "a"), (True, None))
        kill(pid, signal.SIGCONT)
        wait_until(lambda: d.listener("a")["state"] == "listening", "well")


class LameDuck(Readiness):
    def test_all_say_so_and_serve(self):
        d = self.started(mercury.listener("a"), lame_duck="60s",
                         shutdown_deadline="1s")
        d.signal(signal.SIGTERM)
        wait_until(lambda: not d.status()["ready"], "not ready")
        s = d.status()
        self.assertEqual((s["state"], s["draining"], s["not_ready"]),
                         ("running", True, LEAVING))
        self.assertEqual(self.listener_ready(d, "a"), (False, LEAVING))
        self.assertTrue(answers(d.port("a")))
        for method in ("daemon.drain", "daemon.undrain"):
            self.refuse(d, "unavailable", method)
            self.refuse(d, "unavailable", method, name="a")
        d.signal(signal.SIGTERM)
        self.assertEqual(d.wait(), 0)

    def test_readiness_is_down_when_the_request_is_answered(self):
        d = self.started(mercury.listener("a"), lame_duck="60s")
        with d.rpc() as rpc:
            result = rpc.call("daemon.shutdown", deadline="1s")
            self.assertEqual(result["lame_duck_ms"], 60000)
            self.assertEqual(rpc.call("daemon.status")["not_ready"], LEAVING)
            self.assertTrue(answers(d.port("a")))
            # Once more, and it is cut short.
            self.assertEqual(rpc.call("daemon.shutdown")["lame_duck_ms"], 0)
        self.assertEqual(d.wait(), 0)

    def test_mercuryctl_says_what_it_waits_for(self):
        d = self.started(mercury.listener("a"), lame_duck="1s")
        result = d.ctl("shutdown")
        self.assertEqual(result.code, 0, result)
        self.assertEqual(result.out.splitlines()[0],
                         "not ready, and serving for 1s still (lame_duck)")
        self.assertEqual(d.wait(), 0)

    def test_of_a_daemon_that_is_drained(self):
        d = self.started(mercury.listener("a"), lame_duck="100ms")
        d.call("daemon.drain")
        self.assertEqual(d.stop(), 0)
        self.assertEqual([r["reason"] for r in rows(d, "daemon.draining")][0],
                         "drain")
        self.assertEqual(len(rows(d, "daemon.draining")), 2)


class Board:
    """The health board as the gateway sees it (src/common/health_board.h)."""

    ENTRY = struct.Struct("=65s4B3xII128s")
    HEAD = 72  # heartbeat, sequence and count

    def __init__(self, pid):
        folder = f"/proc/{pid}/fd"
        for number in os.listdir(folder):
            path = os.path.join(folder, number)
            if "memfd:health board" in os.readlink(path):
                with open(path, "rb") as f:
                    self.memory = mmap.mmap(f.fileno(), 0,
                                            prot=mmap.PROT_READ)
                return
        raise AssertionError("it has no health board")

    def heartbeat(self):
        return struct.unpack_from("=Q", self.memory)[0]

    def entry(self, number):
        (name, ready, draining, paused, required, limit, connections,
         why) = self.ENTRY.unpack_from(self.memory,
                                       self.HEAD + number * self.ENTRY.size)
        return {"name": name.rstrip(b"\0").decode(), "ready": ready,
                "draining": draining, "paused": paused, "required": required,
                "max_connections": limit, "connections": connections,
                "why": why.partition(b"\0")[0].decode()}

    def daemon(self):
        return self.entry(0)

    def listeners(self):
        count, = struct.unpack_from("=I", self.memory, 68)
        return [self.entry(n + 1) for n in range(count)]


class OnTheBoard(Readiness):
    def test_what_status_says(self):
        d = self.started(mercury.listener("b", max_connections=10)
                         + mercury.listener("a", required=False))
        board = Board(d.pid)
        # Nobody waits for it at the start.
        wait_until(lambda: self.listener_ready(d, "a")[0], "a is ready")

        def check():
            status = d.status()
            entry = board.daemon()
            self.assertEqual(
                (entry["ready"], entry["draining"], entry["why"]),
                (status["ready"], status["draining"],
                 status["not_ready"] or ""))
            self.assertEqual(
                [(e["name"], e["ready"], e["required"], e["paused"],
                  e["why"]) for e in board.listeners()],
                [(r["name"], r["ready"], r["required"],
                  r["state"] == "paused", r["not_ready"] or "")
                 for r in status["listeners"]])

        check()
        for method, params in (
                ("daemon.drain", {}), ("daemon.undrain", {}),
                ("daemon.drain", {"name": "a"}),
                ("listener.pause", {"name": "b"}),
                ("daemon.undrain", {"name": "a"}),
                ("listener.add", {"name": "aa", "port": 0,
                                  "protocol": "echo"}),
                ("listener.pause", {"name": "aa"}),
                ("listener.resume", {"name": "b"}),
                ("listener.update", {"name": "a", "required": True}),
                ("listener.remove", {"name": "aa"}),
                ("listener.remove", {"name": "b"})):
            d.call(method, **params)
            check()
        self.assertEqual([e["name"] for e in board.listeners()], ["a"])

    def test_a_shutdown_is_there_before_the_answer(self):
        d = self.started(mercury.listener("a"), lame_duck="60s")
        board = Board(d.pid)
        d.call("daemon.shutdown", deadline="0s")
        self.assertEqual(
            (board.daemon()["ready"], board.daemon()["draining"],
             board.daemon()["why"], board.listeners()[0]["why"]),
            (0, 1, LEAVING, LEAVING))
        d.call("daemon.shutdown", deadline="0s")
        self.assertEqual(d.wait(), 0)

    def test_connections_where_there_is_a_limit(self):
        d = self.started(mercury.listener("a", max_connections=10, workers=2)
                         + mercury.listener("b"))
        board = Board(d.pid)
        clients = [connect(d.port(name)) for name in "aaabb"]
        for s in clients:
            self.addCleanup(s.close)
        wait_until(lambda: [(e["connections"], e["max_connections"])
                            for e in board.listeners()] == [(3, 10), (0, 0)],
                   "they are there")

    def test_the_heartbeat_of_a_supervisor_that_hangs(self):
        d = self.started(mercury.listener("a"))
        board = Board(d.pid)
        before = board.heartbeat()
        self.assertLess(abs(time.monotonic() * 1000 - before), 30000)
        wait_until(lambda: board.heartbeat() > before + 600, "it beats")
        kill(d.pid, signal.SIGSTOP)
        wait_until(lambda: mercury.stat_fields(d.pid)[0] == "T", "stopped")
        last = board.heartbeat()
        wait_until(lambda: time.monotonic() * 1000 > last + 1500, "it ages")
        self.assertEqual(board.heartbeat(), last)
        kill(d.pid, signal.SIGCONT)
        wait_until(lambda: board.heartbeat() > last, "it goes on")

    def test_a_worker_that_hangs(self):
        d = self.started(mercury.listener("a", hang_timeout="60s"))
        board = Board(d.pid)
        pid = d.workers("a")[0]
        kill(pid, signal.SIGSTOP)
        wait_until(lambda: not board.daemon()["ready"], "it is stuck")
        self.assertEqual(board.listeners()[0]["why"],
                         "it is degraded: 0 of 1 slots served")
        kill(pid, signal.SIGCONT)
        wait_until(lambda: board.daemon()["ready"], "it goes on")


class OverHttp(Readiness):
    """What a load balancer hears from the gateway."""

    def ask(self, path):
        with connect(self.port) as s:
            s.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            head, _, body = mercury.receive_all(s).decode().partition(
                "\r\n\r\n")
        return int(head.split()[1]), body.strip()

    def test_drain_and_lame_duck(self):
        self.port = free_port()
        d = self.started(
            mercury.listener("a") + mercury.listener("b", required=False)
            + f'gateway {{ listen = "127.0.0.1:{self.port}" }}\n',
            lame_duck="60s")
        # Nobody waits for b, which is not required.
        wait_until(lambda: not mercury.refused(self.port)
                   and self.ask("/readyz")[0] == 200
                   and self.ask("/readyz/b")[0] == 200, "it answers")

        def expect(**codes):
            for path, code in codes.items():
                path = path.replace("_", "/")
                self.assertEqual(self.ask("/" + path)[0], code, path)

        expect(readyz_a=200, readyz_b=200)
        d.call("daemon.drain", name="b")
        expect(readyz=200, readyz_a=200, readyz_b=503)
        self.assertIn("it is drained", self.ask("/readyz/b")[1])
        d.call("daemon.drain", name="a")
        self.assertIn("a is drained", self.ask("/readyz")[1])
        d.call("daemon.undrain", name="a")
        d.call("daemon.undrain", name="b")
        expect(readyz=200, readyz_a=200, readyz_b=200)
        d.call("daemon.drain")
        expect(readyz=503, readyz_a=503, readyz_b=503, livez=200)
        self.assertIn(DRAINED, self.ask("/readyz")[1])
        d.call("daemon.undrain")
        expect(readyz=200)
        d.call("daemon.shutdown", deadline="1s")
        expect(readyz=503, readyz_a=503, livez=200)
        self.assertIn(LEAVING, self.ask("/readyz/a")[1])
        self.assertTrue(answers(d.port("a")))
        d.call("daemon.shutdown")
        self.assertEqual(d.wait(), 0)


class HealthPort(Readiness):
    def taken(self, port, host="127.0.0.1"):
        """Can nobody bind it?"""
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((host, port))
            except OSError:
                return True
            return False

    def test_is_bound_until_the_listener_goes(self):
        port = free_port()
        d = self.started(mercury.listener("a", health_port=port))
        self.assertTrue(self.taken(port))
        d.call("listener.pause", name="a")
        self.assertTrue(self.taken(port), "paused")
        d.call("listener.resume", name="a")
        d.call("listener.restart", name="a")
        d.kill_worker("a")
        self.assertTrue(self.taken(port))
        with connect(d.port("a")) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            with d.rpc() as rpc:
                rpc.send(b'{"jsonrpc": "2.0", "id": 1, "method": '
                         b'"listener.remove", "params": {"name": "a"}}\n')
                wait_until(lambda: d.listener("a")["state"] == "draining",
                           "it drains")
                self.assertFalse(self.taken(port), "others may have it")
                self.assertEqual(
                    d.add("b", health_port=port)["state"], "listening")
        self.assertTrue(self.taken(port))
        d.stop()
        self.assertFalse(self.taken(port))

    def test_of_a_unix_socket_is_on_loopback(self):
        port = free_port()
        d = self.started()
        d.add("a", path=os.path.join(d.dir, "a.sock"), health_port=port)
        self.assertTrue(self.taken(port))
        d.call("listener.remove", name="a")
        self.assertFalse(self.taken(port))

    def test_in_use_by_a_stranger(self):
        """An add leaves nothing behind, and is tried as often as it says."""
        d = self.started(mercury.listener("a"))
        with socket.create_server(("127.0.0.1", 0)) as other:
            held, own = other.getsockname()[1], free_port()
            message = self.refuse(
                d, "port_in_use", "listener.add", name="b", port=own,
                address="127.0.0.1", protocol="echo", health_port=held,
                bind_attempts=3, bind_backoff="10ms")
            self.assertEqual(message,
                             f"health_port: 127.0.0.1:{held} is in use")
            self.assertEqual(
                len(wait_rows(d, "listener.bind_retry", "b", 2)), 2)
            self.assertIsNone(d.listener("b"))
            self.assertTrue(mercury.refused(own))
            self.assertFalse(self.taken(own))
            with d.rpc() as rpc:
                rpc.send(
                    b'{"jsonrpc": "2.0", "id": 1, "method": "listener.add", '
                    b'"params": {"name": "b", "address": "127.0.0.1", '
                    b'"port": 0, "protocol": "echo", "bind_attempts": 1000, '
                    b'"bind_backoff": "10ms", "bind_backoff_max": "20ms", '
                    b'"health_port": ' + str(held).encode() + b'}}\n')
                wait_until(lambda: (d.listener("b") or {}).get("last_error"),
                           "it tries")
                other.close()
                self.assertEqual(rpc.line()["result"]["state"], "listening")

    def test_in_use_by_another_listener(self):
        health, own = free_port(), free_port()
        d = self.started(mercury.listener("a", port=own, health_port=health))
        wanted = {"name": "b", "address": "127.0.0.1", "protocol": "echo",
                  "bind_attempts": 1}
        for options, message in (
                ({"port": 0, "health_port": health},
                 f"health_port: 127.0.0.1:{health} is in use by listener a"),
                ({"port": 0, "health_port": own},
                 f"health_port: 127.0.0.1:{own} is in use by listener a"),
                ({"port": health},
                 f"127.0.0.1:{health} is in use by listener a")):
            self.assertEqual(self.refuse(d, "port_in_use", "listener.add",
                                         **wanted, **options), message)
        self.assertEqual(
            self.refuse(d, "invalid", "listener.add", **wanted, port=health,
                        health_port=health),
            f"health_port: {health} is the port of the listener itself")
        self.assertIsNone(d.listener("b"))
        self.assertTrue(self.taken(health))

    def test_a_daemon_that_can_not_have_it(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            d = self.daemon(mercury.listener("a", health_port=port,
                                             bind_attempts=1))
            result = d.run("-f")
        self.assertEqual(result.code, 69, result)
        self.assertRegex(
            result.err, f"listener a: health_port: 127.0.0.1:{port} is in "
            rf"use by \S+ \(pid {os.getpid()}\)")

    def test_an_update_changes_it_under_open_connections(self):
        before, after = free_port(), free_port()
        d = self.started(mercury.listener("a", health_port=before)
                         + mercury.listener("b", health_port=after))
        with connect(d.port("a")) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            self.assertIn("in use by listener b", self.refuse(
                d, "port_in_use", "listener.update", name="a",
                health_port=after))
            self.assertTrue(self.taken(before))
            d.call("listener.update", name="b", health_port=0)
            self.assertFalse(self.taken(after))
            d.call("listener.update", name="a", health_port=after)
            self.assertTrue(self.taken(after))
            self.assertFalse(self.taken(before))
            self.assertEqual(ask(s, b"y"), b"y")
        self.assertEqual(d.listener("a")["generation"], 1)

    def test_a_reload_changes_it(self):
        """Also where two listeners change theirs, and one is renamed."""
        one, two, three = free_port(), free_port(), free_port()
        d = self.started(mercury.listener("a", health_port=one)
                         + mercury.listener("b", health_port=two))
        with connect(d.port("a")) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            d.write(mercury.listener("a", health_port=two)
                    + mercury.listener("b", health_port=one))
            self.assertIn("2 updated", d.call("daemon.reload")["message"])
            self.assertTrue(self.taken(one) and self.taken(two))
            self.assertEqual(ask(s, b"y"), b"y")
        d.write(mercury.listener("a", health_port=two, port=free_port())
                + mercury.listener("c", health_port=one))
        d.call("daemon.reload")
        self.assertTrue(self.taken(one) and self.taken(two))
        with socket.create_server(("127.0.0.1", three)):
            d.write(mercury.listener("a", health_port=three)
                    + mercury.listener("c", health_port=two))
            self.assertIn("health_port", self.refuse(
                d, "port_in_use", "daemon.reload"))
        self.assertTrue(self.taken(one) and self.taken(two))
        d.write(mercury.listener("c", port=d.port("c")))
        d.call("daemon.reload")
        wait_until(lambda: d.listener("a") is None, "it is gone")
        self.assertFalse(self.taken(one) or self.taken(two))

    def test_the_config_is_checked(self):
        port = free_port()
        d = self.daemon(mercury.listener("a", port=port)
                        + mercury.listener("b", health_port=port))
        result = d.run("-t")
        self.assertEqual(result.code, 78)
        self.assertIn(f'health_port: {port} is taken by listener "a"',
                      result.err)
        d.write(mercury.listener("a", health_port=port))
        result = d.run("-t")
        self.assertEqual(result.code, 0)
        self.assertIn("nobody answers there without a gateway", result.err)


if __name__ == "__main__":
    mercury.main()
