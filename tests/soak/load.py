"""Load for the length of a busy time: the storm and the other clients, and
what is made of what became of them."""

import json
import subprocess
import sys
import threading
import time

import mercury
import world
from excuses import ALL, BREAK, HANG, REFUSE
from supervising import Storm
from world import HERE, KINDS, SLOWER

CONCURRENT = 32
RATE = 400
PATIENCE_S = 12 * SLOWER


class Load:
    """It runs from the start on; stop() judges it."""

    def __init__(self, the_world, journal, excuses, seed):
        self.world, self.journal = the_world, journal
        self.excuses = excuses
        self.begun = time.monotonic()
        self.deaths = 0  # of workers that may have had clients of the storm
        self.storm_names = [n for n, k in KINDS.items() if k.storm]
        self.storm = Storm(*(the_world.ports[n] for n in self.storm_names),
                           concurrent=CONCURRENT, rate=RATE)
        settings = {"places": [the_world.place(n) for n in KINDS],
                    "patience": PATIENCE_S, "seed": seed}
        self.clients = subprocess.Popen(
            [sys.executable, "-B", f"{HERE}/clients.py",
             json.dumps(settings)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        mercury.Daemon.started_pids.add(self.clients.pid)
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self):
        for line in self.clients.stdout:
            self.judge_client(json.loads(line))

    def judge_client(self, told):
        if "counts" in told:
            for what, n in told["counts"].items():
                self.journal.saw("served " + what if what in KINDS
                                 else "clients " + what, n)
        elif "wrong" in told:
            self.journal.fail(f"{told['wrong']} answers right", told["what"])
        elif "hung" in told:
            name = told["hung"]
            if not self.excused(name, told, HANG, REFUSE):
                self.journal.fail(f"{name} answers within {PATIENCE_S} s",
                                  told)
        elif not self.excused(told["broke"], told, BREAK, HANG, REFUSE):
            self.journal.fail(f"what we do to others never ends a connection "
                              f"of {told['broke']}", told)

    def excused(self, name, told, *kinds):
        since = told.get("asked", told["since"]) - 1
        if "broke" in told and KINDS[name].calm:
            since = told["since"]  # a drain cuts what was open when it began
        return any(self.excuses.cover(k, name, since, told["until"])
                   for k in kinds)

    def stop(self):
        """End both, and judge the storm."""
        self.clients.stdin.close()
        result = self.storm.stop()
        self.clients.wait(PATIENCE_S + mercury.DEADLINE)
        self.reader.join()
        self.clients.stdout.close()
        self.journal.note(f"storm {result}")
        self.journal.saw("storm served", result["served"])
        self.journal.worst("storm_longest_ms", result["longest_ms"])
        for text in self.wrong(result):
            self.journal.fail("a storm is served, whatever we do to workers",
                              f"{text}: {result}")

    def wrong(self, result):
        until = time.monotonic()

        def excused(kind):
            return any(self.excuses.cover(kind, n, self.begun, until)
                       for n in [*self.storm_names, ALL])
        if result["wrong"]:
            yield "wrong answers"
        if result["refused"] and not excused(REFUSE):
            yield "refused"
        if result["hung"] and not excused(REFUSE):
            yield "hung"
        ended = result["reset"] + result["lost"]
        # Only a dead worker's own clients; nobody knows how many it had.
        if ended > CONCURRENT * self.deaths and not excused(REFUSE):
            yield f"ended without an answer, with {self.deaths} deaths"
        if result["served"] == 0:
            yield "nobody was served"


def wait_closed(the_world):
    """Until nobody is connected any more: clients have left."""
    def closed():
        rows = the_world.d.status()["listeners"]
        return all(r["connections"] == 0 for r in rows)
    mercury.wait_until(closed, "connections end",
                       world.DRAIN_S + mercury.DEADLINE)
