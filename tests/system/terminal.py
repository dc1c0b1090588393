"""A terminal for tests: a pty, somebody at its keys, and what stands on its
screen. It knows no more than the sequences that mercuryctl sends."""

import fcntl
import os
import pty
import signal
import re
import select
import struct
import subprocess
import termios
import time

import mercury

SEQUENCE = re.compile(r"\x1b\[(\??)([0-9;]*)([A-Za-z])")


class Screen:
    """Rows of characters, as a terminal shows what it is sent."""

    def __init__(self, width, height):
        self.width, self.height = width, height
        self.other = False  # the screen that is not scrolled
        self.cursor = True
        self.wraps = True
        self.too_wide = 0  # characters that had no place in their row
        self.clear()

    def clear(self):
        self.rows = [[" "] * self.width for _ in range(self.height)]
        self.row = self.column = 0

    def resize(self, width, height):
        self.width, self.height = width, height
        self.clear()

    def feed(self, text):
        at = 0
        while at < len(text):
            found = SEQUENCE.match(text, at)
            if found:
                self._obey(*found.groups())
                at = found.end()
            else:
                self._put(text[at])
                at += 1

    def _obey(self, private, argument, letter):
        on = letter == "h"
        if private:
            if argument == "1049":
                self.other = on
                self.clear()
            elif argument == "25":
                self.cursor = on
            elif argument == "7":
                self.wraps = on
        elif letter == "H":
            self.row = self.column = 0
        elif letter == "K":
            self._clear_from(self.column)
        elif letter == "J" and argument == "2":
            for self.row in range(self.height):
                self._clear_from(0)
        elif letter == "J":
            self._clear_from(self.column)
            for row in range(self.row + 1, self.height):
                self.rows[row] = [" "] * self.width
        elif letter != "m":
            raise AssertionError(f"what is {letter}?")

    def _clear_from(self, column):
        # Behind the last column that is where the terminal still is.
        column = min(column, self.width - 1)
        self.rows[self.row][column:] = [" "] * (self.width - column)

    def _put(self, c):
        if c == "\r":
            self.column = 0
        elif c == "\n":
            self.row += 1
            if self.row == self.height:
                self.rows = self.rows[1:] + [[" "] * self.width]
                self.row -= 1
        elif self.column >= self.width:
            self.too_wide += 1
        else:
            self.rows[self.row][self.column] = c
            self.column += 1

    def lines(self):
        return ["".join(row).rstrip() for row in self.rows]

    def text(self):
        return "\n".join(self.lines())


class Terminal:
    """One with a program in it. stderr: only that is the terminal. raw: what
    comes is only kept; it has sequences that a Screen does not know."""

    def __init__(self, test, argv, width=80, height=24, env=None, stderr=False,
                 raw=False, **kwargs):
        self.test = test
        self.raw = raw
        self.master, self.slave = pty.openpty()
        test.addCleanup(self.close)
        self.screen = Screen(width, height)
        self.seen = b""
        self.rest = b""
        self.set_size(width, height)
        self.before = termios.tcgetattr(self.slave)
        streams = {"stderr": self.slave} if stderr else {
            "stdin": self.slave, "stdout": self.slave, "stderr": self.slave}
        self.process = subprocess.Popen(
            argv, env=env, start_new_session=True,
            preexec_fn=self.take_terminal,
            **{**streams, **kwargs})
        test.addCleanup(self.process.wait)
        test.addCleanup(mercury.kill, self.process.pid)

    def take_terminal(self):
        """In the child. Who was started in the background ignores ctrl-C."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)

    def set_size(self, width, height):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ,
                    struct.pack("HHHH", height, width, 0, 0))

    def resize(self, width, height):
        self.screen.resize(width, height)
        self.set_size(width, height)

    def close(self):
        for fd in (self.master, self.slave):
            if fd is not None:
                os.close(fd)
        self.master = self.slave = None

    def type(self, keys):
        os.write(self.master, keys)

    def read(self, wait=0.05):
        """Show what has come. Returns whether something had."""
        if not select.select([self.master], [], [], wait)[0]:
            return False
        part = os.read(self.master, 65536)
        self.seen += part
        if self.raw:
            return True
        self.rest += part
        text = self.rest.decode(errors="ignore")
        # The end of a sequence, or of a character, may still be under way.
        cut = max(self.rest.rfind(b"\x1b"), 0)
        if cut and not SEQUENCE.match(self.rest[cut:].decode(
                errors="ignore")):
            text = self.rest[:cut].decode(errors="ignore")
            self.rest = self.rest[cut:]
        else:
            self.rest = b""
        self.screen.feed(text)
        return True

    def until(self, condition, what, deadline=mercury.DEADLINE):
        """Read until condition(screen) is true; return it."""
        end = time.monotonic() + deadline
        while True:
            value = condition(self.screen)
            if value:
                return value
            if time.monotonic() > end:
                self.test.fail(f"not within {deadline} s: {what}\n"
                               f"{self.screen.text()}\n{self.seen[-2000:]}")
            self.read()

    def until_shown(self, text, deadline=mercury.DEADLINE):
        return self.until(lambda s: text in s.text(), f"{text} is shown",
                          deadline)

    def until_seen(self, data, deadline=mercury.DEADLINE):
        """Until these bytes have come, wherever they stand."""
        return self.until(lambda s: data in self.seen, f"{data} came", deadline)

    def wait(self, deadline=mercury.DEADLINE):
        """Read to the end of the program; its exit code."""
        self.until(lambda s: self.process.poll() is not None, "it ends",
                   deadline)
        while self.read(0):
            pass
        return self.process.returncode

    def is_restored(self):
        """Is it as it was before?"""
        return (termios.tcgetattr(self.slave) == self.before
                and not self.screen.other and self.screen.cursor
                and self.screen.wraps)
