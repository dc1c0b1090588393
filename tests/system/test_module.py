"""Protocol modules: the examples with real clients, what a module can do, and
what becomes of one that is wrong, or goes wrong."""

import os
import re
import select
import shutil
import socket
import ssl
import struct
import subprocess
import time
import unittest
import urllib.request

import mercury
import modules
from certs import Certificates
from mercury import connect, gateway, receive, receive_all, wait_until
from modules import listener
from storing import wait_rows
from supervising import Background


# A crash is to be one, whatever the build.
CRASHING = {"ASAN_OPTIONS": "handle_segv=0"}


def lines(s, *words):
    """Send lines; the answers to as many are read by the caller."""
    s.sendall("".join(word + "\n" for word in words).encode())


def line(s):
    """One line of what comes."""
    data = bytearray()
    while not data.endswith(b"\n"):
        part = s.recv(1)
        if not part:
            break
        data += part
    return data.decode().rstrip("\n")


def say(s, word):
    """What a module of words answers."""
    lines(s, word)
    return line(s)


class TestCase(modules.TestCase):
    def words(self, *flags, check_state=False, module=None, **options):
        """A daemon whose listener pos uses the words module."""
        path = self.kit.words(*flags, name="-".join(["words", *flags]))
        return self.started(listener("pos", path, check_state, module,
                                     **options))

    def wait_log(self, d, pattern):
        return wait_until(lambda: re.search(pattern, d.log()),
                          f"{pattern} in the log")


class Examples(TestCase):
    def test_line_time(self):
        d = self.started(listener("time", self.kit.example("line-time")))
        with connect(d.port("time")) as s:
            s.sendall(b"what")
            s.sendall(b" time\nis it?\n\n")
            for _ in range(3):
                self.assertRegex(line(s),
                                 r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
            s.shutdown(socket.SHUT_WR)
            self.assertEqual(receive_all(s), b"")

    def test_line_time_and_one_that_does_not_read(self):
        d = self.started(listener("time", self.kit.example("line-time")))
        count = 300000  # 6 MiB of answers
        with connect(d.port("time")) as s:
            s.setblocking(False)
            sent = got = 0
            while got < 21 * count:
                r, w, _ = select.select([s], [s] if sent < count else [], [],
                                        mercury.DEADLINE)
                self.assertTrue(r or w, f"{sent} lines, {got} bytes")
                if w:
                    sent += s.send(b"\n" * min(count - sent, 65536))
                if r:
                    got += len(s.recv(65536))
            self.assertEqual(got, 21 * count)

    def test_iso8583_echo(self):
        d = self.started(listener("pos", self.kit.example("iso8583-echo")))
        echo = iso8583(b"0800", {7: b"1121120000", 11: b"000042",
                                 70: b"301"})
        sale = iso8583(b"0200", {3: b"000000", 4: b"000000001000",
                                 11: b"000043", 41: b"TERM0001"})
        with connect(d.port("pos")) as s:
            s.sendall(echo[:5])
            s.sendall(echo[5:] + b"\0\0" + sale)
            self.assertEqual(frame(s), iso8583(
                b"0810", {7: b"1121120000", 11: b"000042", 39: b"00",
                          70: b"301"})[2:])
            self.assertEqual(frame(s), iso8583(
                b"0210", {11: b"000043", 39: b"12", 41: b"TERM0001"})[2:])
            s.sendall(b"\0\x10this is no MTI..")
            with self.assertRaises(ConnectionResetError):
                receive_all(s)
        self.wait_counters(d, {"echoes": 1, "refused": 1, "bad_frames": 1,
                               "silent": 0})
        told = wait_rows(d, "connection.reported")[0]
        self.assertEqual(told["reason"], "bad_frame")
        self.assertEqual(told["listener"], "pos")
        self.assertEqual(told["detail"]["text"], "its type is not four digits")
        self.assertRegex(told["detail"]["connection"], r"^[0-9a-f]{8}-\d+$")

    def test_iso8583_echo_and_one_that_is_silent(self):
        d = self.started(listener("pos", self.kit.example("iso8583-echo"),
                                  module={"silence": 1}))
        with connect(d.port("pos")) as s:
            self.assertEqual(receive_all(s), b"")
        self.wait_counters(d, {"echoes": 0, "refused": 0, "bad_frames": 0,
                               "silent": 1})

    def wait_counters(self, d, want):
        wait_until(lambda: d.listener("pos")["module"]["counters"] == want,
                   want)

    def mbpoll(self, d, *args):
        done = subprocess.run(
            [mercury.need_tool(self, "mbpoll"), "-0", "-1", "-q", "-p",
             str(d.port("plc")), *args[:-1], "127.0.0.1", *args[-1]],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=mercury.DEADLINE * 2)
        return done.returncode, done.stdout

    def read(self, d, table, first, count):
        code, out = self.mbpoll(d, "-t", str(table), "-r", str(first), "-c",
                                str(count), [])
        self.assertEqual(code, 0, out)
        return {int(k): int(v)
                for k, v in re.findall(r"^\[(\d+)\]:\s+(\d+)", out, re.M)}

    def test_modbus_sim(self):
        d = self.started(listener(
            "plc", self.kit.example("modbus-sim"),
            module={"holding_registers": "0:17:18 40:0x1f",
                    "input_registers": "5:7", "coils": "3:1",
                    "discrete_inputs": "9:1"}))
        self.assertEqual(self.read(d, 4, 0, 2), {0: 17, 1: 18})
        self.assertEqual(self.read(d, 4, 40, 1), {40: 31})
        self.assertEqual(self.read(d, 3, 5, 1), {5: 7})
        self.assertEqual(self.read(d, 0, 2, 2), {2: 0, 3: 1})
        self.assertEqual(self.read(d, 1, 8, 2), {8: 0, 9: 1})
        code, out = self.mbpoll(d, "-t", "4", "-r", "10", ["99", "1000"])
        self.assertEqual(code, 0, out)
        code, out = self.mbpoll(d, "-t", "0", "-r", "4", ["1"])
        self.assertEqual(code, 0, out)
        self.assertEqual(self.read(d, 4, 9, 3), {9: 0, 10: 99, 11: 1000})
        self.assertEqual(self.read(d, 0, 4, 1), {4: 1})
        code, out = self.mbpoll(d, "-t", "4", "-r", "99", "-c", "2", [])
        self.assertIn("Illegal data address", out)
        counted = d.listener("plc")["module"]
        self.assertEqual(counted["name"], "modbus-sim")
        self.assertEqual(counted["counters"]["writes"], 2)
        self.assertEqual(counted["counters"]["exceptions"], 1)
        self.assertRegex(d.ctl("status", "plc").out,
                         r"\nmodule +modbus-sim \(\d+ requests, 2 writes, "
                         r"1 exceptions\)\n")

    def test_modbus_sim_gets_other_options(self):
        path = self.kit.example("modbus-sim")
        d = self.started(listener("plc", path,
                                  module={"holding_registers": "0:1"}))
        with connect(d.port("plc")) as before:
            self.assertEqual(modbus(before, 0), 1)
            d.call("listener.update", name="plc",
                   module={"path": path,
                           "options": {"holding_registers": "0:2"}})
            self.assertEqual(self.read(d, 4, 0, 1), {0: 2})
            self.assertEqual(modbus(before, 0), 1, "it keeps what it has")
        # What is nothing to the module leaves its registers alone.
        self.mbpoll(d, "-t", "4", "-r", "1", ["55"])
        d.call("listener.update", name="plc", allow=["127.0.0.0/8"])
        self.assertEqual(self.read(d, 4, 0, 2), {0: 2, 1: 55})

    def test_built_by_both_compilers_with_all_warnings(self):
        with open(mercury.binary("Makefile")) as f:
            warnings = re.search(r"^WARN_CFLAGS = (.*)$", f.read(), re.M)[1]
        for cc in ("gcc", "clang"):
            mercury.need_tool(self, cc)
            known = [w for w in warnings.split()
                     if cc == "gcc" or w not in ("-Wduplicated-cond",
                                                 "-Wlogical-op")]
            for name in modules.EXAMPLES:
                self.kit.example(name, "-Werror", *known, cc=cc)


def iso8583(mti, fields):
    """A message with its length."""
    bits = sum(1 << (128 - k) for k in fields)
    if any(k > 64 for k in fields):
        bits |= 1 << 127
    bitmap = bits.to_bytes(16, "big")[:16 if bits >> 127 else 8]
    body = mti + bitmap + b"".join(fields[k] for k in sorted(fields))
    return struct.pack(">H", len(body)) + body


def frame(s):
    return receive(s, struct.unpack(">H", receive(s, 2))[0])


def modbus(s, register):
    """The value of a holding register, over an open connection."""
    s.sendall(struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, register, 1))
    return struct.unpack(">HHHBBBH", receive(s, 11))[-1]


class Calls(TestCase):
    """What a module can do to a connection, and hears of it."""

    def test_configure_and_opened(self):
        d = self.words(module={"greeting": "hello", "say": "cheese"})
        with connect(d.port("pos")) as s:
            self.assertEqual(line(s), "hello")
        self.wait_log(d, "listener=pos pos says cheese")

    def test_a_timer(self):
        d = self.words()
        with connect(d.port("pos")) as s:
            begun = time.monotonic()
            lines(s, "ring 60000", "ring 300")
            self.assertEqual(line(s), "rung")
            self.assertGreaterEqual(time.monotonic() - begun, 0.29)
            lines(s, "ring 300", "ring 0", "x")
            self.assertEqual(line(s), "x")
            self.assertEqual(select.select([s], [], [], 0.6)[0], [])

    def test_finish_and_reset(self):
        d = self.words()
        with connect(d.port("pos")) as s:
            lines(s, "x", "finish", "y")
            self.assertEqual(receive_all(s), b"x\n")
        with connect(d.port("pos")) as s:
            lines(s, "reset")
            with self.assertRaises(ConnectionResetError):
                receive_all(s)
        self.wait_ends(d, protocol_closed=2)

    def wait_ends(self, d, **want):
        def ends():
            return {k: v for k, v in d.listener("pos")["ends"].items() if v}
        wait_until(lambda: ends() == want, f"{want}, not {ends()}")

    def test_what_is_told_of_the_end(self):
        d = self.words(idle_timeout="1s")
        ends = []
        with connect(d.port("pos")) as s:
            lines(s, "finish")
            receive_all(s)
        ends.append(self.closed(d, 1))
        with connect(d.port("pos")) as s:
            self.assertEqual(say(s, "x"), "x")
        ends.append(self.closed(d, 2))
        with connect(d.port("pos")) as s:
            self.assertEqual(say(s, "x"), "x")
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                         struct.pack("ii", 1, 0))
        ends.append(self.closed(d, 3))
        with connect(d.port("pos")) as s:
            receive_all(s)
        ends.append(self.closed(d, 4))
        with connect(d.port("pos")) as s:
            lines(s, "reset")
            with self.assertRaises(ConnectionResetError):
                receive_all(s)
        ends.append(self.closed(d, 5))
        with connect(d.port("pos")) as s:
            self.assertEqual(say(s, "x"), "x")
            d.call("connection.kick", name="pos",
                   id=d.call("connection.list",
                             name="pos")["connections"][0]["id"])
            receive_all(s)
        ends.append(self.closed(d, 6))
        # enum mercury_end
        self.assertEqual(ends, [0, 1, 2, 3, 4, 5])

    def closed(self, d, count):
        def all_ends():
            return re.findall(r"connection \S+: closed (\d)", d.log())
        return int(wait_until(
            lambda: len(all_ends()) == count and all_ends(),
            f"{count} closed()")[-1])

    def test_who_does_not_read_is_waited_for(self):
        d = self.words()
        size = 8 << 20
        with connect(d.port("pos")) as s:
            lines(s, f"much {size}", "x", "y")
            self.assertEqual(receive(s, size), bytes(size))
            self.assertEqual([line(s) for _ in range(3)],
                             ["writable", "x", "y"])

    def test_what_is_never_consumed_has_a_limit(self):
        d = self.words(module={"swallow": "yes"})
        with connect(d.port("pos")) as s:
            s.sendall(bytes(65535))
            self.assertEqual(select.select([s], [], [], 0.3)[0], [])
            s.sendall(b"x")
            with self.assertRaises(ConnectionResetError):
                receive_all(s)
        self.wait_ends(d, protocol_error=1)

    def test_one_that_consumes_more_than_there_is(self):
        d = self.words()
        with connect(d.port("pos")) as s:
            s.sendall(b"overrun\n")
            with self.assertRaises(ConnectionResetError):
                receive_all(s)
        self.wait_log(d, r"received\(\) of words has consumed 9 bytes of 8")

    def test_the_peer(self):
        d = self.words()
        with connect(d.port("pos")) as s:
            port = s.getsockname()[1]
            self.assertEqual(say(s, "peer"),
                             f"127.0.0.1 {port} [] [] [] [] []")

    def test_the_peer_behind_a_proxy(self):
        d = self.words(proxy_protocol="v1", proxy_trusted="127.0.0.1")
        with connect(d.port("pos")) as s:
            s.sendall(b"PROXY TCP6 2001:db8::1 2001:db8::2 1234 443\r\n")
            self.assertEqual(say(s, "peer"),
                             "2001:db8::1 1234 [] [] [] [] []")

    def test_behind_tls(self):
        made = Certificates(os.path.join(self.scratch(), "tls"))
        cert, key = made.make("server")
        client = made.make("terminal")
        path = self.kit.words()
        text = listener("pos", path, transport="tls")
        text = text[:-2] + (
            f'  tls {{ cert = "{cert}" key = "{key}" '
            f'client_ca = "{made.ca}" }}\n}}\n')
        d = self.started(text)
        context = ssl.create_default_context(cafile=made.ca)
        context.load_cert_chain(*client)
        with connect(d.port("pos")) as s:
            with context.wrap_socket(s, server_hostname="localhost") as t:
                told = say(t, "peer")
                lines(t, "much 300000", "x")
                self.assertEqual(receive(t, 300000), bytes(300000))
        self.assertRegex(told, r"\[TLSv1\.3\] \[terminal\] \[.*terminal.*\] "
                         r"\[[0-9A-Fa-f]+\] \[localhost\]$")

    def test_the_log(self):
        d = self.words()
        with connect(d.port("pos")) as s:
            lines(s, "log a\x1b[31mred\\", *["log many"] * 100, "x")
            self.assertEqual(line(s), "x")
            self.wait_log(d, r"warning: listener=pos connection "
                          r"[0-9a-f]{8}-1: a\\x1b\[31mred\\")
            self.assertLessEqual(d.log().count("many"), 40)
            time_up = time.monotonic() + mercury.DEADLINE
            while "lines of its module were not written" not in d.log():
                self.assertLess(time.monotonic(), time_up)
                lines(s, "log again", "x")
                self.assertEqual(line(s), "x")

    def test_reports(self):
        d = self.words()
        with connect(d.port("pos")) as s:
            lines(s, "report it's warm \x07", "x")
            self.assertEqual(line(s), "x")
        told = wait_rows(d, "connection.reported")[0]
        self.assertEqual(told["reason"], "word")
        self.assertEqual(told["severity"], "warning")
        self.assertEqual(told["detail"]["text"], "it's warm \\x07")
        self.assertRegex(told["peer"], r"^127\.0\.0\.1:\d+$")

    def test_counters(self):
        port = mercury.free_port()
        path = self.kit.words()
        d = self.started(listener("pos", path, workers=2) + gateway(port))
        for _ in range(3):
            with connect(d.port("pos")) as s:
                lines(s, "much 100", "x")
                receive(s, 102)
        want = {"lines": 6, "bytes_asked": 300}
        wait_until(lambda: self.counters(d) == want, want)
        for pid in d.workers("pos"):
            mercury.kill(pid)
        wait_until(lambda: d.listener("pos")["restarts"] == 2 and
                   d.listener("pos")["state"] == "listening",
                   "both are back")
        self.assertEqual(self.counters(d), want, "they outlive workers")
        d.ctl("restart-listener", "pos")
        self.assertEqual(self.counters(d), want)
        page = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics",
                                      timeout=mercury.DEADLINE).read().decode()
        self.assertIn('mercury_listener_module_total{listener="pos",'
                      'counter="bytes_asked"} 300', page)

    def counters(self, d):
        return d.listener("pos")["module"]["counters"]

    def test_a_hot_restart(self):
        d = self.words()
        with connect(d.port("pos")) as s:
            self.assertEqual(say(s, "x"), "x")
            self.assertEqual(d.ctl("restart-listener", "pos").code, 0)
            self.assertEqual(say(s, "lines"), "lines 2")
            with connect(d.port("pos")) as t:
                self.assertEqual(say(t, "lines"), "lines 1")


class Moves(TestCase):
    """check_state."""

    def test_a_state_of_values(self):
        d = self.words(check_state=True)
        with connect(d.port("pos")) as s:
            for i in range(1, 20):
                self.assertEqual(say(s, "lines"), f"lines {i}")

    def test_a_state_with_save_and_restore(self):
        d = self.words("-DSAVES", check_state=True)
        with connect(d.port("pos")) as s:
            lines(s, "remember this")
            for i in range(2, 20):
                self.assertEqual(say(s, "lines"), f"lines {i}")
            self.assertEqual(say(s, "recall"), "this")

    def fails(self, pattern, *flags):
        d = self.words("-DSAVES", *flags, check_state=True)
        with connect(d.port("pos")) as s:
            self.assertEqual(say(s, "x"), "x")
            lines(s, "remember this")
            with self.assertRaises(ConnectionResetError):
                receive_all(s)
        self.wait_log(d, "error: listener=pos connection .*: check_state of "
                      "module words: " + pattern)

    def test_a_restore_that_forgets(self):
        self.fails(r"save\(\) has 13 bytes, and after restore\(\) 8",
                   "-DRESTORE_FORGETS")

    def test_a_restore_that_refuses(self):
        self.fails(r"restore\(\) refuses the 13 bytes of save\(\)",
                   "-DRESTORE_REFUSES")

    def test_a_pointer_in_the_state(self):
        d = self.words("-DPOINTS", check_state=True)
        with connect(d.port("pos")) as s:
            lines(s, "x")
            with self.assertRaises(OSError):
                if not receive_all(s).endswith(b"x"):
                    raise ConnectionResetError
        self.wait_log(d, "something keeps a pointer to it")


class Crashes(TestCase):
    def test_one_that_crashes_takes_its_pool_only(self):
        path = self.kit.words()
        d = self.started(
            listener("bad", path, max_restarts=3, max_seconds=60) +
            listener("good", path) + mercury.listener("echo"), env=CRASHING)
        with connect(d.port("good")) as good, connect(d.port("echo")) as echo:
            self.assertEqual(say(good, "x"), "x")
            for _ in range(4):
                before = d.listener("bad")["restarts"]
                with connect(d.port("bad")) as s:
                    lines(s, "crash")
                    with self.assertRaises(OSError):
                        if not receive_all(s):
                            raise ConnectionResetError
                wait_until(
                    lambda: d.listener("bad")["state"] == "failed" or
                    (d.listener("bad")["restarts"] > before and
                     d.listener("bad")["state"] == "listening"),
                    "it is back, or given up")
            self.assertEqual(d.listener("bad")["state"], "failed")
            self.assertIn("signal 11", d.listener("bad")["last_error"])
            self.assertEqual(say(good, "lines"), "lines 2")
            self.assertEqual(mercury.ask(echo, b"ping"), b"ping")
        self.assertEqual(d.listener("good")["restarts"], 0)

    def test_one_that_hangs(self):
        d = self.words(hang_timeout="1s")
        with connect(d.port("pos")) as s:
            lines(s, "hang")
            wait_until(lambda: d.listener("pos")["restarts"] == 1,
                       "it is killed", mercury.DEADLINE + 10)
        with connect(d.port("pos")) as s:
            self.assertEqual(say(s, "x"), "x")


class Wrong(TestCase):
    """Modules that can't be used: what is said, and that nothing changes."""

    def cases(self):
        folder = self.scratch()
        text = os.path.join(folder, "text.so")
        with open(text, "w") as f:
            f.write("this is no shared object\n" * 100)
        pipe = os.path.join(folder, "pipe.so")
        os.mkfifo(pipe)
        words = self.kit.words
        return [
            (os.path.join(folder, "missing.so"), "No such file"),
            (folder, "no regular file|is a directory|not a regular file"),
            (pipe, "no regular file|not a regular file"),
            (text, "invalid ELF header"),
            (words("-DUNDEFINED", name="undefined"),
             "undefined symbol: mercury_nonsense"),
            (words("-DNO_TABLE", name="no_table"),
             "has no symbol mercury_module"),
            (words("-DABI=99", name="abi"),
             "has ABI 99, and this mercuryd 1: build it with"),
            (words("-DNO_RECEIVED", name="deaf"), r"it has no received\(\)"),
        ]

    def refusal(self, d, method, **params):
        with self.assertRaises(mercury.RpcError) as caught:
            d.call(method, **params)
        return caught.exception.message

    def test_is_not_added(self):
        d = self.started(mercury.listener("echo"))
        for path, why in self.cases():
            with self.subTest(path=path):
                text = self.refusal(d, "listener.add", name="pos",
                                    address="127.0.0.1", port=0, workers=1,
                                    protocol="module", module={"path": path})
                self.assertRegex(text, why)
                self.assertIn(path, text)
        self.assertEqual([r["name"] for r in d.call("listener.list")],
                         ["echo"])

    def test_what_configure_refuses(self):
        d = self.started(mercury.listener("echo"))
        path = self.kit.words()
        done = d.ctl("add-listener", "pos", "port=0", "protocol=module",
                     f"module.path={path}",
                     "module.options.refuse=no\tway \x1b[1m")
        self.assertEqual(done.code, 1)
        self.assertIn("module words: no\\x09way \\x1b[1m", done.err)

    def test_one_that_crashes_when_it_is_tried(self):
        d = self.started(mercury.listener("echo"), env=CRASHING)
        text = self.refusal(d, "listener.add", name="pos", port=0,
                            protocol="module",
                            module={"path": self.kit.words(),
                                    "options": {"crash": "1"}})
        self.assertIn("crashed or hung", text)
        self.wait_log(d, "signal 11")

    @unittest.skipUnless(mercury.ROOT, "needs another user")
    def test_is_tried_as_the_user_of_the_pool_that_it_joins(self):
        d = self.started(mercury.listener("echo", pool="low", user="games"))
        folder = self.scratch()
        path = shutil.copy(self.kit.words(), folder)
        os.chmod(folder, 0o700)
        shutil.chown(folder, "games")
        d.call("listener.add", name="pos", port=0, address="127.0.0.1",
               pool="low", protocol="module", module={"path": path})
        with connect(d.port("pos")) as s:
            self.assertEqual(say(s, "lines"), "lines 1")

    def test_an_update_is_refused(self):
        path = self.kit.words()
        d = self.started(listener("pos", path, module={"greeting": "hello"}))
        text = self.refusal(d, "listener.update", name="pos",
                            module={"path": path,
                                    "options": {"refuse": "not so"}})
        self.assertEqual(text, "module: module words: not so")
        with connect(d.port("pos")) as s:
            self.assertEqual(line(s), "hello")
        self.assertEqual(d.listener("pos")["restarts"], 0)

    def test_mercuryd_does_not_start(self):
        for path, why in self.cases()[-3:]:
            d = self.daemon(listener("pos", path))
            done = d.run("-f")
            self.assertEqual(done.code, 78, done)
            self.assertRegex(done.err, "listener pos: .*" + why)

    def test_one_that_is_not_required_stays_failed(self):
        path = self.kit.words("-DABI=7", name="later")
        d = self.started(listener("pos", path, required=False) +
                         mercury.listener("echo"))
        wait_until(lambda: d.listener("pos")["state"] == "failed", "it failed")
        self.assertIn("has ABI 7", d.listener("pos")["last_error"])
        self.assertTrue(mercury.answers(d.port("echo")))
        self.kit.words(name="later")
        self.assertEqual(d.ctl("restart-listener", "pos").code, 0)
        with connect(d.port("pos")) as s:
            self.assertEqual(say(s, "x"), "x")

    def test_a_reload_is_refused(self):
        path = self.kit.words()
        echo = mercury.listener("echo")
        d = self.started(listener("pos", path, module={"greeting": "one"}) +
                         echo)
        d.write(listener("pos", path, module={"refuse": "not so"}) + echo +
                mercury.listener("new"))
        done = d.ctl("reload")
        self.assertEqual(done.code, 1)
        self.assertIn("listener pos: module: module words: not so", done.err)
        self.assertEqual(len(d.call("listener.list")), 2)
        with connect(d.port("pos")) as s:
            self.assertEqual(line(s), "one")
        d.write(listener("pos", path, module={"greeting": "two"}) + echo)
        self.assertEqual(d.ctl("reload").code, 0)
        with connect(d.port("pos")) as s:
            self.assertEqual(line(s), "two")

    def test_a_hot_restart_is_refused(self):
        path = self.kit.words(name="changing")
        d = self.started(listener("pos", path))
        with connect(d.port("pos")) as s:
            self.assertEqual(say(s, "x"), "x")
            self.kit.words("-DABI=7", name="changing")
            done = d.ctl("restart-listener", "pos")
            self.assertEqual(done.code, 1)
            self.assertRegex(done.err, "nothing was changed: .*has ABI 7")
            self.assertEqual(say(s, "lines"), "lines 2")
        with connect(d.port("pos")) as s:
            self.assertEqual(say(s, "lines"), "lines 1")

    def test_one_with_fewer_workers_is_refused(self):
        path = self.kit.words(name="changing")
        d = self.started(listener("pos", path, workers=2))
        self.kit.words("-DABI=7", name="changing")
        d.write(listener("pos", path, workers=1))
        done = d.ctl("reload")
        self.assertRegex(done.err, "nothing was changed: .*has ABI 7")
        with connect(d.port("pos")) as s:
            self.assertEqual(say(s, "lines"), "lines 1")
        self.assertEqual(d.stop(), 0)
        # The new worker was told of two sockets, and refused once.
        self.assertNotIn("makes no sense", d.log())

    def test_others_of_its_pool_go_on(self):
        path = self.kit.words(name="shared")
        d = self.started(
            mercury.listener("echo", pool="both", max_restarts=1000) +
            listener("pos", path, pool="both"))
        self.kit.words("-DABI=7", name="shared")
        mercury.kill(d.workers("echo")[0])
        wait_until(lambda: d.listener("pos")["state"] == "failed", "it failed")
        self.assertIn("has ABI 7", d.listener("pos")["last_error"])
        wait_until(lambda: mercury.answers(d.port("echo")), "echo serves")
        self.assertEqual(d.listener("echo")["restarts"], 1)


    def test_others_of_its_pool_go_on_when_it_comes_back(self):
        """It waits for those whom its workers let finish."""
        path = self.kit.words()
        d = self.started(
            mercury.listener("echo", pool="both") +
            listener("pos", path, pool="both", drain_timeout="60s"))
        old = d.workers("echo")
        with connect(d.port("echo")) as echo:
            self.assertEqual(mercury.ask(echo, b"x"), b"x")
            with connect(d.port("pos")) as s:
                self.assertEqual(say(s, "x"), "x")
                d.call("listener.update", name="pos",
                       module={"path": path, "options": {"alone": "not so"}})
                wait_until(lambda: d.listener("pos")["state"] == "failed",
                           "it failed")
                self.assertIn("not so", d.listener("pos")["last_error"])
                restart = Background(d, "listener.restart", name="pos")
                self.addCleanup(restart.__exit__)
                self.assertTrue(restart.pending(), "one is served still")
                self.assertEqual(say(s, "lines"), "lines 2")
            self.assertEqual(restart.answer()["state"], "listening")
            with connect(d.port("pos")) as s:
                self.assertEqual(say(s, "lines"), "lines 1")
            self.assertEqual(mercury.ask(echo, b"y"), b"y")
        self.assertEqual(d.workers("echo"), old)
        self.assertEqual(d.listener("echo")["restarts"], 0)

    def test_others_of_its_group_go_on(self):
        path = self.kit.words(name="grouped")
        d = self.started(
            'group "g" {\n  children = {"pos", "echo"}\n'
            '  strategy = "one_for_all"\n}\n' + listener("pos", path) +
            mercury.listener("echo"))
        port, old = d.port("echo"), d.workers("echo")
        self.kit.words("-DABI=7", name="grouped")
        mercury.kill(d.workers("pos")[0])
        wait_until(lambda: d.listener("pos")["state"] == "failed", "it failed")
        self.assertTrue(mercury.answers(port))
        self.assertNotEqual(d.workers("echo"), old)


class Interface(TestCase):
    """What mercury-pool shows to modules, and what is installed for them."""

    @unittest.skipIf(mercury.SANITIZED, "the sanitizers show more")
    def test_shows_what_the_header_has(self):
        header = os.path.join(mercury.SOURCE_DIR, "include/mercury/protocol.h")
        with open(header) as f:
            declared = set(re.findall(
                r"^MERCURY_API [^;(]*?(mercury_\w+)\(", f.read(), re.M))
        nm = mercury.need_tool(self, "nm")
        out = modules.checked([nm, "-D", "--defined-only",
                               mercury.binary("mercury-pool")])
        shown = {row.split()[-1] for row in out.splitlines()}
        # What the linker copies from libc has its version.
        self.assertEqual({s for s in shown if "@" not in s}, declared)

    def test_the_installed_header_is_enough(self):
        folder = self.scratch()
        for cc, name, std in (("cc", "a.c", "-std=c99"),
                              ("cc", "b.c", "-std=c17"),
                              ("c++", "c.cc", "-std=c++17")):
            if shutil.which(cc) is None:
                continue
            source = os.path.join(folder, name)
            with open(source, "w") as f:
                f.write("#include <mercury/protocol.h>\n")
            modules.checked([cc, std, "-pedantic", "-Wall", "-Wextra",
                             "-Werror", *self.kit.flags(), "-fsyntax-only",
                             source])

    def manual(self):
        with open(mercury.binary("man/mercury-protocol.3")) as f:
            return f.read()

    def test_the_example_of_the_manual(self):
        code = re.search(r"^\.Bd -literal -offset indent\n"
                         r"(#include <mercury.*?)^\.Ed$", self.manual(),
                         re.M | re.S)[1]
        source = os.path.join(self.scratch(), "shout.c")
        with open(source, "w") as f:
            f.write(code.replace("\\e", "\\"))
        path = self.kit.build(source, "shout")
        d = self.started(listener("pos", path))
        with connect(d.port("pos")) as s:
            self.assertEqual(say(s, "what is the time?"), "WHAT IS THE TIME?")

    def test_the_manual_has_all_of_the_header(self):
        with open(os.path.join(mercury.SOURCE_DIR,
                               "include/mercury/protocol.h")) as f:
            header = f.read()
        names = set(re.findall(r"\b(?:mercury_[a-z_]+(?=\()|MERCURY_(?:END|LOG)"
                               r"_[A-Z_]+)", header))
        self.assertGreater(len(names), 20)
        manual = self.manual()
        self.assertEqual([n for n in sorted(names) if n not in manual], [])

    def test_where_modules_go(self):
        root = self.kit.root
        folder = self.kit.flags("--variable=moduledir")[0]
        self.assertTrue(folder.endswith("/mercury/modules"), folder)
        made = os.path.dirname(self.kit.example("line-time"))
        modules.checked(["make", "-s", "-C", made, "install",
                         f"DESTDIR={root}"], env=dict(
                             self.kit.env, PKG_CONFIG_SYSROOT_DIR=""))
        self.assertTrue(os.path.exists(
            root + folder.removeprefix(root) + "/line-time.so"))


if __name__ == "__main__":
    mercury.main()
