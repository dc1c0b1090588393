"""mercuryctl in front of a person: tables that fit the terminal."""

import re

import mercury
from mercury import ask, connect, listener
from terminal import Terminal
from test_mercuryctl import WithFakeDaemon, terminal_environment
from test_mercuryctl_watch import many

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


if __name__ == "__main__":
    mercury.main()
