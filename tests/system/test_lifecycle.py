"""The daemon's own life: start, readiness, reload, shutdown."""

import os
import shutil
import signal
import socket
import time

import mercury
from mercury import alive, answers, ask, connect, kill, refused, wait_until


class CommandLine(mercury.TestCase):
    def test_version_and_help(self):
        d = self.daemon()
        result = d.run("-V")
        self.assertEqual((result.code, result.err), (0, ""), result)
        self.assertIn("0.1.0", result.out)
        result = d.run("-h")
        self.assertEqual((result.code, result.err), (0, ""), result)
        for option in "-f -t -c -p -d -V -h".split():
            self.assertIn(option, result.out)

    def test_usage_errors(self):
        d = self.daemon()
        for args in (["-x"], ["-c"], ["word"], ["-p"], ["--no-such"]):
            with self.subTest(args=args):
                result = d.run(*args)
                self.assertEqual(result.code, 2, result)
                self.assertIn("usage", result.err.lower())

    def test_check_of_a_good_file(self):
        d = self.daemon(mercury.listener("a"))
        before = sorted(os.listdir(d.dir))
        result = d.run("-t")
        self.assertEqual(result.code, 0, result)
        self.assertEqual(sorted(os.listdir(d.dir)), before,
                         "a check makes no files")

    def test_the_roles_are_not_for_hands(self):
        for role in mercury.ROLES:
            result = mercury.run([mercury.binary(role)])
            self.assertEqual(result.code, 2, result)
            self.assertIn("mercuryd", result.err)

    def test_the_example_is_good(self):
        path = os.path.join(mercury.SOURCE_DIR, "etc/mercury.conf")
        d = self.daemon()
        with open(path) as f:
            example = f.read()
        for line, instead in (('#user = "mercury"', 'user = "nobody"'),
                              ('#control_group = "mercury"',
                               'control_group = ""')):
            self.assertIn(line, example)
            example = example.replace(line, instead)
        with open(d.config, "w") as f:
            f.write(example)
        result = d.run("-t")
        self.assertEqual(result.code, 0, result)


class Daemonizing(mercury.TestCase):
    def test_returns_when_the_listeners_answer(self):
        for as_root in {True, False} if mercury.ROOT else {False}:
            with self.subTest(as_root=as_root):
                self.check(as_root)

    def check(self, as_root):
        ports = [mercury.free_port() for _ in range(3)]
        d = self.daemon("".join(mercury.listener(f"l{p}", port=p)
                                for p in ports), as_root=as_root,
                        log="syslog")
        result = d.daemonize()
        self.assertEqual(result.code, 0, result)
        self.assertEqual(result.err, "")
        for port in ports:
            self.assertTrue(answers(port))
        self.assertEqual(d.status()["pid"], d.pid)
        self.assertEqual(os.getsid(d.pid) == os.getsid(0), False)
        self.assertEqual(os.readlink(f"/proc/{d.pid}/cwd"), "/")
        for number in range(3):
            self.assertEqual(os.readlink(f"/proc/{d.pid}/fd/{number}"),
                             "/dev/null")
        d.stop()
        self.assertFalse(os.path.exists(d.pid_file))
        for port in ports:
            self.assertTrue(refused(port))

    def test_errors_reach_the_command(self):
        d = self.daemon('listener "a" {\n  port = 70000\n}\n', log="syslog")
        result = d.run()
        self.assertEqual(result.code, 78, result)
        self.assertRegex(result.err, r"mercury\.conf:\d+: port: 70000")
        self.assertFalse(os.path.exists(d.pid_file))

    def test_pid_file(self):
        d = self.daemon()
        d.pid_file = os.path.join(d.dir, "other.pid")
        d.start("-p", d.pid_file)
        with open(d.pid_file) as f:
            self.assertEqual(int(f.read()), d.pid)

    def test_a_second_daemon_is_refused(self):
        d = self.started(mercury.listener("a"))
        for args in (("-f",), ()):
            result = d.run(*args)
            self.assertNotIn(result.code, (0, 2, 78), result)
            self.assertIn(str(d.pid), result.err)
        other = os.path.join(d.dir, "other.pid")
        result = d.run("-f", "-p", other)
        self.assertNotIn(result.code, (0, 2, 78), result)
        self.assertIn(d.control, result.err)
        self.assertTrue(answers(d.port("a")))
        self.assertEqual(d.status()["pid"], d.pid)
        with open(d.pid_file) as f:
            self.assertEqual(int(f.read()), d.pid)

    def test_no_roles(self):
        d = self.daemon()
        d.env["MERCURY_LIBEXECDIR"] = os.path.join(d.dir, "nowhere")
        result = d.run("-f")
        self.assertEqual(result.code, 1, result)
        self.assertIn("nowhere", result.err)

    def test_roles_that_die_at_once(self):
        for role in set(mercury.ROLES) - {"mercury-gateway", "mercury-store"}:
            with self.subTest(role=role):
                d = self.daemon(mercury.listener("a"), log="syslog")
                roles = os.path.join(d.dir, "roles")
                os.mkdir(roles)
                for name in mercury.LIBEXEC:
                    shutil.copy("/bin/false" if name == role
                                else mercury.binary(name),
                                os.path.join(roles, name))
                d.env["MERCURY_LIBEXECDIR"] = roles
                result = d.run(timeout=mercury.DEADLINE)
                self.assertEqual(result.code, 1, result)
                self.assertTrue(result.err)

    def test_a_folder_that_can_not_be_written(self):
        d = self.daemon(control_socket="/proc/control.sock")
        result = d.run("-f")
        self.assertNotIn(result.code, (0, 2), result)
        self.assertIn("/proc", result.err)


class Notify(mercury.TestCase):
    def test_ready_and_stopping(self):
        path = os.path.join(self.scratch(), "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(path)
            os.chmod(path, 0o777)
            s.settimeout(mercury.DEADLINE)
            d = self.daemon(mercury.listener("a"),
                            env={"NOTIFY_SOCKET": path})
            d.start(wait=False)
            said = s.recv(4096).decode()
            self.assertIn("READY=1", said)
            self.assertTrue(answers(d.port("a")), "ready means ready")
            d.signal(signal.SIGTERM)
            while "STOPPING=1" not in said:
                said = s.recv(4096).decode()
            self.assertEqual(d.stop(), 0)

    def test_abstract_socket(self):
        name = f"\0mercury-test-{os.getpid()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(name)
            s.settimeout(mercury.DEADLINE)
            self.daemon(env={"NOTIFY_SOCKET": "@" + name[1:]}).start()
            self.assertIn("READY=1", s.recv(4096).decode())


class Shutdown(mercury.TestCase):
    def test_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number=number):
                d = self.started(mercury.listener("a"))
                port = d.port("a")
                d.signal(number)
                self.assertEqual(d.wait(), 0)
                self.assertFalse(mercury.is_listening(port))
                self.assertFalse(os.path.exists(d.control))

    def test_open_connections_finish(self):
        d = self.started(mercury.listener("a"), shutdown_deadline="30s")
        port = d.port("a")
        clients = [connect(port) for _ in range(5)]
        for s in clients:
            self.assertEqual(ask(s, b"x"), b"x")
        began = time.monotonic()
        d.signal(signal.SIGTERM)
        wait_until(lambda: refused(port), "listeners close at once")
        self.assertEqual(d.status()["state"], "stopping")
        self.assertIs(d.status()["ready"], False)
        for s in clients:
            self.assertEqual(ask(s, b"last words"), b"last words")
            s.close()
        self.assertEqual(d.wait(), 0)
        self.assertLess(time.monotonic() - began, 20)

    def test_what_is_left_is_cut_at_the_deadline(self):
        d = self.started(mercury.listener("a", workers=2)
                         + mercury.listener("b"),
                         shutdown_deadline="500ms")
        clients = [connect(d.port(n)) for n in "aabb"]
        for s in clients:
            self.assertEqual(ask(s, b"x"), b"x")
        began = time.monotonic()
        d.signal(signal.SIGTERM)
        self.assertEqual(d.wait(), 0)
        took = time.monotonic() - began
        self.assertGreaterEqual(took, 0.4)
        self.assertLess(took, 5 if mercury.SANITIZED else 2)
        for s in clients:
            try:
                self.assertEqual(s.recv(1), b"")
            except ConnectionResetError:
                pass
            s.close()

    def test_the_drain_timeout_of_a_listener_counts(self):
        d = self.started(mercury.listener("a", drain_timeout="200ms"),
                         shutdown_deadline="60s")
        client = connect(d.port("a"))
        self.assertEqual(ask(client, b"x"), b"x")
        d.signal(signal.SIGTERM)
        self.assertEqual(d.wait(), 0)
        self.assertIn("1 were cut", d.log())
        client.close()

    def test_a_later_deadline_puts_nothing_off(self):
        d = self.started(mercury.listener("a"), shutdown_deadline="60s")
        kill(d.workers("a")[0], signal.SIGSTOP)
        self.assertEqual(d.ctl("shutdown", "--deadline", "100ms").code, 0)
        d.ctl("shutdown", "--deadline", "50s")
        d.wait()

    def test_a_second_signal_means_now(self):
        d = self.started(mercury.listener("a"), shutdown_deadline="60s")
        client = connect(d.port("a"))
        self.assertEqual(ask(client, b"x"), b"x")
        d.signal(signal.SIGTERM)
        wait_until(lambda: d.status()["state"] == "stopping", "it stops")
        d.signal(signal.SIGTERM)
        self.assertEqual(d.wait(), 0)
        client.close()

    def test_a_second_signal_while_a_worker_is_missing(self):
        d = self.started(mercury.listener("a", workers=2),
                         shutdown_deadline="60s")
        survivor = d.workers("a")[0]
        client = wait_until(lambda: self.client_of(d, 0), "a client of it")

        def backing_off():
            worker = d.listener("a")["workers"][1]
            if worker["pid"]:
                kill(worker["pid"])
            return worker["state"] == "backoff"
        for _ in range(6):  # each time it stays away for longer
            wait_until(lambda: not backing_off(), "the worker is back")
            wait_until(backing_off, "the worker is missing")
        d.signal(signal.SIGTERM)
        wait_until(lambda: d.status()["state"] == "stopping", "it stops")
        self.assertTrue(alive(survivor))
        self.assertEqual(ask(client, b"x"), b"x")
        d.signal(signal.SIGTERM)
        self.assertEqual(d.wait(), 0)
        client.close()

    def client_of(self, d, slot):
        """A connection that this worker has, or None."""
        client = connect(d.port("a"))
        self.assertEqual(ask(client, b"x"), b"x")
        if d.listener("a")["workers"][slot]["connections"]:
            return client
        client.close()
        return None

    def test_hung_worker_is_killed_at_the_deadline(self):
        d = self.started(mercury.listener("a"), shutdown_deadline="300ms")
        worker = d.workers("a")[0]
        kill(worker, signal.SIGSTOP)
        d.signal(signal.SIGTERM)
        d.wait()
        self.assertFalse(alive(worker))

    def test_by_mercuryctl(self):
        d = self.started(mercury.listener("a"))
        client = connect(d.port("a"))
        self.assertEqual(ask(client, b"x"), b"x")
        result = d.ctl("shutdown", "--deadline", "200ms")
        self.assertEqual(result.code, 0, result)
        self.assertEqual(d.wait(), 0)
        self.assertEqual(d.ctl("status").code, 3)
        client.close()

    def test_queued_connections_are_not_reset(self):
        d = self.started(mercury.listener("a"), shutdown_deadline="20s")
        worker = d.workers("a")[0]
        kill(worker, signal.SIGSTOP)
        clients = [connect(d.port("a")) for _ in range(50)]
        for s in clients:
            s.sendall(b"hello")
            s.shutdown(socket.SHUT_WR)
        d.signal(signal.SIGTERM)
        kill(worker, signal.SIGCONT)
        for s in clients:
            self.assertEqual(mercury.receive_all(s), b"hello")
            s.close()
        self.assertEqual(d.wait(), 0)


class Reload(mercury.TestCase):
    def setUp(self):
        super().setUp()
        self.kept = mercury.free_port()
        self.listeners = (mercury.listener("kept", port=self.kept)
                          + mercury.listener("old"))
        self.d = self.started(self.listeners)

    def names(self):
        return sorted(r["name"] for r in self.d.status()["listeners"])

    def test_only_the_difference(self):
        worker = self.d.workers("kept")
        control = self.d.child("mercury-control")
        client = connect(self.kept)
        self.assertEqual(ask(client, b"x"), b"x")
        self.d.add("runtime")
        self.d.write(mercury.listener("kept", port=self.kept)
                     + mercury.listener("new"))
        self.d.signal(signal.SIGHUP)
        wait_until(lambda: self.names() == ["kept", "new", "runtime"],
                   "the difference is applied")
        self.assertTrue(answers(self.d.port("new")))
        self.assertEqual(self.d.workers("kept"), worker)
        self.assertEqual(self.d.child("mercury-control"), control)
        self.assertEqual(ask(client, b"y"), b"y")
        client.close()

    def test_an_error_changes_nothing(self):
        before = self.d.tree()
        for bad in (mercury.listener("new") + mercury.listener("x", port=-4),
                    'listener "new" {', "nonsense"):
            self.d.write(bad)
            size = len(self.d.log())
            self.d.signal(signal.SIGHUP)
            wait_until(lambda: "mercury.conf" in self.d.log()[size:],
                       "the error is logged")
            result = self.d.ctl("reload")
            self.assertEqual(result.code, 1, result)
            self.assertIn("mercury.conf", result.err)
            self.assertEqual(self.names(), ["kept", "old"])
        self.assertEqual(self.d.tree(), before)

    def test_a_busy_port_is_told(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            port = s.getsockname()[1]
            self.d.write(self.listeners
                         + mercury.listener("busy", port=port))
            result = self.d.ctl("reload")
            self.assertEqual(result.code, 1, result)
            self.assertIn("in use", result.err)
        self.assertEqual(self.names(), ["kept", "old"])

    def test_by_mercuryctl(self):
        self.d.write(mercury.listener("kept", port=self.kept))
        for _ in range(2):
            result = self.d.ctl("reload")
            self.assertEqual(result.code, 0, result)
            wait_until(lambda: self.names() == ["kept"],
                       "the other one is gone")

    def test_live_options_of_a_kept_listener(self):
        worker = self.d.workers("kept")
        self.d.write(mercury.listener("kept", port=self.kept,
                                      nodelay=False, backlog=7))
        self.assertEqual(self.d.ctl("reload").code, 0)
        self.assertEqual(self.d.workers("kept"), worker)
        self.assertTrue(answers(self.kept))

    def test_a_moved_listener(self):
        port = mercury.free_port()
        self.d.write(mercury.listener("kept", port=port))
        self.assertEqual(self.d.ctl("reload").code, 0)
        wait_until(lambda: refused(self.kept), "the old port is closed")
        self.assertTrue(answers(port))

    def test_a_signal_while_a_reload_runs_counts(self):
        # So much to parse that the file is read long before it is applied.
        filler = "# a comment that takes its time\n" * 400000

        def reading():
            return any(mercury.comm(p) == "mercury-config"
                       for p in self.d.tree())
        for number in range(5):
            wait_until(lambda: not reading(), "the reload before is done")
            self.d.write(self.listeners + filler)
            self.d.signal(signal.SIGHUP)
            wait_until(reading, "the file is being read")
            name = f"n{number}"
            self.d.write(self.listeners + mercury.listener(name))
            self.d.signal(signal.SIGHUP)
            wait_until(lambda: name in self.names(),
                       "the last version of the file is applied", 3)

    def test_a_listener_that_can_not_move_stays(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            s.listen()
            port = s.getsockname()[1]
            self.d.write(mercury.listener("kept", port=port)
                         + mercury.listener("old"))
            result = self.d.ctl("reload")
            self.assertEqual(result.code, 1, result)
            self.assertIn("in use", result.err)
            self.assertTrue(answers(self.kept))
        self.assertEqual(self.names(), ["kept", "old"])


class Save(mercury.TestCase):
    def test_saved_listeners_come_back(self):
        for as_root in {True, False} if mercury.ROOT else {False}:
            with self.subTest(as_root=as_root):
                self.check(as_root)

    def check(self, as_root):
        d = self.started(as_root=as_root)
        port = mercury.free_port()
        result = d.ctl("add-listener", "s", f"port={port}", "workers=1",
                       "address=127.0.0.1", "protocol=echo", "--save")
        self.assertEqual(result.code, 0, result)
        d.add("forgotten")
        self.assertEqual(d.stop(), 0)
        d.start()
        self.assertEqual([r["name"] for r in d.status()["listeners"]], ["s"])
        self.assertTrue(answers(port))
        self.assertEqual(d.ctl("reload").code, 0)
        self.assertTrue(answers(port))
        result = d.ctl("remove-listener", "s", "--save")
        self.assertEqual(result.code, 0, result)
        self.assertEqual(d.stop(), 0)
        d.start()
        self.assertEqual(d.status()["listeners"], [])

    def test_the_config_file_wins(self):
        d = self.started()
        self.assertEqual(
            d.ctl("add-listener", "s", "port=0", "protocol=discard",
                  "--save").code, 0)
        self.assertEqual(d.stop(), 0)
        d.write(mercury.listener("s"))
        d.start()
        self.assertEqual(d.listener("s")["protocol"], "echo")
        self.assertIn("s", d.log())



class CanNotSave(mercury.TestCase):
    """A save that fails leaves everything as it was."""

    def setUp(self):
        super().setUp()
        self.d = self.started()
        self.port = self.d.add("old", save=True)["port"]
        self.folder = os.path.join(self.d.state, "listeners")
        self.before = os.stat(self.folder)
        if mercury.ROOT:
            os.chown(self.folder, 0, 0)
        os.chmod(self.folder, 0o555)

    def mend(self):
        os.chmod(self.folder, 0o755)
        if mercury.ROOT:
            os.chown(self.folder, self.before.st_uid, self.before.st_gid)

    def tearDown(self):
        self.mend()
        super().tearDown()

    def names(self):
        return [l["name"] for l in self.d.status()["listeners"]]

    def test_nothing_is_done(self):
        pids = self.d.tree()
        port = mercury.free_port()
        for args, word in (
                (["add-listener", "new", f"port={port}", "protocol=echo",
                  "workers=1"], "not added"),
                (["update-listener", "old", "backlog=5"], "not updated"),
                (["remove-listener", "old"], "not removed")):
            result = self.d.ctl(*args, "--save")
            self.assertEqual(result.code, 1, result)
            self.assertIn(word, result.err)
            self.assertIn("Permission denied", result.err)
        with self.assertRaises(mercury.RpcError) as caught:
            self.d.add("new", save=True)
        self.assertEqual(caught.exception.reason, "permission")
        self.assertEqual(self.names(), ["old"])
        self.assertEqual(self.d.tree(), pids)
        self.assertTrue(refused(port))
        self.assertTrue(answers(self.port))
        self.mend()
        self.assertEqual(os.listdir(self.folder), ["old.json"])
        self.assertEqual(self.d.ctl("add-listener", "new", f"port={port}",
                                    "workers=1", "protocol=echo",
                                    "--save").code, 0)
        self.assertTrue(answers(port))

    def test_it_is_told_beforehand(self):
        result = self.d.run("-t")
        self.assertEqual(result.code, 0, result)
        self.assertIn("--save will fail", result.err)
        self.assertEqual(self.d.stop(), 0)
        self.d.start()
        self.assertIn("--save will fail", self.d.log())
        self.mend()
        self.assertNotIn("--save", self.d.run("-t").err)

    def test_a_failed_add_leaves_no_file(self):
        self.mend()
        result = self.d.ctl("add-listener", "new", f"port={self.port}",
                            "protocol=echo", "workers=1", "--save")
        self.assertEqual(result.code, 1, result)
        self.assertEqual(os.listdir(self.folder), ["old.json"])


class SavedPort(mercury.TestCase):
    def test_a_chosen_port_comes_back(self):
        d = self.started()
        row = d.add("a", save=True)
        worker = d.workers("a")
        client = connect(row["port"])
        self.assertEqual(ask(client, b"x"), b"x")
        for _ in range(2):
            result = d.ctl("reload")
            self.assertEqual(result.code, 0, result)
        self.assertEqual(d.workers("a"), worker)
        self.assertEqual(ask(client, b"y"), b"y")
        client.close()
        self.assertEqual(d.ctl("update-listener", "a", "backlog=5",
                               "--save").code, 0)
        self.assertEqual(d.stop(), 0)
        d.start()
        self.assertEqual(d.port("a"), row["port"])
        self.assertTrue(answers(row["port"]))

    def test_a_reload_removes_none(self):
        d = self.started()
        port = d.add("a", save=True)["port"]
        self.assertEqual(d.stop(), 0)
        d.start()
        os.unlink(os.path.join(d.state, "listeners", "a.json"))
        self.assertEqual(d.ctl("reload").code, 0)
        self.assertTrue(answers(port))


if __name__ == "__main__":
    mercury.main()
