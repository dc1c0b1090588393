"""mercuryctl in front of a person: tables that fit the terminal, how far a
drain is, and the names of listeners that the shell completes."""

import os
import re
import signal
import subprocess

import mercury
from mercury import ask, connect, listener, wait_until
from terminal import Terminal
from test_mercuryctl import WithFakeDaemon, terminal_environment
from test_mercuryctl_watch import many

CLEAR = b"\r\x1b[K"
NAMES = re.compile("^(NAME|terminals-of-a-far-away-region)")


class Tables(WithFakeDaemon):
    def lines(self, *args, **kwargs):
        t = Terminal(self, self.argv(*args), env=terminal_environment(
            NO_COLOR="1"), **kwargs)
        self.assertEqual(t.wait(), 0)
        return t.seen.decode().replace("\r\n", "\n").splitlines()

    def test_they_fit_the_terminal(self):
        self.fake(lambda method, params: many(300))
        for width in (20, 40, 80, 132, 200):
            lines = [l for l in self.lines("status", width=width)
                     if l.startswith(("NAME", "term"))]
            # The errors below the table are told in full.
            rows = [l for l in lines if ": failed: " not in l]
            self.assertGreaterEqual(len(rows), 301)
            self.assertLessEqual(max(len(l) for l in rows), width)
            self.assertIn("STATE", rows[0])
            self.assertEqual("POOL" in rows[0], width > 80)

    def test_wide_ones_and_those_in_a_pipe_are_whole(self):
        answer = many(10)
        answer["listeners"][0]["bytes_in"] = 123456789
        self.fake(lambda method, params: answer)
        for lines, exact in (
                (self.lines("status", "-o", "wide", width=40), True),
                (self.ctl("status", "--output=wide").out.splitlines(), True),
                (self.ctl("status").out.splitlines(), False)):
            rows = [l for l in lines if NAMES.match(l)]
            self.assertRegex(rows[1], "^terminals-of-a-far-away-region-000 ")
            self.assertEqual("123456789" in rows[1], exact)
            self.assertEqual("118 MiB" in rows[1], not exact)
            self.assertEqual("MAX" in rows[0], exact)
            self.assertIn("POOL", rows[0])
            self.assertNotIn("\x1b", "\n".join(lines))

    def test_the_size_is_asked_for(self):
        """A terminal that does not know its size has 80 columns."""
        self.fake(lambda method, params: many(3))
        rows = [l for l in self.lines("status", width=0)
                if NAMES.match(l) and ": failed" not in l]
        self.assertLessEqual(max(len(l) for l in rows), 80)
        self.assertGreater(max(len(l) for l in rows), 60)

    def test_bad_options(self):
        self.fake(lambda method, params: many(3))
        for args in (["-o", "narrow"], ["--output"], ["--watch=often"]):
            result = self.ctl("status", *args)
            self.assertEqual(result.code, 2, result)


class Progress(mercury.TestCase):
    def connected(self, d, name, count):
        """Connections that the daemon knows of."""
        found = [connect(d.port(name)) for _ in range(count)]
        for s in found:
            self.addCleanup(s.close)
            self.assertEqual(ask(s, b"x"), b"x")
        return found

    def terminal(self, d, *args, **kwargs):
        return Terminal(self, [mercury.binary("mercuryctl"), "-s", d.control,
                               *args], env=terminal_environment(),
                        stderr=True, stdout=subprocess.PIPE, **kwargs)

    def test_of_a_removal(self):
        d = self.started(listener("a", drain_timeout="1h"))
        peers = self.connected(d, "a", 3)
        t = self.terminal(d, "remove-listener", "a")
        t.until_shown("draining: 3 of 3 connections left, ")
        self.assertRegex(t.screen.text(), r", 3[56]\d\ds to the deadline\n")
        peers.pop().close()
        t.until_shown("draining: 2 of 3 connections left, ")
        for s in peers:
            s.close()
        self.assertEqual(t.wait(), 0)
        self.assertTrue(t.seen.endswith(CLEAR), t.seen)
        self.assertEqual(t.screen.text().strip(), "")
        self.assertEqual(t.process.stdout.read(),
                         b"a: removed, 3 connections finished, 0 cut\n")

    def test_of_a_shutdown(self):
        d = self.started(listener("a") + listener("b"))
        self.connected(d, "a", 2)
        last = self.connected(d, "b", 1)
        t = self.terminal(d, "shutdown", "--deadline", "10s", width=30)
        t.until_shown("draining: 3 of 3 connections")
        self.assertEqual(t.screen.too_wide, 0)
        last.pop().close()
        t.until_shown("draining: 2 of 3 connections")
        d.signal(signal.SIGTERM)  # at once
        self.assertEqual(t.wait(), 0)
        self.assertTrue(t.seen.endswith(CLEAR), t.seen)
        self.assertIn(b"has stopped", t.process.stdout.read())
        d.wait()

    def test_it_is_cleared_by_ctrl_c(self):
        d = self.started(listener("a"))
        self.connected(d, "a", 1)
        t = self.terminal(d, "remove-listener", "a", "--deadline", "3s")
        t.until_shown("draining: 1 of 1 connection left, ")
        t.process.send_signal(signal.SIGINT)
        self.assertEqual(t.wait(), -signal.SIGINT)
        self.assertTrue(t.seen.endswith(CLEAR), t.seen)
        wait_until(lambda: d.listener("a") is None, "it goes on")

    def test_nobody_asked_for_it(self):
        """Nothing but the answer for scripts, nor where it is no terminal."""
        d = self.started(listener("a") + listener("b"))
        self.connected(d, "a", 1)
        self.connected(d, "b", 1)
        t = self.terminal(d, "--json", "remove-listener", "a", "--deadline",
                          "1s")
        self.assertEqual(t.wait(), 0)
        self.assertEqual(t.seen, b"")
        result = d.ctl("remove-listener", "b", "--deadline", "1s")
        self.assertEqual(result.err, "")

    def test_of_what_is_done_at_once(self):
        d = self.started(listener("a"))
        t = self.terminal(d, "restart-listener", "a")
        self.assertEqual(t.wait(), 0)
        self.assertEqual(t.screen.text().strip(), "")


class Watch(mercury.TestCase):
    """The real daemon, killed and started again under somebody's eyes."""

    def test_kill_and_start(self):
        d = self.started(listener("a", port=mercury.free_port()))
        t = Terminal(self, [mercury.binary("mercuryctl"), "-s", d.control,
                            "status", "--watch", "0.2"],
                     env=terminal_environment())
        t.until_shown("1 listener: 1 listening")
        first = d.pid
        t.until_shown(f"pid {first}")
        with connect(d.port("a")) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            t.until(lambda s: re.search(r"^a +listening +1 ", s.text(), re.M),
                    "a connection")
        t.until(lambda s: re.search(r"^a +listening +0 ", s.text(), re.M),
                "none")
        mercury.kill(first)
        d.wait()
        t.until_shown("NO ANSWER FOR ")
        self.assertIn("1 listener: 1 listening", t.screen.text())
        d.start()
        t.until_shown(f"pid {d.pid}")
        self.assertNotIn("NO ANSWER", t.screen.text())
        t.type(b"q")
        self.assertEqual(t.wait(), 0)
        self.assertTrue(t.is_restored())


class Completion(mercury.TestCase):
    """In a shell, with its keys."""

    def setUp(self):
        super().setUp()
        self.shell_path = mercury.need_tool(self, "bash")

    def shell(self):
        t = Terminal(self, [self.shell_path, "--norc", "--noprofile", "-i"],
                     env=terminal_environment(PS1="$ ", HISTFILE="",
                                              INPUTRC="/dev/null"),
                     width=200, raw=True)
        # Readline asks a terminal for nothing, and shows all at once.
        source = os.path.join(mercury.SOURCE_DIR,
                              "contrib/completion/mercuryctl.bash")
        self.command(t, "bind 'set enable-bracketed-paste off'")
        self.command(t, "bind 'set completion-query-items 0'")
        self.command(t, f"PATH={mercury.BUILD_DIR}:$PATH")
        self.command(t, f"source {source}; echo rea''dy")
        t.until_seen(b"ready")
        return t

    def command(self, t, text):
        t.type(text.encode() + b"\n")

    def test_names_of_a_live_daemon(self):
        d = self.started(listener("pos-berlin") + listener("gps"))
        t = self.shell()
        for command in ("status", "pause", "restart-listener", "kick",
                        "remove-listener --deadline 5s", "--json history",
                        "status --watch 2", "status -o wide"):
            t.seen = b""
            t.type(f"mercuryctl -s {d.control} {command} po\t".encode())
            t.until_seen(b"po" + b"s-berlin")
            t.type(b"\x15")  # forget that line
        t.seen = b""
        t.type(f"mercuryctl --socket={d.control} events --listener g\t"
               .encode())
        t.until_seen(b" gps")

    def test_without_a_daemon(self):
        t = self.shell()
        t.type(b"mercuryctl -s /nowhere status po\t\x15echo do''ne\n")
        t.until_seen(b"done")
        self.assertNotIn(b"nowhere:", t.seen)
        self.assertNotIn(b"no daemon", t.seen)

    def test_words(self):
        t = self.shell()
        for typed, want in ((b"mercuryctl tra\t", b"mercuryctl trace "),
                            (b"mercuryctl status -o w\t", b"-o wide"),
                            (b"mercuryctl status --wat\t", b"--watch "),
                            (b"mercuryctl add-listener x transport=tl\t",
                             b"transport=tls")):
            t.seen = b""
            t.type(typed)
            t.until_seen(want)
            t.type(b"\x15")


if __name__ == "__main__":
    mercury.main()
