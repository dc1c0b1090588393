"""Protocol exec: a program for each connection, with its socket as stdin and
stdout; what it is told, what it may use, and how it ends."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading

import mercury
from certs import Certificates, exchange
from fronting import v1
from mercury import (NOBODY, RpcError, connect, free_port, listener, receive,
                     receive_all, wait_until)
from programs import (environment, exec_of, line, output, program,
                      programs_of, script, wait_exec)
from scraping import Endpoint
from storing import rows, wait_rows
from supervising import SLOWER

# It forks as fast as it can, and does not give up when it can't.
BOMB = """
import os, signal
print("ready", flush=True)
while True:
    try:
        os.fork()
    except OSError:
        signal.sigtimedwait([], 0.05)
"""
MUCH = os.urandom(1 << 20) * 4


class Case(mercury.TestCase):
    def serve(self, options, **more):
        """A daemon with a listener "app" that has these options."""
        d = self.started(**more)
        d.add("app", **options)
        return d


class Programs(Case):
    """Programs that know nothing of mercuryd."""

    def test_cat(self):
        d = self.serve(program("/bin/cat"))
        self.assertEqual(output(d.port("app"), b"hello"), "hello")
        self.assertEqual(
            wait_exec(d, "app", running=0),
            {"running": 0, "started": 1, "failed": 0, "exits": {"0": 1},
             "signals": {}})
        wait_until(lambda: d.listener("app")["ends"]["program_ended"] == 1,
                   "and so has the connection")

    def test_date(self):
        d = self.serve(program("/bin/date", "+%Y"))
        with connect(d.port("app")) as s:
            self.assertRegex(receive_all(s).decode(), r"^\d{4}\n$")

    def test_much_both_ways(self):
        d = self.serve(program("/bin/cat"))
        with connect(d.port("app")) as s:
            sender = threading.Thread(
                target=lambda: (s.sendall(MUCH), s.shutdown(socket.SHUT_WR)))
            sender.start()
            got = receive_all(s)
            sender.join()
        self.assertTrue(got == MUCH)

    def test_a_script_reads_lines(self):
        d = self.serve(script("while read a b; do echo $b $a; done"))
        with connect(d.port("app")) as s:
            s.sendall(b"one two\n")
            self.assertEqual(line(s), "two one")
            s.sendall(b"three four\n")
            self.assertEqual(line(s), "four three")

    def test_input_may_end_before_output(self):
        d = self.serve(script("wc -c; echo and more"))
        self.assertEqual(output(d.port("app"), b"12345"), "5\nand more\n")

    def test_output_may_end_before_input(self):
        """All that has the socket must be closed, as by any server."""
        d = self.serve(script("echo over; exec 0<&- 1>&-; exec sleep 1000"))
        with connect(d.port("app")) as s:
            self.assertEqual(receive_all(s), b"over\n")
        self.assertEqual(exec_of(d, "app")["running"], 1)

    def test_both_families_and_a_unix_socket(self):
        d = self.started()
        d.add("v6", **program("/bin/cat", address="::1"))
        path = os.path.join(d.dir, "app.sock")
        d.add("unix", **program("/bin/cat", path=path))
        self.assertEqual(output(("::1", d.port("v6")), b"six"), "six")
        self.assertEqual(output(path, b"here"), "here")

    def test_as_an_ordinary_user(self):
        d = self.serve(program("/usr/bin/id", "-u"), as_root=False)
        with connect(d.port("app")) as s:
            self.assertEqual(receive_all(s).decode(),
                             f"{os.getuid() or NOBODY.pw_uid}\n")

    def test_many_at_once(self):
        d = self.serve(program("/bin/cat", workers=2))
        port = d.port("app")
        all_of_them = [connect(port) for _ in range(60)]
        try:
            for i, s in enumerate(all_of_them):
                s.sendall(b"%d\n" % i)
            for i, s in enumerate(all_of_them):
                self.assertEqual(line(s), str(i))
            # The last one may have answered before it was counted.
            wait_until(lambda: exec_of(d, "app")["running"] == 60, "60 run")
            self.assertEqual(d.listener("app")["connections"], 60)
        finally:
            for s in all_of_them:
                s.close()
        self.assertEqual(wait_exec(d, "app", running=0)["exits"], {"0": 60})

    def test_nothing_but_three_descriptors(self):
        d = self.serve(program("/bin/cat"))
        with connect(d.port("app")) as s:
            s.sendall(b"x\n")
            self.assertEqual(line(s), "x")
            pid, = programs_of("app")
            fds = {fd: os.readlink(f"/proc/{pid}/fd/{fd}")
                   for fd in os.listdir(f"/proc/{pid}/fd")}
            worker, = d.workers("app")
            held = [os.readlink(f"/proc/{worker}/fd/{fd}")
                    for fd in os.listdir(f"/proc/{worker}/fd")]
        self.assertEqual(set(fds), {"0", "1", "2"})
        self.assertEqual(fds["0"], fds["1"])
        self.assertTrue(fds["0"].startswith("socket:"))
        self.assertNotIn(fds["0"], held, "the worker holds it too")

    def test_no_new_privileges_and_no_capabilities(self):
        d = self.serve(program("/bin/cat", "/proc/self/status"))
        with connect(d.port("app")) as s:
            status = dict(l.split(":\t", 1) for l in
                          receive_all(s).decode().splitlines() if ":\t" in l)
        self.assertEqual(status["NoNewPrivs"], "1")
        for name in "SigBlk", "SigIgn", "SigCgt", "CapEff", "CapPrm":
            self.assertEqual(int(status[name], 16), 0, name)

    def test_an_update_is_for_new_connections(self):
        d = self.serve(program("/bin/cat"))
        with connect(d.port("app")) as s:
            s.sendall(b"before\n")
            self.assertEqual(line(s), "before")
            d.call("listener.update", name="app",
                   exec={"command": ["/bin/echo", "new"]})
            s.sendall(b"old\n")
            self.assertEqual(line(s), "old")
            self.assertEqual(output(d.port("app")), "new\n")


class Told(Case):
    """What a program is told of its connection."""

    def test_tcp(self):
        d = self.serve(program("/usr/bin/env"))
        port, worker = d.port("app"), d.workers("app")[0]
        with connect(port) as s:
            own = s.getsockname()
            got = environment(receive_all(s).decode())
        self.assertRegex(got.pop("MERCURY_CONNECTION"), r"^[0-9a-f]{8}-\d+$")
        self.assertTrue(got.pop("MERCURY_RUN").startswith(d.control + ":"))
        self.assertEqual(got, {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"
                    ":/sbin:/bin",
            "PROTO": "TCP", "TCPLOCALIP": "127.0.0.1",
            "TCPLOCALPORT": str(port), "TCPREMOTEIP": "127.0.0.1",
            "TCPREMOTEPORT": str(own[1]), "MERCURY_LISTENER": "app",
            "MERCURY_WORKER": str(worker), "MERCURY_RUN_DRAIN_MS": "2000"})

    def test_ipv6(self):
        d = self.serve(program("/usr/bin/env", address="::1"))
        got = environment(output(("::1", d.port("app"))))
        self.assertEqual((got["PROTO"], got["TCPLOCALIP"],
                          got["TCPREMOTEIP"]), ("TCP", "::1", "::1"))

    def test_unix(self):
        d = self.started()
        path = os.path.join(d.dir, "app.sock")
        d.add("app", **program("/usr/bin/env", path=path))
        got = environment(output(path))
        self.assertEqual(
            {k: v for k, v in got.items() if k.startswith(("UNIX", "PROTO"))},
            {"PROTO": "UNIX", "UNIXLOCALPATH": path,
             "UNIXREMOTEEUID": str(os.geteuid()),
             "UNIXREMOTEEGID": str(os.getegid()),
             "UNIXREMOTEPID": str(os.getpid())})

    def test_own_variables_and_directory(self):
        d = self.serve(program(
            "/usr/bin/env", environment=["PATH=/opt/bin", "GREETING=a b"]))
        got = environment(output(d.port("app")))
        self.assertEqual((got["PATH"], got["GREETING"]), ("/opt/bin", "a b"))
        d.add("here", **program("/bin/pwd", directory="/usr/share"))
        self.assertEqual(output(d.port("here")), "/usr/share\n")

    def test_a_proxy_in_front(self):
        """With and without bytes that come together with the header."""
        d = self.serve(script("env; cat", proxy_protocol="any",
                              proxy_trusted=["127.0.0.1"]))
        header = v1(ports=(40000, 9100))
        for early in b"", b"EARLY=1\n":
            with self.subTest(early=early), connect(d.port("app")) as s:
                s.sendall(header + early)
                s.shutdown(socket.SHUT_WR)
                got = environment(receive_all(s).decode())
                self.assertEqual(
                    (got["TCPREMOTEIP"], got["TCPREMOTEPORT"],
                     got["TCPLOCALIP"], got["TCPLOCALPORT"]),
                    ("192.0.2.7", "40000", "192.0.2.1", "9100"))
                self.assertEqual("EARLY" in got, bool(early))

    def test_arguments(self):
        d = self.serve(program("/usr/bin/printf", "%s|", "a b", "", "$HOME"))
        self.assertEqual(output(d.port("app")), "a b||$HOME|")


# Its main program ends, and another one of its group goes on.
REST = "exec 3<&0; { echo started; read x <&3; echo rest $x; } & exit 3"


def finish_the_rest(case, d, s):
    case.assertEqual(line(s), "started")
    wait_until(lambda: len(programs_of("app")) == 1, "the main one has ended")
    s.sendall(b"x\n")
    case.assertEqual(receive_all(s), b"rest x\n")
    case.assertEqual(wait_exec(d, "app", running=0)["exits"], {"3": 1})


class Tls(Case):
    def setUp(self):
        super().setUp()
        self.certs = Certificates(os.path.join(self.scratch(), "certs"))
        self.cert, self.key = self.certs.make("server")

    def over_tls(self, options, **tls):
        return self.serve({**options, "transport": "tls", "tls": {
            "cert": self.cert, "key": self.key, **tls}})

    def connect(self, d, **more):
        context = ssl.create_default_context(cafile=self.certs.ca)
        for name, (cert, key) in more.items():
            self.assertEqual(name, "client")
            context.load_cert_chain(cert, key)
        s = connect(d.port("app"))
        return context.wrap_socket(s, server_hostname="localhost",
                                   suppress_ragged_eofs=False)

    def test_cat_with_s_client(self):
        d = self.over_tls(program("/bin/cat"))
        p = subprocess.Popen(
            ("openssl", "s_client", "-quiet", "-no_ign_eof", "-connect",
             f"127.0.0.1:{d.port('app')}", "-CAfile", self.certs.ca,
             "-verify_return_error"), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        with p:
            p.stdin.write(b"hello\n")
            p.stdin.flush()
            self.assertEqual(p.stdout.readline(), b"hello\n")
            p.stdin.close()
        wait_exec(d, "app", running=0, exits={"0": 1})

    def test_much_and_its_end(self):
        """Nothing is lost, and the end is told: close_notify."""
        d = self.over_tls(program("/bin/cat"))
        with self.connect(d) as s:
            self.assertTrue(exchange(s, MUCH) == MUCH)
        d.add("out", **{**program("/usr/bin/head", "-c", "3000000",
                                  "/dev/zero"),
                        "transport": "tls",
                        "tls": {"cert": self.cert, "key": self.key}})
        context = ssl.create_default_context(cafile=self.certs.ca)
        with context.wrap_socket(
                connect(d.port("out")), server_hostname="localhost",
                suppress_ragged_eofs=False) as s:
            self.assertEqual(len(receive_all(s)), 3000000)

    def test_what_it_is_told(self):
        client = self.certs.make("terminal", cn="terminal 7")
        d = self.over_tls(program("/usr/bin/env"), client_ca=self.certs.ca)
        with self.connect(d, client=client) as s:
            got = environment(receive_all(s).decode())
        self.assertEqual(got["PROTO"], "TCP")
        self.assertEqual(got["TCPREMOTEIP"], "127.0.0.1")
        self.assertEqual(got["SSL_PROTOCOL"], "TLSv1.3")
        self.assertIn("TLS_", got["SSL_CIPHER"])
        self.assertEqual(got["SSL_TLS_SNI"], "localhost")
        self.assertEqual(got["SSL_CLIENT_S_DN_CN"], "terminal 7")
        self.assertIn("O=Fleet", got["SSL_CLIENT_S_DN"])
        self.assertRegex(got["SSL_CLIENT_M_SERIAL"], "^[0-9a-fA-F]+$")
        self.assertEqual(got["SSL_SESSION_RESUMED"], "Initial")

    def test_the_rest_of_the_group_may_finish(self):
        d = self.over_tls(script(REST))
        with self.connect(d) as s:
            finish_the_rest(self, d, s)

    def test_a_client_that_goes_is_noticed(self):
        d = self.over_tls(script("echo hello; cat; exec yes"))
        with self.connect(d) as s:
            self.assertEqual(line(s), "hello")
        got = wait_exec(d, "app", running=0)
        # SIGPIPE, or EPIPE for a write that was waiting.
        self.assertIn((got["exits"], got["signals"]),
                      [({}, {"13": 1}), ({"1": 1}, {})])

    def test_kick(self):
        d = self.over_tls(program("/bin/cat"))
        with self.connect(d) as s:
            s.sendall(b"x\n")
            self.assertEqual(line(s), "x")
            row, = d.call("connection.list", name="app")["connections"]
            d.call("connection.kick", name="app", id=row["id"])
            self.assertEqual(receive_all(s), b"")
        wait_exec(d, "app", running=0, signals={"15": 1})
        self.assertEqual(d.listener("app")["ends"]["kicked"], 1)


class Stderr(Case):
    SCRIPT = "echo to the socket; echo to stderr >&2"

    def test_log(self):
        d = self.serve(script(self.SCRIPT))
        self.assertEqual(output(d.port("app")), "to the socket\n")
        wait_until(lambda: ": to stderr" in d.log(), "it is logged")
        logged, = [l for l in d.log().splitlines() if "to stderr" in l]
        self.assertRegex(
            logged, r"listener=app program \d+ \(connection [0-9a-f]+-\d+\)")

    def test_socket(self):
        d = self.serve(script(self.SCRIPT, stderr="socket"))
        self.assertEqual(output(d.port("app")),
                         "to the socket\nto stderr\n")
        self.assertNotIn("to stderr", d.log())

    def test_null(self):
        d = self.serve(script(self.SCRIPT, stderr="null"))
        self.assertEqual(output(d.port("app")), "to the socket\n")
        wait_exec(d, "app", running=0)
        self.assertNotIn("to stderr", d.log())

    def test_what_is_no_text_is_escaped(self):
        d = self.serve(script(r"printf 'a\033[31m\nb\n' >&2"))
        output(d.port("app"))
        wait_until(lambda: "): b" in d.log(), "it is logged")
        self.assertNotIn("\033", d.log())


class Limits(Case):
    def test_seen_by_the_program(self):
        d = self.serve(program("/bin/cat", "/proc/self/limits", cpu="7s",
                               memory="256m", files=64, processes=1234))
        limits = output(d.port("app"))
        for want in (r"Max cpu time +7 +8 ",
                     r"Max address space +268435456 +268435456 ",
                     r"Max open files +64 +64 ",
                     r"Max processes +1234 +1234 ",
                     r"Max core file size +1 +1 "):
            self.assertRegex(limits, want)

    def test_cpu(self):
        d = self.serve(script("while :; do :; done", cpu="1s"))
        with connect(d.port("app")) as s:
            self.assertEqual(receive_all(s), b"")
        self.assertEqual(wait_exec(d, "app", running=0)["signals"],
                         {str(int(signal.SIGXCPU)): 1})

    def test_memory(self):
        d = self.serve(program(
            "/usr/bin/python3", "-c", "b'x' * (1 << 30); print('got it')",
            memory="200m", stderr="socket"))
        self.assertIn("MemoryError", output(d.port("app")))

    def test_more_than_max_processes_wait(self):
        d = self.serve(program("/bin/cat", max_processes=2, workers=2))
        first, second, third = [connect(d.port("app")) for _ in range(3)]
        with first, second, third:
            for s in first, second, third:
                s.sendall(b"x")
            got = [s for s in (first, second, third)
                   if self.is_answered(s, 0.5)]
            self.assertEqual(len(got), 2)
            self.assertEqual(exec_of(d, "app")["running"], 2)
            left, = {first, second, third} - set(got)
            got[0].close()
            self.assertEqual(receive(left, 1), b"x")
        self.assertEqual(wait_exec(d, "app", running=0)["started"], 3)

    @staticmethod
    def is_answered(s, seconds):
        s.settimeout(seconds)
        try:
            return s.recv(1) == b"x"
        except TimeoutError:
            return False
        finally:
            s.settimeout(mercury.DEADLINE)

    def test_more_than_max_processes_are_rejected(self):
        d = self.serve(program("/bin/cat", max_processes=1,
                               overflow="reject"))
        with connect(d.port("app")) as s:
            s.sendall(b"x")
            self.assertEqual(receive(s, 1), b"x")
            with connect(d.port("app")) as other:
                try:
                    self.assertEqual(other.recv(1), b"")
                except ConnectionResetError:
                    pass
            wait_until(lambda: d.listener("app")["rejected"] == 1,
                       "it is counted")
        self.assertEqual(wait_exec(d, "app", running=0)["started"], 1)

    def test_a_fork_bomb(self):
        """Its limit of processes holds it, and its end ends all of it."""
        if not mercury.ROOT:
            self.skipTest("needs a user that runs nothing else")
        first = listener("first", protocol="exec", user="games", pool="bombs",
                         workers=1)
        d = self.started(first[:-2] + '  exec {\n    command = {"/bin/true"}\n'
                         '  }\n}\n')
        # The test's own net, should the limit not hold.
        self.addCleanup(lambda: [mercury.kill(p) for p in
                                 programs_of("bomb")])
        d.add("bomb", pool="bombs", **program(
            "/usr/bin/python3", "-c", BOMB, processes=40, max_processes=2,
            kill_after="1s"))
        d.add("echo")
        with connect(d.port("bomb")) as s:
            self.assertEqual(line(s), "ready")
            # The worker is one of the 40.
            wait_until(lambda: len(programs_of("bomb")) == 39, "it is full")
            for _ in range(10):
                self.assertLessEqual(len(programs_of("bomb")), 39)
                self.assertTrue(mercury.answers(d.port("echo")))
            row, = d.call("connection.list", name="bomb")["connections"]
            d.call("connection.kick", name="bomb", id=row["id"])
            self.assertEqual(receive_all(s), b"")
        wait_exec(d, "bomb", running=0)
        wait_until(lambda: not programs_of("bomb"), "all of it is gone")


class Ends(Case):
    STUBBORN = "trap '' TERM HUP INT; echo ready; while :; do sleep 1; done"

    def test_codes_and_signals(self):
        d = self.serve(script("read x; eval $x", record_connections=True))
        for word in "exit 0", "exit 0", "exit 7", "exit 255", "kill -9 $$":
            output(d.port("app"), word.encode() + b"\n")
        got = wait_exec(d, "app", started=5, running=0)
        self.assertEqual(got["exits"], {"0": 2, "7": 1, "255": 1})
        self.assertEqual(got["signals"], {"9": 1})
        self.assertIn("programs       5 started\n",
                      d.ctl("status", "app").out)
        self.assertEqual(len(wait_rows(d, "app.started", count=5)), 5)
        self.assertEqual(len(wait_rows(d, "app.exited", count=2)), 2)
        crashed = {e["reason"]: e["detail"]["count"]
                   for e in wait_rows(d, "app.crashed", count=3)}
        self.assertEqual(crashed, {"exit_7": 1, "exit_255": 1, "signal_9": 1})
        event = rows(d, "app.exited")[0]
        self.assertEqual(event["detail"]["exit_code"], 0)
        self.assertIn("connection", event["detail"])
        self.assertTrue(event["peer"].startswith("127.0.0.1:"))

    def test_crashes_are_folded(self):
        d = self.serve(script("exit 1"))
        for _ in range(20):
            output(d.port("app"))
        wait_exec(d, "app", exits={"1": 20})
        wait_rows(d, "app.crashed")
        wait_until(lambda: sum(e["detail"]["count"] for e in
                               rows(d, "app.crashed", "app")) == 20,
                   "all are told")
        self.assertLess(len(rows(d, "app.crashed")), 20)
        self.assertEqual(rows(d, "app.started"), [])
        self.assertEqual(rows(d, "app.exited"), [])

    def test_metrics(self):
        endpoint = Endpoint()
        d = self.started(endpoint.section)
        d.add("app", **script("read x; exit $x"))
        output(d.port("app"), b"0\n")
        output(d.port("app"), b"3\n")
        wait_exec(d, "app", running=0, started=2)
        samples = endpoint.scrape()
        self.assertEqual(samples.value("mercury_exec_started_total",
                                       listener="app"), 2)
        self.assertEqual(samples.value("mercury_exec_running",
                                       listener="app"), 0)
        self.assertEqual(samples.value("mercury_exec_exits_total",
                                       listener="app", code="3"), 1)
        self.assertEqual(samples.value("mercury_exec_failed_total",
                                       listener="app"), 0)

    def test_one_that_can_not_be_started(self):
        """It could be when the listener was added."""
        folder = self.scratch()
        d = self.started()
        for name, spoil, why in (
                ("gone", os.unlink, "No such file"),
                ("text", lambda p: os.chmod(p, 0o644), "Permission denied"),
                ("nowhere", lambda p: os.rmdir(p + ".d"),
                 ".d: No such file")):
            with self.subTest(name=name):
                path = os.path.join(folder, name)
                shutil.copy("/bin/cat", path)
                os.mkdir(path + ".d")
                d.add(name, **program(path, directory=path + ".d"))
                spoil(path)
                # It may come before connect() has returned.
                with self.assertRaises(ConnectionResetError):
                    with connect(d.port(name)) as s:
                        receive_all(s)
                got = wait_exec(d, name, failed=1)
                self.assertEqual(got["started"], 0)
                wait_until(lambda: d.listener(name)["ends"]["program_failed"]
                           == 1, "the connection has ended")
                self.assertIn(why, d.log())
        found = wait_rows(d, "app.crashed", count=3)
        self.assertEqual({e["reason"] for e in found}, {"not_started"})

    def kick(self, d):
        row, = d.call("connection.list", name="app")["connections"]
        d.call("connection.kick", name="app", id=row["id"])

    def test_kick_asks_first(self):
        d = self.serve(script(
            "trap 'echo bye; exit 3' TERM; echo ready;"
            " while :; do sleep 0.05; done", record_connections=True))
        with connect(d.port("app")) as s:
            self.assertEqual(line(s), "ready")
            self.kick(d)
            self.assertEqual(receive_all(s), b"bye\n")
        self.assertEqual(wait_exec(d, "app", running=0)["exits"], {"3": 1})
        self.assertEqual(d.listener("app")["ends"]["kicked"], 1)
        # It was wanted, so it is no crash.
        wait_rows(d, "app.exited")
        self.assertEqual(rows(d, "app.crashed"), [])

    def test_kick_then_kills(self):
        d = self.serve(script(self.STUBBORN, kill_after="300ms",
                              max_processes=1))
        with connect(d.port("app")) as s:
            self.assertEqual(line(s), "ready")
            self.kick(d)
            self.assertEqual(d.listener("app")["connections"], 1)
            self.assertEqual(receive_all(s), b"")
        self.assertEqual(wait_exec(d, "app", running=0)["signals"],
                         {"9": 1})
        self.assertEqual(programs_of("app"), set())

    def test_max_lifetime(self):
        d = self.serve(script(self.STUBBORN, kill_after="100ms",
                              max_lifetime="300ms"))
        with connect(d.port("app")) as s:
            self.assertEqual(receive_all(s), b"ready\n")
        # The kernel has closed it before the worker hears of the end.
        wait_until(lambda: d.listener("app")["ends"]["max_lifetime"] == 1,
                   "it is counted")

    def test_the_end_ends_the_group(self):
        """After kill_after, that is."""
        d = self.serve(script("sleep 1000 & sleep 1000 & echo started",
                              kill_after="300ms"))
        with connect(d.port("app")) as s:
            self.assertEqual(receive_all(s), b"started\n")
        wait_exec(d, "app", running=0)
        wait_until(lambda: not programs_of("app"), "nobody is left", 1)

    def test_the_rest_of_the_group_may_finish(self):
        d = self.serve(script(REST))
        with connect(d.port("app")) as s:
            finish_the_rest(self, d, s)

    def test_remove_waits_then_kills(self):
        d = self.serve(script("trap '' TERM; echo ready; cat; sleep 1000",
                              drain_timeout="10s"))
        with connect(d.port("app")) as s:
            self.assertEqual(line(s), "ready")
            port = d.port("app")
            call = threading.Thread(target=d.call, args=(
                "listener.remove",),
                kwargs={"name": "app", "deadline": f"{2 * SLOWER}s"})
            call.start()
            wait_until(lambda: mercury.refused(port), "it is closed")
            s.sendall(b"still served\n")
            self.assertEqual(line(s), "still served")
            self.assertEqual(receive_all(s), b"")
            call.join()
        wait_until(lambda: not programs_of("app"), "nobody is left")

    def test_shutdown(self):
        """Programs may finish until the deadline, and are gone at it."""
        d = self.serve(script(self.STUBBORN), shutdown_deadline="500ms")
        with connect(d.port("app")) as s:
            self.assertEqual(line(s), "ready")
            d.signal(signal.SIGTERM)
            self.assertEqual(receive_all(s), b"")
        self.assertEqual(d.wait(), 0)
        self.assertEqual(programs_of("app"), set())

    def test_hot_restart(self):
        """Who runs stays with the old worker, until it has ended."""
        d = self.serve(program("/bin/cat", drain_timeout="30s"))
        old, = d.workers("app")
        with connect(d.port("app")) as s:
            s.sendall(b"one\n")
            self.assertEqual(line(s), "one")
            d.call("listener.restart", name="app")
            self.assertNotEqual(d.workers("app"), [old])
            self.assertEqual(output(d.port("app"), b"new"), "new")
            s.sendall(b"two\n")
            self.assertEqual(line(s), "two")
            self.assertTrue(mercury.alive(old))
        wait_until(lambda: not mercury.alive(old), "the old worker ends")
        got = wait_exec(d, "app", running=0)
        self.assertEqual((got["started"], got["exits"]), (2, {"0": 2}))

    def test_one_that_moves(self):
        """Its programs count for the listener that has its name now."""
        def app(**options):
            text = listener("app", protocol="exec", drain_timeout="30s",
                            **options)
            return (text.rstrip("}\n")
                    + '\n  exec { command = {"/bin/cat"} }\n}\n')

        d = self.started(app())
        self.assertEqual(output(d.port("app"), b"one"), "one")
        with connect(d.port("app")) as s:
            s.sendall(b"two\n")
            self.assertEqual(line(s), "two")
            d.write(app(port=free_port()))
            d.call("daemon.reload")
            self.assertEqual(output(d.port("app"), b"new"), "new")
            self.assertEqual(wait_exec(d, "app", running=1)["exits"],
                             {"0": 2})
            s.sendall(b"three\n")
            self.assertEqual(line(s), "three")
        got = wait_exec(d, "app", running=0)
        self.assertEqual((got["started"], got["exits"]), (3, {"0": 3}))

    def test_hot_restart_at_its_deadline(self):
        d = self.serve(script(self.STUBBORN, drain_timeout="300ms"))
        with connect(d.port("app")) as s:
            self.assertEqual(line(s), "ready")
            d.call("listener.restart", name="app")
            self.assertEqual(receive_all(s), b"")
        wait_exec(d, "app", running=0, signals={"9": 1})
        wait_until(lambda: not programs_of("app"), "nobody is left")

    def test_a_worker_that_is_killed(self):
        """Its programs end with it, and those of their groups soon after."""
        d = self.serve(script(
            "sleep 1000 & setsid sleep 1000 >/dev/null 2>&1 </dev/null &"
            " echo ready; cat"))
        with connect(d.port("app")) as s:
            self.assertEqual(line(s), "ready")
            wait_until(lambda: len(programs_of("app")) == 4, "all run")
            d.kill_worker("app")
            self.assertEqual(receive_all(s), b"")
        wait_until(lambda: not programs_of("app"), "nobody is left")
        self.assertEqual(wait_exec(d, "app", running=0)["signals"],
                         {"9": 1})
        with connect(d.port("app")) as s:
            self.assertEqual(line(s), "ready")

    def test_a_daemon_that_is_killed(self):
        """Its workers drain; a program may finish, but not outlive them."""
        d = self.serve(script(self.STUBBORN), shutdown_deadline="500ms")
        with connect(d.port("app")) as s:
            self.assertEqual(line(s), "ready")
            mercury.kill(d.pid)
            d.wait()
            self.assertEqual(receive_all(s), b"")
        wait_until(lambda: not programs_of("app"), "nobody is left")

    def test_a_probe_costs_no_program(self):
        d = self.serve(program("/bin/cat", probes=["127.0.0.1"]))
        connect(d.port("app")).close()
        wait_until(lambda: d.listener("app")["probes"] == 1, "it is counted")
        self.assertEqual(exec_of(d, "app")["started"], 0)


class Checks(mercury.TestCase):
    """What can't be, and is said at once."""

    def test_no_command(self):
        d = self.started()
        for options in ({"protocol": "exec"},
                        {"protocol": "exec", "exec": {}},
                        program("cat"), program("/nonexistent"),
                        program("/bin/cat", memory="no")):
            with self.subTest(options=options):
                with self.assertRaises(RpcError):
                    d.add("app", **options)
                self.assertIsNone(d.listener("app"))

    def test_in_the_config_file(self):
        d = self.started(
            'listener "app" {\n  port = 0\n  address = "127.0.0.1"\n'
            '  workers = 1\n  protocol = "exec"\n  exec {\n'
            '    command = {"/bin/echo", "from a file"}\n  }\n}\n'
            + listener("echo"))
        self.assertEqual(output(d.port("app")), "from a file\n")


if __name__ == "__main__":
    mercury.main()
