"""Does anything grow? Samples of what processes have, taken in quiet moments,
and what is made of them."""

import os
import statistics
import struct
import subprocess

import mercury
from test_processes import socket_kinds

SAMPLES_MIN = 2
ENTRY_BYTES = 1024  # of a scoreboard; the first one is its header
ENTRIES = 8192
SLOPE_SAMPLES = 6  # from so many on a slope means something


def slope(samples):
    """The median of all slopes between two of (time, value): a few samples
    that are far off don't matter (Theil and Sen)."""
    slopes = [(v2 - v1) / (t2 - t1)
              for i, (t1, v1) in enumerate(samples)
              for t2, v2 in samples[i + 1:] if t2 > t1]
    return statistics.median(slopes) if slopes else 0.0


def growth(samples):
    """By how much it has grown, as far as that is no noise."""
    if len(samples) < SAMPLES_MIN:
        return 0.0
    steps = samples[-1][1] - samples[0][1]
    if len(samples) < SLOPE_SAMPLES:
        return float(steps)
    span = samples[-1][0] - samples[0][0]
    return min(float(steps), slope(samples) * span)


class Series:
    """What was measured of each process over time."""

    def __init__(self):
        self.samples = {}  # (who, pid): [(time, bytes)]
        self.sums = {}  # who: {time: bytes}

    def add(self, who, pid, now, value, used=True):
        """Those of one moment have the same time. Before a process was used
        for the first time it has less than it needs."""
        if used:
            self.samples.setdefault((who, pid), []).append((now, value))
        sums = self.sums.setdefault(who, {})
        sums[now] = sums.get(now, 0) + value

    def ends(self):
        """Of all processes of a name together: the first and the last."""
        return {who: (sums[min(sums)], sums[max(sums)])
                for who, sums in self.sums.items()}

    def grown(self):
        """The most that a process of each name has grown by, in bytes."""
        most = {}
        for (who, _), samples in self.samples.items():
            most[who] = max(most.get(who, 0.0), growth(samples))
        return most

    def wrong(self, allowance):
        """Those that grew by more than allowance(who) bytes, as texts."""
        return [f"{who} (pid {pid}) has grown by {growth(s) / 1024:.0f} KiB: "
                f"{[v >> 10 for _, v in s][-30:]} KiB"
                for (who, pid), s in self.samples.items()
                if growth(s) > allowance(who)]


# --- what processes have -------------------------------------------------


def anonymous(pid):
    """Bytes; None where we may not look, or it is gone."""
    try:
        return mercury.anonymous_bytes(pid)
    except (OSError, AssertionError):
        return None


def descriptors(pid):
    """How many of each kind; None where we may not look."""
    sockets, counts = socket_kinds(), {}
    try:
        for number in os.listdir(f"/proc/{pid}/fd"):
            try:
                target = os.readlink(f"/proc/{pid}/fd/{number}")
            except FileNotFoundError:
                continue
            if target.startswith("socket:"):
                kind = sockets.get(target[8:-1], "socket")
            else:
                kind = target.split(":")[0].split(" ")[0]
                if target.startswith("/memfd:"):
                    kind = target.split(" ")[0]
            counts[kind] = counts.get(kind, 0) + 1
    except OSError:
        return None
    return counts


def used_entries(pid):
    """Entries in use in the scoreboard that a worker writes; None where we
    may not look, as only root may."""
    try:
        with open(f"/proc/{pid}/maps", encoding="utf-8") as f:
            places = [line.split()[0] for line in f
                      if "/memfd:scoreboard" in line and " rw-s " in line]
        if len(places) != 1:
            return None
        start, end = (int(n, 16) for n in places[0].split("-"))
        return _count_entries(f"/proc/{pid}/map_files/{start:x}-{end:x}")
    except OSError:
        return None


def _count_entries(path):
    with open(path, "rb", buffering=0) as f:
        data = f.read((ENTRIES + 1) * ENTRY_BYTES)
    ids = struct.iter_unpack(f"Q{ENTRY_BYTES - 8}x", data[ENTRY_BYTES:])
    return sum(number != 0 for number, in ids)


def queued(pids):
    """Bytes that wait in the socketpairs of these processes."""
    inodes = set()
    for pid in pids:
        try:
            for number in os.listdir(f"/proc/{pid}/fd"):
                target = os.readlink(f"/proc/{pid}/fd/{number}")
                if target.startswith("socket:"):
                    inodes.add(target[8:-1])
        except OSError:
            continue
    done = subprocess.run(["ss", "-xaHn"], capture_output=True, text=True,
                          check=False)
    waiting = 0
    for line in done.stdout.splitlines():
        fields = line.split()
        if len(fields) > 5 and fields[0] == "u_seq" and fields[5] in inodes:
            waiting += int(fields[2])
    return waiting
