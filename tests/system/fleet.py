"""What a gateway would say of listeners that there are not: as many as one
likes, in any state, with figures that grow with the time.
"""

import math
import time
from datetime import datetime, timezone

ENDS = ("peer_closed peer_reset user_timeout keepalive idle_timeout "
        "max_lifetime handshake_timeout tls_error protocol_error denied "
        "kicked deadline no_memory worker_crash").split()


def wire_time(seconds):
    """A time as the daemon writes it."""
    text = datetime.fromtimestamp(seconds, timezone.utc).isoformat(
        timespec="milliseconds")
    return text.replace("+00:00", "Z")


class Fleet:
    """Answers for browsing.Gateway; change its rows as you like."""

    def __init__(self, clock=time.time, up=275_000):
        self.clock = clock
        self.begun = clock() - up  # seconds
        self.rows, self.events, self.records = [], [], []
        self.waves = {}
        self.daemon = {"draining": False, "not_ready": None, "ready": True}
        self.store = {
            "state": "running", "pid": 812, "restarts": 0,
            "database": "/var/lib/mercury/health.db", "events": 48210,
            "dropped": 0, "pruned": 1200, "last_cleanup": None,
            "database_bytes": 9437184, "wal_bytes": 41232, "wal_held_ms": 0,
            "trouble": None, "error": None}

    def add(self, name, accepts=0.0, errors=0.0, workers=2, **row):
        """A listener with so many accepts and errors a second; its object."""
        listener = {
            "name": name, "state": "listening", "pool": name, "generation": 1,
            "address": "::", "port": 9000 + len(self.rows), "path": None,
            "transport": "tcp", "protocol": "echo", "connections": 0,
            "max_connections": 0, "accepted": 0, "rejected": 0, "denied": 0,
            "probes": 0, "handshake_failures": 0, "bytes_in": 0,
            "bytes_out": 0, "accept_errors": 0,
            "ends": dict.fromkeys(ENDS, 0),
            "probe_kinds": dict.fromkeys(("fin", "rst", "local", "tls"), 0),
            "probe_sources": [], "restarts": 0, "bind_attempts": 1,
            "retry_in_ms": None, "drain_left_ms": None, "queueing": None,
            "last_error": None,
            "required": True, "ready": True, "not_ready": None,
            "drain": False,
            "workers": [
                {"slot": i, "pid": 2000 + 10 * len(self.rows) + i,
                 "state": "running", "connections": 0, "uptime_ms": 0,
                 "restarts": 0} for i in range(workers)]}
        listener.update(row)
        self.rows.append(listener)
        self.waves[name] = (accepts, errors, len(self.rows))
        return listener

    def event(self, ago, kind, severity, listener, reason=None, peer=None,
              **detail):
        """Something that happened so many seconds ago."""
        at = self.clock() - ago
        self.events.append({
            "id": len(self.events) + 1, "at": wire_time(at),
            "at_ms": int(at * 1000), "type": kind, "severity": severity,
            "listener": listener, "peer": peer, "reason": reason,
            "detail": detail})
        if kind.startswith(("listener", "worker")):
            self.records.append({
                "seq": len(self.records) + 1, "at": wire_time(at),
                "listener": listener, "type": kind,
                "slot": detail.get("slot"), "pid": detail.get("pid"),
                "uptime_ms": None, "reason": reason})

    def __call__(self, what, params):
        return getattr(self, "answer_" + what)(params)

    def answer_status(self, _params):
        up = self.clock() - self.begun
        for row in self.rows:
            self._count(row, up)
        return {"version": "0.1.0", "pid": 801, "state": "running",
                "uptime_ms": int(up * 1000), "loop_lag_max_ms": 4,
                **self.daemon, "listeners": self.rows, "store": self.store}

    def _count(self, row, up):
        """Counters that grow in waves, so that no line is flat."""
        accepts, errors, n = self.waves[row["name"]]

        def grown(rate, period):
            swing = rate * period / 9
            return int(rate * up + swing * math.sin(up / period + n)
                       + swing / 3 * math.sin(up / period * 3.1 + 2 * n))

        row["accepted"] = grown(accepts, 11)
        row["handshake_failures"] = grown(errors, 7)
        row["bytes_in"] = row["accepted"] * 700
        row["bytes_out"] = row["accepted"] * 450
        for worker in row["workers"]:
            worker["uptime_ms"] = int(up * 1000)

    def answer_tree(self, _params):
        up = int((self.clock() - self.begun) * 1000)

        def node(role, name, pid, memory, **more):
            return {"role": role, "name": name, "group": None, "pid": pid,
                    "state": "running", "generation": None, "leaving": False,
                    "uptime_ms": up, "restarts": 0, "memory_bytes": memory,
                    "cpu_ms": 120, **more}

        pools = []
        for row in self.rows:
            well = all(w["state"] == "running" for w in row["workers"])
            pools.append(node(
                "pool", row["pool"], None, 1900000 * len(row["workers"]),
                generation=row["generation"], restarts=row["restarts"],
                state="running" if well else "degraded",
                children=[node("worker", f"{row['pool']}/{w['slot']}",
                               w["pid"], 1900000, generation=1,
                               state=w["state"], restarts=w["restarts"])
                          for w in row["workers"]]))
        return node("supervisor", "mercuryd", 801, 2301952, children=[
            node("control", "control", 811, 2248704),
            node("store", "store", 812, 3911680),
            node("gateway", "gateway", 813, 3174400), *pools])

    def answer_events(self, params):
        rows = sorted(self.events, key=lambda e: (e["at_ms"], e["id"]))
        since = params.get("since")
        if since:
            at = datetime.fromisoformat(since.replace("Z", "+00:00"))
            rows = [e for e in rows if e["at_ms"] >= at.timestamp() * 1000]
        return {"events": rows[-params.get("limit", 1000):], "next": None,
                "last_id": len(self.events)}

    def answer_history(self, params):
        return {"records": [r for r in self.records
                            if params.get("name") in (None, r["listener"])]}
