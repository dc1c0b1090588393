"""What an operator does to the daemon: calls that run side by side, each of
which has to be answered in time."""

import time

import mercury
import refusals
from excuses import ALL, BREAK, CONTROL, HANG, REFUSE
from supervising import Background
from world import CERTIFICATES, DRAIN_S, HANG_TIMEOUT_S, KINDS, SLOWER

CALL_S = 20.0 * SLOWER  # that any call is answered within
CALLS_MAX = 12
ADDED_MAX = 6
MOODY = [n for n, k in KINDS.items() if not k.strict]
UPDATED = [n for n, k in KINDS.items() if not k.calm]
BEFORE_S = 1.0 * SLOWER  # that what hurts a call may have ended by then
# After which it is worth while to ask again.
PASSING = {"port_in_use", "busy", "timeout", "unavailable"}
LOOKS = (("daemon.tree", {}), ("supervisor.stats", {}),
         ("supervisor.failure_rate", {}), ("listener.list", {}),
         ("events.query", {"since": "1m", "limit": 100}),
         ("connection.list", {"name": "calm"}),
         ("connection.list", {"name": "proxy"}),
         ("listener.upstreams", {"name": "proxy"}))


class Call:
    """One that is under way."""

    def __init__(self, background, what, asked, done):
        self.background, self.what = background, what
        self.asked, self.name = asked, asked.name
        self.begun = time.monotonic()
        self.done = done


class Orders:
    """Each method that is a choice takes a source of random numbers."""

    def __init__(self, the_world, journal, excuses, oracle):
        self.world, self.journal = the_world, journal
        self.excuses, self.oracle = excuses, oracle
        self.calls = []
        self.collecting = False
        self.added = []
        self.pools = {}  # of those that were ever added
        self.number = 0
        self.promises = []  # (when, what to do)
        self.unanswered = {}  # name: token, of a pause that must be resumed

    def choices(self):
        return [(self.pause, 6), (self.restart, 6), (self.restart_all, 1),
                (self.add, 6), (self.remove, 5), (self.update, 5),
                (self.reload, 4), (self.broken_reload, 2),
                (self.upstream_set, 4), (self.drain, 3), (self.kick, 2),
                (self.renew, 2), (self.cleanup, 1), (self.trace, 2),
                (self.look, 4)]

    # --- calls ---

    def begin(self, what, method, done=None, **params):
        """A call that nobody waits for here; None: it could not be made."""
        self.collect()
        if len(self.calls) >= CALLS_MAX:
            return None
        try:
            call = Call(Background(self.world.d, method, **params), what,
                        refusals.Asked(method, params.get("name"),
                                       self.pools), done)
        except OSError:
            return None  # there is no control process just now
        for other in self.calls:
            call.asked.meet(other.asked)
        self.journal.did(what, " ".join(f"{k}={v}"
                                        for k, v in params.items()))
        self.calls.append(call)
        return call

    def collect(self, wait=False):
        """Take the answers that have come. What is done about one may make
        another call, which is not looked at by who is looking already."""
        if self.collecting:
            return
        self.collecting = True
        try:
            for call in list(self.calls):
                if wait or self._is_due(call):
                    self.calls.remove(call)
                    self._finish(call)
        finally:
            self.collecting = False

    @staticmethod
    def _is_due(call):
        return (not call.background.pending(0.0001)
                or time.monotonic() - call.begun > CALL_S)

    def _finish(self, call):
        rpc = call.background.rpc
        rpc.socket.settimeout(
            max(0.1, call.begun + CALL_S - time.monotonic()))
        error = None
        try:
            call.background.answer()
            if call.what == "broken reload":
                self.journal.fail("a broken file is refused", "it is not")
        except TimeoutError:
            error = "timeout"
            self.journal.fail(f"every call is answered within {CALL_S:g} s",
                              f"{call.what} {call.name}")
        except mercury.RpcError as e:
            error = e.reason or str(e)
            self._check(call, e)
        except (OSError, ValueError) as e:
            error = repr(e)
            if not self._excused(call, CONTROL):
                self.journal.fail("only a control process that was killed "
                                  "leaves a call without an answer",
                                  f"{call.what} {call.name}: {error}")
        rpc.close()
        took = (time.monotonic() - call.begun) * 1000
        self.journal.note(f"answer {call.what} {call.name} {took:.0f} ms: "
                          f"{error or 'done'}")
        if call.done is not None:
            call.done(error)

    def _check(self, call, e):
        """A broken file is refused, and else only what has a cause."""
        self.journal.saw(f"refused: {call.what}: {e.reason}")
        if call.what == "broken reload" and e.reason == "invalid":
            return
        if not refusals.explained(
                call.asked, e.reason, e.message,
                lambda kind, names: self._excused(call, kind, names)):
            self.journal.fail(f"{call.what} {call.name} succeeds, or says "
                              "why not", f"{e.reason}: {str(e)[:500]}")

    def _excused(self, call, kind, names=None):
        """Was there an excuse while it was under way?"""
        return any(self.excuses.cover(kind, name, call.begun - BEFORE_S,
                                      time.monotonic())
                   for name in names or (ALL,))

    def number_of_leavers(self):
        """Calls that end workers which are well."""
        self.collect()
        return sum(c.what.startswith(("re", "bind anew"))
                   for c in self.calls)

    def promise(self, seconds, do):
        self.promises.append((time.monotonic() + seconds, do))

    def keep_promises(self, all_=False):
        """Undo what is due; or everything."""
        now = time.monotonic()
        due = [do for at, do in self.promises if all_ or at <= now]
        self.promises = [p for p in self.promises
                         if not all_ and p[0] > now]
        for do in due:
            do()

    # --- pausing ---

    def pause(self, rng):
        name = rng.choice(MOODY + self.added)
        self.pause_for(name, rng.random() < 0.4, rng.uniform(0, 1.5))

    def pause_for(self, name, queue, seconds, meanwhile=None):
        """Even if the answer says that it could not be done, it may have
        been: so it is resumed in any case."""
        if name in self.unanswered:
            return
        now = time.monotonic()
        tokens = [self.excuses.begin(k, name, now)
                  for k in (REFUSE, HANG, BREAK)]
        self.unanswered[name] = tokens
        self.begin("pause queue" if queue else "pause", "listener.pause",
                   done=meanwhile, name=name, queue=queue)
        self.promise(seconds, lambda: self.resume(name))

    def resume(self, name):
        def done(error):
            if error is None or error == "not_found":
                for token in self.unanswered.pop(name, ()):
                    self.excuses.end(token, time.monotonic(), 1.0 * SLOWER)
            elif error == "unavailable":  # binding has failed for good
                self.begin("bind anew", "listener.restart", name=name)
                self.promise(0.5, lambda: self.resume(name))
            else:
                self.promise(0.2, lambda: self.resume(name))
        if self.begin("resume", "listener.resume", done, name=name) is None:
            self.promise(0.1, lambda: self.resume(name))

    # --- listeners ---

    def restart(self, rng):
        name = rng.choice(UPDATED + self.added)
        self.begin("restart", "listener.restart", name=name)

    def restart_all(self, _rng):
        """Also of the calm ones: whoever stays longer than the drain is cut."""
        token = self.excuses.begin(BREAK, ALL, time.monotonic())
        if self.begin("restart all", "listener.restart", all=True,
                      done=lambda error: self.excuses.end(
                          token, time.monotonic(), DRAIN_S + 2 * SLOWER)
                      ) is None:
            self.excuses.end(token, time.monotonic())

    def add(self, rng):
        if len(self.added) >= ADDED_MAX:
            return
        self.number += 1
        name = f"added{self.number}"
        more = rng.choice(({"pool": "shared"}, {"workers": 1},
                           {"workers": rng.randint(2, 3)}))
        if more.get("pool"):
            more["workers"] = 2
        self.pools[name] = more.get("pool", name)
        self.begin("add", "listener.add", name=name, address="127.0.0.1",
                   port=0, protocol=rng.choice(("echo", "discard")),
                   drain_timeout="300ms", max_restarts=100000,
                   hang_timeout=f"{HANG_TIMEOUT_S}s", **more)
        self.added.append(name)

    def remove(self, rng):
        if self.added:
            name = rng.choice(self.added)
            self.added.remove(name)
            self.begin("remove", "listener.remove", name=name,
                       deadline="200ms")

    def update(self, rng):
        name = rng.choice(UPDATED + self.added)
        option, value = rng.choice((
            ("backlog", rng.randint(200, 1000)), ("nodelay", False),
            ("keepalive", "30s/5s/3"), ("nodelay", True),
            ("record_connections", rng.random() < 0.5),
            ("deny", ["192.0.2.77"])))
        if name == "unix" and option not in ("backlog",
                                             "record_connections"):
            return  # which are for TCP only
        self.begin("update", "listener.update", name=name, **{option: value})

    # --- configuration ---

    def reload(self, rng):
        """With another number of workers, and perhaps another listener."""
        self.world.workers_of_four = rng.randint(1, 4)
        more = ""
        if rng.random() < 0.5:
            self.number += 1
            more = mercury.listener(f"passing{self.number}",
                                    drain_timeout="300ms")
        self.world.write(more)
        self.begin("reload", "daemon.reload")

    def broken_reload(self, rng):
        """Nothing may change, nobody may notice."""
        broken = rng.choice((
            'listener "broken" {\n', 'listener "broken" { port = 70000 }\n',
            "nonsense = 1\n", 'include("nowhere.conf")\n', "\0\1\2",
            'listener "calm" { port = 1 protocol = "echo" }\n'))
        self.collect()
        if any("re" in c.what for c in self.calls):
            return  # which may be one that reads the file
        self.world.write(broken)
        if self.begin("broken reload", "daemon.reload") is not None:
            while any(c.what == "broken reload" for c in self.calls):
                self.collect(wait=True)
        self.world.write()

    def renew(self, rng):
        self.world.renew_certificate(rng.randrange(CERTIFICATES))
        if rng.random() < 0.5:
            self.begin("renew by restart", "listener.restart", name="tls")
        else:
            self.begin("renew by reload", "daemon.reload")

    # --- the rest ---

    def upstream_set(self, rng):
        upstream = rng.choice(self.world.upstreams)
        name = f"127.0.0.1:{upstream.port}"

        def set_(mode):
            return self.begin("upstream " + mode, "listener.upstream_set",
                              name="proxy", upstream=name, mode=mode)

        def ready():
            if set_("ready") is None:
                self.promise(0.1, ready)
            else:
                self.excuses.end(token, time.monotonic(), 3.0 * SLOWER)
        token = self.excuses.begin(BREAK, "proxy", time.monotonic())
        set_(rng.choice(("drain", "maint")))
        self.promise(rng.uniform(0, 2), ready)

    def drain(self, rng):
        name = rng.choice((None, rng.choice(UPDATED)))
        params = {"name": name} if name else {}

        def undrain():
            if self.begin("undrain", "daemon.undrain", **params) is None:
                self.promise(0.1, undrain)
        self.begin("drain", "daemon.drain", **params)
        self.promise(rng.uniform(0.5, 4), undrain)

    def kick(self, rng):
        """Somebody of a listener that may lose clients."""
        name = rng.choice(("proxy", "exec", "moody"))
        try:
            rows = self.world.d.call("connection.list", name=name, limit=20)
        except (OSError, mercury.RpcError, ValueError):
            return
        if rows["connections"]:
            self.excuses.during(BREAK, name, time.monotonic(), 2.0 * SLOWER)
            self.begin("kick", "connection.kick", name=name,
                       id=rng.choice(rows["connections"])["id"])

    def cleanup(self, rng):
        self.begin("cleanup", "events.cleanup", older_than="1h",
                   dry_run=rng.random() < 0.5)

    def trace(self, rng):
        """For a while, and read as slowly as we come to it."""
        name = rng.choice(("calm", "proxy", "tls", "shared-a"))
        try:
            rpc = mercury.Rpc(self.world.d.control)
            rpc.call("trace.start", name=name)
        except (OSError, mercury.RpcError, ValueError):
            return
        self.journal.did("trace", name)
        self.promise(rng.uniform(0, 4), rpc.close)

    def look(self, rng):
        method, params = rng.choice(LOOKS)
        self.begin("look", method, **params)

    # --- back to the beginning ---

    def supervisor_died(self):
        """What was told to it is forgotten."""
        self.collect(wait=True)
        self.added = []
        self.world.workers_of_four = 4

    def settle(self):
        """Let all be as it was in the beginning; but first see who was given
        up, for that is mended here."""
        end = time.monotonic() + CALL_S
        while self.promises or self.calls:
            self.keep_promises(all_=True)
            self.collect(wait=True)
            self.oracle.stopping.wait(0.05)
            if time.monotonic() > end:
                self.journal.fail("what was undone is as before",
                                  f"{len(self.promises)} things are not")
                break
        self.oracle.look_at_states()
        self.world.workers_of_four = 4
        self.world.write()
        self._until_done("daemon.reload")
        for name in [r["name"] for r in self.world.d.status()["listeners"]]:
            if name not in KINDS:
                self._until_done("listener.remove", name=name,
                                 deadline="100ms")
        self.added = []
        for row in self.world.d.status()["listeners"]:
            if row["state"] == "failed":
                self._until_done("listener.restart", name=row["name"])
        mercury.wait_until(self.is_settled, "all listen again: " + str(
            self.unsettled()), CALL_S)

    def unsettled(self):
        try:
            rows = self.world.d.status()["listeners"]
        except (OSError, mercury.RpcError, ValueError):
            return {"status": "none"}
        states = dict.fromkeys(KINDS, "gone")
        states.update((r["name"], r["state"]) for r in rows)
        return {name: state for name, state in states.items()
                if name not in KINDS or state != "listening"}

    def is_settled(self):
        return not self.unsettled()

    def _until_done(self, method, **params):
        def done():
            try:
                self.world.d.call(method, **params)
            except mercury.RpcError as e:
                if e.reason == "not_found":
                    return True
                if e.reason not in PASSING:
                    raise
                return False
            except (OSError, ValueError):
                return False
            return True
        mercury.wait_until(done, f"{method} {params}", CALL_S)
