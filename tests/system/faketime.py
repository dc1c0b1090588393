"""A clock that a test sets, for all processes of a daemon, by libfaketime."""

import glob
import os

LIBRARY = next(iter(glob.glob("/usr/lib/*/faketime/libfaketime.so.1")), None)


class Clock:
    def __init__(self, folder, first="+0"):
        self.path = os.path.join(folder, "clock")
        self.set(first)

    def set(self, offset):
        """So far from the machine's time: "+13h", "-5y"."""
        with open(self.path + ".new", "w", encoding="ascii") as f:
            f.write(offset + "\n")
        os.chmod(self.path + ".new", 0o644)
        os.rename(self.path + ".new", self.path)

    def environment(self, monotonic=True):
        """What a daemon is started with; monotonic: that clock moves, too."""
        env = {"LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": self.path,
               "FAKETIME_NO_CACHE": "1",
               "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") +
               ":verify_asan_link_order=0"}
        if not monotonic:
            env["FAKETIME_DONT_FAKE_MONOTONIC"] = "1"
        return env
