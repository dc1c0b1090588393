"""What must always hold, looked at all the time from threads of its own."""

import random
import threading
import time
import urllib.error
import urllib.request

import clients
import ledger
import mercury
import scraping
import world
from excuses import ALL, BREAK, CONTROL, GATEWAY, HANG, REFUSE, STORE
from follower import Follower
from world import KINDS, SLOWER

ANSWER_S = 2 * world.HANG_TIMEOUT_S + 4.0 * SLOWER  # a listener that listens
LATE_S = 3.0 * SLOWER  # a client that is looked at
STATUS_S = 5.0 * SLOWER  # the control socket, also while control is replaced
AGREE_S = 2.0 * SLOWER  # readiness, wherever it is told
LAG_MS = 300 * SLOWER  # beside what the machine itself is late by
LAG_WAIT_S = 3.0 * SLOWER  # until it is known by how much that was
COUNTED = ("_total", "_count", "_sum", "_bucket")
# What this gateway has seen, and not the one before it.
OF_ONE_GATEWAY = "mercury_process_cpu_seconds_total"
LASTING = {*KINDS, "store"}  # what a supervisor has counters of, always
STALL_S = 1.0  # that this process did not run, for all it wanted
STRAY_S = world.SHUTDOWN_S + 1 + 4 * SLOWER  # nobody is left after that


def may_end(labels):
    """May what has a metric with these be gone while the supervisor lives? A
    listener may that is none of ours, or a worker of one that has fewer."""
    name = labels.get("listener")
    return name is not None and (name not in KINDS or
                                 (name == "four" and "slot" in labels))


class Oracle:
    """Threads that look; what they find goes to the journal."""

    def __init__(self, the_world, journal, excuses):
        self.world, self.journal = the_world, journal
        self.excuses = excuses
        self.lock = threading.RLock()
        self.stopping = threading.Event()
        self.counters = ledger.Counters()
        self.samples = ledger.Counters()  # those of metrics
        self.lag = ledger.Lag(LAG_MS, LAG_WAIT_S)
        self.deaths = ledger.Deaths()
        self.follower = Follower(the_world, journal, self.stopping)
        self.orphans = []  # (when they must be gone, pids)
        self.waiting = None  # for whom, and since when; None: it was noted
        self.differs = {}  # what: since when
        self.rows = {}  # of the last status
        self.threads = [
            threading.Thread(target=self._each, args=(look, seconds))
            for look, seconds in (
                (self.look, 0.4), (self.look_back, 1.0), (self.scrape, 2.0),
                (self.probe, 0.1), (self.health, 0.1), (self.follower.follow, 0.0),
                (self.look_for_orphans, 0.5), (self.feel, 0.0))]

    def start(self):
        for t in self.threads:
            t.start()

    def stop(self):
        self.stopping.set()
        for t in self.threads:
            if t.ident is not None:  # it was started
                t.join()

    def _each(self, look, seconds):
        while not self.stopping.wait(seconds):
            try:
                look()
            except Exception as e:  # an oracle that died finds nothing
                self.journal.fail("the oracle goes on",
                                  f"{look.__name__}: {e!r}")
                self.stopping.wait(1)

    def excused(self, kind, name, since):
        return self.excuses.cover(kind, name, since, time.monotonic())

    # --- the control socket ---

    def status(self, seconds=STATUS_S):
        """The daemon's object; None, when it is our fault that there is
        none."""
        begun = time.monotonic()
        problem = None
        while time.monotonic() - begun < seconds:
            try:
                with mercury.Rpc(self.world.d.control, seconds) as rpc:
                    asked = time.monotonic()
                    status = rpc.call("daemon.status")
                self.journal.worst("status_ms",
                                   (time.monotonic() - asked) * 1000)
                return status
            except (OSError, mercury.RpcError, ValueError) as e:
                problem = e
            if self.stopping.wait(0.02):
                return None
        if not self.excused(REFUSE, ALL, begun - STATUS_S):
            self.journal.fail(f"status within {seconds:g} s", repr(problem))
        return None

    def look(self):
        """Status: counters, lag, the supervisor itself."""
        with self.lock:
            run, pid = self.world.run, self.world.d.pid
        self.note_waiting()
        begun = time.monotonic()
        status = self.status()
        if (status is None or run != self.world.run
                or self.excused(REFUSE, ALL, begun - 1)):
            return
        if status["pid"] != pid:
            self.journal.fail("the supervisor goes on",
                              f"pid {pid} is {status['pid']}")
        self.rows = {row["name"]: row for row in status["listeners"]}
        self.journal.worst("loop_lag_ms", status["loop_lag_max_ms"])
        self.judge_lag(run, status["loop_lag_max_ms"])
        self.judge_states(self.rows, begun)
        values = {}
        for row in self.rows.values():
            values.update({(run, k): v for k, v in
                           ledger.listener_counters(row).items()})
            if row["connections"] > row["accepted"]:
                self.journal.fail("connections <= accepted", str(row)[:500])
        if status["store"] is not None:
            for key in ("events", "dropped", "pruned"):
                values[run, "store", key] = status["store"][key]
            self.follower.dropped = status["store"]["dropped"]
        self.hold(self.counters, values,
                  lambda key: key[0] != run or key[1] not in LASTING)

    def note_waiting(self):
        """For who wants to know why a client waits for long."""
        name, since = self.waiting or (None, 0)
        if name is not None and time.monotonic() - since > LATE_S:
            self.waiting = None
            port = self.world.ports.get(name)
            out = mercury.run(["ss", "-Htanp", f"sport = :{port} or "
                               f"dport = :{port}"]).out
            lines = [l for l in out.splitlines() if "TIME-WAIT" not in l]
            self.journal.did("client waits", name)
            self.journal.note("\n".join([self.state_of(name), *lines[:60]]))

    def judge_states(self, rows, since):
        """Before a reload or a restart brings back who was given up."""
        for text in ledger.given_up(
                rows, KINDS,
                lambda name: self.excused(REFUSE, name, since - 1)):
            self.journal.fail("no listener is given up", text)

    def look_at_states(self):
        begun, status = time.monotonic(), self.status()
        if status is not None:
            self.judge_states({row["name"]: row
                               for row in status["listeners"]}, begun)

    def judge_lag(self, run, lag):
        with self.lock:
            text = self.lag.wrong(run, lag, time.monotonic())
        if text is not None:
            self.journal.fail("the supervisor never blocks", text)

    def hold(self, counters, values, over):
        """Each is still there, and no less than it was; but for those of
        which that is over."""
        with self.lock:
            for key, before, now in counters.check(values, over):
                self.journal.fail("counters never go back",
                                  f"{key}: {before}, then {now}")

    def look_back(self):
        """The history, against what we know of processes."""
        run, begun = self.world.run, time.monotonic()
        try:
            with mercury.Rpc(self.world.d.control, STATUS_S) as rpc:
                records = rpc.call("supervisor.history")["records"]
        except (OSError, mercury.RpcError, ValueError):
            return
        now = time.monotonic()
        with self.lock:
            if run != self.world.run or self.excused(REFUSE, ALL, begun - 1):
                return
            new = self.deaths.take(records)
            self.follower.story.report(new, now)
            for text in self.deaths.wrong(mercury.alive, now,
                                          KINDS.__contains__):
                self.journal.fail("one record with the real reason for the "
                                  "end of each worker", text)
        for r in new:
            self.journal.saw(r["type"])

    # --- listeners ---

    def probe(self):
        """Does one that says so listen?"""
        names = sorted(n for n, row in self.rows.items()
                       if row["state"] == "listening" and n in KINDS)
        if names:
            self.serve(random.choice(names))
            self.waiting = None

    def serve(self, name):
        """One client, who tries again only when it was our fault."""
        place, begun, why = self.world.place(name), time.monotonic(), None
        self.waiting = (name, begun)
        while (left := begun + ANSWER_S - time.monotonic()) > 0:
            asked = time.monotonic()
            try:
                clients.exchange(place, left)
                self.journal.saw("probed")
                self.journal.worst("answer_ms",
                                   (time.monotonic() - begun) * 1000)
                return
            except ValueError as e:
                self.journal.fail(f"{name} answers right", repr(e))
                return
            except OSError as e:
                why = e
            if self.may_fail(name, asked) is False and not isinstance(
                    why, TimeoutError):
                self.journal.fail(
                    f"{name} serves each client, whatever happens to its "
                    "workers", f"{why!r}; {self.state_of(name)}")
                return
            if self.stopping.wait(0.02):
                return
        if not any(self.excused(kind, name, begun)
                   for kind in (REFUSE, HANG)) and not KINDS[name].may_fail:
            self.journal.fail(f"{name} answers within {ANSWER_S:g} s",
                              f"{why!r}; {self.state_of(name)}")

    def all_serve(self):
        """A new supervisor is ready: then each listener serves, though old
        workers may still take somebody with them."""
        for name in KINDS:
            place, begun, why = self.world.place(name), time.monotonic(), None
            while True:
                try:
                    clients.exchange(place, ANSWER_S)
                    break
                except (OSError, ValueError) as e:
                    why = e
                if time.monotonic() - begun > ANSWER_S:
                    self.journal.fail("a new supervisor serves all again",
                                      f"{name}: {why!r}")
                    break
                if self.stopping.wait(0.02):
                    return

    def may_fail(self, name, asked):
        """Is there an excuse for a client that was not served?"""
        return (KINDS[name].may_fail or
                any(self.excused(kind, name, asked - 0.5)
                    for kind in (REFUSE, BREAK)))

    def state_of(self, name):
        """For who wants to know what happened."""
        status = self.status() or {"listeners": []}
        return next((str(row)[:1500] for row in status["listeners"]
                     if row["name"] == name), "it is gone")

    # --- health ---

    def health(self):
        """What status, readyz, agent and the port for TCP checks say."""
        begun = time.monotonic()
        before = self.status()
        told = {"/readyz": self.readyz(), "agent": self.agent(),
                "tcp check": self.tcp_check()}
        after = self.status()
        if (before is None or after is None
                or self.excused(REFUSE, ALL, begun - AGREE_S)
                or self.excused(GATEWAY, ALL, begun - AGREE_S)):
            self.differs.clear()
            return
        steady = before["ready"] == after["ready"]
        for what, ready in told.items():
            if ready == before["ready"] or not steady:
                self.differs.pop(what, None)
                continue
            since = self.differs.setdefault(what, begun)
            self.journal.worst("readiness_differs_ms",
                               (time.monotonic() - since) * 1000)
            if time.monotonic() - since > AGREE_S:
                self.journal.fail(
                    f"{what} agrees with status within {AGREE_S:g} s",
                    f"{what}: {ready}, status: {before['ready']} "
                    f"({before['not_ready']})")
                self.differs.clear()

    def readyz(self):
        """True, False, or None: there was no answer."""
        try:
            urllib.request.urlopen(
                f"http://127.0.0.1:{self.world.gateway_port}/readyz",
                timeout=AGREE_S).close()
            return True
        except urllib.error.HTTPError as e:
            e.close()
            return False if e.code == 503 else None
        except OSError:
            return None

    def agent(self):
        try:
            with mercury.connect(self.world.agent_port, AGREE_S) as s:
                s.sendall(b"\n")
                return mercury.receive_all(s).startswith(b"up ready ")
        except OSError:
            return None

    def tcp_check(self):
        try:
            mercury.connect(self.world.tcp_check_port, AGREE_S).close()
            return True
        except ConnectionRefusedError:
            return False
        except OSError:
            return None

    def scrape(self):
        """Metrics: readable, and their counters never go back."""
        run, begun, why = self.world.run, time.monotonic(), None
        while time.monotonic() - begun < STATUS_S:
            text, why = self.metrics()
            if text is not None:
                break
            if self.stopping.wait(0.1):
                return
        else:
            if not any(self.excused(kind, ALL, begun - STATUS_S)
                       for kind in (REFUSE, GATEWAY)):
                self.journal.fail(f"metrics within {STATUS_S:g} s", why)
            return
        samples = scraping.Samples(text)
        if run != self.world.run or self.excused(REFUSE, ALL, begun - 2):
            return
        self.hold(self.samples,
                  {(run, name, *sorted(labels.items())): value
                   for name, labels, value in samples.all
                   if name.endswith(COUNTED) and name != OF_ONE_GATEWAY},
                  lambda key: key[0] != run or may_end(dict(key[2:])))
        self.journal.saw("scraped")

    def metrics(self):
        """Their text, or why there is none: a 503 is for who asks again."""
        url = f"http://127.0.0.1:{self.world.gateway_port}/metrics"
        try:
            with urllib.request.urlopen(url, timeout=STATUS_S) as answer:
                return answer.read().decode(), None
        except urllib.error.HTTPError as e:
            return None, f"{e}: {e.read()[:300]}"
        except OSError as e:
            return None, repr(e)

    # --- processes ---

    def supervisor_dies(self, left):
        """We are about to kill it, or have just done so."""
        with self.lock:
            self.deaths.begin()
            self.follower.supervisor_died()
            self.orphans.append((time.monotonic() + STRAY_S, left))
            self.rows = {}

    def look_for_orphans(self):
        mercury.reap_orphans()
        now = time.monotonic()
        with self.lock:
            due = [left for at, left in self.orphans if at <= now]
            self.orphans = [o for o in self.orphans if o[0] > now]
        for left in due:
            stayed = {p: mercury.comm(p) for p in left if mercury.alive(p)}
            if stayed:
                self.journal.fail("no orphan beyond its deadline",
                                  f"{stayed} after {STRAY_S} s")

    def feel(self):
        """Does the machine stand still? Then nobody is in time."""
        begun = time.monotonic()
        self.stopping.wait(0.05)
        late = time.monotonic() - begun - 0.05
        self.journal.worst("machine_late_ms", late * 1000)
        with self.lock:
            self.lag.machine_was(late * 1000, time.monotonic())
        if late > STALL_S:
            self.journal.did("machine stood still", f"{late:.1f} s")
            for kind in (BREAK, HANG, GATEWAY, CONTROL, STORE):
                self.excuses.during(kind, ALL, begun, late * 2 + 1)
