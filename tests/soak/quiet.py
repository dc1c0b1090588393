"""Quiet moments: nobody is connected and nothing goes wrong, so that what is
there can be counted and compared with the beginning."""

import time

import leaks
import mercury
from leaks import Series
from orders import ADDED_MAX
from world import KINDS, SLOWER

REST_S = 1.5  # that the CPU of the supervisor is measured over
CPU_PART = 0.05 * SLOWER
SETTLE_S = 15 * SLOWER
KIB = 1024
# The supervisor keeps 1,000 records of each listener, which fill up slowly.
ALLOWED = {"mercuryd": 4096 * KIB, "mercury-pool": 384 * KIB,
           "mercury-store": 6144 * KIB}
ALLOWED_ELSE = 1536 * KIB
SANITIZED = 24 << 20  # they keep what was freed, and find leaks themselves


def allowance(who):
    """Growth that is none yet, in bytes: heaps have holes."""
    return (SANITIZED if mercury.SANITIZED
            else ALLOWED.get(who, ALLOWED_ELSE))


class Quiet:
    """What was counted in the first one, and the series of memory."""

    def __init__(self, the_world, journal, oracle, orders):
        self.world, self.journal = the_world, journal
        self.oracle, self.orders = oracle, orders
        self.series = Series()
        self.golden = None

    def family(self):
        """What there is: processes, and what the supervisor has open."""
        d = self.world.d
        names = sorted(mercury.comm(p) for p in d.tree())
        return {"processes": names,
                "descriptors": leaks.descriptors(d.pid)}

    def take(self, first=False):
        self.store_is_well()
        self.oracle.follower.catch_up()
        if first:
            self.golden = self.settled_family()
        else:
            self.compare()
        self.entries()
        self.queues()
        self.idle()
        self.memory(used=not first)
        for who, grown in self.series.grown().items():
            self.journal.worst(f"growth_kib_{who}", grown / KIB)
        for text in self.series.wrong(allowance):
            self.journal.fail("memory does not grow", text)
        self.journal.saw("quiet moments")

    def memory(self, used):
        """Sample what everybody has."""
        now = time.monotonic()
        for pid in self.world.d.tree():
            who = mercury.comm(pid)
            value = leaks.anonymous(pid)
            if value is not None and who.startswith("mercury"):
                self.series.add(who, pid, now, value, used)

    def store_is_well(self):
        def well():
            store = self.world.d.status()["store"]
            return store["state"] == "running" and store["trouble"] is None
        mercury.wait_until(well, "the store is well again", SETTLE_S * 2)

    def settled_family(self):
        """Once nothing has changed for a second."""
        state = {"since": time.monotonic(), "seen": self.family()}

        def settled():
            seen = self.family()
            if seen != state["seen"]:
                state.update(since=time.monotonic(), seen=seen)
            return time.monotonic() - state["since"] > 1
        mercury.wait_until(settled, "nothing changes", SETTLE_S)
        return state["seen"]

    def compare(self):
        def same():
            now = self.family()
            return (now["processes"] == self.golden["processes"]
                    and all(n <= self.golden["descriptors"].get(kind, 0)
                            for kind, n in now["descriptors"].items()))
        try:
            mercury.wait_until(same, "as in the beginning", SETTLE_S)
        except AssertionError:
            self.journal.fail("no process and no descriptor is left over",
                              f"{self.family()}, at first {self.golden}")

    def entries(self):
        """Of the scoreboard of each worker: one a listener of its pool, and
        those of listeners that are gone, until others take them."""
        pools = {}
        for name, kind in KINDS.items():
            pool = kind.options.get("pool", name)
            # At first, for who joins and leaves the shared one.
            more = ADDED_MAX + 2 if pool == "shared" else 0
            pools[pool] = pools.get(pool, more) + 1
        for row in self.world.d.status()["listeners"]:
            for worker in row["workers"]:
                used = leaks.used_entries(worker["pid"] or 0)
                if used is None:
                    continue
                self.journal.saw("scoreboards read")
                self.journal.worst("scoreboard_entries", used)
                if used > pools[row["pool"]]:
                    self.journal.fail(
                        f"at most {pools[row['pool']]} entries in use in the "
                        f"scoreboard of pool {row['pool']}", used)

    def queues(self):
        """Nothing waits for long between the processes."""
        def empty():
            return leaks.queued(self.world.d.tree()) == 0
        try:
            mercury.wait_until(empty, "empty", SETTLE_S)
        except AssertionError:
            self.journal.fail("queues between processes are emptied",
                              f"{leaks.queued(self.world.d.tree())} bytes")

    def idle(self):
        """The supervisor does next to nothing."""
        pid = self.world.d.pid
        before, begun = mercury.cpu_seconds(pid), time.monotonic()
        self.oracle.stopping.wait(REST_S)
        part = ((mercury.cpu_seconds(pid) - before)
                / (time.monotonic() - begun))
        self.journal.worst("idle_cpu_percent", part * 100)
        if part > CPU_PART:
            self.journal.fail(
                f"an idle supervisor takes less than {CPU_PART:.0%}",
                f"{part:.1%} of a CPU")
