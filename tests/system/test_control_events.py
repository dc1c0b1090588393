"""mercury-control alone, with this test in the place of its supervisor and
of the store: events by pages, events as they come, and a store that goes."""

import array
import os
import socket
import struct
import threading
import time

import mercury
from mercury import RpcError, wait_until
from test_control_process import KIND, NAME, ControlProcess, reply, sealed

EVENT, PAGE, CLEANUP = 9, 10, 11  # enum snapshot_kind
BUSY, UNAVAILABLE = 6, 8  # enum err_code
BY_TIME, BY_ID = 0, 1
FROM_NOW = (1 << 64) - 1
QUERY = struct.Struct("=IIIIQQQQQII65s7x")
TYPES = ["worker.started", "worker.crashed", "daemon.ready"]


def padded(row):
    return row + b"\0" * (-len(row) % 8)


class Store:
    """The other end of control's link to the store, with rows of its own."""

    def __init__(self, supervisor, rows, looks_at=2000):
        self.rows = rows
        self.looks_at = looks_at
        self.asked = []     # queries, without those for the newest id
        self.cleanups = []
        self.watched = 0
        self.silent = False
        self.trouble = None
        self.socket, end = socket.socketpair(socket.AF_UNIX,
                                             socket.SOCK_SEQPACKET)
        supervisor.send("STORE_LINK", bytes(8), end.fileno())
        end.close()
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def die(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(mercury.DEADLINE)

    def add(self, *rows):
        self.rows += rows
        self.send("EVENTS_NEWS", struct.pack("=Q", self.newest()))

    def newest(self):
        return max((r["id"] for r in self.rows), default=0)

    def send(self, name, payload, fd=None):
        rights = [] if fd is None else [
            (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        self.socket.sendmsg(
            [struct.pack("=HHI", 1, KIND[name], 0) + payload], rights)

    def _serve(self):
        while True:
            try:
                message = self.socket.recv(4096)
            except OSError:
                return
            if not message:
                return
            kind = NAME[struct.unpack_from("=HHI", message)[1]]
            getattr(self, kind.lower())(message[8:])

    def events_watch(self, _payload):
        self.watched += 1

    def events_cleanup(self, payload):
        request, dry_run, older_than = struct.unpack("=IIQ", payload)
        self.cleanups.append((dry_run, older_than))
        if self.trouble:
            self.refuse(request)
        elif not self.silent:
            self.snapshot(request, [(CLEANUP, struct.pack(
                "=QQQII", 1234, 5 << 20, 800, dry_run, 0))])

    def refuse(self, request):
        code, text = self.trouble
        self.send("REPLY", reply(request, code, text))

    def events_query(self, payload):
        (request, order, rows, newest, after_ms, after_id, until_id, since,
         types, severities, _, listener) = QUERY.unpack(payload)
        looking = after_id == FROM_NOW
        if not looking:
            self.asked.append({"order": order, "rows": rows,
                               "newest": newest, "types": types,
                               "after_id": after_id,
                               "severities": severities})
        if self.silent and not looking:
            return
        if self.trouble:
            self.refuse(request)
            return
        listener = listener.rstrip(b"\0").decode()

        def key(row):
            return (row["at_ms"], row["id"]) if order == BY_TIME else (
                row["id"],)

        def fits(row):
            return (row["at_ms"] >= since and
                    listener in ("", row.get("listener")))
        after = (after_ms, after_id) if order == BY_TIME else (after_id,)
        found = sorted((r for r in self.rows
                        if key(r) > after and r["id"] <= (until_id or r["id"])
                        ), key=key)
        if newest:
            good = [r for r in found if fits(r)][-newest:]
            found = found[found.index(good[0]):] if good else []
        looked = found[:self.looks_at]
        page = [r for r in looked if fits(r)][:rows]
        if len(page) == rows:
            looked = looked[:looked.index(page[-1]) + 1]
        last = looked[-1] if looked else {"id": after_id, "at_ms": after_ms}
        self.snapshot(request, [(EVENT, self.row(r)) for r in page] + [
            (PAGE, struct.pack("=QQQII", last["at_ms"], last["id"],
                               self.newest(), len(looked) < len(found), 0))])

    @staticmethod
    def row(r):
        texts = [r.get(k) or b"" for k in ("type", "severity", "listener",
                                           "peer", "reason", "detail")]
        return struct.pack("=QQ", r["id"], r["at_ms"]) + b"".join(
            (t.encode() if isinstance(t, str) else t) + b"\0" for t in texts)

    def snapshot(self, request, rows):
        fd = sealed(b"".join(struct.pack("=II", kind, len(row)) + padded(row)
                             for kind, row in rows))
        self.send("SNAPSHOT", struct.pack("=II", request, 0), fd)
        os.close(fd)


def made(first, count, **more):
    return [{"id": i, "at_ms": i * 1000, "type": TYPES[i % 3],
             "severity": "info", "listener": "ab"[i % 2], **more}
            for i in range(first, first + count)]


class WithStore(ControlProcess):
    def link(self, rows=(), **kwargs):
        """A store that control may not know yet."""
        store = Store(self.s, list(rows), **kwargs)
        self.addCleanup(self._end_store, store)
        return store

    def store(self, rows=(), **kwargs):
        store = self.link(rows, **kwargs)
        wait_until(self.knows_store, "control has the link")
        store.cleanups.clear()
        return store

    @staticmethod
    def _end_store(store):
        if store.socket.fileno() != -1:
            store.die()

    def knows_store(self):
        with mercury.Rpc(self.s.path) as rpc:
            try:
                return bool(rpc.call("events.cleanup", dry_run=True))
            except RpcError:
                return False

    def pages(self, rpc, **params):
        """All events, and how many there were on each page."""
        events, sizes = [], []
        while True:
            page = rpc.call("events.query", **params)
            events += page["events"]
            sizes.append(len(page["events"]))
            if page["next"] is None:
                return events, sizes
            self.assertGreater(sizes[-1], 0, "an empty page, and a next")
            params["after"] = page["next"]

    def refused(self, rpc, method, **params):
        with self.assertRaises(RpcError) as caught:
            rpc.call(method, **params)
        return caught.exception

    def events(self, rpc, count):
        """The next so many events that a follower is sent."""
        found = []
        for _ in range(count):
            line = rpc.line()
            self.assertIsNotNone(line, "hung up")
            self.assertEqual(line["method"], "event", line)
            self.assertNotIn("id", line)
            found.append(line["params"]["id"])
        return found


class Query(WithStore):
    def test_pages_until_the_end(self):
        self.store(made(1, 2500))
        events, sizes = self.pages(self.client())
        self.assertEqual([e["id"] for e in events], list(range(1, 2501)))
        self.assertEqual(sizes, [1000, 1000, 500])
        self.assertEqual(events[0], {
            "id": 1, "at": "1970-01-01T00:00:01.000Z", "at_ms": 1000,
            "type": "worker.crashed", "severity": "info", "listener": "b",
            "peer": None, "reason": None, "detail": None})

    def test_nothing(self):
        self.store()
        self.assertEqual(self.client().call("events.query"),
                         {"events": [], "next": None, "last_id": 0})

    def test_empty_pages_are_no_ones_business(self):
        rows = made(1, 3000, listener="other")
        rows[10]["listener"] = rows[2500]["listener"] = "mine"
        store = self.store(rows, looks_at=100)
        events, sizes = self.pages(self.client(), listener="mine")
        self.assertEqual([e["id"] for e in events], [11, 2501])
        self.assertLessEqual(len(sizes), 3)
        self.assertGreaterEqual(len(store.asked), 29)

    def test_what_comes_meanwhile_is_not_part_of_it(self):
        store = self.store(made(1, 1500))
        rpc = self.client()
        first = rpc.call("events.query")
        self.assertEqual(first["last_id"], 1500)
        store.add(*made(1501, 100))
        second = rpc.call("events.query", after=first["next"])
        self.assertEqual(len(second["events"]), 500)
        self.assertIsNone(second["next"])
        self.assertEqual(second["last_id"], 1500)

    def test_limit_is_the_newest(self):
        store = self.store(made(1, 2500))
        events, sizes = self.pages(self.client(), limit=1200)
        self.assertEqual([e["id"] for e in events], list(range(1301, 2501)))
        self.assertEqual(sizes, [1000, 200])
        self.assertEqual([q["newest"] for q in store.asked], [1200, 0])

    def test_filter(self):
        store = self.store(made(1, 10))
        self.client().call("events.query", type="worker",
                           severity=["error", "warning"])
        self.assertEqual(bin(store.asked[0]["types"]).count("1"), 6)
        self.assertEqual(store.asked[0]["severities"], 6)
        error = self.refused(self.client(), "events.query", type="worker.x")
        self.assertIn("worker.crashed", error.message)
        self.assertEqual(error.reason, "invalid")

    def test_since(self):
        now = int(time.time() * 1000)
        self.store([{"id": 1, "at_ms": now - 7200000},
                    {"id": 2, "at_ms": now - 1000}])
        events, _ = self.pages(self.client(), since="1h")
        self.assertEqual([e["id"] for e in events], [2])

    def test_garbage_in_the_table(self):
        self.store([
            {"id": 1, "at_ms": 1, "type": b"\xff\xfe", "reason": b"\xc3",
             "detail": "[1]"},
            {"id": 2, "at_ms": 1 << 62, "type": "", "detail": "[" * 2000},
            {"id": 3, "at_ms": 2, "detail": '{"a": {"b": [1, 2.5, null]}}'}])
        events, _ = self.pages(self.client())
        self.assertEqual([e["id"] for e in events], [1, 3, 2])
        self.assertEqual(events[0]["type"], "??")
        self.assertIsNone(events[0]["detail"])
        self.assertEqual(events[1]["detail"], {"a": {"b": [1, 2.5, None]}})
        self.assertIsNone(events[2]["detail"])

    def test_long_texts_make_short_pages(self):
        self.store(made(1, 1000, reason="x" * 4000, detail="{}"))
        events, sizes = self.pages(self.client())
        self.assertEqual([e["id"] for e in events], list(range(1, 1001)))
        self.assertGreater(len(sizes), 3)

    def test_a_store_that_leads_nowhere(self):
        store = self.store(made(1, 10), looks_at=0)
        error = self.refused(self.client(), "events.query")
        self.assertEqual(error.reason, "internal")
        self.assertEqual(len(store.asked), 1)

    def test_its_errors_are_told(self):
        store = self.store()
        store.trouble = (BUSY, "too many queries at once")
        error = self.refused(self.client(), "events.query")
        self.assertEqual(error.reason, "busy")
        self.assertIn("too many", error.message)

    def test_a_client_that_hangs_up_ends_its_query(self):
        store = self.store(made(1, 100000, listener="x"), looks_at=1)
        rpc = self.client()
        rpc.send(b'{"jsonrpc":"2.0","id":1,"method":"events.query",'
                 b'"params":{"listener":"y"}}\n')
        wait_until(lambda: len(store.asked) > 5, "it is under way")
        rpc.close()
        seen = [-1]

        def stands():
            before, seen[0] = seen[0], len(store.asked)
            return before == seen[0]
        wait_until(stands, "it ends")
        self.assertLess(len(store.asked), 100000)


class StoreThatGoes(WithStore):
    def test_there_is_none(self):
        for method in ("events.query", "events.follow", "events.cleanup"):
            error = self.refused(self.client(), method)
            self.assertEqual(error.reason, "unavailable")
            self.assertIn("the store is not running", error.message)

    def test_a_query_goes_on_with_the_next(self):
        store = self.store(made(1, 10))
        store.silent = True
        rpc = self.client()
        rpc.send(b'{"jsonrpc":"2.0","id":1,"method":"events.query"}\n')
        wait_until(lambda: store.asked, "it has been asked")
        store.die()
        self.store(made(1, 12))
        self.assertEqual(len(rpc.line()["result"]["events"]), 10)

    def test_the_next_may_come_before_the_last_has_gone(self):
        store = self.store(made(1, 10))
        store.silent = True
        rpc = self.client()
        rpc.send(b'{"jsonrpc":"2.0","id":1,"method":"events.query"}\n')
        wait_until(lambda: store.asked, "it has been asked")
        self.link(made(1, 10))
        self.assertEqual(len(rpc.line()["result"]["events"]), 10)
        wait_until(lambda: not store.thread.is_alive(), "that one is let go")

    def test_it_does_not_come_back(self):
        store = self.store(made(1, 10))
        store.silent = True
        rpc = self.client()
        rpc.send(b'{"jsonrpc":"2.0","id":1,"method":"events.query"}\n')
        wait_until(lambda: store.asked, "it has been asked")
        start = time.monotonic()
        store.die()
        self.assertEqual(rpc.line()["error"]["data"]["reason"], "unavailable")
        self.assertLess(time.monotonic() - start, 9)
        self.refused(rpc, "events.query")
        self.assertLess(time.monotonic() - start, 9)
        self.store(made(1, 10))
        self.assertEqual(len(self.pages(rpc)[0]), 10)

    def test_it_may_not_answer_for_the_supervisor(self):
        store = self.store()
        rpc = self.client()
        rpc.send(b'{"jsonrpc":"2.0","id":1,"method":"daemon.reload"}\n')
        request = self.s.receive()[1]
        store.send("REPLY", reply(request, 0, "forged"))
        with mercury.Rpc(self.s.path) as other:
            other.call("events.query")
        self.s.reply(request, "true")
        self.assertEqual(rpc.line()["result"]["message"], "true")


class Follow(WithStore):
    def follower(self, **params):
        rpc = self.client()
        result = rpc.call("events.follow", **params)
        self.assertTrue(result["following"])
        rpc.last_id = result["last_id"]
        return rpc

    def test_only_what_is_new(self):
        store = self.store(made(1, 10))
        rpc = self.follower()
        self.assertEqual(rpc.last_id, 10)
        store.add(*made(11, 2))
        self.assertEqual(self.events(rpc, 2), [11, 12])
        store.add(*made(13, 1))
        self.assertEqual(self.events(rpc, 1), [13])

    def test_from_somewhere(self):
        store = self.store(made(1, 2500))
        rpc = self.follower(after_id=100)
        self.assertEqual(rpc.last_id, 100)
        store.add(*made(2501, 5))
        self.assertEqual(self.events(rpc, 2405), list(range(101, 2506)))
        self.assertEqual(self.follower(after_id=10**9).last_id, 2505)

    def test_some(self):
        store = self.store(made(1, 10))
        rpc = self.follower(listener="a")
        store.add(*made(11, 6))
        self.assertEqual(self.events(rpc, 3), [12, 14, 16])

    def test_other_requests_meanwhile(self):
        store = self.store(made(1, 10))
        rpc = self.follower()
        self.assertEqual(self.refused(rpc, "events.follow").reason, "busy")
        self.works(rpc)
        store.add(*made(11, 1))
        self.assertEqual(self.events(rpc, 1), [11])

    def test_too_many(self):
        self.store(made(1, 10))
        followers = [self.follower() for _ in range(32)]
        self.assertEqual(self.refused(self.client(), "events.follow").reason,
                         "busy")
        followers.pop().close()

        def has_room():
            try:
                return self.follower()
            except RpcError:
                return None
        wait_until(has_room, "one has gone")

    def test_it_is_not_driven_out(self):
        store = self.store(made(1, 10))
        rpc = self.follower()
        for _ in range(200):
            self.works(self.client())
        store.add(*made(11, 1))
        self.assertEqual(self.events(rpc, 1), [11])

    def test_a_half_closed_one_goes_on(self):
        store = self.store(made(1, 10))
        rpc = self.follower()
        rpc.socket.shutdown(socket.SHUT_WR)
        store.add(*made(11, 1))
        self.assertEqual(self.events(rpc, 1), [11])
        held = self.descriptors()
        rpc.close()
        wait_until(lambda: self.descriptors() < held, "control lets it go")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.s.process.pid}/fd"))

    def test_it_goes_on_with_the_next_store(self):
        store = self.store(made(1, 10))
        rpc = self.follower()
        store.add(*made(11, 1))
        self.assertEqual(self.events(rpc, 1), [11])
        store.silent = True
        store.add(*made(12, 1))
        wait_until(lambda: store.asked[-1]["after_id"] == 11,
                   "a page was asked for")
        store.die()
        store = self.link(made(1, 13))
        self.assertEqual(self.events(rpc, 2), [12, 13])
        wait_until(lambda: store.watched, "it is told to say what is new")
        store.add(*made(14, 1))
        self.assertEqual(self.events(rpc, 1), [14])

    def test_trouble_passes(self):
        store = self.store(made(1, 10))
        rpc = self.follower()
        store.trouble = (UNAVAILABLE, "the database is locked")
        store.add(*made(11, 1))
        wait_until(lambda: store.asked, "a page was asked for")
        store.trouble = None
        self.assertEqual(self.events(rpc, 1), [11])

    def test_who_does_not_read_costs_one_page_and_is_dropped(self):
        store = self.store(made(1, 10))
        rpc = self.follower()
        before = self.memory()
        for first in range(11, 40011, 4000):
            store.add(*made(first, 4000, reason="x" * 1000))
        # Its first page is more than the pipe takes.
        self.assertEqual(self.pages(self.client(), limit=5)[1], [5])
        self.limit_memory(before, 32 << 20)

        def is_dropped():
            try:
                return not rpc.socket.send(b"\n")
            except OSError:
                return True
        start = time.monotonic()
        wait_until(is_dropped, "it is dropped", 40)
        self.assertGreater(time.monotonic() - start, 8)
        self.assertLess(len([q for q in store.asked
                             if q["order"] == BY_ID]), 5)


class Cleanup(WithStore):
    def test_result(self):
        store = self.store()
        rpc = self.client()
        self.assertEqual(rpc.call("events.cleanup"), {
            "rows": 1234, "bytes": 5 << 20, "duration_ms": 800,
            "dry_run": False})
        self.assertTrue(rpc.call("events.cleanup", dry_run=True,
                                 older_than="7d")["dry_run"])
        rpc.call("events.cleanup", older_than="0s")
        self.assertEqual(store.cleanups,
                         [(0, 0), (1, 7 * 86400000), (0, 1)])
        self.assertEqual(self.refused(rpc, "events.cleanup",
                                      older_than="1x").reason, "invalid")

    def test_busy(self):
        store = self.store()
        store.trouble = (BUSY, "a cleanup is under way")
        self.assertEqual(
            self.refused(self.client(), "events.cleanup").reason, "busy")


if __name__ == "__main__":
    mercury.main()
