"""mercury-control alone, asked for connections: this test is its supervisor
and the workers, good ones, bad ones and dead ones."""

import json
import os
import socket
import struct
import threading
import time

import mercury
from mercury import wait_until
from test_control_process import KIND, NAME, STATUS, ControlProcess

NOT_FOUND = 2  # enum err_code
LISTENER = 77
BASE = 0xb13cfa44 << 32


TLS_TEXTS = ("version", "cipher", "alpn", "server_name", "name", "subject",
             "sans", "serial")
TLS_FORMAT = "=II16s48s64s256s72s256s512s48s"


def row_of(request, number, peer="10.0.0.1:5555", state=0, idle_ms=0,
           detailed=False):
    """struct msg_conn_row."""
    return struct.pack(
        "=IIQQQQQQIIII64s", request, state, BASE + number, 60000,
        idle_ms, 1, 2, 3, 4, 0, int(detailed), 0, peer.encode())


def detail_of(request, number, proxy="", tls=()):
    """struct msg_conn_detail; tls: its texts by name."""
    tls = dict(tls)
    texts = [tls.get(key, "").encode() for key in TLS_TEXTS]
    return struct.pack(
        "=IIQ64s128s64s136s", request, 0, BASE + number, proxy.encode(),
        b"authority" if proxy else b"", b"h2" if proxy else b"",
        b"unique" if proxy else b""
    ) + struct.pack(TLS_FORMAT, 1, 0, *texts)


class Worker:
    """A worker with connections of these numbers. Others override what is
    bad about them."""

    def __init__(self, slot=0, generation=1, pid=4242, numbers=()):
        self.slot, self.generation, self.pid = slot, generation, pid
        self.numbers = list(numbers)
        self.asked = []
        self.channel = None

    def link(self, supervisor, request):
        self.channel, end = socket.socketpair(
            socket.AF_UNIX, socket.SOCK_SEQPACKET)
        supervisor.send("WORKER_LINK", struct.pack(
            "=IIIIQ", request, self.slot, self.generation, self.pid,
            LISTENER), end.fileno())
        end.close()
        threading.Thread(target=self._serve, args=(self.channel,),
                         daemon=True).start()

    def _serve(self, channel):
        with channel:
            try:
                while message := channel.recv(4096):
                    self._answer(channel, message)
            except OSError:
                pass

    def _answer(self, channel, message):
        kind = NAME[struct.unpack_from("=HHI", message)[1]]
        request, rows, listener, number = struct.unpack_from(
            "=IIQQ", message, 8)
        assert listener == LISTENER
        self.asked.append((kind, rows, number))
        if kind == "CONN_LIST":
            self.list(channel, request, rows, number)
        else:
            self.kick(channel, request, number)

    def list(self, channel, request, rows, after):
        left = [n for n in self.numbers if BASE + n > after]
        for n in left[:rows]:
            self.say(channel, "CONN_ROW", row_of(request, n))
        self.done(channel, request, len(left) > rows,
                  BASE + left[:rows][-1] if left else after)

    def kick(self, channel, request, number):
        self.done(channel, request, number - BASE in self.numbers, number)

    def done(self, channel, request, more, last_id):
        self.say(channel, "CONN_DONE",
                 struct.pack("=IIQ", request, more, last_id))

    @staticmethod
    def say(channel, name, payload):
        channel.send(struct.pack("=HHI", 1, KIND[name], 0) + payload)


class Silent(Worker):
    def _answer(self, channel, message):
        self.asked.append(message)


class Gone(Worker):
    def _answer(self, channel, message):
        self.asked.append(message)
        channel.shutdown(socket.SHUT_RDWR)


class Bad(Worker):
    """Answers a list by what a function does."""

    def __init__(self, answer, **kwargs):
        super().__init__(**kwargs)
        self.answer = answer

    def list(self, channel, request, rows, after):
        self.answer(self, channel, request, after)


def rows_of(*numbers, **kwargs):
    def answer(w, channel, request, after):
        for n in numbers:
            w.say(channel, "CONN_ROW", row_of(request, n, **kwargs))
        w.done(channel, request, False, 0)
    return answer


def other_request(w, channel, request, after):
    w.say(channel, "CONN_ROW", row_of(request + 1, 1))
    w.done(channel, request, False, 0)


def other_done(w, channel, request, after):
    w.done(channel, request + 1, False, 0)


def never_done(w, channel, request, after):
    w.say(channel, "CONN_ROW", row_of(request, 1))


def goes_back(w, channel, request, after):
    w.say(channel, "CONN_ROW", row_of(request, 5))
    w.done(channel, request, True, BASE + 4)


def stands_still(w, channel, request, after):
    w.done(channel, request, True, after)


def other_message(w, channel, request, after):
    w.say(channel, "READY", struct.pack("=Q", 0))


def detail_unasked(w, channel, request, after):
    w.say(channel, "CONN_ROW", row_of(request, 5))
    w.say(channel, "CONN_DETAIL", detail_of(request, 5))
    w.done(channel, request, False, 0)


def detail_of_another(w, channel, request, after):
    w.say(channel, "CONN_ROW", row_of(request, 5, detailed=True))
    w.say(channel, "CONN_DETAIL", detail_of(request, 6))
    w.done(channel, request, False, 0)


def detail_missing(w, channel, request, after):
    w.say(channel, "CONN_ROW", row_of(request, 5, detailed=True))
    w.done(channel, request, False, 0)


def detail_late(w, channel, request, after):
    w.say(channel, "CONN_ROW", row_of(request, 5, detailed=True))
    w.say(channel, "CONN_ROW", row_of(request, 6))
    w.done(channel, request, False, 0)


def short_message(w, channel, request, after):
    w.say(channel, "CONN_ROW", b"short")


def garbage(w, channel, request, after):
    channel.send(b"\xff" * 3000)


def flood(w, channel, request, after):
    n = 0
    while True:
        n += 1
        w.say(channel, "CONN_ROW", row_of(request, n))


class Connections(ControlProcess):
    def ask(self, rpc, method, **params):
        rpc.number += 1
        rpc.send(json.dumps({"jsonrpc": "2.0", "id": rpc.number,
                             "method": method, "params": {
                                 "name": "pos", **params}}).encode() + b"\n")

    def serve_workers(self, workers):
        name, request = self.s.receive()
        self.assertEqual(name, "REQ_WORKERS")
        for w in workers:
            w.link(self.s, request)
        self.s.reply(request)

    def call(self, workers, method="connection.list", **params):
        """The result of a call that these workers answer."""
        rpc = self.client()
        self.ask(rpc, method, **params)
        self.serve_workers(workers)
        answer = rpc.line()
        rpc.close()
        if "error" in answer:
            raise mercury.RpcError(answer["error"])
        return answer["result"]

    def numbers(self, result):
        return [(c["slot"], c["generation"], int(c["id"].split("-")[1]))
                for c in result["connections"]]

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.s.process.pid}/fd"))

    # --- good ones ---

    def test_a_row(self):
        worker = Bad(rows_of(17, idle_ms=5, peer="\x1b[2J", state=2))
        result = self.call([worker])
        row = result["connections"][0]
        self.assertRegex(row.pop("since"), r"^20\d\d-.*Z$")
        self.assertEqual(result, {"connections": [row], "next": None,
                                  "missing": []})
        self.assertEqual(row, {
            "id": "b13cfa44-17", "slot": 0, "generation": 1, "pid": 4242,
            "peer": "\x1b[2J", "peer_pid": None, "state": "waiting",
            "age_ms": 60000, "idle_ms": 5, "bytes_in": 1, "bytes_out": 2,
            "unsent": 3, "rtt_us": 4, "proxy": None, "tls": None})

    def test_a_row_with_all_there_is(self):
        texts = {key: f"the {key}" for key in TLS_TEXTS if key != "alpn"}

        def answer(w, channel, request, after):
            w.say(channel, "CONN_ROW", row_of(request, 17, detailed=True))
            w.say(channel, "CONN_DETAIL", detail_of(
                request, 17, proxy="10.0.0.9:7", tls=texts))
            w.done(channel, request, False, 0)
        worker = Bad(answer)
        row = self.call([worker])["connections"][0]
        self.assertEqual(row["proxy"], {
            "address": "10.0.0.9:7", "authority": "authority", "alpn": "h2",
            "unique_id": "unique"})
        self.assertEqual(row["tls"], {**texts, "alpn": None,
                                      "resumed": False, "by_proxy": True})

    def test_worker_by_worker_and_page_by_page(self):
        def workers():
            return [Worker(1, 2, 12, range(1, 200)),
                    Worker(0, 2, 11, range(1, 65)),
                    Worker(0, 1, 99, range(1, 130)), Worker(2, 2, 5)]
        want = [(0, 1, n) for n in range(1, 130)] + [
            (0, 2, n) for n in range(1, 65)] + [
            (1, 2, n) for n in range(1, 200)]
        result = self.call(workers())
        self.assertEqual(self.numbers(result), want)
        self.assertIsNone(result["next"])
        for limit in (1, 7, 64, 129, 391, 392, 393):
            with self.subTest(limit=limit):
                got, after = [], {}
                while True:
                    result = self.call(workers(), limit=limit, **after)
                    got += self.numbers(result)
                    if result["next"] is None:
                        break
                    self.assertEqual(len(result["connections"]), limit)
                    after = {"after": result["next"]}
                    if limit == 1 and len(got) == 70:
                        break
                self.assertEqual(got, want[:len(got)])
                self.assertTrue(limit == 1 or len(got) == len(want))

    def test_only_those_that_are_wanted(self):
        def answer(w, channel, request, after):
            for n in range(1, 31):
                w.say(channel, "CONN_ROW", row_of(
                    request, n, peer=f"10.0.{n % 3}.1:{n}",
                    idle_ms=n * 1000))
            w.done(channel, request, False, 0)
        for params, want in (
                ({"peer": "10.0.1.0/24"}, range(1, 31, 3)),
                ({"peer": "10.0.1.1:7"}, [7]),
                ({"min_idle": "20s"}, range(20, 31)),
                ({"min_idle": "20s", "peer": "10.0.0.0/23", "limit": 3},
                 [21, 22, 24])):
            result = self.call([Bad(answer)], **params)
            self.assertEqual([n for _, _, n in self.numbers(result)],
                             list(want), params)

    def test_channels_are_closed_with_the_call(self):
        before = self.descriptors()
        workers = [Worker(n, numbers=[1]) for n in range(50)]
        self.call(workers)
        self.call(workers, limit=1)
        wait_until(lambda: self.descriptors() == before, "all is closed")

    def test_an_error_of_the_supervisor(self):
        rpc = self.client()
        self.works(rpc)
        before = self.descriptors()
        self.ask(rpc, "connection.list")
        request = self.s.receive()[1]
        Worker().link(self.s, request)
        self.s.reply(request, "there is no listener named pos", NOT_FOUND)
        self.assertEqual(self.error(rpc, -32000, 1)["data"],
                         {"reason": "not_found"})
        self.assertEqual(self.descriptors(), before)

    def test_links_that_nobody_asked_for(self):
        rpc = self.client()
        self.works(rpc)
        before = self.descriptors()
        rpc.send(STATUS % 5)
        request = self.s.receive()[1]
        for number in (0, request, request + 1, 4000000000):
            Worker().link(self.s, number)
        self.s.snapshot(request)
        self.assertEqual(rpc.line()["id"], 5)
        self.assertEqual(self.descriptors(), before)

    def test_many_calls_take_their_turns(self):
        clients = [self.client() for _ in range(20)]
        for rpc in clients:
            self.ask(rpc, "connection.list")
        requests = [self.s.receive() for _ in range(4)]
        self.works(self.client())
        self.assertFalse(self.s.has_message(), "a fifth at a time")
        for rpc in clients[4:8]:
            rpc.close()  # most likely before its turn
        for i in range(20):
            if i >= 4:
                requests.append(self.s.receive())
            name, request = requests[i]
            self.assertEqual(name, "REQ_WORKERS")
            Worker(numbers=[i + 1]).link(self.s, request)
            self.s.reply(request)
        # Whose turn came when is the kernel's to say.
        told = [self.numbers(rpc.line()["result"])
                for rpc in clients[:4] + clients[8:]]
        self.assertEqual(len({t[0][2] for t in told}), 16)
        for t in told:
            self.assertEqual(t, [(0, 1, t[0][2])])

    def test_a_client_that_leaves_ends_its_list(self):
        rpc = self.client()
        self.works(rpc)
        worker = Silent()
        before = self.descriptors()
        self.ask(rpc, "connection.list")
        self.serve_workers([worker, Silent(slot=1)])
        wait_until(lambda: worker.asked, "it is asked")
        rpc.close()
        wait_until(lambda: self.descriptors() < before, "all is closed")

    # --- bad ones ---

    def test_a_bad_worker_is_left_out(self):
        for answer in (rows_of(*range(1, 66)), rows_of(2, 1), rows_of(1, 1),
                       rows_of(1, state=4), rows_of(1, state=4000000000),
                       rows_of(-(BASE)), other_request, other_done,
                       goes_back, stands_still, other_message, short_message,
                       detail_unasked, detail_of_another, detail_missing,
                       detail_late,
                       garbage, flood):
            with self.subTest(answer=answer):
                workers = [Worker(0, numbers=[5]), Bad(answer, slot=1),
                           Worker(2, numbers=[6])]
                result = self.call(workers)
                self.assertEqual(self.numbers(result),
                                 [(0, 1, 5), (2, 1, 6)])
                self.assertEqual(result["missing"], [1])
                self.assertIsNone(result["next"])

    def test_what_does_not_answer_is_left_out(self):
        start = time.monotonic()
        result = self.call([Worker(0, numbers=[5]), Bad(never_done, slot=1),
                            Gone(2), Worker(3, numbers=[6])])
        self.assertEqual(self.numbers(result), [(0, 1, 5), (3, 1, 6)])
        self.assertEqual(result["missing"], [1, 2])
        self.assertTrue(1.5 < time.monotonic() - start < 6)

    def test_many_that_do_not_answer_end_the_page_early(self):
        def workers():
            return [Silent(n) for n in range(5)] + [Worker(9, numbers=[6])]
        start = time.monotonic()
        missing, got, after = [], [], {}
        while True:
            result = self.call(workers(), **after)
            self.assertLess(time.monotonic() - start, 10)
            start = time.monotonic()
            missing += result["missing"]
            got += self.numbers(result)
            if result["next"] is None:
                break
            after = {"after": result["next"]}
        self.assertEqual(missing, [0, 1, 2, 3, 4])
        self.assertEqual(got, [(9, 1, 6)])

    def test_a_worker_that_talks_without_end_takes_no_memory(self):
        self.call([Worker(numbers=range(1, 1001))])
        before = self.memory()
        self.call([Bad(flood, slot=n) for n in range(20)])
        self.limit_memory(before, 2 << 20)
        self.works(self.client())

    def test_pages_without_end_end(self):
        def endless(w, channel, request, after):
            w.done(channel, request, True, after + 1)
        start = time.monotonic()
        result = self.call([Bad(endless)])
        self.assertIsNotNone(result["next"])
        self.assertEqual(result["connections"], [])
        self.assertLess(time.monotonic() - start, 10)
        self.works(self.client())

    # --- kick ---

    def test_kick(self):
        workers = [Worker(n, numbers=[n + 10]) for n in range(3)]
        self.assertEqual(
            self.call(workers, "connection.kick", id="b13cfa44-11"),
            {"id": "b13cfa44-11", "kicked": True})
        self.assertEqual(workers[1].asked,
                         [("CONN_KICK", 0, BASE + 11)])

    def test_kick_does_not_wait_for_the_others(self):
        start = time.monotonic()
        result = self.call(
            [*(Silent(n) for n in range(20)), Worker(30, numbers=[1])],
            "connection.kick", id="b13cfa44-1")
        self.assertTrue(result["kicked"])
        self.assertLess(time.monotonic() - start, 1.8)

    def test_kick_nobody(self):
        for workers, reason, deadline in (
                ([], "not_found", 1.8),
                ([Worker(0), Worker(1, numbers=[2])], "not_found", 1.8),
                ([Gone(0), Worker(1)], "timeout", 1.8),
                ([Silent(0), Silent(1), Worker(2)], "timeout", 6)):
            start = time.monotonic()
            with self.assertRaises(mercury.RpcError) as failed:
                self.call(workers, "connection.kick", id="b13cfa44-1")
            self.assertEqual(failed.exception.reason, reason)
            self.assertLess(time.monotonic() - start, deadline)

    def test_kick_is_done_though_the_client_left(self):
        rpc = self.client()
        worker = Worker(numbers=[1])
        self.ask(rpc, "connection.kick", id="b13cfa44-1")
        name, request = self.s.receive()
        rpc.close()
        self.works(self.client())
        worker.link(self.s, request)
        self.s.reply(request)
        wait_until(lambda: worker.asked, "it is asked")

    def test_the_end_of_the_supervisor(self):
        rpc = self.client()
        self.ask(rpc, "connection.list")
        self.serve_workers([Silent()])
        self.assertEqual(self.s.end(), 0)
        self.assertEqual(self.error(rpc, -32000, 1)["data"]["reason"],
                         "unavailable")


if __name__ == "__main__":
    mercury.main()
