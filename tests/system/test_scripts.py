"""The scripts that come with it: quickstart, init script, systemd unit."""

import os
import re
import shutil
import signal
import subprocess
import unittest

import mercury
from mercury import alive, answers, wait_until


def source(path):
    return os.path.join(mercury.SOURCE_DIR, path)


class Quickstart(mercury.TestCase):
    """contrib/quickstart.sh with the build that is being tested."""

    def environment(self, port):
        env = {k: v for k, v in os.environ.items()
               if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "DESTDIR",
                            "MERCURY_SOCKET")}
        env.update(QUICKSTART_BUILD=mercury.BUILD_DIR,
                   QUICKSTART_PORT=str(port), TMPDIR="/tmp",
                   QUICKSTART_HTTP=str(mercury.free_port()))
        return env

    def test_as_the_readme_says(self):
        port = mercury.free_port()
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number=number):
                self.run_and_end(port, number)

    def run_and_end(self, port, number):
        path = os.path.join(self.scratch(), "out")

        def output():
            with open(path) as f:
                return f.read()

        with open(path, "wb") as out:
            p = subprocess.Popen(
                ["sh", source("contrib/quickstart.sh")],
                env=self.environment(port), stdin=subprocess.DEVNULL,
                stdout=out, stderr=out, start_new_session=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT,
                                                 signal.SIG_DFL))
        mercury.Daemon.started_pids.add(p.pid)
        self.addCleanup(p.wait)
        self.addCleanup(mercury.kill, p.pid, signal.SIGTERM)
        wait_until(lambda: "Ctrl-C" in output() or p.poll() is not None,
                   "it says what to type", 60)
        self.assertIsNone(p.poll(), output())
        self.assertTrue(answers(port))
        for pid in mercury.descendants(p.pid):
            if mercury.comm(pid).startswith("mercury"):
                uid = mercury.status_of(pid)["Uid"].split()[0]
                self.assertNotEqual(uid, "0", "not as root")
        if number == signal.SIGINT:
            os.killpg(p.pid, number)  # as a terminal does
        else:
            os.kill(p.pid, number)
        self.assertEqual(p.wait(mercury.DEADLINE), 0, output())
        self.assertIn(f"nc -N 127.0.0.1 {port}", output())
        folder = re.search(r"^    \. (/tmp/\S+)/env$", output(), re.MULTILINE)
        self.assertIsNotNone(folder, output())
        self.assertFalse(os.path.exists(folder[1]), "the folder was left")

    def test_port_taken(self):
        d = self.started(mercury.listener("a"))
        port = d.port("a")
        result = mercury.run(["sh", source("contrib/quickstart.sh")],
                             env=self.environment(port),
                             timeout=mercury.TEST_TIMEOUT)
        self.assertEqual(result.code, 1, result)
        self.assertIn(str(port), result.err)
        self.assertIn("in use", result.err)


class InitScript(mercury.TestCase):
    def setUp(self):
        super().setUp()
        self.port = mercury.free_port()
        self.d = self.daemon(mercury.listener("a", port=self.port),
                             log="syslog")
        self.addCleanup(self.end)
        defaults = os.path.join(self.d.dir, "defaults")
        with open(defaults, "w") as f:
            f.write(f"DAEMON={mercury.binary('mercuryd')}\n"
                    f"CONFIG={self.d.config}\n"
                    f"PIDFILE={self.d.pid_file}\n"
                    f"export MERCURY_LIBEXECDIR={mercury.BUILD_DIR}\n")
        self.env = dict(os.environ, MERCURY_DEFAULTS=defaults)

    def end(self):
        """Runs before the daemons end: stop what init started."""
        self.init("stop")

    def init(self, command):
        return mercury.run(["sh", source("contrib/init.d/mercuryd"), command],
                           env=self.env)

    def test_start_status_reload_restart_stop(self):
        self.assertEqual(self.init("status").code, 3)
        result = self.init("start")
        self.assertEqual(result.code, 0, result)
        self.assertTrue(answers(self.port), "start returns when it serves")
        self.assertEqual(self.init("status").code, 0)
        result = self.init("start")
        self.assertEqual(result.code, 0, "started already is no failure")
        with open(self.d.pid_file) as f:
            pid = int(f.read())
        self.d.write("")
        result = self.init("reload")
        self.assertEqual(result.code, 0, result)
        wait_until(lambda: mercury.refused(self.port), "the reload is done")
        self.assertTrue(alive(pid))
        self.d.write(mercury.listener("a", port=self.port))
        self.assertEqual(self.init("force-reload").code, 0)
        wait_until(lambda: answers(self.port), "the reload is done")
        result = self.init("restart")
        self.assertEqual(result.code, 0, result)
        self.assertFalse(alive(pid))
        self.assertTrue(answers(self.port))
        result = self.init("stop")
        self.assertEqual(result.code, 0, result)
        self.assertTrue(mercury.refused(self.port))
        self.assertEqual(self.init("stop").code, 0, "stopped already")
        self.assertEqual(self.init("status").code, 3)

    def test_status_with_a_stale_pid_file(self):
        with open(self.d.pid_file, "w") as f:
            f.write("1\n" if not mercury.ROOT else "999999\n")
        self.assertEqual(self.init("status").code, 1)
        os.unlink(self.d.pid_file)

    def test_start_fails_with_the_daemon(self):
        self.d.write("nonsense")
        result = self.init("start")
        self.assertNotEqual(result.code, 0, result)
        self.assertRegex(result.err, r"mercury\.conf:\d+: ")
        self.d.write("")

    def test_a_bad_file_stops_nothing(self):
        self.assertEqual(self.init("start").code, 0)
        with open(self.d.pid_file) as f:
            pid = int(f.read())
        self.d.write("nonsense")
        for command in ("reload", "force-reload", "restart"):
            result = self.init(command)
            self.assertNotEqual(result.code, 0, result)
            self.assertRegex(result.err, r"mercury\.conf:\d+: ")
            self.assertTrue(answers(self.port))
            self.assertTrue(alive(pid), command)
        self.d.write("")

    def test_usage(self):
        self.assertEqual(self.init("dance").code, 2)


class SystemdUnit(mercury.TestCase):
    def test_verify(self):
        tool = shutil.which("systemd-analyze")
        if not tool:
            raise unittest.SkipTest("systemd-analyze is not here")
        with open(source("contrib/systemd/mercuryd.service")) as f:
            unit = f.read()
        self.assertIn("Type=notify", unit)
        for name in ("mercuryd", "mercuryctl"):
            unit = re.sub(rf"/\S*/s?bin/{name}\b", mercury.binary(name), unit)
        path = os.path.join(self.scratch(), "mercuryd.service")
        with open(path, "w") as f:
            f.write(unit)
        result = mercury.run([tool, "verify", "--man=no", path])
        complaints = [l for l in result.err.splitlines()
                      if "mercuryd.service" in l]
        self.assertEqual(complaints, [])


if __name__ == "__main__":
    mercury.main()
