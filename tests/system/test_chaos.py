"""Chaos: all that can happen, at random, for CHAOS_SECONDS under load.

What must hold meanwhile: a listener that says `listening' answers, counters
never go back, the supervisor goes on. What must hold afterwards: nothing has
leaked. CHAOS_SEED repeats the choices of an earlier run.
"""

import os
import random
import signal
import sys
import time

import mercury
import supervising
from mercury import alive, ask, connect, kill, wait_until
from storing import database, intact, rows, wait_rows
from supervising import Background, Storm
from test_processes import descriptors

SECONDS = float(os.environ.get("CHAOS_SECONDS", "20"))
SEED = int(os.environ.get("CHAOS_SEED", "0")) or random.randrange(1, 1 << 32)
PATIENCE = 2.0 * supervising.SLOWER  # of a client
LAG_MS = 300 * supervising.SLOWER
COUNTERS = ("accepted", "bytes_in", "bytes_out", "restarts", "generation")
ADDED_MAX = 6
CALLS_MAX = 8

# name: its options. They are there from the start to the end.
LASTING = {
    "one": {"workers": 1},
    "two": {"workers": 2, "record_connections": True},
    "four": {"workers": 4},
    "shared-a": {"workers": 2, "pool": "shared"},
    "shared-b": {"pool": "shared"},
    "shared-c": {"pool": "shared"},
    "frail": {"workers": 1, "max_restarts": 3, "max_seconds": 2},
}


def options(name, port):
    common = {"port": port, "max_restarts": 100000, "hang_timeout": "1s",
              "drain_timeout": "300ms"}
    merged = {**common, **LASTING[name]}
    if merged.get("pool") and "workers" not in merged:
        merged["workers"] = 2
    return merged


class Chaos(mercury.TestCase):
    def setUp(self):
        super().setUp()
        signal.alarm(int(mercury.TEST_TIMEOUT + 2 * SECONDS))
        print(f"CHAOS_SEED={SEED} CHAOS_SECONDS={SECONDS:g}", file=sys.stderr)
        self.random = random.Random(SEED)
        self.ports = {n: mercury.free_port() for n in LASTING}
        self.file = "".join(mercury.listener(n, **options(n, p))
                            for n, p in self.ports.items())
        self.d = self.started(self.file, shutdown_deadline="2s")
        self.stopped = {}  # pid: when to continue it
        self.paused = {}  # name: when to resume it
        self.added = []
        self.number = 0
        self.calls = []
        self.last = {}  # name: counters
        self.done = {}  # what: how often
        self.checked = 0
        self.actions = [
            (self.kill_worker, 20), (self.stop_worker, 8),
            (self.pause, 8), (self.restart, 10), (self.restart_all, 1),
            (self.add, 10), (self.remove, 8), (self.update, 4),
            (self.reload, 4), (self.kill_control, 1),
            (self.kill_store, 1), (self.stop_store, 1)]

    # --- asking ---

    def rows(self):
        """Status; its control process may just have been killed."""
        def ask_status():
            try:
                return self.d.status()
            except (OSError, mercury.RpcError, ValueError):
                return None
        status = wait_until(ask_status, "status")
        self.assertEqual(status["pid"], self.d.pid)
        rows = {l["name"]: l for l in status["listeners"]}
        for name, row in rows.items():
            last = self.last.setdefault(name, dict.fromkeys(COUNTERS, 0))
            for key in COUNTERS:
                self.assertGreaterEqual(row[key], last[key],
                                        f"{key} of {name} went back")
                last[key] = row[key]
            self.assertLessEqual(row["connections"], row["accepted"])
        return rows

    def begin(self, what, method, **params):
        """A call that nobody waits for here. Could it be made?"""
        self.collect()
        if len(self.calls) >= CALLS_MAX:
            return False
        try:
            call = Background(self.d, method, **params)
        except OSError:
            return False  # there is no control process just now
        call.about = (what, params.get("name"))
        self.calls.append(call)
        self.done[what] = self.done.get(what, 0) + 1
        return True

    def collect(self, wait=False):
        """Take the answers that have come. Those of a worker that died again
        and again are no fault of the daemon's, however it calls them."""
        left = []
        for call in self.calls:
            try:
                if not wait and call.pending(0.0001):
                    left.append(call)
                    continue
                call.answer()
            except TimeoutError:
                self.fail(f"no answer to {call.about}")
            except mercury.RpcError as e:
                if not e.message.startswith("worker "):
                    self.assertNotEqual(e.reason, "internal", e.message)
            except ConnectionError:  # control was killed
                if call.about[0] == "resume":
                    self.paused[call.about[1]] = 0  # so ask again
            call.rpc.close()
        self.calls = left

    # --- acting ---

    def worker(self):
        """A worker that is there, chosen by name and slot."""
        row = self.random.choice(sorted(self.rows().items()))[1]
        pids = [w["pid"] for w in row["workers"] if w["pid"]]
        return self.random.choice(pids) if pids else None

    def kill_worker(self):
        pid = self.worker()
        if pid is not None:
            kill(pid)
            wait_until(lambda: not alive(pid), "it is dead")
            self.done["kill"] = self.done.get("kill", 0) + 1

    def stop_worker(self):
        pid = self.worker()
        if pid is not None:
            kill(pid, signal.SIGSTOP)
            self.stopped[pid] = time.monotonic() + self.random.uniform(0, 3)
            self.done["stop"] = self.done.get("stop", 0) + 1

    def pause(self):
        name = self.random.choice(sorted(LASTING) + self.added)
        self.begin("pause", "listener.pause", name=name,
                   queue=self.random.random() < 0.5)
        # Even if it could not be asked: maybe it was done.
        self.paused[name] = time.monotonic() + self.random.uniform(0, 1)

    def restart(self):
        name = self.random.choice(sorted(LASTING) + self.added)
        self.begin("restart", "listener.restart", name=name)

    def restart_all(self):
        self.begin("restart all", "listener.restart", all=True)

    def add(self):
        if len(self.added) >= ADDED_MAX:
            return
        self.number += 1
        name = f"added{self.number}"
        pool = self.random.choice(("shared", None, None))
        more = {"pool": pool} if pool else {
            "workers": self.random.randint(1, 3)}
        self.begin("add", "listener.add", name=name, address="127.0.0.1",
                   port=0, protocol="echo", drain_timeout="300ms",
                   max_restarts=100000, hang_timeout="1s", **more)
        self.added.append(name)

    def remove(self):
        if self.added:
            name = self.random.choice(self.added)
            self.added.remove(name)
            self.begin("remove", "listener.remove", name=name,
                       deadline="200ms")

    def update(self):
        name = self.random.choice(sorted(LASTING) + self.added)
        self.begin("update", "listener.update", name=name,
                   backlog=self.random.randint(100, 1000))

    def reload(self):
        """Also with another number of workers."""
        sections = []
        for name, port in self.ports.items():
            given = options(name, port)
            if name == "four":
                given["workers"] = self.random.randint(1, 4)
            sections.append(mercury.listener(name, **given))
        self.d.write("".join(sections))
        self.begin("reload", "daemon.reload")

    def kill_control(self):
        try:
            kill(self.d.child("mercury-control"))
            self.done["control"] = self.done.get("control", 0) + 1
        except AssertionError:
            pass  # it has not come back yet

    def kill_store(self):
        try:
            kill(self.d.child("mercury-store"))
            self.done["store"] = self.done.get("store", 0) + 1
        except AssertionError:
            pass

    def stop_store(self):
        """Nobody may wait for it."""
        try:
            pid = self.d.child("mercury-store")
        except AssertionError:
            return
        kill(pid, signal.SIGSTOP)
        self.stopped[pid] = time.monotonic() + self.random.uniform(0.1, 2)
        self.done["stop store"] = self.done.get("stop store", 0) + 1

    def keep_promises(self):
        """Continue, resume and bring back whose time has come."""
        now = time.monotonic()
        for pid in [p for p, at in self.stopped.items() if at <= now]:
            del self.stopped[pid]
            kill(pid, signal.SIGCONT)
        for name in [n for n, at in self.paused.items() if at <= now]:
            if self.begin("resume", "listener.resume", name=name):
                del self.paused[name]

    # --- checking ---

    def served(self, port):
        """One client, who tries again when its worker was killed."""
        end = time.monotonic() + PATIENCE
        why = "nobody accepted"
        while (left := end - time.monotonic()) > 0:
            try:
                with connect(port, left) as s:
                    if ask(s, b"ping") == b"ping":
                        return None
                    why = "closed"
            except OSError as e:
                why = repr(e)
        return why

    def check(self):
        """Does one that says so listen? But for those told to stop."""
        self.collect()
        stopping = {name for what, name in (c.about for c in self.calls)
                    if what in ("pause", "remove")} | set(self.paused)
        rows = [r for r in self.rows().values() if r["state"] == "listening"
                and r["name"] not in stopping]
        if not rows:
            return
        row = self.random.choice(rows)
        why = self.served(row["port"])
        now = self.rows().get(row["name"])
        # Too many deaths, of which some were to come when it was asked.
        if why is not None and now["state"] != "failed":
            self.fail(f"{row['name']} says listening, but: {why}; "
                      f"then {row}; now {now}; stopped {list(self.stopped)}")
        self.checked += 1

    def take_away(self, rpc, name):
        """One that is being removed may be gone by now."""
        try:
            rpc.call("listener.remove", name=name, deadline="100ms")
        except mercury.RpcError as e:
            if e.reason != "not_found":
                raise

    def settle(self):
        """Let all be as it was in the beginning."""
        for pid in self.stopped:
            kill(pid, signal.SIGCONT)
        self.collect(wait=True)
        self.d.write(self.file)
        with self.d.rpc() as rpc:
            for name in self.rows():
                if name not in LASTING:
                    self.take_away(rpc, name)
            for name in LASTING:
                if self.rows()[name]["state"] == "failed":
                    rpc.call("listener.restart", name=name)
                rpc.call("listener.resume", name=name)
            wait_until(self.reloaded, "a reload")
        wait_until(lambda: set(self.rows()) == set(LASTING) and all(
            r["state"] == "listening" for r in self.rows().values()),
            "all listen again")

    def reloaded(self):
        try:
            self.d.call("daemon.reload")
            return True
        except mercury.RpcError as e:
            if e.reason != "busy":
                raise
            return False

    def family(self):
        """What there is: process names and what the supervisor has open."""
        names = sorted(mercury.comm(p) for p in self.d.tree())
        return names, descriptors(self.d.pid)

    def listening_sockets(self):
        with open("/proc/net/tcp") as f:
            wanted = {f":{p:04X}" for p in self.ports.values()}
            lines = [l.split() for l in f.readlines()[1:]]
        return sum(l[3] == "0A" and l[1][-5:] in wanted for l in lines)

    def test_chaos(self):
        wait_rows(self.d, "daemon.ready")  # what is written stays
        before, memory = self.family(), mercury.anonymous_bytes(self.d.pid)
        functions, weights = zip(*self.actions)
        end = time.monotonic() + SECONDS
        with Storm(*self.ports.values(), concurrent=64, rate=400) as storm:
            while time.monotonic() < end:
                self.keep_promises()
                self.random.choices(functions, weights)[0]()
                if self.random.random() < 0.5:
                    self.check()
                self.assertTrue(alive(self.d.pid), "the supervisor is dead")
            self.settle()
        for name, port in self.ports.items():
            self.assertIsNone(self.served(port), name)
        lag = self.d.status()["loop_lag_max_ms"]
        print(f"did {self.done}, checked {self.checked}, lag {lag} ms, "
              f"memory {memory} -> {mercury.anonymous_bytes(self.d.pid)}, "
              f"storm {storm.result}", file=sys.stderr)
        for key in ("wrong", "hung"):
            self.assertEqual(storm.result[key], 0, storm.result)
        self.assertGreater(self.checked, SECONDS / 4)
        self.assertLess(lag, LAG_MS)
        # A slot is never taken from a bound listener: `four' may have all.
        sockets = self.listening_sockets()
        self.assertLessEqual(sockets, 1 + 2 + 4 + 3 * 2 + 1)
        try:
            wait_until(lambda: self.family()[0] == before[0], "processes")
            wait_until(lambda: total(self.family()[1]) <= total(before[1]),
                       "descriptors")
        except AssertionError:
            self.fail(f"{self.family()} is not as {before}")
        self.check_events()

    def check_events(self):
        """The database is whole, and tells the story to its end."""
        self.assertEqual(self.d.stop(), 0)
        self.assertTrue(intact(database(self.d)))
        story = [r["type"] for r in rows(self.d)]
        self.assertEqual(story.count("daemon.started"), 1)
        self.assertEqual(story[-1], "daemon.stopped")
        print(f"{len(story)} events, {story.count('store.dropped')} gaps",
              file=sys.stderr)


def total(counts):
    return sum(counts.values())


if __name__ == "__main__":
    mercury.main()
