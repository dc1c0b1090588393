"""mercuryctl events and cleanup alone, with this test in the place of the
daemon: pages, what is shown of them, and how following ends."""

import json
import os
import pty
import queue
import signal
import subprocess

import mercury
from mercury import wait_until
from test_mercuryctl import (FakeDaemon, WithFakeDaemon, error,
                             terminal_environment)


def event(number, **more):
    return {"id": number, "at": "2026-01-01T00:00:00.000Z", "at_ms": 5,
            "type": "worker.crashed", "severity": "error", "listener": "pos",
            "peer": None, "reason": "was killed", "detail": {"pid": number},
            **more}


def page(events, following=None, last_id=99):
    return {"events": events, "next": following, "last_id": last_id}


def news(e):
    return json.dumps({"jsonrpc": "2.0", "method": "event",
                       "params": e}).encode() + b"\n"


class History(WithFakeDaemon):
    def test_params(self):
        self.fake(lambda method, params: page([]))
        for words, params in (
                ([], {}),
                (["--since", "1h", "--listener", "pos", "--type", "worker,a",
                  "--severity", "error", "--limit", "5"],
                 {"since": "1h", "listener": "pos", "type": "worker,a",
                  "severity": "error", "limit": 5})):
            result = self.ctl("events", *words)
            self.assertEqual(result.code, 0, result)
            self.assertEqual(result.out, "no events\n")
            self.assertEqual(self.d.requests[-1]["method"], "events.query")
            self.assertEqual(self.d.requests[-1].get("params"), params)

    def test_pages(self):
        def answer(method, params):
            after = int(params.get("after", "0"))
            return page([event(after * 2 + 1), event(after * 2 + 2)],
                        str(after + 1) if after < 4 else None)
        self.fake(answer)
        result = self.ctl("events", "--listener", "pos")
        self.assertEqual(result.code, 0, result)
        self.assertEqual(result.out.splitlines(), [
            "2026-01-01T00:00:00.000Z  error    worker.crashed        pos  -"
            f"  was killed  pid={n}" for n in range(1, 11)])
        self.assertEqual(
            [r["params"] for r in self.d.requests],
            [{"listener": "pos"}] + [{"listener": "pos", "after": str(n)}
                                     for n in range(1, 5)])
        result = self.ctl("--json", "events")
        self.assertEqual([json.loads(l)["id"]
                          for l in result.out.splitlines()],
                         list(range(1, 11)))
        self.assertEqual(list(json.loads(result.out.splitlines()[0])),
                         list(event(1)))

    def test_nothing_as_json(self):
        self.fake(lambda method, params: page([]))
        result = self.ctl("events", "--json")
        self.assertEqual((result.code, result.out), (0, ""))

    def test_a_terminal_is_not_told_to_obey(self):
        self.fake(lambda method, params: page([event(
            1, reason="\x1b[2J", listener="a\nb", detail={"\x07": "\x9b"})]))
        result = self.ctl("events")
        self.assertNotIn("\x1b", result.out)
        self.assertNotIn("\x07", result.out)
        self.assertEqual(result.out.count("\n"), 1)

    def test_colour(self):
        self.fake(lambda method, params: page([event(1)]))
        master, slave = pty.openpty()
        env = terminal_environment()
        subprocess.run(self.argv("events"), stdout=slave, env=env, check=True)
        os.close(slave)
        self.assertIn(b"\x1b[31merror\x1b[0m", os.read(master, 65536))
        os.close(master)

    def test_the_first_page_is_seen_before_the_second_is_there(self):
        self.fake(lambda method, params: None if params.get("after") else
                  page([event(1)], "more"))
        for words in ([], ["--json"]):
            with subprocess.Popen(self.argv("events", *words),
                                  stdout=subprocess.PIPE) as ctl:
                self.assertIn(b"worker.crashed", ctl.stdout.readline())
                self.assertIsNone(ctl.poll())
                ctl.kill()

    def test_who_has_seen_enough_ends_it_quietly(self):
        self.fake(lambda method, params: page(
            [event(n) for n in range(1000)], "more"))
        for restore in (True, False):  # with SIGPIPE, or EPIPE
            with subprocess.Popen(self.argv("events"), stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE,
                                  restore_signals=restore) as ctl:
                ctl.stdout.readline()
                ctl.stdout.close()
                self.assertEqual(ctl.stderr.read(), b"")
            self.assertIn(ctl.returncode, (0, -signal.SIGPIPE))

    def test_who_has_seen_enough_before_it_follows(self):
        self.fake(lambda method, params: page(
            [event(n) for n in range(1000)], "more"))
        with subprocess.Popen(
                self.argv("events", "--follow", "--since", "1h"),
                stdout=subprocess.PIPE, stderr=subprocess.PIPE) as ctl:
            ctl.stdout.readline()
            ctl.stdout.close()
            self.assertEqual(ctl.stderr.read(), b"")
        self.assertEqual(ctl.returncode, 0)

    def test_a_full_disk_is_told(self):
        self.fake(lambda method, params: page([event(1)]))
        for words in ([], ["--follow", "--limit", "1"]):
            with open("/dev/full", "wb") as full:
                result = subprocess.run(
                    self.argv("events", *words), stdout=full, check=False,
                    stderr=subprocess.PIPE, timeout=mercury.DEADLINE)
            self.assertEqual(result.returncode, 1)
            self.assertIn(b"standard output", result.stderr)

    def test_refusals(self):
        self.fake(lambda method, params: error("type: there is no x"))
        result = self.ctl("events", "--type", "x")
        self.assertEqual(result.code, 1, result)
        self.assertIn("there is no x", result.err)
        self.assertEqual(self.ctl("events", "--limit", "0").code, 2)
        self.assertEqual(self.ctl("events", "extra").code, 2)
        self.assertEqual(len(self.d.requests), 1)


class Streaming(FakeDaemon):
    """Sends a follower what is put into its queue; None hangs up."""

    def __init__(self, folder, history=()):
        self.lines = queue.Queue()
        self.history = list(history)
        super().__init__(folder, None)

    def _talk(self, peer, lines):
        for line in lines:
            request = json.loads(line)
            self.requests.append(request)
            query = request["method"] == "events.query"
            result = page(self.history) if query else {
                "following": True,
                "last_id": request["params"].get("after_id", 10)}
            peer.sendall(json.dumps({"jsonrpc": "2.0", "id": request["id"],
                                     "result": result}).encode() + b"\n")
            if not query:
                break
        else:
            return
        while (data := self.lines.get()) is not None:
            peer.sendall(data)


class Follow(WithFakeDaemon):
    def stream(self, history=()):
        self.d = Streaming(self.scratch(), history)
        self.addCleanup(self.d.close)
        self.addCleanup(self.d.lines.put, None)

    def follow(self, *args, **kwargs):
        ctl = subprocess.Popen(
            self.argv("events", "--follow", "--json", *args),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs)
        self.addCleanup(self._end, ctl)
        return ctl

    @staticmethod
    def _end(ctl):
        ctl.kill()
        ctl.communicate()

    def ids(self, ctl, count):
        return [json.loads(ctl.stdout.readline())["id"]
                for _ in range(count)]

    def asked(self):
        return [(r["method"], r["params"]) for r in self.d.requests]

    def test_only_what_comes(self):
        self.stream()
        ctl = self.follow("--type", "worker", "--timeout", "100ms")
        for n in (11, 12):
            self.d.lines.put(news(event(n)))
            self.assertEqual(self.ids(ctl, 1), [n])
        self.assertEqual(self.asked(), [("events.follow",
                                         {"type": "worker"})])
        line = news(event(13))
        self.d.lines.put(line[:20])
        self.d.lines.put(line[20:] + news(event(14)) + news(event(15)))
        self.assertEqual(self.ids(ctl, 3), [13, 14, 15])

    def test_history_first(self):
        self.stream([event(7), event(8)])
        ctl = self.follow("--since", "1h", "--listener", "pos")
        self.d.lines.put(news(event(100)))
        self.assertEqual(self.ids(ctl, 3), [7, 8, 100])
        self.assertEqual(self.asked(), [
            ("events.query", {"since": "1h", "listener": "pos"}),
            ("events.follow", {"listener": "pos", "after_id": 99})])

    def test_text(self):
        self.stream()
        with subprocess.Popen(self.argv("events", "--follow"),
                              stdout=subprocess.PIPE) as ctl:
            self.d.lines.put(news(event(11)))
            self.assertIn(b"pid=11", ctl.stdout.readline())
            ctl.send_signal(signal.SIGINT)
            self.assertEqual(ctl.stdout.read(), b"")
        self.assertEqual(ctl.returncode, 0)

    def test_it_ends_by_a_signal(self):
        self.stream()
        for number in (signal.SIGINT, signal.SIGTERM):
            before = len(self.d.requests)
            ctl = self.follow()
            wait_until(lambda: len(self.d.requests) > before, "it follows")
            self.d.lines.put(news(event(11)))
            self.assertEqual(self.ids(ctl, 1), [11])
            ctl.send_signal(number)
            self.assertEqual(ctl.wait(mercury.DEADLINE), 0)
            self.d.lines.put(None)

    def test_who_has_seen_enough_ends_it_at_once(self):
        self.stream()
        ctl = self.follow()
        self.d.lines.put(news(event(11)))
        self.assertEqual(self.ids(ctl, 1), [11])
        ctl.stdout.close()
        self.assertEqual(ctl.wait(mercury.DEADLINE), 0)
        self.assertEqual(ctl.stderr.read(), b"")

    def test_a_lost_connection_is_made_anew(self):
        self.stream()
        ctl = self.follow("--severity", "error")
        self.d.lines.put(news(event(11)))
        self.d.lines.put(None)
        self.d.lines.put(news(event(12)))
        self.assertEqual(self.ids(ctl, 2), [11, 12])
        self.assertEqual(self.asked()[1], (
            "events.follow", {"severity": "error", "after_id": 11}))
        # Told why: that we were too slow.
        self.d.lines.put(error("answers were not read for 10 s", "timeout"))
        self.d.lines.put(None)
        self.d.lines.put(news(event(13)))
        self.assertEqual(self.ids(ctl, 1), [13])

    def test_the_daemon_goes(self):
        self.stream()
        ctl = self.follow()
        self.d.lines.put(news(event(11)))
        self.assertEqual(self.ids(ctl, 1), [11])
        os.unlink(self.d.path)
        self.d.lines.put(None)
        self.assertEqual(ctl.wait(mercury.DEADLINE), 3)
        err = ctl.stderr.read().decode()
        self.assertIn(self.d.path, err)
        self.assertIn("mercuryd has ended", err)

    def test_it_can_not_begin(self):
        self.fake(lambda method, params: error("the store is not running"))
        result = self.ctl("events", "--follow")
        self.assertEqual(result.code, 1, result)
        self.assertIn("the store is not running", result.err)
        self.assertEqual(len(self.d.requests), 1)


class Cleanup(WithFakeDaemon):
    DONE = {"rows": 1234, "bytes": 5 << 20, "duration_ms": 812,
            "dry_run": False}

    def test_params_and_text(self):
        self.fake(lambda method, params: {
            **self.DONE, "dry_run": "dry_run" in params})
        for words, params, out in (
                ([], {}, "deleted 1,234 rows, gave back 5.0 MiB in 0.8 s\n"),
                (["--older-than", "7d", "--dry-run"],
                 {"older_than": "7d", "dry_run": True},
                 "would delete 1,234 rows\n")):
            result = self.ctl("cleanup", *words)
            self.assertEqual((result.code, result.out), (0, out))
            self.assertEqual(self.d.requests[-1]["params"], params)
        self.assertEqual(self.ctl("--json", "cleanup").json(), self.DONE)
        self.assertEqual(self.ctl("cleanup", "--older-than", "x").code, 2)

    def test_timeout(self):
        self.fake(lambda method, params: None)
        result = self.ctl("cleanup", "--timeout", "200ms")
        self.assertEqual(result.code, 4, result)
        self.assertIn("it goes on", result.err)


if __name__ == "__main__":
    mercury.main()
