"""From kill -9 of a worker to the next connection that is served, under load.

KILLS times, round ten listeners so that each is a first crash and no series:
with one worker each (nobody else can serve) and with four. Also how many
connections of the load were refused, reset (those that the dead worker had
accepted already), or hung.
"""

import sys
import time

from bench import Bench, figures
import mercury
from mercury import answers, kill
from supervising import Storm

KILLS = int(sys.argv[1]) if len(sys.argv) > 1 else 500
LISTENERS = 10
HEALTHY_MS = 1050


def victim(row, turn):
    """The worker whose turn it is, once it has run well for long enough."""
    worker = row["workers"][turn % len(row["workers"])]
    return worker["pid"] if worker["uptime_ms"] > HEALTHY_MS else None


def one(d, name, port, turn):
    """Kill a worker; milliseconds to an answer, and to all listening."""
    pid = mercury.wait_until(lambda: victim(d.listener(name), turn),
                             "a healthy worker")
    kill(pid)
    began = time.monotonic()
    while not answers(port, 5):
        pass
    served = time.monotonic() - began
    d.wait_replaced(name, pid)
    return served * 1000, (time.monotonic() - began) * 1000


def measure(workers):
    with Bench() as d:
        ports = {f"l{i}": d.add(f"l{i}", workers=workers,
                                max_restarts=100000)["port"]
                 for i in range(LISTENERS)}
        with Storm(*ports.values(), concurrent=64, rate=4000) as storm:
            pairs = [one(d, *list(ports.items())[i % LISTENERS],
                         i // LISTENERS) for i in range(KILLS)]
        figures(f"{workers} workers: kill to served", [p[0] for p in pairs])
        figures("  to all listening", [p[1] for p in pairs])
        print("  load:", storm.result, flush=True)


for count in (1, 4):
    measure(count)
