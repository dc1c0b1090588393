"""mercury-control alone, asked for traces: this test is its supervisor and the
workers, good ones, bad ones and dead ones."""

import os
import select
import socket
import struct

import mercury
from mercury import wait_until
from test_control_process import NAME, ControlProcess

JOINED, OPENED, IN, OUT, CLOSED, LOST, LEFT = range(7)
START = (b'{"jsonrpc":"2.0","id":%d,"method":"trace.start",'
         b'"params":{"name":"a"}}\n')
NOT_FOUND = 2  # enum err_code
HEAD = struct.pack("=II", 1, 0)


def record(kind, data=b"", **more):
    """A record; members that are given stand for what would be right."""
    size = (88 + len(data) + 7) // 8 * 8
    m = {"size": size, "kind": kind, "end": 0, "len": len(data), **more}
    return struct.pack(
        "=IBBHQQQQQ16sH16sHI", m["size"], m["kind"], m["end"], 0, 7 << 32 | 5,
        1000, 3, 4, 2, b"", 0, b"", 0, m["len"]) + data.ljust(
            m["size"] - 88 if m["size"] > 88 else 0, b"\0")


class Traces(ControlProcess):
    def begin(self, number=1):
        """A client whose trace the supervisor has yet to answer."""
        rpc = self.client()
        rpc.send(START % number)
        message = self.s.channel.recv(4096)
        kind, = struct.unpack_from("=2xH", message)
        self.assertEqual(NAME[kind], "REQ_TRACE")
        rpc.request, rpc.trace = struct.unpack_from("=II", message, 8)
        self.assertEqual(message[16:18], b"a\0")
        return rpc

    def link(self, rpc, slot=0, joins=True):
        """A worker of the trace: our end."""
        ours, theirs = socket.socketpair(socket.AF_UNIX,
                                         socket.SOCK_SEQPACKET)
        self.addCleanup(ours.close)
        ours.settimeout(mercury.DEADLINE)
        if joins:
            ours.send(HEAD + record(JOINED))
        self.s.send("TRACE_LINK", struct.pack("=IIII", rpc.trace, slot, 1,
                                              4242), theirs.fileno())
        theirs.close()
        return ours

    def started(self, count=1):
        """A client and so many workers."""
        rpc = self.begin()
        workers = [self.link(rpc, n) for n in range(count)]
        self.s.reply(rpc.request)
        self.assertEqual(rpc.line()["result"], {
            "tracing": True, "workers": count, "missing": 0})
        return rpc, *workers

    def expect(self, rpc, *methods):
        lines = [rpc.line() for _ in methods]
        self.assertEqual([l["method"] for l in lines], list(methods))
        return [l["params"] for l in lines]

    def ended(self, worker):
        """Control has closed it."""
        select.select([worker], [], [], mercury.DEADLINE)
        try:
            return worker.recv(1) == b""
        except ConnectionResetError:
            return True

    def test_it_is_answered_when_all_have_joined(self):
        rpc = self.begin()
        worker, late = self.link(rpc), self.link(rpc, 1, joins=False)
        worker.send(HEAD + record(OPENED))  # it waits
        self.s.reply(rpc.request)
        self.works(self.client())
        self.assertEqual(select.select([rpc.socket], [], [], 0.05)[0], [])
        late.send(HEAD + record(JOINED))
        self.assertEqual(rpc.line()["result"]["workers"], 2)
        self.expect(rpc, "trace.opened")

    def test_one_that_does_not_join_is_not_waited_for(self):
        rpc = self.begin()
        worker = self.link(rpc, joins=False)
        gone = self.link(rpc, 1, joins=False)
        gone.close()
        self.s.reply(rpc.request)
        self.assertEqual(rpc.line()["result"], {
            "tracing": True, "workers": 0, "missing": 1})
        worker.send(HEAD + record(JOINED))
        self.assertEqual(self.expect(rpc, "trace.worker")[0]["state"],
                         "joined")

    def test_a_listener_that_there_is_not(self):
        rpc = self.begin()
        self.s.reply(rpc.request, "there is none", NOT_FOUND)
        self.assertEqual(self.error(rpc, -32000, 1)["data"]["reason"],
                         "not_found")
        self.assertEqual(self.s.receive()[0], "TRACE_END")
        self.works(rpc)

    def test_a_client_that_goes_meanwhile(self):
        for joined in (False, True):
            rpc = self.begin()
            worker = self.link(rpc, joins=joined)
            rpc.close()
            self.assertEqual(self.s.receive(), ("TRACE_END", rpc.trace))
            self.s.reply(rpc.request)
            self.assertTrue(self.ended(worker))
            self.assertTrue(self.ended(self.link(rpc, 1)))
        for _ in range(3):  # while its workers have yet to join
            rpc = self.begin()
            worker = self.link(rpc, joins=False)
            self.s.reply(rpc.request)
            self.works(self.client())
            rpc.close()
            self.assertEqual(self.s.receive(), ("TRACE_END", rpc.trace))
        self.works(self.client())

    def test_records(self):
        rpc, worker = self.started()
        worker.send(HEAD + record(OPENED) + record(IN, b"hello")
                    + record(OUT, b"x" * 32768) + record(CLOSED, end=1)
                    + record(LOST) + record(LEFT))
        worker.close()
        lines = self.expect(rpc, "trace.opened", "trace.data", "trace.data",
                            "trace.closed", "trace.lost", "trace.worker")
        self.assertEqual((lines[1]["direction"], lines[1]["offset"],
                          lines[1]["data"]), ("in", 3, "aGVsbG8="))
        self.assertEqual((lines[2]["offset"], lines[2]["length"]),
                         (4, 32768))
        self.assertEqual(lines[3]["reason"], "peer_reset")
        self.assertEqual((lines[4]["records"], lines[4]["bytes_in"],
                          lines[4]["bytes_out"]), (2, 3, 4))
        self.assertEqual(lines[5]["state"], "left")

    def test_bad_workers_are_left_out(self):
        for bad in (b"x", b"", HEAD + b"x", struct.pack("=II", 2, 0),
                    HEAD + record(7), HEAD + record(255),
                    HEAD + record(IN), HEAD + record(OPENED, b"x"),
                    HEAD + record(IN, b"x", size=80),
                    HEAD + record(IN, b"x")[:-1],
                    HEAD + record(IN, b"x", len=9),
                    HEAD + record(IN, b"x", len=1 << 31),
                    HEAD + record(CLOSED, end=200),
                    HEAD + record(JOINED),
                    HEAD + record(LEFT) + record(OPENED),
                    HEAD + record(OPENED) + b"\0" * 8,
                    HEAD + b"\0" * 66552,
                    HEAD + b"\0" * 70000):
            with self.subTest(bad=bad[:120]):
                rpc, good, worker = self.started(2)
                worker.send(bad)
                while (line := rpc.line())["method"] != "trace.worker":
                    pass
                self.assertIn(line["params"]["state"], ("lost", "left"))
                self.assertEqual(line["params"]["slot"], 1)
                self.assertTrue(self.ended(worker))
                good.send(HEAD + record(IN, b"good"))
                self.expect(rpc, "trace.data")
                rpc.close()
                self.assertEqual(self.s.receive()[0], "TRACE_END")

    def test_one_that_begins_with_something_else(self):
        rpc = self.begin()
        worker = self.link(rpc, joins=False)
        worker.send(HEAD + record(OPENED))
        self.s.reply(rpc.request)
        self.assertEqual(rpc.line()["result"]["workers"], 0)
        self.assertTrue(self.ended(worker))

    def test_a_client_that_does_not_read(self):
        rpc, worker = self.started()
        before = self.memory()
        worker.setblocking(False)
        batch = HEAD + 2 * record(OUT, os.urandom(32768))
        sent = 0

        def full():
            nonlocal sent
            try:
                while True:
                    worker.send(batch)
                    sent += 1
            except BlockingIOError:
                return sent > 10 and not select.select(
                    [], [worker], [], 0.3)[1]
        wait_until(full, "it takes no more")
        self.limit_memory(before, 6 << 20)
        self.assertLess(sent, 200)
        self.works(self.client())  # others are served
        for _ in range(2 * sent):
            self.expect(rpc, "trace.data")
        worker.send(HEAD + record(CLOSED))
        self.expect(rpc, "trace.closed")

    def test_the_end_of_the_listener(self):
        rpc, worker = self.started()
        self.s.send("TRACE_END", struct.pack("=II", rpc.trace, 0))
        self.works(rpc)  # its worker has not told all
        worker.send(HEAD + record(CLOSED) + record(LEFT))
        worker.close()
        lines = self.expect(rpc, "trace.closed", "trace.worker", "trace.end")
        self.assertEqual(lines[2], {"reason": "removed"})
        self.works(rpc)
        rpc.close()
        self.works(self.client())
        self.assertFalse(self.s.has_message(), "it has ended already")

    def test_what_nobody_asked_for(self):
        rpc = self.client()
        rpc.trace = 4711
        self.assertTrue(self.ended(self.link(rpc)))
        self.s.send("TRACE_END", struct.pack("=II", 4711, 0))
        self.works(rpc)

    def test_the_end_of_the_supervisor(self):
        rpc, worker = self.started()
        self.begin(2)
        self.assertEqual(self.s.end(), 0)
        self.assertTrue(self.ended(worker))
        rpc.socket.settimeout(mercury.DEADLINE)
        try:
            self.assertIsNone(rpc.line())
        except ConnectionResetError:
            pass


if __name__ == "__main__":
    mercury.main()
