"""Soak: all features at once, under load, with faults at random, and an oracle
that looks whether what has to hold always holds.

    SOAK_SECONDS=3600 SOAK_SEED=0 make soak

See CONTRIBUTING.md for how to repeat a run and how to read what it says.
"""

import ctypes
import os
import random
import resource
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.append(os.path.join(HERE, "../system"))

import mercury  # noqa: E402
from excuses import Excuses  # noqa: E402
from mischief import Faults  # noqa: E402
from load import Load, wait_closed  # noqa: E402
from oracle import Oracle  # noqa: E402
from orders import Orders  # noqa: E402
from quiet import Quiet  # noqa: E402
from report import Journal  # noqa: E402
from world import SHUTDOWN_S, SLOWER, World  # noqa: E402

SECONDS = float(os.environ.get("SOAK_SECONDS") or 3600)
SEED = int(os.environ.get("SOAK_SEED") or 0) or random.randrange(1, 1 << 32)
BUSY_S = (12.0, 60.0)  # between two quiet moments
TELL_S = 10.0
CYCLE, WILD = 8, 2  # of so many busy times the first ones replace all
STEP_S = 0.15  # from one choice to the next, on average


class Soak:
    """One run."""

    def __init__(self, folder):
        self.journal = Journal(folder, SEED)
        self.excuses = Excuses()
        self.world = World(folder)
        self.oracle = Oracle(self.world, self.journal, self.excuses)
        self.orders = Orders(self.world, self.journal, self.excuses,
                             self.oracle)
        self.faults = Faults(self.world, self.journal, self.excuses,
                             self.oracle, self.orders)
        self.quiet = Quiet(self.world, self.journal, self.oracle,
                           self.orders)
        self.told = 0.0
        self.step = 0

    def tell(self):
        """A line now and then."""
        if self.journal.seconds() - self.told < TELL_S:
            return
        self.told = self.journal.seconds()
        counts = self.journal.counts
        self.journal.say(
            f"{self.told:6.0f} s: {self.step} choices, "
            f"{counts['kill worker']} workers killed, "
            f"{counts['kill supervisor']} supervisors killed, "
            f"{counts['probed']} probes, {len(self.orders.calls)} calls open; "
            f"worst {self.journal.figures()}")

    def act(self, choices):
        """One choice. Its numbers depend on nothing but seed and step, so
        that a run can be repeated whatever comes of the choices."""
        rng = random.Random(f"{SEED}/{self.step}")
        self.step += 1
        functions, weights = zip(*choices)
        rng.choices(functions, weights)[0](rng)
        return rng.expovariate(1 / STEP_S)

    def busy(self, seconds, number, choices):
        """Load and faults; and, in the wild ones, the end of all workers, or
        of the supervisor: the others are for what grows slowly."""
        rng = random.Random(f"{SEED}/busy {number}")
        kill_at = rng.uniform(0.2, 0.6) * seconds
        wild = number % CYCLE < WILD
        killing = wild and (number == 1 or (number > 1 and rng.random() < 0.7))
        if not wild:
            choices = [c for c in choices if c[0] != self.orders.restart_all]
        load = self.faults.load = Load(self.world, self.journal,
                                       self.excuses, SEED + number)
        try:
            begun = time.monotonic()
            while time.monotonic() - begun < seconds:
                if killing and time.monotonic() - begun > kill_at:
                    killing = False
                    self.faults.kill_supervisor(rng)
                self.orders.keep_promises()
                self.oracle.stopping.wait(self.act(choices))
                self.orders.collect()
                self.excuses.forget(time.monotonic() - 300 * SLOWER)
                self.tell()
                if self.journal.broken.is_set():
                    return
        finally:
            self.faults.go_on()
            load.stop()

    def run(self):
        chosen, missing = self.faults.choices()
        choices = chosen + self.orders.choices()
        for why in missing:
            self.journal.say(f"left out: {why}")
        self.world.start()
        self.oracle.start()
        self.quiet.take(first=True)
        end = time.monotonic() + SECONDS
        busy = max(BUSY_S[0], min(BUSY_S[1], SECONDS / 6))
        number = 0
        while time.monotonic() < end and not self.journal.broken.is_set():
            self.busy(min(busy, max(2.0, end - time.monotonic())), number,
                      choices)
            if not self.journal.broken.is_set():
                self.orders.settle()
                wait_closed(self.world)
                self.quiet.take()
            number += 1

    def finish(self):
        """The end of the daemon, in order."""
        self.oracle.follower.catch_up()
        self.oracle.stop()
        holder = mercury.connect(self.world.ports["calm"])
        left = self.world.d.tree()
        code, took = self.world.stop()
        holder.close()
        self.journal.worst("shutdown_s", took)
        if code != 0:
            self.journal.fail("exit code 0 after SIGTERM", code)
        if took > SHUTDOWN_S + 2 * SLOWER:
            self.journal.fail(f"an end within {SHUTDOWN_S} s", f"{took:.1f}")
        stayed = {p: mercury.comm(p) for p in left if mercury.alive(p)}
        if stayed:
            self.journal.fail("no process stays", stayed)
        for path in (self.world.d.control, self.world.d.pid_file,
                     self.world.unix_path):
            if os.path.exists(path):
                self.journal.fail("no socket and no pid file stays", path)
        self.check_database()

    def check_database(self):
        db = sqlite3.connect(self.world.database, timeout=10)
        found = db.execute("PRAGMA quick_check").fetchall()
        db.close()
        if found != [("ok",)]:
            self.journal.fail("the database is whole", str(found)[:500])

    def reports(self):
        """Of sanitizers, and of assertions."""
        for line in self.world.d.log().splitlines():
            if mercury.REPORTS.search(line):
                self.journal.fail("no report of a sanitizer", line)
                return

    def main(self):
        self.journal.say(f"SOAK_SEED={SEED} SOAK_SECONDS={SECONDS:g}")
        try:
            self.run()
            if not self.journal.broken.is_set():
                self.finish()
        except AssertionError as e:
            self.journal.fail("the world does as we wait for", str(e)[:2000])
        except (OSError, mercury.RpcError, ValueError) as e:
            self.journal.note(traceback.format_exc())
            self.journal.fail("the world does as we wait for", repr(e))
        finally:
            self.oracle.stop()
            self.reports()
            self.world.remove()
        self.journal.write_result(self.quiet.series.ends())
        return self.journal.summary(self.quiet.series.ends())


def interrupted(_number, _frame):
    raise KeyboardInterrupt


def main():
    ctypes.CDLL(None).prctl(mercury.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    signal.signal(signal.SIGTERM, interrupted)
    folder = tempfile.mkdtemp(prefix="mercury-soak-", dir="/tmp")
    code = Soak(folder).main()
    if code == 0:
        shutil.rmtree(folder)
    return code


if __name__ == "__main__":
    sys.exit(main())
