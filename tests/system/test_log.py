"""Log lines, and that nobody waits for those who should read them."""

import json
import os
import re
import signal

import mercury
from mercury import answers

TEXT = re.compile(
    r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "
    r"(mercuryd|mercury-[a-z]+)\[\d+\] (error|warning|info|debug): .")


class Format(mercury.TestCase):
    def live(self, **settings):
        """Let a daemon do something of everything; its log's lines."""
        d = self.started(mercury.listener("pos"), **settings)
        d.add("pos2")
        d.kill_worker("pos")
        d.ctl("remove-listener", "pos2")
        d.signal(signal.SIGHUP)
        d.ctl("reload")
        self.assertEqual(d.stop(), 0)
        # A leak checker whose process is killed meanwhile says so.
        lines = [line for line in d.log().splitlines()
                 if not (mercury.SANITIZED and re.match(r"==\d+==", line))]
        self.assertGreater(len(lines), 4)
        return d, lines

    def test_text(self):
        _, lines = self.live()
        for line in lines:
            self.assertRegex(line, TEXT)
        whole = "\n".join(lines)
        self.assertIn("listener=pos", whole)
        self.assertIn("listener=pos2", whole)
        self.assertRegex(whole, r"(?i)signal 9|SIGKILL|killed",
                         "the reason of the crash")

    def test_json(self):
        _, lines = self.live(log_format="json")
        for line in lines:
            row = json.loads(line)
            self.assertLessEqual(
                {"time", "level", "process", "pid", "message"}, set(row))

    def test_level(self):
        _, debug = self.live(log_level="debug")
        d = self.started(mercury.listener("a"), log_level="error")
        self.assertTrue(answers(d.port("a")))
        self.assertEqual(d.stop(), 0)
        self.assertEqual(d.log(), "")
        self.assertTrue(debug)

    def test_option_d_means_debug(self):
        quiet = self.started(mercury.listener("a"))
        loud = self.daemon(mercury.listener("a")).start("-d")
        for d in (quiet, loud):
            self.assertTrue(answers(d.port("a")))
            self.assertEqual(d.stop(), 0)
        self.assertNotIn("] debug: ", quiet.log())
        self.assertIn("] debug: ", loud.log())


class StuckReader(mercury.TestCase):
    def test_a_full_pipe_stops_nothing(self):
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        try:
            while True:
                os.write(writing, b"x" * 65536)
        except BlockingIOError:
            pass
        os.set_blocking(writing, True)
        try:
            d = self.daemon(mercury.listener("a"), log_level="debug")
            d.start(stderr=writing)
            for i in range(30):
                d.add(f"l{i}", pool="p")
            for _ in range(3):
                d.kill_worker("a")
            self.assertTrue(answers(d.port("a")))
            self.assertLess(
                d.call("daemon.status").get("loop_lag_max_ms", 0), 1000)
            self.assertEqual(d.stop(), 0)
        finally:
            os.close(reading)
            os.close(writing)

    def test_a_closed_pipe_stops_nothing(self):
        reading, writing = os.pipe()
        d = self.daemon(mercury.listener("a"), log_level="debug")
        d.start(stderr=writing)
        os.close(reading)
        os.close(writing)
        d.add("b")
        self.assertTrue(answers(d.port("b")))
        self.assertEqual(d.stop(), 0)

    def test_no_syslog_stops_nothing(self):
        d = self.started(mercury.listener("a"), log="syslog",
                         log_level="debug")
        d.add("b")
        self.assertTrue(answers(d.port("b")))
        d.signal(signal.SIGUSR1)  # open it again
        d.add("c")
        self.assertTrue(answers(d.port("c")))
        self.assertEqual(d.log(), "", "syslog only")

    def test_a_full_disk_stops_nothing(self):
        with open("/dev/full", "wb") as full:
            d = self.daemon(mercury.listener("a"), log_level="debug")
            d.start(stderr=full)
        self.assertTrue(answers(d.port("a")))
        self.assertEqual(d.stop(), 0)


class Escapes(mercury.TestCase):
    def test_no_control_characters_from_strangers(self):
        d = self.started(log_level="debug")
        for name in ("evil\nline", "evil\x1b[31m"):
            with self.assertRaises(mercury.RpcError):
                d.call("listener.add", name=name, port=0, protocol="echo")
        with d.rpc() as rpc:
            rpc.send(b"\x1b[31mgarbage\r\x07\n")
            rpc.line()
        self.assertEqual(d.stop(), 0)
        for line in d.log().splitlines():
            self.assertRegex(line, TEXT)
        self.assertNotIn("\x1b", d.log())


if __name__ == "__main__":
    mercury.main()
