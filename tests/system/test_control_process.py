"""mercury-control alone, with this test in the place of its supervisor: the
limits of the control socket, and what a slow supervisor makes of them."""

import array
import contextlib
import fcntl
import json
import os
import re
import socket
import struct
import subprocess
import time
import unittest
import warnings

import mercury
from mercury import wait_until
from supervising import Background

STATUS = b'{"jsonrpc":"2.0","id":%d,"method":"daemon.status"}\n'
RELOAD = b'{"jsonrpc":"2.0","id":%d,"method":"daemon.reload"}\n'
MEBIBYTE = 1 << 20
CONTROL_GROUP, READERS_GROUP, OTHER = 54321, 54322, 54323


def ipc_kinds():
    """The numbers of the messages, from the list that the code has."""
    path = os.path.join(mercury.SOURCE_DIR, "src/common/ipc_msg.h")
    with open(path) as f:
        names = re.findall(r"^\tMSG\((\w+),", f.read(), re.MULTILINE)
    return {name: number for number, name in enumerate(names)}


KIND = ipc_kinds()
NAME = {number: name for name, number in KIND.items()}
NONE, UNAVAILABLE = 0, 8  # enum err_code


def sealed(data):
    """A snapshot with this in it: its descriptor."""
    fd = os.memfd_create("snapshot", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS,
                fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE |
                fcntl.F_SEAL_SEAL)
    return fd


def reply(request, code, text):
    """The payload of REPLY."""
    return struct.pack("=IIQQQ512s", request, code, 0, 0, 0, text.encode())


class Supervisor:
    """The other end of mercury-control's channel."""

    def __init__(self, folder, uid=0xffffffff):
        self.path = os.path.join(folder, "control.sock")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o777)
        self.listener.listen(256)
        self.channel, end = socket.socketpair(
            socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.settimeout(mercury.DEADLINE)
        self.process = subprocess.Popen(
            ["mercury-control"], executable=mercury.binary("mercury-control"),
            close_fds=False, preexec_fn=lambda: os.dup2(end.fileno(), 3))
        end.close()
        hello = struct.pack("=4B4xIIIIII256s", 3, 0, 0, 0, uid, uid,
                            CONTROL_GROUP, READERS_GROUP, 1, 0,
                            folder.encode())
        self.send("CONTROL_HELLO", hello, self.listener.fileno())
        assert self.receive()[0] == "READY"

    def send(self, name, payload, fd=None):
        message = struct.pack("=HHI", 1, KIND[name], 0) + payload
        rights = [] if fd is None else [
            (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        self.channel.sendmsg([message], rights)

    def receive(self):
        """The next message: its name and the number of the request."""
        message = self.channel.recv(4096)
        if not message:
            raise ConnectionError("mercury-control ended")
        kind = struct.unpack_from("=HHI", message)[1]
        return NAME[kind], struct.unpack_from("=I", message, 8)[0]

    def has_message(self):
        self.channel.setblocking(False)
        try:
            return len(self.channel.recv(1, socket.MSG_PEEK)) > 0
        except BlockingIOError:
            return False
        finally:
            self.channel.settimeout(mercury.DEADLINE)

    def reply(self, request, text="", code=NONE):
        self.send("REPLY", reply(request, code, text))

    def snapshot(self, request, uptime_ms=5):
        # What it has behind these is all 0.
        row = struct.pack("=IIIIQ216x", os.getpid(), 1, 1, 0, uptime_ms)
        fd = sealed(struct.pack("=II", 1, len(row)) + row)
        self.send("SNAPSHOT", struct.pack("=II", request, 0), fd)
        os.close(fd)

    def serve(self):
        """Answer one request as a working supervisor would."""
        name, request = self.receive()
        if name == "REQ_STATUS":
            self.snapshot(request)
        else:
            self.reply(request, "done")

    def serve_all(self, count):
        for _ in range(count):
            self.serve()

    def end(self):
        self.channel.close()
        self.listener.close()
        return self.process.wait(mercury.DEADLINE)


class ControlProcess(mercury.TestCase):
    def setUp(self):
        super().setUp()
        self.start(self.scratch())

    def start(self, folder, **kwargs):
        self.s = Supervisor(folder, **kwargs)
        self.addCleanup(self._end, self.s)

    def _end(self, supervisor):
        if supervisor.process.returncode is None:
            self.assertEqual(supervisor.end(), 0)

    def client(self):
        rpc = mercury.Rpc(self.s.path)
        self.addCleanup(rpc.close)
        return rpc

    def error(self, rpc, code, request_id=None):
        answer = rpc.line()
        self.assertIsNotNone(answer, "hung up")
        self.assertEqual(answer["error"]["code"], code, answer)
        self.assertEqual(answer["id"], request_id)
        return answer["error"]

    def works(self, rpc, number=99, request=STATUS):
        """Does a request of this client get its answer?"""
        rpc.send(request % number)
        self.s.serve()
        self.assertEqual(rpc.line()["id"], number)

    def memory(self):
        return mercury.anonymous_bytes(self.s.process.pid)

    def limit_memory(self, before, limit):
        if not mercury.SANITIZED:
            self.assertLess(self.memory() - before, limit)


class Answers(ControlProcess):
    def test_requests_are_answered_in_order(self):
        rpc = self.client()
        rpc.send(b"".join((STATUS, RELOAD)[i % 2] % i for i in range(100)))
        other = self.client()
        for i in range(100):
            name, request = self.s.receive()
            self.works(other)
            self.assertFalse(self.s.has_message(),
                             "two requests of a client at a time")
            if name == "REQ_STATUS":
                self.s.snapshot(request)
            else:
                self.s.reply(request)
            self.assertEqual(rpc.line()["id"], i)

    def test_a_slow_request_holds_up_nobody_else(self):
        slow, quick = self.client(), self.client()
        slow.send(RELOAD % 1)
        request = self.s.receive()[1]
        self.works(quick)
        self.s.reply(request, "at last")
        self.assertEqual(slow.line()["result"], {"message": "at last"})

    def test_ids_come_back_as_they_were(self):
        rpc = self.client()
        for number in ("text", 5, -1, 1.5, None, "\u00e4", 2 ** 62):
            rpc.send(json.dumps({"jsonrpc": "2.0", "id": number,
                                 "method": "daemon.status"}).encode() + b"\n")
            self.s.serve()
            self.assertEqual(rpc.line()["id"], number)

    def test_notifications_are_done_and_not_answered(self):
        rpc = self.client()
        rpc.send(b'{"jsonrpc":"2.0","method":"daemon.reload"}\n'
                 b'{"jsonrpc":"2.0","method":"no.such"}\n'
                 b'{"jsonrpc":"2.0","method":"daemon.reload","params":[]}\n')
        self.assertEqual(self.s.receive()[0], "REQ_RELOAD")
        self.s.reply(1, "done")
        self.works(rpc)

    def test_a_client_that_half_closes_gets_its_answers(self):
        rpc = self.client()
        rpc.send(STATUS % 1 + STATUS % 2)
        rpc.socket.shutdown(socket.SHUT_WR)
        self.s.serve_all(2)
        self.assertEqual([rpc.line()["id"], rpc.line()["id"]], [1, 2])
        self.assertIsNone(rpc.line())

    def test_what_was_asked_is_done_though_the_client_left(self):
        with mercury.Rpc(self.s.path) as rpc:
            rpc.send(RELOAD % 1 + RELOAD % 2)
        for _ in range(2):
            name, request = self.s.receive()
            self.assertEqual(name, "REQ_RELOAD")
            self.s.reply(request)
        self.works(self.client())

    def test_a_request_without_a_newline(self):
        rpc = self.client()
        rpc.send(STATUS[:-1] % 1)
        rpc.socket.shutdown(socket.SHUT_WR)
        self.assertIn("newline", self.error(rpc, -32600)["message"])
        self.assertIsNone(rpc.line())

    def test_an_error_of_the_supervisor(self):
        rpc = self.client()
        rpc.send(RELOAD % 1)
        self.s.reply(self.s.receive()[1], "a\nb", UNAVAILABLE)
        error = self.error(rpc, -32000, 1)
        self.assertEqual(error["message"], "a\nb")
        self.assertEqual(error["data"], {"reason": "unavailable"})

    def test_an_answer_to_nobody(self):
        self.s.reply(12345)
        self.s.snapshot(12346)
        self.works(self.client())

    def test_unknown_method(self):
        rpc = self.client()
        rpc.send(b'{"jsonrpc":"2.0","id":1,"method":"daemon.explode"}\n')
        self.assertIn("daemon.status", self.error(rpc, -32601, 1)["message"])

    def test_params(self):
        rpc = self.client()
        for method, params, code in (
                ("daemon.status", {"x": 1}, -32602),
                ("daemon.status", [], -32602),
                ("daemon.status", None, -32602),
                ("listener.remove", {}, -32602),
                ("listener.remove", {"name": 1}, -32602),
                ("listener.remove", {"name": "a", "save": 1}, -32602),
                ("listener.remove", {"name": "a", "deadline": 5}, -32602),
                ("listener.remove", {"name": "a", "port": 5}, -32602),
                ("listener.remove", {"name": "a", "deadline": "5"}, -32000),
                ("listener.remove", {"name": "a", "deadline": "2d"}, -32000),
                ("listener.remove", {"name": "a/b"}, -32000),
                ("listener.add", {"port": 1}, -32602),
                ("listener.add", {"name": "a", "save": "yes"}, -32602),
                ("listener.add", {"name": "a", "prot": 1}, -32000),
                ("listener.add", {"name": "a"}, -32000),
                ("listener.update", {"name": "a", "backlog": 0}, -32000),
                ("daemon.shutdown", {"deadline": "now"}, -32000)):
            with self.subTest(method=method, params=params):
                rpc.send(json.dumps(
                    {"jsonrpc": "2.0", "id": 1, "method": method,
                     "params": params}).encode() + b"\n")
                error = self.error(rpc, code, 1)
                if code == -32000:
                    self.assertEqual(error["data"]["reason"], "invalid")
        self.assertFalse(self.s.has_message())

    def test_the_end_of_the_supervisor(self):
        waiting, idle = self.client(), self.client()
        self.works(idle)
        waiting.send(RELOAD % 1)
        self.s.receive()
        self.assertEqual(self.s.end(), 0)
        error = self.error(waiting, -32000, 1)
        self.assertEqual(error["data"]["reason"], "unavailable")
        self.assertIsNone(waiting.line())
        self.assertIsNone(idle.line())


class BadInput(ControlProcess):
    def test_ten_megabytes(self):
        before = self.memory()
        rpc = self.client()
        rpc.send(b'{"x":"' + b"x" * (10 * MEBIBYTE))
        self.assertIn("1 MiB", self.error(rpc, -32600)["message"])
        self.limit_memory(before, 3 * MEBIBYTE)
        rpc.send(b'"}\n')
        self.works(rpc)

    def test_just_small_enough(self):
        rpc = self.client()
        rpc.send(b" " * (MEBIBYTE - len(STATUS % 1) + 1) + STATUS % 1)
        self.s.serve()
        self.assertEqual(rpc.line()["id"], 1)
        rpc.send(b" " * (MEBIBYTE - len(STATUS % 1) + 2) + STATUS % 1)
        self.error(rpc, -32600)
        self.works(rpc)

    def test_a_line_without_end(self):
        rpc = self.client()
        with self.assertRaises((BrokenPipeError, ConnectionResetError)):
            for _ in range(100):
                rpc.send(b"x" * MEBIBYTE)
        self.works(self.client())

    def test_nested_too_deep(self):
        rpc = self.client()
        for depth, code in ((10000, -32600), (33, -32600), (32, -32600),
                            (31, -32602)):
            # One more level is the request itself.
            deep = b"[" * depth + b"]" * depth
            rpc.send(b'{"jsonrpc":"2.0","id":1,"method":"daemon.status",'
                     b'"params":' + deep + b"}\n")
            self.error(rpc, code, 1 if code == -32602 else None)
        rpc.send(b'["' + b"[" * 10000 + b'\\""]\n')
        self.assertIn("batch", self.error(rpc, -32600)["message"])
        self.works(rpc)

    def test_one_request_in_many_packets(self):
        rpc = self.client()
        rpc.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        request = b" " * 20000 + STATUS % 1
        for byte in request:
            rpc.send(bytes([byte]))
        self.s.serve()
        self.assertEqual(rpc.line()["id"], 1)

    def test_empty_lines_are_nothing(self):
        rpc = self.client()
        rpc.send(b"\n\r\n\n" * 100000)
        self.works(rpc)

    def test_a_flood_of_bad_lines(self):
        before = self.memory()
        rpc, other = self.client(), self.client()
        rpc.socket.settimeout(0.5)
        with self.assertRaises(TimeoutError):
            for _ in range(100):
                rpc.send(b"x\n" * (MEBIBYTE // 2))
        self.limit_memory(before, 6 * MEBIBYTE)
        self.works(other)
        # Who reads gets on.
        rpc.socket.settimeout(mercury.DEADLINE)
        for _ in range(10000):
            self.error(rpc, -32700)


class Limits(ControlProcess):
    def test_silent_and_stuck_clients_are_dropped(self):
        """All at once, for each takes its time."""
        silent, partial, stuck = self.client(), self.client(), self.client()
        patient = self.client()
        self.works(partial)
        partial.send(STATUS[:20])
        self.works(patient)
        patient.send(RELOAD % 1)
        request = self.s.receive()[1]
        patient.send(STATUS[:20])
        stuck.socket.settimeout(0.5)
        start = time.monotonic()
        with self.assertRaises(TimeoutError):
            for _ in range(100):
                stuck.send(b"x\n" * (MEBIBYTE // 2))
        stuck.socket.settimeout(40)
        with self.assertRaises((BrokenPipeError, ConnectionResetError)):
            while True:
                stuck.send(b"x")
        self.assertGreater(time.monotonic() - start, 9)
        for rpc in (silent, partial):
            rpc.socket.settimeout(40)
            error = self.error(rpc, -32000)
            self.assertEqual(error["data"]["reason"], "timeout")
            self.assertIsNone(rpc.line())
        self.assertGreater(time.monotonic() - start, 28)
        # A request under way is no reason to drop anybody.
        self.s.reply(request, "done")
        self.assertEqual(patient.line()["id"], 1)

    def test_the_idlest_makes_room(self):
        limit = 128 if mercury.ROOT else 120
        clients = [self.client() for _ in range(limit)]
        busy, idle = clients[0], clients[1]
        busy.send(RELOAD % 1)
        request = self.s.receive()[1]
        for rpc in clients[2:]:
            self.works(rpc)
        newcomer = self.client()
        self.works(newcomer)
        error = self.error(idle, -32000)
        self.assertEqual(error["data"]["reason"], "busy")
        self.assertIsNone(idle.line())
        self.s.reply(request)
        self.assertEqual(busy.line()["id"], 1)

    def test_silent_ones_make_room_first(self):
        idle = self.client()
        self.works(idle)
        for _ in range(200):
            self.client()
        self.works(self.client())
        self.works(idle)

    def test_all_at_work(self):
        limit = 128 if mercury.ROOT else 120
        clients = [self.client() for _ in range(limit)]
        for rpc in clients:
            rpc.send(RELOAD % 1)
        requests = [self.s.receive()[1] for _ in clients]
        late = self.client()
        self.assertEqual(self.error(late, -32000)["data"]["reason"], "busy")
        self.assertIsNone(late.line())
        for request in requests:
            self.s.reply(request)
        for rpc in clients:
            self.assertEqual(rpc.line()["id"], 1)
        self.works(self.client())

    def test_who_hung_up_takes_no_place(self):
        for _ in range(200):
            with mercury.Rpc(self.s.path) as rpc:
                rpc.send(RELOAD % 1)
        requests = [self.s.receive()[1] for _ in range(200)]
        self.works(self.client())
        for request in requests:
            self.s.reply(request)
        self.works(self.client())

    def test_out_of_descriptors(self):
        pid = self.s.process.pid
        rpc = self.client()
        self.works(rpc, request=RELOAD)
        used = len(os.listdir(f"/proc/{pid}/fd"))
        subprocess.run(["prlimit", "--pid", str(pid), f"--nofile={used}"],
                       check=True)
        late = self.client()
        before = mercury.cpu_seconds(pid)
        end = time.monotonic() + 1
        wait_until(lambda: time.monotonic() > end, "a second")
        self.assertLess(mercury.cpu_seconds(pid) - before, 0.2, "it spins")
        self.works(rpc, request=RELOAD)
        rpc.close()
        self.works(late)


@unittest.skipUnless(mercury.ROOT, "needs other users")
class Peers(ControlProcess):
    def as_user(self, work, user, group, groups):
        """Run work() in a process of its own as somebody else."""
        pid = os.fork()
        if pid != 0:
            return pid
        warnings.simplefilter("ignore")  # nothing is closed, the end does
        try:
            os.setgroups(groups)
            os.setgid(group)
            os.setuid(user)
            work()
        finally:
            os._exit(1)

    def ask(self, request, served=0, user=12345, group=12345, groups=()):
        """The answer to one request of somebody else."""
        reading, writing = os.pipe()

        def work():
            rpc = mercury.Rpc(self.s.path)
            try:
                rpc.send(request)
            except BrokenPipeError:
                pass  # but why can be read
            os.write(writing, json.dumps(rpc.line()).encode())

        pid = self.as_user(work, user, group, groups)
        os.close(writing)
        self.s.serve_all(served)
        with open(reading) as f:
            answer = json.load(f)
        os.waitpid(pid, 0)
        return answer

    def refused(self, request, **who):
        answer = self.ask(request, **who)
        self.assertEqual(answer["error"]["data"]["reason"], "permission")
        return answer

    def test_who_may_do_what(self):
        self.start(self.scratch(), uid=OTHER)
        for who in ({"user": OTHER}, {"group": CONTROL_GROUP},
                    {"groups": [*range(200, 400), CONTROL_GROUP]}):
            for request in (STATUS % 1, RELOAD % 1):
                answer = self.ask(request, 1, **who)
                self.assertIn("result", answer, who)
        for who in ({"group": READERS_GROUP}, {"groups": [READERS_GROUP]}):
            self.assertIn("result", self.ask(STATUS % 1, 1, **who))
            self.assertEqual(self.refused(RELOAD % 1, **who)["id"], 1)
        for request in (STATUS % 1, RELOAD % 1):
            self.assertIsNone(self.refused(request)["id"])

    def test_root_gets_in_when_others_fill_it(self):
        self.start(self.scratch(), uid=OTHER)
        pid = self.s.process.pid
        reading, writing = os.pipe()

        def work():
            crowd = [mercury.connect(self.s.path) for _ in range(200)]
            os.close(writing)
            os.read(reading, len(crowd))

        before = len(os.listdir(f"/proc/{pid}/fd"))
        crowd = self.as_user(work, OTHER, OTHER, [])
        clients = [self.client() for _ in range(8)]
        wait_until(lambda: len(os.listdir(f"/proc/{pid}/fd")) - before >= 128,
                   "all are in")
        for rpc in clients * 2:
            self.works(rpc)
        self.assertEqual(len(os.listdir(f"/proc/{pid}/fd")) - before, 128)
        os.close(writing)
        os.close(reading)
        os.waitpid(crowd, 0)


class KilledMeanwhile(mercury.TestCase):
    """mercuryd lives, so it is not said that no daemon is there."""

    def test_the_client_is_told_that_it_is_not_known(self):
        d = self.started(mercury.listener("a"))
        with mercury.connect(d.port("a")) as held:
            self.assertEqual(mercury.ask(held, b"x"), b"x")
            ctl = subprocess.Popen(
                [mercury.binary("mercuryctl"), "-s", d.control,
                 "remove-listener", "a", "--deadline", "1h"],
                stderr=subprocess.PIPE)
            wait_until(lambda: d.listener("a")["state"] == "draining",
                       "the removal has begun")
            mercury.kill(d.child("mercury-control"))
            told = ctl.communicate(timeout=mercury.DEADLINE)[1].decode()
        self.assertEqual(ctl.returncode, 1, told)
        self.assertIn("may or may not have done it", told)
        wait_until(lambda: d.ctl("status").code == 0, "control is back")

    def test_who_asks_the_next_one_gets_no_old_answers(self):
        """It numbers its requests from the first again."""
        port = mercury.free_port()
        d = self.started(mercury.listener("a", port=port)
                         + "".join(mercury.listener(n) for n in "bcd"))
        held = {n: mercury.connect(d.port(n)) for n in "abcd"}
        for s in held.values():
            self.addCleanup(s.close)
            self.assertEqual(mercury.ask(s, b"x"), b"x")
        self.next_control(d)
        with self.remove(d, "a"):
            wait_until(lambda: d.listener("a")["state"] == "draining",
                       "the removal has begun")
            d.call("daemon.reload")
            wait_until(lambda: d.listener("a")["state"] == "listening",
                       "it is back")
            self.next_control(d)
        with contextlib.ExitStack() as stack:
            calls = [stack.enter_context(self.remove(d, n)) for n in "bcd"]
            wait_until(lambda: [d.listener(n)["state"] for n in "bcd"]
                       == ["draining"] * 3, "the removals have begun")
            held["a"].close()
            wait_until(lambda: "listener=a removed" in d.log(),
                       "the first one has ended")
            self.assertIsNotNone(d.listener("b"))
            for call in calls:
                self.assertTrue(call.pending())

    @staticmethod
    def next_control(d):
        """Kill it; the next one has not been asked anything."""
        old = d.child("mercury-control")
        mercury.kill(old)
        wait_until(lambda: [p for p in mercury.descendants(d.pid)
                            if mercury.comm(p) == "mercury-control"
                            and p != old], "the next one runs")

    @staticmethod
    def remove(d, name):
        def sent():
            with contextlib.suppress(OSError):
                return Background(d, "listener.remove", name=name,
                                  deadline="1h")
            return None
        return wait_until(sent, f"{name} is to be removed")

    def test_what_a_killed_one_was_writing_is_swept_away(self):
        d = self.started()
        d.add("a", save=True)
        folder = os.path.join(d.state, "listeners")
        with open(os.path.join(folder, "b.json.7.new"), "w") as f:
            f.write("half")
        mercury.kill(d.child("mercury-control"))
        wait_until(lambda: os.listdir(folder) == ["a.json"], "it is gone")


if __name__ == "__main__":
    mercury.main()
