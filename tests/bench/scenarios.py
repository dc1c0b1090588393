"""What is measured: a table of load on services, and the figures that a load
generator alone can't give. A scenario has contenders; a measurement of one of
them gives a dictionary of figures, by the names of its metrics."""

import json
import os
import subprocess
import tempfile
import time

import bench  # noqa: F401 (for the path of mercury)
import machine
import mercury
import servers
import store_alone
import supervising
from mercury import binary, wait_until

LOAD = "tests/bench/load"


class Metric:
    """A figure: what it is called, its unit, and which way is better.

    goals are (versus, ratio): a ratio of 1.05 says 5% better than that
    contender, "best peer" or "best reference"; at_most is a value.
    """

    def __init__(self, title, unit, higher=False, goals=(), at_most=None):
        self.title, self.unit, self.higher = title, unit, higher
        self.goals, self.at_most = goals, at_most


def load(room, mode, port, *args, stdin=None):
    """Start a load generator; its end is finish()."""
    process = subprocess.Popen(
        [binary(LOAD), mode, *map(str, args), str(port)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        preexec_fn=machine.on(room.load_cpus))
    mercury.Daemon.started_pids.add(process.pid)
    return process


def finish(process, deadline=120):
    """The result; every failure of a connection is one of ours."""
    out, _ = process.communicate(timeout=deadline)
    if process.returncode != 0:
        raise AssertionError(f"load ended with {process.returncode}")
    return json.loads(out.splitlines()[-1])


def generators(room):
    """Load generators that a server of these CPUs can't saturate."""
    return max(2, len(room.load_cpus))


# How long one server has its turn. Short, with many rounds: what disturbs the
# machine then disturbs all that are compared in a round, and few rounds of all.
SLICE_S = 0.5


class Scenario:
    """Load on a service that runs already."""

    def __init__(self, key, title, service, mode, *args, metrics):
        self.key, self.title, self.service = key, title, service
        self.mode, self.args, self.metrics = mode, args, metrics

    def contenders(self, group):
        """Of the servers that run, those with the service; name: port."""
        found = {}
        for server in group:
            services = [self.service]
            if self.service == "tls" and server.name == "Mercury":
                services = ["tls-proxy", "tls"]
            for name in services:
                if name in server.ports:
                    found[server.name] = (server, server.ports[name])
                    break
        if self.service == "proxy" and "bulk" not in self.key:
            found.pop("HAProxy (splice)", None)
        return found

    def measure(self, room, contender, quick):
        server, port = contender
        seconds = ["-s", SLICE_S]
        if quick:  # counted, not timed: a busy machine can do it too
            seconds = ["-s", 0.3] if self.mode == "pace" else ["-m", 200]
        pids = server.pids()
        before = machine.cpu_s(pids)
        result = finish(load(room, self.mode, port, *self.args, *seconds,
                             *self.processes(room)))
        used = machine.cpu_s(pids) - before
        failed = sum(result["failed"].values())
        if failed or not result["done"]:
            raise AssertionError(f"{server.name}, {self.title}: {result}")
        self.check(server, result)
        figures = {"per_second": result["per_second"],
                   "mb_per_second": result["mb_per_second"],
                   "cpu_us": used * 1e6 / result["total"]}
        if result["latency_us"]:
            figures["p99_us"] = result["latency_us"]["p99"]
        return {name: figures[name] for name in self.metrics}

    def processes(self, room):
        """One connection has one generator."""
        alone = self.args[self.args.index("-c") + 1] == 1
        return [] if alone else ["-j", generators(room)]

    def check(self, server, result):
        # The first of each client can't resume anything.
        rest = result["total"] - 2 * self.args[self.args.index("-c") + 1]
        if "-r" in self.args and result["resumed"] < 0.9 * rest:
            raise AssertionError(f"{server.name} resumed only "
                                 f"{result['resumed']} of {result['total']}")


def traffic(service, prefix, what, goals):
    """The six loads that echo and proxy have in common."""
    def metrics(key, name, title, unit):
        return {name: Metric(title, unit, True, goals.get(key, ())),
                "cpu_us": Metric("CPU time", "µs each", False,
                                 goals.get(key + " cpu", ()))}
    per_s = "messages a second"
    return [
        Scenario(f"{prefix}-rate", f"{what}: connect, 64 B, reset", service,
                 "rate", "-c", 64,
                 metrics=metrics("rate", "per_second", "connections a second",
                                 "/s")),
        Scenario(f"{prefix}-64", f"{what}: 64 B, 64 connections", service,
                 "echo", "-c", 64,
                 metrics=metrics("small", "per_second", per_s, "/s")),
        Scenario(f"{prefix}-1000", f"{what}: 64 B, 1,000 connections",
                 service, "echo", "-c", 1000,
                 metrics=metrics("small", "per_second", per_s, "/s")),
        Scenario(f"{prefix}-bulk-1", f"{what}: 64 KiB, 1 connection", service,
                 "echo", "-c", 1, "-n", 65536, "-d", 8,
                 metrics=metrics("bulk", "mb_per_second", "bulk", "MB/s")),
        Scenario(f"{prefix}-bulk-64", f"{what}: 64 KiB, 64 connections",
                 service, "echo", "-c", 64, "-n", 65536,
                 metrics=metrics("bulk", "mb_per_second", "bulk", "MB/s")),
        Scenario(f"{prefix}-p99", f"{what}: 1,000 connections, 10 messages "
                 "a second each", service, "pace", "-c", 1000, "-p", 100,
                 metrics={"p99_us": Metric("p99 latency", "µs", False,
                                           goals.get("p99", ()))}),
    ]


# A ratio above 1 is: Mercury is that much better.
REFERENCE, PEER = "best reference", "best peer"
ECHO_GOALS = {"rate": ((REFERENCE, 0.95), ("Ranch", 2)),
              "small": ((REFERENCE, 0.95), ("Ranch", 1.6)),
              "bulk": ((REFERENCE, 0.95),), "p99": ((PEER, 1),)}
PROXY_GOALS = {"rate": ((PEER, 0.97),), "small": ((PEER, 1.05),),
               "small cpu": ((PEER, 1),),
               "bulk": ((PEER, 1.5), (REFERENCE, 0.9)), "p99": ((PEER, 1),)}


def handshakes(key, title, *args):
    return Scenario(
        key, title, "tls", "rate", "-c", 32, *args, metrics={
            "per_second": Metric("handshakes a second", "/s", True,
                                 (("HAProxy", 0.9),)),
            "cpu_us": Metric("CPU time", "µs each")})


LOADS = (
    traffic("echo", "echo", "echo", ECHO_GOALS)
    + traffic("proxy", "proxy", "proxy", PROXY_GOALS)
    + [handshakes("tls-full", "TLS 1.3, full handshakes", "-t"),
       handshakes("tls-resumed", "TLS 1.3, resumed handshakes", "-r")])


class Idle:
    """Memory that an idle connection costs, in servers of their own."""

    def __init__(self, key, service, goals=(), at_most=None):
        self.key, self.service = key, service
        self.title = f"idle {service} connections"
        self.metrics = {"bytes": Metric("user memory", "B a connection",
                                        False, goals, at_most)}

    def measure(self, room, kind, quick):
        warm, more = (100, 400) if quick else (500, 4000)
        server = kind(room).start()
        tls = ["-t"] if self.service == "tls" else []
        port = server.ports.get("tls-proxy" if tls else self.service,
                                server.ports[self.service])
        # The first ones pay for what is made once; they stay.
        held = []
        try:
            self.hold(room, server, port, warm, tls, held)
            before = machine.anonymous(server.pids())
            self.hold(room, server, port, more, tls, held)
            used = machine.anonymous(server.pids()) - before
        finally:
            results = [finish(h) for h in held]
            server.stop()
        for result, count in zip(results, (warm, more)):
            if result["done"] != count:
                raise AssertionError(f"{server.name} lost some: {result}")
        return {"bytes": max(0, used) / more}

    @staticmethod
    def hold(room, server, port, count, args, held):
        """Open so many more, and wait until the server has taken them, which
        may be later than the kernel did."""
        before = machine.sockets(server.pids())
        process = load(room, "hold", port, "-c", count, "-j", 2, *args)
        held.append(process)
        opened = json.loads(process.stdout.readline())["held"]
        if opened != count:
            raise AssertionError(f"{opened} of {count} connections opened")
        last = 0

        def taken():
            nonlocal last
            before_that, last = last, machine.sockets(server.pids())
            time.sleep(0.1)
            return last >= before + count and last == before_that
        mercury.wait_until(taken, f"{server.name} has taken {count} more")


class Restart:
    """New code for a listener while new connections come, and old ones
    send: what each of them notices."""

    key, service = "restart", "restart"
    title = "restart under load"
    metrics = {
        "refused": Metric("new connections refused", "", at_most=0),
        "reset": Metric("new connections reset or lost", "",
                        at_most=0),
        "cut": Metric("long-lived connections cut", "", at_most=0),
        "gap_ms": Metric("longest gap for new ones", "ms",
                         at_most=15),
        "stays": Metric("old processes 1 s later", "", at_most=0),
        "took_ms": Metric("time of a restart", "ms"),
    }
    TIMES, EVERY_S = 3, 2
    WARM_S = 0.5  # of the storm, before the first restart

    def measure(self, room, kind, quick):
        server = kind(room).start()
        times, every = (1, 1) if quick else (self.TIMES, self.EVERY_S)
        port = next(iter(server.ports.values()))
        held = load(room, "pace", port, "-c", 100 if quick else 1000, "-j", 1,
                    "-s", times * every + 7 - 5 * quick)
        took, stays = [], 0
        try:
            with supervising.Storm(port, concurrent=64, rate=5000) as storm:
                time.sleep(self.WARM_S)
                for _ in range(times):
                    old = server.pids()
                    took.append(self.restart(server))
                    time.sleep(1)
                    stays += self.left(server, old)
                    time.sleep(every - 1)
            result = finish(held)
        finally:
            server.stop()
        r = storm.result
        figures = {"refused": r["refused"], "gap_ms": r["gap_ms"],
                   "reset": r["reset"] + r["lost"] + r["hung"],
                   "cut": sum(result["failed"].values()), "stays": stays}
        if took[0] is not None:
            figures["took_ms"] = 1e3 * sum(took) / len(took)
        return figures

    @staticmethod
    def left(server, old):
        """Of the workers before, how many still live. Ranch has none, and
        what only watches over workers stays where it is."""
        if isinstance(server, servers.Ranch):
            return 0
        if isinstance(server, servers.Mercury):
            old = {p for p in old if mercury.comm(p) == "mercury-pool"}
        return sum(p in server.pids() for p in old - {server.main_pid()})

    @staticmethod
    def restart(server):
        """Seconds, where the server says when it is done."""
        if isinstance(server, servers.Mercury):
            began = time.monotonic()
            with mercury.Rpc(server.daemon.control, 60) as rpc:
                rpc.call("listener.restart", all=True)
            return time.monotonic() - began
        if isinstance(server, servers.Ranch):
            return server.restart()
        server.reload()
        return None


class Listeners:
    """From 1 to 1,000 listeners: start, add, restart, remove, memory."""

    service = "listeners"

    def __init__(self, count, start, restart, memory, pooled=True):
        how = "one pool" if pooled else "a pool each"
        self.key = f"listeners-{count}" + ("" if pooled else "-pools")
        self.title = "1 listener" if count == 1 else \
            f"{count:,} listeners, {how}"
        self.count, self.pooled = count, pooled

        def ms(title, most=None):
            return Metric(title, "ms", at_most=most)
        self.metrics = {
            "start_ms": ms("cold start until all answer", start),
            "add_ms": ms("add all at run time"),
            "restart_ms": ms("restart or reload all", restart),
            "remove_ms": ms("remove all"),
            "pss_mb": Metric("memory (PSS)", "MB",
                             at_most=memory)}

    def measure(self, room, kind, quick):
        count = min(self.count, 50) if quick else self.count
        if kind is servers.Mercury:
            return self.mercury(room, count)
        server = kind(room, count)
        try:
            began = time.monotonic()
            server.launch()
            figures = {"start_ms": 1e3 * (server.wait_all() - began)}
            figures["pss_mb"] = machine.pss(server.pids()) / 1e6
            # A new listener answers when the new config is in force.
            server.ports["last"] = mercury.free_port()
            began = time.monotonic()
            server.reload()
            figures["restart_ms"] = 1e3 * (server.wait_all() - began)
        finally:
            server.stop()
        return figures

    def options(self, i):
        """A listener, at a port that is known before it starts."""
        options = {"port": mercury.free_port(), "backlog": 1024}
        if self.pooled:
            options["pool"] = "p"
        return {"name": f"l{i}", **mercury.with_defaults(options)}

    def mercury(self, room, count):
        figures = {}
        options = [self.options(i) for i in range(count)]
        server = servers.Mercury(
            room, "".join(mercury.listener(**o) for o in options))
        server.ports = {o["name"]: o["port"] for o in options}
        try:
            began = time.monotonic()
            server.launch()
            figures["start_ms"] = 1e3 * (server.wait_all() - began)
            server.wait_ready(60)
            figures["pss_mb"] = machine.pss(server.pids()) / 1e6
            with mercury.Rpc(server.daemon.control, 120) as rpc:
                def timed(method, calls):
                    began = time.monotonic()
                    for params in calls:
                        rpc.call(method, **params)
                    return 1e3 * (time.monotonic() - began)
                figures["restart_ms"] = timed(
                    "listener.restart", [{"all": True}])
                figures["remove_ms"] = timed(
                    "listener.remove", [{"name": o["name"]} for o in options])
                figures["add_ms"] = timed("listener.add", options)
            if not all(mercury.answers(o["port"]) for o in options):
                raise AssertionError("a listener does not answer")
        finally:
            server.stop()
        return figures


class Events:
    """Events into the store, by a driver that plays the workers."""

    key, service, title = "events", "events", "health events"
    metrics = {"per_second": Metric("stored", "events/s", True),
               "cpu_us": Metric("CPU time", "µs each")}

    def measure(self, _room, _kind, quick):
        count, times = (2000, 1) if quick else (20000, 5)
        used, took = 0, 0
        with tempfile.TemporaryDirectory(prefix="mercury-bench-") as folder:
            os.chmod(folder, 0o777)
            store = store_alone.Store(os.path.join(folder, "health.db"))
            try:
                store.expect("ready")
                pids = mercury.descendants(store.process.pid)
                for i in range(1, times + 1):
                    before, began = machine.cpu_s(pids), time.monotonic()
                    store.send(count)
                    wait_until(
                        lambda: store.figures()["events"] >= i * count,
                        "all are stored", 60)
                    took += time.monotonic() - began
                    used += machine.cpu_s(pids) - before
            finally:
                store.stop()
                store.remove()
        return {"per_second": times * count / took,
                "cpu_us": used * 1e6 / (times * count)}


SPECIALS = [
    Idle("idle-echo", "echo", ((servers.Ranch.name, 10),)),
    Idle("idle-proxy", "proxy", ((PEER, 1),), 1024),
    Idle("idle-tls", "tls", (("HAProxy", 2),)),
    Restart(),
    Listeners(1, None, None, None),
    Listeners(10, 10, 50, None),
    Listeners(1000, 200, 200, 30),
    Listeners(10, 15, 50, None, pooled=False),
    Listeners(1000, 900, 1500, 200, pooled=False),
    Events(),
]

REFERENCES = (servers.Reference, servers.Copy, servers.Splice)
PEERS = (servers.HAProxy, servers.HAProxySplice, servers.Nginx,
         servers.Ranch)


def kinds(scenario, room):
    """The kinds of servers that a special scenario starts for itself."""
    if scenario.service == "events":
        return [servers.Mercury]
    found = [servers.Mercury]
    if scenario.service == "proxy" and not room.proxies:
        found = []
    if scenario.service in ("echo", "proxy"):
        found += [k for k in REFERENCES if scenario.service in k.services]
    for kind in PEERS:
        if not kind.there() or kind is servers.HAProxySplice:
            continue
        if scenario.service in ("restart", *kind.services) or (
                scenario.service == "listeners" and scenario.pooled
                and kind is not servers.Ranch):
            found.append(kind)
    return found
