"""Accounts that have to balance: counters that never go back, and one record
for the end of each worker. Pure: what was seen is given."""

END_TYPES = ("worker.exited", "worker.crashed", "worker.killed")
SETTLED_S = 3.0  # after which the end of a process must have been recorded


class Counters:
    """The highest value that was seen of each."""

    def __init__(self):
        self.seen = {}

    def check(self, values, over=lambda key: False):
        """Those that are less than before, as (key, before, now), where now
        is None for one that is missing. But over says whether whatever had
        it is gone for good."""
        self.seen = {k: v for k, v in self.seen.items()
                     if k in values or not over(k)}
        wrong = [(key, before, None) for key, before in self.seen.items()
                 if key not in values]
        for key, value in values.items():
            before = self.seen.get(key, value)
            if value < before:
                wrong.append((key, before, value))
            self.seen[key] = max(value, before)
        return wrong


class Lag:
    """The longest that a loop was ever late, which is judged when it has
    grown: was the machine itself as late about then? What is told late is
    waited for. In ms, but for the times."""

    ABOUT_S = 10.0

    def __init__(self, allowed, wait_s):
        self.allowed, self.wait_s = allowed, wait_s
        self.longest = (0, 0)  # the run, and of that
        self.grown = None  # when it was seen to be
        self.unjudged = 0  # the longest, also of a run that has ended
        self.machine = []  # (when, how late)

    def machine_was(self, late, now):
        self.machine = [m for m in self.machine
                        if m[0] >= now - self.ABOUT_S - 2 * self.wait_s]
        self.machine.append((now, late))

    def wrong(self, run, lag, now):
        """What nothing explains, as a text, once; or None."""
        if (run, lag) > self.longest:
            self.longest, self.grown = (run, lag), now
            self.unjudged = max(self.unjudged, lag)
        if self.grown is None or now - self.grown < self.wait_s:
            return None
        late = max((late for at, late in self.machine
                    if at >= self.grown - self.ABOUT_S), default=0)
        lag, self.unjudged, self.grown = self.unjudged, 0, None
        if lag <= self.allowed + 2 * late:
            return None
        return f"a lag of {lag} ms, while the machine was late by {late:.0f}"


def listener_counters(row):
    """All that may only grow of a listener's object in status."""
    name = row["name"]
    values = {(name, key): row[key] for key in (
        "accepted", "rejected", "denied", "probes", "handshake_failures",
        "bytes_in", "bytes_out", "accept_errors", "restarts", "generation")}
    for key, count in row["ends"].items():
        values[name, "ends", key] = count
    for key, count in row["probe_kinds"].items():
        values[name, "probes", key] = count
    for key in ("started", "failed"):
        if "exec" in row:
            values[name, "exec", key] = row["exec"][key]
    return values


def given_up(rows, kinds, excused):
    """Of the listeners that have to be there those that are not, or have
    failed without an excuse, as texts. Rows and kinds are by name; excused
    says whether somebody who could be refused has an excuse."""
    found = []
    for name, kind in kinds.items():
        row = rows.get(name)
        if row is None:
            found.append(f"{name} is gone")
        elif (row["state"] == "failed" and not kind.may_fail
              and (kind.strict or not excused(name))):
            found.append(f"{name} has failed: {row['last_error']}")
    return found


class Deaths:
    """What the history says of workers, against what we know of processes.

    A record is one of supervisor.history; a process is its pid, which is not
    used again within a run of the soak.
    """

    def __init__(self):
        self.begin()

    def begin(self):
        """A new supervisor, which knows of no worker."""
        self.next_seq = 1
        self.started = {}  # pid: its listener
        self.ended = {}  # pid: reasons
        self.signalled = {}  # pid: (number, may it have had another end?)
        self.gone = {}  # pid: since when it is seen to be no more
        self.lost = False  # history was longer than what is kept

    def signal(self, pid, number, leaving=False):
        """We have sent a deadly signal to a worker."""
        self.signalled[pid] = (number, leaving)

    def take(self, records):
        """Records, the oldest first; those that are known are passed over.
        Returns the new ones."""
        new = [r for r in records if r["seq"] >= self.next_seq]
        if new and new[0]["seq"] > self.next_seq and len(records) >= 1000:
            self.lost = True
        for r in new:
            if r["type"] == "worker.started":
                self.started.setdefault(r["pid"], r["listener"])
            elif r["type"] in END_TYPES and r["pid"]:
                self.ended.setdefault(r["pid"], []).append(
                    (r["type"], r["reason"] or ""))
        if new:
            self.next_seq = new[-1]["seq"] + 1
        return new

    def wrong(self, alive, now, kept=lambda listener: True):
        """What does not balance, as texts; alive says whether a pid is, kept
        whether a listener is there still: what is gone has no history."""
        found = []
        for pid, ends in self.ended.items():
            if len(ends) > 1:
                found.append(f"worker {pid} ended {len(ends)} times: {ends}")
            found += self._reason(pid, ends[0])
        for pid in set(self.started) - set(self.ended):
            if alive(pid) or not kept(self.started[pid]):
                self.gone.pop(pid, None)
            elif now - self.gone.setdefault(pid, now) > SETTLED_S:
                if not self.lost:
                    found.append(f"worker {pid} is gone for {SETTLED_S} s, "
                                 "and its end is not in the history")
        return found

    def _reason(self, pid, end):
        """Is it what we know to be the cause?"""
        number, leaving = self.signalled.get(pid, (None, False))
        kind, reason = end
        if number is None or f"signal {number} " in reason:
            return []
        if "was killed by mercuryd" in reason:
            return []  # which had its own reason, before ours came
        if leaving and kind == "worker.exited":
            return []
        return [f"worker {pid} was sent signal {number}, but: {kind}: "
                f"{reason}"]


class Story:
    """The ends that were recorded, against the events that arrived."""

    def __init__(self):
        self.reported = {}  # pid: when
        self.arrived = {}  # pid: how often

    def report(self, records, now):
        for r in records:
            if r["type"] in END_TYPES and r["pid"]:
                self.reported.setdefault(r["pid"], now)

    def arrive(self, event):
        pid = (event["detail"] or {}).get("pid")
        if event["type"] in END_TYPES and pid:
            self.arrived[pid] = self.arrived.get(pid, 0) + 1

    def missing(self):
        return set(self.reported) - set(self.arrived)

    def supervisor_died(self):
        """What it still had to tell is gone with it."""
        for pid in self.missing():
            del self.reported[pid]

    def settle(self):
        """Nothing that was reported so far can still arrive."""
        self.arrived = {pid: n for pid, n in self.arrived.items()
                        if pid not in self.reported}
        self.reported = {}

    def wrong(self, dropped):
        """What does not balance when so many events were dropped."""
        found = [f"{n} events about the end of worker {pid}"
                 for pid, n in self.arrived.items() if n > 1]
        missing = self.missing()
        if len(missing) > dropped:
            found.append(f"{len(missing)} ends of workers never became an "
                         f"event, and only {dropped} events were dropped: "
                         f"{sorted(missing)[:10]}")
        return found
