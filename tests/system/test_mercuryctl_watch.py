"""mercuryctl status --watch alone, with this test in the place of the daemon
and of the person: what stands on the screen, and how the terminal is left."""

import json
import os
import signal
import subprocess
import termios
import time

import mercury
from mercury import wait_until
from terminal import Terminal
from test_mercuryctl import FakeDaemon, WithFakeDaemon, terminal_environment

LEAVE = b"\x1b[?7h\x1b[?25h\x1b[?1049l"
EVERY = ["--watch", "0.1"]


def listener(name, state="listening", **more):
    return {"name": name, "state": state, "pool": name, "address": "::1",
            "port": 9100, "path": None, "transport": "tcp",
            "protocol": "echo", "connections": 3, "max_connections": 0,
            "accepted": 0, "rejected": 0, "denied": 0, "bytes_in": 0,
            "bytes_out": 0, "restarts": 0, "last_error": None,
            "workers": [{"slot": 0, "pid": 7, "state": "running"}], **more}


def status(*listeners, **more):
    return {"version": "0.1.0", "pid": 42, "state": "running", "ready": True,
            "uptime_ms": 5000, "listeners": list(listeners), **more}


def many(count):
    """Some of them failed, with long names and reasons."""
    return status(*(listener(
        f"terminals-of-a-far-away-region-{n:03}",
        **({"state": "failed", "last_error": "a reason " * 20}
           if n % 50 == 7 else {})) for n in range(count)))


class Watching(WithFakeDaemon):
    def watch(self, *args, env=None, **kwargs):
        return Terminal(self, self.argv("status", *(args or EVERY)),
                        env=env or terminal_environment(), **kwargs)


class Frames(Watching):
    def test_rates(self):
        """Exactly what the counters say, from the second answer on."""
        self.start = None

        def answer(method, params):
            if self.start is None:
                self.start = time.monotonic()
            s = time.monotonic() - self.start
            return status(listener("pos", accepted=int(1000 * s),
                                   bytes_in=int(1024 * 100 * s)))

        self.fake(answer)
        t = self.watch("--watch", "1", width=120)
        t.until_shown("[::1]:9100")
        row = [l for l in t.screen.lines() if l.startswith("pos ")][0]
        self.assertEqual(row.split()[2:7], ["3", "-", "-", "-", "-"])

        def rates(screen):
            words = [l for l in screen.lines()
                     if l.startswith("pos ")][0].split()
            # A machine with much to do may be late for a frame, not for all.
            return (len(words) == 12 and 900 < float(words[3]) < 1100
                    and 90 < float(words[4]) < 110
                    and words[5:9] == ["KiB", "0", "B", "0"])

        t.until(rates, "rates")
        t.type(b"q")
        self.assertEqual(t.wait(), 0)

    def test_what_is_wrong_comes_first(self):
        self.fake(lambda method, params: status(
            listener("a"), listener("b", "paused"),
            listener("c", "failed", last_error="gave up\x1b[2J"),
            ready=False, not_ready="c has failed, and 1 more"))
        t = self.watch()
        t.until(lambda s: s.lines()[8].startswith("a "), "all rows")
        self.assertIn("gave up\\x1b[2J", t.screen.text())
        lines = t.screen.lines()
        self.assertEqual(lines[1], "ready: no (c has failed, and 1 more)")
        self.assertEqual(lines[2],
                         "3 listeners: 1 failed, 1 paused, 1 listening")
        self.assertEqual([l.split()[0] for l in lines[5:9]],
                         ["c", "gave", "b", "a"])

    def test_it_fits_whatever_the_size_is(self):
        """300 listeners; the size changes while it runs."""
        self.fake(lambda method, params: many(300))
        t = self.watch()
        for width, height in ((80, 24), (40, 20), (200, 50), (20, 8),
                              (132, 43)):
            t.resize(width, height)
            t.until(lambda s: " more: " in s.lines()[s.height - 1],
                    f"{width}x{height} is full")
            lines = t.screen.lines()
            self.assertRegex(lines[0], r"^\d\d:\d\d:\d\dZ  ")
            self.assertIn(" failed", t.screen.text())
            rows = sum(l.startswith("term") for l in lines)
            more = int(lines[-1].split()[0])
            self.assertEqual(rows + more, 300, t.screen.text())
            self.assertEqual(t.screen.too_wide, 0)
        t.type(b"q")
        self.assertEqual(t.wait(), 0)
        self.assertTrue(t.is_restored())

    def test_one_listener(self):
        self.fake(lambda method, params: listener(params["name"]))
        t = self.watch("pos", *EVERY)
        t.until_shown("listener pos")
        t.until_shown(" more lines")
        self.assertIn("SLOT", t.screen.text())
        self.assertEqual(self.d.requests[0]["params"], {"name": "pos"})
        self.assertEqual(self.d.requests[0]["method"], "listener.status")

    def test_colour(self):
        self.fake(lambda method, params: status(
            listener("a"), listener("b", "failed")))
        for more, colour in (({}, True), ({"NO_COLOR": "1"}, False),
                             ({"NO_COLOR": ""}, True)):
            t = self.watch(env=terminal_environment(**more))
            t.until_shown("b ")
            t.type(b"q")
            self.assertEqual(t.wait(), 0)
            for sgr in (b"\x1b[31m", b"\x1b[32m", b"\x1b[1m"):
                self.assertEqual(sgr in t.seen, colour, (more, sgr))

    def test_a_terminal_that_can_do_nothing(self):
        self.fake(lambda method, params: status(listener("a")))
        for env in (terminal_environment(TERM="dumb"),
                    terminal_environment(TERM="")):
            t = self.watch(env=env)
            t.until(lambda s: t.seen.count(b"mercuryd 0.1.0 is running") > 1,
                    "two blocks")
            self.assertNotIn(b"\x1b", t.seen)
            t.type(b"\x03")
            self.assertEqual(t.wait(), 0)


class Ends(Watching):
    """However it ends, the terminal is as it was before."""

    def assert_restored(self, t):
        self.assertTrue(t.is_restored(), t.seen[-200:])
        self.assertTrue(t.seen.endswith(LEAVE), t.seen[-200:])

    def shown(self, **kwargs):
        t = self.watch(**kwargs)
        t.until_shown("pos ")
        self.assertTrue(t.screen.other)
        self.assertFalse(t.screen.cursor)
        self.assertFalse(termios.tcgetattr(t.slave)[3] & termios.ECHO)
        return t

    def test_keys(self):
        self.fake(lambda method, params: status(listener("pos")))
        for keys in (b"q", b"Q", b"xyzq", b"\x03"):
            t = self.shown()
            t.type(keys)
            self.assertEqual(t.wait(), 0, keys)
            self.assert_restored(t)

    def test_signals(self):
        self.fake(lambda method, params: status(listener("pos")))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP,
                       signal.SIGQUIT):
            t = self.shown()
            t.process.send_signal(number)
            self.assertEqual(t.wait(), 0, number)
            self.assert_restored(t)

    def test_while_the_daemon_hangs(self):
        answers = [status(listener("pos"))]
        self.fake(lambda method, params: answers.pop() if answers else None)
        t = self.shown()
        wait_until(lambda: len(self.d.requests) > 1, "it asks again")
        start = time.monotonic()
        t.type(b"q")
        self.assertEqual(t.wait(), 0)
        self.assert_restored(t)
        self.assertLess(time.monotonic() - start, mercury.DEADLINE / 2)

    def test_the_terminal_goes(self):
        self.fake(lambda method, params: status(listener("pos")))
        t = self.shown()
        process = t.process
        t.close()
        wait_until(lambda: process.poll() is not None, "it ends")

    def test_nobody_reads_the_terminal(self):
        """It is full, and a write would not come back."""
        self.fake(lambda method, params: many(300))
        t = self.watch(width=200, height=100)
        t.until_shown("mercuryd")

        def stuck():
            count = len(self.d.requests)
            try:
                wait_until(lambda: len(self.d.requests) > count, "more", 0.5)
                return False
            except AssertionError:
                return True

        wait_until(stuck, "it can't go on")
        t.process.terminate()
        wait_until(lambda: t.process.poll() is not None, "it ends")
        self.assertEqual(t.process.returncode, 0)
        self.assertEqual(termios.tcgetattr(t.slave), t.before)

    def test_stop_and_go_on(self):
        """Ctrl-Z under a shell with job control."""
        self.fake(lambda method, params: status(listener("pos")))
        script = ('set -m; "$@"; echo "stopped $?"; stty -a; read -r line; '
                  'fg >/dev/null; echo "ended $?"')
        t = Terminal(self, ["bash", "-c", script, "bash",
                            *self.argv("status", *EVERY)],
                     env=terminal_environment())
        t.until_shown("pos ")
        t.type(b"\x1a")
        t.until_shown("stopped 148")
        t.until_seen(b" echo ")
        t.until_seen(b" icanon ")
        self.assertFalse(t.screen.other)
        self.assertTrue(t.screen.cursor)
        t.type(b"\n")
        t.until(lambda s: s.other and "pos " in s.text(), "it is back")
        self.assertFalse(t.screen.cursor)
        t.type(b"q")
        t.until_shown("ended 0")
        self.assertEqual(t.wait(), 0)
        self.assertTrue(t.is_restored())

    def test_stopped_by_force(self):
        """Who knows what was on the terminal meanwhile: all anew."""
        self.fake(lambda method, params: status(listener("pos")))
        t = self.shown()
        t.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: mercury.stat_fields(t.process.pid)[0] == "T",
                   "it is stopped")
        while t.read(0):
            pass
        t.screen.clear()
        t.seen = b""
        t.process.send_signal(signal.SIGCONT)
        t.until_shown("pos ")
        self.assertIn(b"\x1b[?1049h", t.seen)
        t.type(b"q")
        self.assertEqual(t.wait(), 0)
        self.assert_restored(t)

    def test_an_error_at_the_start_leaves_the_screen_alone(self):
        self.fake(lambda method, params: status())
        t = Terminal(self, [mercury.binary("mercuryctl"), "-s",
                            self.d.path + "x", "status", "--watch"],
                     env=terminal_environment())
        self.assertEqual(t.wait(), 3)
        self.assertNotIn(b"\x1b", t.seen)
        self.assertTrue(t.is_restored())


class Honest(Watching):
    """What is shown when there is no answer."""

    def go(self):
        os.unlink(self.d.path)
        self.d.close()

    def come(self, answer):
        self.d = FakeDaemon(os.path.dirname(self.d.path), answer)
        self.addCleanup(self.d.close)

    def test_the_daemon_goes_and_comes_back(self):
        self.fake(lambda method, params: status(listener("pos")))
        t = self.watch()
        t.until_shown("pos ")
        self.go()
        t.until_shown("NO ANSWER FOR ")
        self.assertIn(self.d.path, t.screen.text())
        self.assertIn("pos ", t.screen.text())
        t.until_shown("NO ANSWER FOR 2s")
        self.come(lambda method, params: status(listener("new")))
        t.until_shown("new ")
        self.assertNotIn("NO ANSWER", t.screen.text())
        t.type(b"q")
        self.assertEqual(t.wait(), 0)
        self.assertTrue(t.is_restored())

    def test_it_hangs(self):
        self.hangs = False
        self.fake(lambda method, params: None if self.hangs else
                  status(listener("pos")))
        t = self.watch()
        t.until_shown("pos ")
        self.hangs = True
        t.until_shown("does not answer")
        self.assertIn("pos ", t.screen.text())
        self.hangs = False  # it is asked anew after a while
        t.until(lambda s: "pos " in s.text() and "NO ANSWER" not in s.text(),
                "it is back", mercury.DEADLINE + 15)

    def test_the_listener_goes(self):
        gone = []

        def answer(method, params):
            if not gone:
                return listener("pos")
            return json.dumps({"jsonrpc": "2.0", "id": gone[0], "error": {
                "code": -32000, "message": "there is no listener pos",
                "data": {"reason": "not_found"}}}).encode() + b"\n"

        self.fake(answer)
        t = self.watch("pos", *EVERY)
        t.until_shown("listener pos")
        gone.append(1)
        t.until_shown("there is no listener pos")
        self.assertIn("SLOT", t.screen.text())

    def test_json_tells_it_once(self):
        self.fake(lambda method, params: status())
        with subprocess.Popen(self.argv("--json", "status", *EVERY),
                              stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as ctl:
            self.assertEqual(json.loads(ctl.stdout.readline()), status())
            self.go()
            said = ctl.stderr.readline().decode()
            self.assertRegex(said, "^mercuryctl: .*; trying again\n$")
            self.come(lambda method, params: status(pid=43))
            while json.loads(ctl.stdout.readline())["pid"] != 43:
                pass
            ctl.send_signal(signal.SIGINT)
            self.assertEqual(ctl.stderr.read(), b"")
        self.assertEqual(ctl.returncode, 0)


class InTurn(Watching):
    """Where there is no terminal: one after the other."""

    def test_into_a_pipe(self):
        self.fake(lambda method, params: many(300))
        with subprocess.Popen(self.argv("status", *EVERY),
                              stdout=subprocess.PIPE) as ctl:
            seen = b""
            while seen.count(b"mercuryd 0.1.0 is running") < 3:
                seen += ctl.stdout.readline()
            ctl.send_signal(signal.SIGINT)
            ctl.stdout.read()
        self.assertEqual(ctl.returncode, 0)
        self.assertNotIn(b"\x1b", seen)
        block = seen.decode().split("\n\n")[0]
        self.assertEqual(block.count("terminals-of-a-far-away-region-"), 300)

    def test_one_object_a_line(self):
        self.fake(lambda method, params: status(listener("pos")))
        for words in (["--json"], ["--json", "-o", "wide"]):
            with subprocess.Popen(self.argv(*words, "status", *EVERY),
                                  stdout=subprocess.PIPE) as ctl:
                for _ in range(3):
                    self.assertEqual(json.loads(ctl.stdout.readline()),
                                     status(listener("pos")))
                ctl.terminate()
            self.assertEqual(ctl.returncode, 0)

    def test_who_has_seen_enough_ends_it_quietly(self):
        self.fake(lambda method, params: status(listener("pos")))
        for words in (EVERY, ["--watch", "1h"], [*EVERY, "--json"]):
            with subprocess.Popen(self.argv("status", *words),
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE) as ctl:
                ctl.stdout.readline()
                ctl.stdout.close()
                self.assertEqual(ctl.stderr.read(), b"")
            self.assertEqual(ctl.returncode, 0)

    def test_a_reader_that_is_stuck(self):
        self.fake(lambda method, params: many(300))
        with subprocess.Popen(self.argv("status", *EVERY),
                              stdout=subprocess.PIPE) as ctl:
            ctl.stdout.readline()
            wait_until(lambda: mercury.stat_fields(ctl.pid)[0] == "S",
                       "it waits")
            ctl.terminate()
            wait_until(lambda: ctl.poll() is not None, "it ends")

    def test_how_often(self):
        self.fake(lambda method, params: status())
        with subprocess.Popen(self.argv("status", "--watch", "300ms"),
                              stdout=subprocess.PIPE) as ctl:
            start = time.monotonic()
            seen = b""
            while seen.count(b"is running") < 4:
                seen += ctl.stdout.readline()
            self.assertGreater(time.monotonic() - start, 0.8)
            ctl.terminate()


if __name__ == "__main__":
    mercury.main()
