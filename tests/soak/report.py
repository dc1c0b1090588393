"""What a soak run tells: a journal of what was done, figures, and failures."""

import collections
import json
import os
import sys
import threading
import time

LAST_ACTIONS = 50
SAME_MAX = 3  # times that the same broken promise is told


class Journal:
    """What happened, from any thread; all of it is in FOLDER/journal, too."""

    def __init__(self, folder, seed, out=sys.stdout):
        self.folder, self.seed, self.out = folder, seed, out
        self.lock = threading.RLock()
        self.begun = time.monotonic()
        self.file = open(os.path.join(folder, "journal"), "w",
                         encoding="utf-8")
        self.last = collections.deque(maxlen=LAST_ACTIONS)
        self.counts = collections.Counter()
        self.worsts = {}
        self.failures = []
        self.promises = collections.Counter()  # that were broken
        self.broken = threading.Event()

    def seconds(self):
        return time.monotonic() - self.begun

    def note(self, text):
        """For who reads the journal."""
        with self.lock:
            self.file.write(f"{self.seconds():9.3f} {text}\n")
            self.file.flush()

    def did(self, what, text=""):
        """An action: it is counted, and told if it was one of the last."""
        with self.lock:
            self.counts[what] += 1
            self.last.append(f"{self.seconds():9.3f} {what} {text}".rstrip())
            self.note(f"{what} {text}")

    def saw(self, what, count=1):
        """Something that is only counted."""
        with self.lock:
            self.counts[what] += count

    def worst(self, figure, value):
        with self.lock:
            if value > self.worsts.get(figure, float("-inf")):
                self.worsts[figure] = value

    def fail(self, promise, seen):
        """A promise was broken."""
        with self.lock:
            text = f"PROMISED: {promise}\n    SEEN: {seen}"
            self.note(text)
            self.promises[promise] += 1
            if self.promises[promise] <= SAME_MAX:
                self.failures.append(f"{self.seconds():.1f} s: {text}")
            self.broken.set()

    def say(self, text):
        with self.lock:
            self.note(text)
            print(text, file=self.out, flush=True)

    def figures(self):
        return ", ".join(f"{name} {value:.4g}"
                         for name, value in sorted(self.worsts.items()))

    def summary(self, memory):
        """The end of a run; its exit code."""
        with self.lock:
            self.say("did: " + ", ".join(
                f"{what} {n}" for what, n in sorted(self.counts.items())))
            self.say("worst: " + self.figures())
            self.say("anonymous memory in KiB, first to last: " + ", ".join(
                f"{who} {first >> 10} to {last >> 10}"
                for who, (first, last) in sorted(memory.items())))
            if not self.failures:
                self.say(f"kept every promise for {self.seconds():.0f} s, "
                         f"SOAK_SEED={self.seed}")
                return 0
            for text in self.failures:
                self.say(text)
            self.say(f"the last {len(self.last)} actions:\n  " +
                     "\n  ".join(self.last))
            self.say(f"SOAK_SEED={self.seed} repeats these choices; logs and "
                     f"journal are in {self.folder}")
            return 1

    def write_result(self, memory):
        """The same for programs, beside the journal."""
        with open(os.path.join(self.folder, "result.json"), "w",
                  encoding="utf-8") as f:
            json.dump({"seed": self.seed, "seconds": self.seconds(),
                       "counts": self.counts, "worst": self.worsts,
                       "memory": memory, "failures": self.failures}, f,
                      indent=1)
