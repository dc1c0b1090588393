"""What goes wrong: processes that die or stand still, a disk that is full, a
clock that jumps, ports that others take, garbage."""

import os
import resource
import signal
import threading
import time

import clients
import mercury
from excuses import (ALL, BREAK, CLOCK, CONTROL, GATEWAY, HANG, REFUSE,
                     STORE)
from supervising import Holder
from world import DRAIN_S, HANG_TIMEOUT_S, KINDS, SHUTDOWN_S, SLOWER

AFTER_S = 2.0 * SLOWER  # that a death may be felt
HANG_S = 2.0 * HANG_TIMEOUT_S  # that a process stands still, at most
VICTIMS = [n for n, k in KINDS.items() if not k.calm]
LIMITED = [n for n, k in KINDS.items()
           if not k.strict and "pool" not in k.options]
ROLES = {"mercury-control": CONTROL, "mercury-store": STORE,
         "mercury-gateway": GATEWAY}
GARBAGE = (b"\0" * 1000, b"GET / HTTP/1.0\r\n\r\n", b"\xff" * 65536,
           b"PROXY TCP4 1 2 3\r\n", b"\r\n\r\n\0\r\nQUIT\n\x21\xff\xff\xff",
           b"\x16\x03\x01\xff\xff" + b"A" * 3000, b"{", b"{}\n", b"[" * 5000)


class Faults:
    """Each method that is a choice takes a source of random numbers."""

    def __init__(self, the_world, journal, excuses, oracle, orders):
        self.world, self.journal = the_world, journal
        self.excuses, self.oracle = excuses, oracle
        self.orders = orders
        self.load = None  # of now
        self.stopped = {}  # pid: what it is
        self.holders = []  # of stolen ports
        self.disk_full = False

    def choices(self):
        """What may be chosen here, and why something is not, in words."""
        w = self.world
        chosen = [(self.kill_worker, 20), (self.stop_worker, 8),
                  (self.kill_role, 5), (self.stop_role, 4),
                  (self.kill_upstream, 4), (self.stop_upstream, 2),
                  (self.kill_program, 3), (self.stop_program, 1),
                  (self.steal_port, 2), (self.limit_descriptors, 2),
                  (self.garbage, 6), (self.garbage_to_control, 3)]
        missing = []
        for fault, possible, why in (
                (self.fill_disk, w.mounted, "a full disk needs a tmpfs, "
                 "which only root may mount"),
                (self.jump_clock, w.fakes_time, "clock jumps need the Debian "
                 "package faketime")):
            if possible:
                chosen.append((fault, 1))
            else:
                missing.append(why)
        return chosen, missing

    # --- workers ---

    def pick(self, rng, names):
        """A worker of one of these; a row and its pid, or None."""
        name = rng.choice(names)
        slot = rng.random()
        try:
            rows = self.world.d.status()["listeners"]
        except (OSError, mercury.RpcError, ValueError):
            return None, None
        row = next((r for r in rows if r["name"] == name), None)
        pids = [w["pid"] for w in row["workers"] if w["pid"]] if row else []
        if not pids:
            return None, None
        return row, pids[int(slot * len(pids))]

    def pool_of(self, row):
        return [n for n, k in KINDS.items()
                if k.options.get("pool", n) == row["pool"]]

    def hurt(self, row, seconds, *kinds):
        for name in self.pool_of(row):
            for kind in kinds:
                self.excuses.during(kind, name, time.monotonic(), seconds)

    def note_death(self, row):
        """Of a worker; did it perhaps have clients of the storm?"""
        if set(self.pool_of(row)) & set(self.load.storm_names):
            self.load.deaths += 1

    def kill_worker(self, rng):
        row, pid = self.pick(rng, VICTIMS)
        if pid is None or not mercury.alive(pid):
            return
        number = rng.choice((signal.SIGKILL,) * 3 +
                            (signal.SIGSEGV, signal.SIGABRT))
        if number == signal.SIGSEGV and mercury.SANITIZED:
            number = signal.SIGKILL  # it would be reported as our own bug
        self.hurt(row, AFTER_S, BREAK)
        self.note_death(row)
        self.oracle.deaths.signal(pid, int(number),
                                  self.may_leave(row["name"]))
        self.journal.did("kill worker", f"{row['name']} {pid} {number}")
        mercury.kill(pid, number)

    def may_leave(self, name):
        """Is something under way that ends its workers anyway?"""
        return (self.orders.number_of_leavers() > 0
                or name not in VICTIMS)

    def stop_worker(self, rng):
        row, pid = self.pick(rng, VICTIMS)
        if pid is None:
            return
        seconds = rng.uniform(0, HANG_S)
        self.hurt(row, seconds + AFTER_S + 2, BREAK)
        self.note_death(row)  # it may be killed for that
        self.stop(pid, f"worker of {row['name']}", seconds)

    def stop(self, pid, what, seconds):
        mercury.kill(pid, signal.SIGSTOP)
        self.stopped[pid] = what
        self.journal.did("stop " + what.split(" ")[0],
                         f"{what} {pid} for {seconds:.1f} s")

        def go_on():
            if self.stopped.pop(pid, None):
                mercury.kill(pid, signal.SIGCONT)
        # Not a promise: who keeps those may wait for this very process.
        timer = threading.Timer(seconds, go_on)
        timer.daemon = True
        timer.start()

    def go_on(self, what=""):
        """None of that kind stands still any more."""
        for pid, of in list(self.stopped.items()):
            if of.startswith(what) and self.stopped.pop(pid, None):
                mercury.kill(pid, signal.SIGCONT)

    def limit_descriptors(self, rng):
        """A worker that may open nothing more."""
        row, pid = self.pick(rng, LIMITED)
        if pid is None:
            return
        seconds = rng.uniform(0.3, 2)
        try:
            before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            resource.prlimit(pid, resource.RLIMIT_NOFILE,
                             (len(os.listdir(f"/proc/{pid}/fd")), before[1]))
        except OSError:
            return
        self.hurt(row, seconds + AFTER_S, BREAK, HANG)
        self.journal.did("limit descriptors", f"{row['name']} {pid}")

        def give_back():
            try:
                resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
            except OSError:
                pass  # it is dead
        self.orders.promise(seconds, give_back)

    # --- the other processes ---

    def role(self, rng):
        name = rng.choice(tuple(ROLES))
        try:
            return name, self.world.d.child(name)
        except AssertionError:  # it has not come back yet
            return name, None

    def kill_role(self, rng):
        name, pid = self.role(rng)
        if pid is not None:
            self.excuses.during(ROLES[name], ALL, time.monotonic(), AFTER_S)
            self.journal.did("kill " + name, str(pid))
            mercury.kill(pid)

    def stop_role(self, rng):
        """Nobody may wait for it but who asks it."""
        name, pid = self.role(rng)
        seconds = rng.uniform(0, HANG_S)
        if pid is None:
            return
        if name == "mercury-control":
            seconds /= 2
        self.excuses.during(ROLES[name], ALL, time.monotonic(),
                            seconds + AFTER_S)
        self.stop(pid, name, seconds)

    def upstreams_fail(self, seconds, *kinds):
        for kind in kinds:
            self.excuses.during(kind, "proxy", time.monotonic(),
                                seconds + 3 * SLOWER)

    def kill_upstream(self, rng):
        upstream = rng.choice(self.world.upstreams)
        seconds = rng.uniform(0, HANG_S)
        if upstream.process is None:
            return
        self.upstreams_fail(seconds, BREAK, HANG)
        self.journal.did("kill upstream", str(upstream.port))
        upstream.die()
        self.orders.promise(seconds, lambda: self.bring_back(upstream))

    @staticmethod
    def bring_back(upstream):
        if upstream.process is None:
            upstream.start()

    def stop_upstream(self, rng):
        upstream = rng.choice(self.world.upstreams)
        seconds = rng.uniform(0, HANG_S)
        if upstream.process is not None:
            self.upstreams_fail(seconds, BREAK, HANG)
            self.stop(upstream.process.pid, "upstream", seconds)

    def program(self, rng):
        pids = sorted(p for p in mercury.descendants(self.world.d.pid)
                      if mercury.comm(p) == "cat")
        return rng.choice(pids) if pids else None

    def kill_program(self, rng):
        pid = self.program(rng)
        if pid is not None:
            self.excuses.during(BREAK, "exec", time.monotonic(), AFTER_S)
            self.journal.did("kill program", str(pid))
            mercury.kill(pid)

    def stop_program(self, rng):
        pid = self.program(rng)
        seconds = rng.uniform(0, HANG_S)
        if pid is not None:
            for kind in (BREAK, HANG):
                self.excuses.during(kind, "exec", time.monotonic(),
                                    seconds + AFTER_S)
            self.stop(pid, "program", seconds)

    # --- the machine ---

    def fill_disk(self, rng):
        seconds = rng.uniform(0.5, HANG_S)
        self.journal.did("fill disk")
        self.excuses.during(STORE, ALL, time.monotonic(), seconds + AFTER_S)
        self.world.fill_disk()
        self.orders.promise(seconds, self.world.empty_disk)

    def jump_clock(self, rng):
        """The wall clock of the daemon's processes, not of the machine."""
        offset = rng.choice(("+5y", "-5h", "+90s", "-30d", "+400d"))
        self.journal.did("jump clock", offset)
        token = self.excuses.begin(CLOCK, ALL, time.monotonic())
        self.world.set_clock(offset)

        def set_right():
            self.world.set_clock("+0")
            self.excuses.end(token, time.monotonic(), AFTER_S)
        self.orders.promise(rng.uniform(0.5, 5), set_right)

    def steal_port(self, rng):
        """Somebody else takes the port of a paused listener."""
        seconds = rng.uniform(0.2, 2)

        def take(_error):
            try:
                holder = Holder(self.world.ports["moody"])
            except OSError:
                return  # it was not paused after all
            self.journal.did("steal port")
            self.holders.append(holder)
            self.orders.promise(seconds, holder.leave)
        self.orders.pause_for("moody", False, seconds / 2, take)

    # --- hostile peers ---

    def garbage(self, rng):
        name = rng.choice(sorted(self.world.ports))
        port = rng.choice((self.world.ports[name], self.world.gateway_port,
                           self.world.agent_port,
                           self.world.tcp_check_port))
        self.throw(port, rng.choice(GARBAGE))
        self.journal.did("garbage", str(port))

    def garbage_to_control(self, rng):
        self.throw(self.world.d.control, rng.choice(GARBAGE))
        self.journal.did("garbage to control")

    @staticmethod
    def throw(where, data):
        place = {"where": where, "talk": "echo"}
        try:
            with clients.open_socket(place, 0.5) as s:
                s.settimeout(0.1)
                s.sendall(data)
                s.recv(100)
        except OSError:
            pass

    # --- the supervisor ---

    def kill_supervisor(self, rng):
        """Then a new one serves everything again, and at once; but where a
        worker stands still it has to be found and killed first."""
        if rng.random() < 0.5:
            self.go_on("worker")
        now = time.monotonic()
        kinds = (REFUSE, BREAK, HANG, GATEWAY)
        tokens = [self.excuses.begin(k, ALL, now) for k in kinds]
        stood_still = bool(self.stopped)
        left = self.world.kill_supervisor()
        self.journal.did("kill supervisor", f"leaves {len(left)}, of which "
                         f"{len(self.stopped)} stand still")
        self.oracle.supervisor_dies(left)
        self.orders.supervisor_died()
        while self.holders:  # it could not start
            self.holders.pop().leave()
        if self.world.fakes_time:  # nor with a certificate of another time
            self.world.set_clock("+0")
        self.go_on("upstream")  # without any proxy would not serve
        for upstream in self.world.upstreams:
            self.bring_back(upstream)
        took = self.world.start()
        self.journal.worst("new_supervisor_s", took)
        self.oracle.all_serve()
        linger = SHUTDOWN_S + 4 * SLOWER if stood_still else DRAIN_S
        for token in tokens:
            self.excuses.end(token, time.monotonic(), linger)
