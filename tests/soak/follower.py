"""A subscriber of events that never gives up, and whether all has come to it
that was to come."""

import threading

import ledger
import mercury
from world import SLOWER

PAUSE_S = 0.2  # between two attempts
CALL_S = 5.0 * SLOWER
CATCH_UP_S = 10 * SLOWER


class Follower:
    """Follows the ends of workers over all that ends a subscription."""

    def __init__(self, the_world, journal, stopping):
        self.world, self.journal = the_world, journal
        self.stopping = stopping
        self.lock = threading.RLock()
        self.story = ledger.Story()
        self.last_id = None
        self.dropped = 0  # as the daemon says
        self.dropped_before = 0  # by earlier supervisors
        self.settled = 0  # of both, when all else had arrived

    def follow(self):
        """For as long as it goes; then it is to be called again."""
        try:
            with mercury.Rpc(self.world.d.control, CALL_S) as rpc:
                more = ({} if self.last_id is None
                        else {"after_id": self.last_id})
                result = rpc.call("events.follow", type="worker", **more)
                if self.last_id is None:
                    self.last_id = result["last_id"]
                rpc.socket.settimeout(0.5)
                while not self.stopping.is_set():
                    self._take(rpc)
        except (OSError, mercury.RpcError, ValueError):
            self.stopping.wait(PAUSE_S)

    def _take(self, rpc):
        try:
            line = rpc.line()
        except TimeoutError:
            return
        if line is None:
            raise ConnectionError("the daemon hung up")
        event = line["params"]
        if event["id"] <= self.last_id:
            self.journal.fail("events are followed in order, each once",
                              f"{event['id']} after {self.last_id}")
        self.last_id = event["id"]
        with self.lock:
            self.story.arrive(event)
        self.journal.saw("followed")

    def supervisor_died(self):
        """What it had not told is gone with it."""
        with self.lock:
            self.story.supervisor_died()
            self.dropped_before += self.dropped
            self.dropped = 0

    def wrong(self):
        with self.lock:
            return self.story.wrong(self._all_dropped() - self.settled)

    def _all_dropped(self):
        return self.dropped_before + self.dropped

    def catch_up(self):
        """What was recorded but for what was dropped has arrived, soon. What
        was dropped until now excuses nothing that comes later."""
        try:
            mercury.wait_until(lambda: not self.wrong(), "events arrive",
                               CATCH_UP_S)
        except AssertionError:
            for text in self.wrong():
                self.journal.fail("events that were not dropped are in the "
                                  "database, once", text)
        with self.lock:
            self.story.settle()
            self.settled = self._all_dropped()
