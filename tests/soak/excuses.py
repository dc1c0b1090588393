"""Why a client may be refused, broken off or left waiting: what we did to its
listener, and when. Pure: times are given."""

import threading

ALL = "*"
REFUSE = "refuse"  # nobody listens
BREAK = "break"  # a connection ends without an answer
HANG = "hang"  # nobody answers for a while
GATEWAY = "gateway"  # of health checks and metrics only
CONTROL = "control"  # of the control socket only
STORE = "store"  # of who asks for events
CLOCK = "clock"  # that of the daemon is wrong


class Excuses:
    """Spans of time, each of a kind, for a listener or for all of them."""

    def __init__(self):
        self.lock = threading.Lock()
        self.spans = {}  # token: [kind, name, from, until or None]
        self.next = 0

    def begin(self, kind, name, now):
        """From now on, until end(); the token for that."""
        with self.lock:
            self.next += 1
            self.spans[self.next] = [kind, name, now, None]
            return self.next

    def end(self, token, now, linger=0.0):
        """It is over, or its effects are after so many seconds. To end what
        has ended already changes nothing."""
        with self.lock:
            span = self.spans.get(token)
            if span is not None and span[3] is None:
                span[3] = now + linger

    def during(self, kind, name, now, seconds):
        self.end(self.begin(kind, name, now), now, seconds)

    def cover(self, kind, name, since, until):
        """Was there any between since and until?"""
        with self.lock:
            return any(k == kind and n in (name, ALL) and begun <= until
                       and (ended is None or ended >= since)
                       for k, n, begun, ended in self.spans.values())

    def forget(self, before):
        """Those that ended before that are asked for no more."""
        with self.lock:
            self.spans = {t: s for t, s in self.spans.items()
                          if s[3] is None or s[3] >= before}
