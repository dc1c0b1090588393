"""Hot restarts under a connect storm.

10 listeners, each with a pool of its own: refused, reset, longest gap between
two answers at a port, and how long a restart takes. Then 1,000 listeners in
one pool, and 1,000 with a pool each.
"""

import sys
import time

from bench import Bench, figures
import mercury
from mercury import Rpc
from supervising import Storm

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 20
MANY = int(sys.argv[2]) if len(sys.argv) > 2 else 1000


def restart(d, **what):
    with Rpc(d.control, 120) as rpc:
        began = time.monotonic()
        rpc.call("listener.restart", **what)
        return (time.monotonic() - began) * 1000


def add_many(d, count, **options):
    with Rpc(d.control, 120) as rpc:
        return [rpc.call("listener.add", name=f"l{i}",
                         **mercury.with_defaults(options))["port"]
                for i in range(count)]


def under_a_storm(workers):
    gaps, longest, times, sums = [], [], [], {}
    idle_gaps = []
    with Bench() as d:
        ports = add_many(d, 10, workers=workers)
        for i in range(ROUNDS):
            for with_restart in (False, True):
                with Storm(*ports, concurrent=64, rate=8000) as storm:
                    end = time.monotonic() + 0.3
                    mercury.wait_until(lambda: time.monotonic() > end, "load")
                    if with_restart:
                        times.append(restart(d, all=True))
                    end = time.monotonic() + 0.3
                    mercury.wait_until(lambda: time.monotonic() > end, "load")
                r = storm.result
                (gaps if with_restart else idle_gaps).append(r["gap_ms"])
                if not with_restart:
                    continue
                longest.append(r["longest_ms"])
                for key in ("served", "refused", "reset", "lost", "hung"):
                    sums[key] = sums.get(key, 0) + r[key]
        print(f"10 listeners, {workers} workers each, 8,000 connects/s:")
        figures("  restart --all, until answered", times)
        figures("  longest gap at a port", gaps)
        figures("  the same without a restart", idle_gaps)
        figures("  longest connect to answer", longest)
        print("  storm:", sums, flush=True)


def many(what, **options):
    with Bench() as d:
        add_many(d, MANY, **options)
        figures(f"{MANY} listeners, {what}: restart --all",
                [restart(d, all=True) for _ in range(min(ROUNDS, 10))])
        print("  loop lag:", d.status()["loop_lag_max_ms"], "ms", flush=True)


for number in (1, 2):
    under_a_storm(number)
many("one pool of 2", pool="p", workers=2)
many("a pool each")
