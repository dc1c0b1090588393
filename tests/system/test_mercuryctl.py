"""mercuryctl alone, with this test in the place of the daemon: what it sends,
what it prints, and how long it waits."""

import json
import os
import socket
import subprocess
import threading
import time

import mercury
from mercury import wait_until

STATUS = {"version": "0.1.0", "pid": 42, "state": "running", "ready": True,
          "uptime_ms": 5000, "listeners": []}


def terminal_environment(**more):
    """The environment of a person in front of a terminal."""
    env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    return {**env, "TERM": "xterm", "LC_ALL": "C.UTF-8", **more}


class FakeDaemon:
    """Answers each request with what answer(method, params) returns: bytes
    as they are, None for no answer, else a result."""

    def __init__(self, folder, answer):
        self.path = os.path.join(folder, "control.sock")
        self.answer = answer
        self.requests = []
        self.peer = None
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            try:
                peer = self.listener.accept()[0]
            except OSError:
                return
            self.peer = peer
            with peer, peer.makefile("rb") as lines:
                try:
                    self._talk(peer, lines)
                except OSError:
                    pass

    def _talk(self, peer, lines):
        for line in lines:
            request = json.loads(line)
            self.requests.append(request)
            reply = self.answer(request["method"], request.get("params"))
            if reply is None:
                continue
            if not isinstance(reply, bytes):
                reply = json.dumps({"jsonrpc": "2.0", "id": request["id"],
                                    "result": reply}).encode() + b"\n"
            peer.sendall(reply)
            if reply.endswith(b"bye\n"):
                return

    def close(self):
        """End; who is connected sees that, too."""
        for s in (self.listener, self.peer):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except (AttributeError, OSError):
                pass  # there is none, or it is closed
        self.listener.close()
        self.thread.join(mercury.DEADLINE)


def error(message, reason="invalid"):
    return json.dumps({"jsonrpc": "2.0", "id": 1, "error": {
        "code": -32000, "message": message,
        "data": {"reason": reason}}}).encode() + b"\n"


class WithFakeDaemon(mercury.TestCase):
    def fake(self, answer):
        self.d = FakeDaemon(self.scratch(), answer)
        self.addCleanup(self.d.close)
        return self.d

    def argv(self, *args):
        return [mercury.binary("mercuryctl"), "-s", self.d.path, *args]

    def ctl(self, *args, data=b""):
        return mercury.run(self.argv(*args), data=data)


class Mercuryctl(WithFakeDaemon):
    def params(self, *args, data=b""):
        """The params that a command line becomes."""
        before = len(self.d.requests)
        result = self.ctl(*args, data=data)
        self.assertEqual(result.code, 0, result)
        self.assertEqual(len(self.d.requests), before + 1)
        return self.d.requests[-1].get("params")

    def test_command_lines_become_params(self):
        self.fake(lambda method, params: {})
        for args, want in (
                (["tree"], None),
                (["status", "x"], {"name": "x"}),
                (["reload"], None),
                (["add-listener", "x", "port=1", "a.b=c,d"],
                 {"name": "x", "port": "1", "a": {"b": "c,d"}}),
                (["add-listener", "x", "--save", "port=1"],
                 {"name": "x", "port": "1", "save": True}),
                (["remove-listener", "--save", "x", "--deadline=5s"],
                 {"name": "x", "deadline": "5s", "save": True}),
                (["remove-listener", "--", "--save"], {"name": "--save"}),
                (["pause", "x"], {"name": "x"}),
                (["pause", "--queue", "x"], {"name": "x", "queue": True}),
                (["resume", "x"], {"name": "x"}),
                (["restart-listener", "x"], {"name": "x"}),
                (["restart-listener", "x", "--deadline", "5s"],
                 {"name": "x", "deadline": "5s"}),
                (["restart-listener", "--all"], {"all": True}),
                (["restart-listener", "--all", "--deadline=5s"],
                 {"all": True, "deadline": "5s"}),
                (["history"], {}), (["history", "x"], {"name": "x"}),
                (["failure-rate"], {}),
                (["failure-rate", "x", "--window", "5m"],
                 {"name": "x", "window": "5m"}),
                (["stats"], {}),
                (["reload", "--dry-run"], {"dry_run": True}),
                (["update-listener", "x", "backlog=5"],
                 {"name": "x", "backlog": "5"})):
            with self.subTest(args=args):
                self.assertEqual(self.params(*args), want)
        spec = {"name": "f", "port": 5, "nodelay": True}
        self.assertEqual(
            self.params("add-listener", "--file", "-", "--save",
                        data=json.dumps(spec).encode()),
            {**spec, "save": True})

    def test_usage_errors_send_nothing(self):
        self.fake(lambda method, params: {})
        for args in (["tree", "x"], ["tree", "--save"], ["reload", "--watch"],
                     ["add-listener", "--file", "x", "y"],
                     ["add-listener", "x", "name=y"],
                     ["update-listener", "x"], ["remove-listener", "a", "b"],
                     ["add-listener", "x", "a=1", "a=2"],
                     ["pause"], ["pause", "x", "y"], ["pause", "x", "y=1"],
                     ["pause", "x", "--all"], ["resume"],
                     ["resume", "x", "--queue"], ["restart-listener"],
                     ["restart-listener", "x", "--all"],
                     ["restart-listener", "x", "y"],
                     ["restart-listener", "--all", "--deadline", "5"],
                     ["history", "x", "y"], ["history", "--window", "5s"],
                     ["failure-rate", "--window", "5"],
                     ["failure-rate", "--window", "0s"],
                     ["failure-rate", "\udcff"], ["stats", "x"],
                     ["reload", "x"], ["tree", "--dry-run"],
                     ["shutdown", "--deadline", "5"]):
            with self.subTest(args=args):
                result = self.ctl(*args)
                self.assertEqual(result.code, 2, result)
                self.assertTrue(result.err.startswith("mercuryctl: "))
        self.assertEqual(self.d.requests, [])

    def test_a_refusal(self):
        self.fake(lambda method, params: error("one\ntwo\x1b[31m"))
        result = self.ctl("reload")
        self.assertEqual(result.code, 1, result)
        self.assertEqual(result.out, "")
        self.assertEqual(result.err,
                         "mercuryctl: one\nmercuryctl: two\\x1b[31m\n")

    def test_nobody_lets_us_in(self):
        """The daemon says so and hangs up before it has read anything."""
        self.fake(None)
        refusal = error("you may not", "permission")

        def refuse(peer, lines):
            peer.sendall(refusal)

        self.d._talk = refuse
        for _ in range(20):
            result = self.ctl("status")
            self.assertEqual(result.code, 1, result)
            self.assertIn("you may not", result.err)

    def test_json_is_printed_as_it_came(self):
        result = {"z": 1, "a": [None, True, "\u00e4\u001b", 2 ** 60]}
        self.fake(lambda method, params: result)
        for args in (["status"], ["tree"], ["add-listener", "x", "a=1"],
                     ["pause", "x"], ["resume", "x"], ["history"],
                     ["restart-listener", "x"], ["restart-listener", "--all"],
                     ["failure-rate"], ["stats"], ["reload", "--dry-run"]):
            out = self.ctl("--json", *args).out
            self.assertEqual(json.loads(out), result)
            self.assertEqual(list(json.loads(out)), ["z", "a"])
            self.assertEqual(out.count("\n"), 1)

    def test_timeouts(self):
        self.fake(lambda method, params: None)
        for args in (["status"], ["shutdown"], ["remove-listener", "x"]):
            start = time.monotonic()
            result = self.ctl("--timeout", "300ms", *args)
            self.assertEqual(result.code, 4, result)
            self.assertIn(self.d.path, result.err)
            self.assertGreater(time.monotonic() - start, 0.29)

    def test_the_daemon_ends_meanwhile(self):
        self.fake(lambda method, params: b"{bye\n")
        self.assertEqual(self.ctl("reload").code, 1)
        self.d._talk = lambda peer, lines: next(lines)
        result = self.ctl("status")
        self.assertEqual(result.code, 1, result)

    def test_shutdown_waits_for_the_process(self):
        """The connection's end is not enough: the process has to go."""
        with subprocess.Popen(["sleep", "1000"]) as process:
            answer = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {
                "state": "stopping", "pid": process.pid}}).encode()
            self.fake(None)

            def stop(peer, lines):
                next(lines)
                peer.sendall(answer + b"\n")

            self.d._talk = stop
            result = self.ctl("shutdown", "--timeout", "300ms")
            self.assertEqual(result.code, 4, result)
            ctl = subprocess.Popen(self.argv("shutdown"),
                                   stdout=subprocess.PIPE)
            wait_until(lambda: mercury.stat_fields(ctl.pid)[0] == "S",
                       "it waits")
            process.kill()
            process.wait()
            out = ctl.communicate(timeout=mercury.DEADLINE)[0]
            self.assertEqual(ctl.returncode, 0)
            self.assertIn(str(process.pid).encode(), out)

    def test_a_very_long_answer(self):
        name = "x" * 1000
        self.fake(lambda method, params: {
            **STATUS, "listeners": [{"name": name}] * 5000})
        result = self.ctl("status")
        self.assertEqual(result.code, 0)
        self.assertEqual(result.out.count(name), 5000)



class NoAnswer(WithFakeDaemon):
    """The request was sent, and what came of it is not known."""

    def test_a_change_goes_on_when_the_time_is_up(self):
        self.fake(lambda method, params: None)
        for args, told in ((["remove-listener", "x"], True),
                           (["add-listener", "x", "port=1"], True),
                           (["pause", "x"], True), (["resume", "x"], True),
                           (["restart-listener", "--all"], True),
                           (["shutdown"], True), (["status"], False),
                           (["reload", "--dry-run"], False)):
            result = self.ctl("--timeout", "200ms", *args)
            self.assertEqual(result.code, 4, result)
            self.assertEqual("goes on" in result.err, told, result)

    def test_the_connection_is_lost(self):
        self.fake(None)
        self.d._talk = lambda peer, lines: next(lines, None)
        for args, told in ((["reload"], True), (["shutdown"], True),
                           (["remove-listener", "x"], True),
                           (["status"], False), (["tree"], False)):
            result = self.ctl(*args)
            self.assertEqual(result.code, 1, result)
            self.assertIn("lost the connection before the answer came",
                          result.err)
            self.assertEqual("may or may not have done it" in result.err,
                             told, result)

    def test_and_nobody_is_there_any_more(self):
        self.fake(None)

        def leave(peer, lines):
            next(lines, None)
            os.unlink(self.d.path)

        self.d._talk = leave
        result = self.ctl("reload")
        self.assertEqual(result.code, 3, result)
        self.assertIn("may or may not have done it", result.err)

    def test_standard_input_has_one_name(self):
        self.fake(lambda method, params: {})
        for data in (b"[]", b"{", b"{}", b'{"name": 5}'):
            result = self.ctl("add-listener", "--file", "-", data=data)
            self.assertEqual(result.code, 2, result)
            self.assertIn("mercuryctl: standard input:", result.err)


if __name__ == "__main__":
    mercury.main()
