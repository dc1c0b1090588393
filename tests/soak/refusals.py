"""What a call may be told instead of a result: only what has a cause that is
known. Pure: excuses are given."""

import re

from excuses import BREAK, CLOCK, HANG, REFUSE, STORE
from world import KINDS

OF_THE_CLOCK = re.compile(r"the certificate .* (expired|is not valid)")
MEANWHILE = ("meanwhile", "before it was ready")
HURT = (REFUSE, BREAK, HANG)
# The reasons that there may be, by method; none for the others. Nobody is
# ever told that a name exists: each is used once.
REASONS = {
    "connection.kick": "not_found timeout",
    "connection.list": "timeout",
    "daemon.reload": "busy timeout unavailable",
    "events.cleanup": "busy timeout unavailable",
    "events.query": "timeout unavailable",
    "listener.add": "busy timeout unavailable",
    "listener.pause": "not_found busy timeout unavailable",
    "listener.remove": "not_found busy timeout unavailable",
    "listener.restart": "not_found port_in_use busy timeout unavailable",
    "listener.resume": "not_found port_in_use busy timeout unavailable",
    "listener.update": "not_found busy timeout unavailable",
    "listener.upstream_set": "busy timeout unavailable",
}


class Asked:
    """A call, as far as a refusal depends on it. pools: of the listeners
    that were added, by name."""

    def __init__(self, method, name, pools):
        self.method, self.name = method, name
        self.pool = None  # of all of them
        if name is not None:
            kind = KINDS.get(name)
            self.pool = (pools.get(name, name) if kind is None
                         else kind.options.get("pool", name))
        self.disputed = False  # another call changed the same meanwhile

    def meet(self, other):
        """Both are under way at a time."""
        if None in (self.pool, other.pool) or self.pool == other.pool:
            self.disputed |= other.changes()
            other.disputed |= self.changes()

    def changes(self):
        return "busy" in REASONS.get(self.method, "").split()

    def names(self):
        """Whose troubles may be its own."""
        return {self.name, *(n for n, k in KINDS.items() if self.pool in
                             (None, k.options.get("pool", n)))} - {None}


def explained(asked, reason, message, excused):
    """Is that a refusal that may be? excused says whether there is an excuse
    of a kind for one of some names; None: for all of them."""
    if excused(REFUSE, None):
        return True  # mercuryd has ended, or was still starting
    if reason == "invalid":
        return (OF_THE_CLOCK.search(message) is not None
                and asked.pool in (None, "tls") and excused(CLOCK, None))
    if reason not in REASONS.get(asked.method, "").split():
        return False
    if reason == "not_found":
        return asked.method == "connection.kick" or asked.name not in KINDS
    if reason == "port_in_use":
        return excused(REFUSE, asked.names())
    if reason == "busy" or message.endswith(MEANWHILE):
        return asked.disputed
    if asked.method.startswith("events."):
        return excused(STORE, None)
    return any(excused(kind, asked.names()) for kind in HURT)
