"""What the scripts here share. They measure by hand, on a quiet machine:

    MERCURY_BUILDDIR=build python3 -B tests/bench/crash.py

The build should have CFLAGS=-O2 and no sanitizers; tests/system/storm must
be built (make tests/system/storm).
"""

import ctypes
import os
import resource
import statistics
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../system"))

import mercury  # noqa: E402


def figures(what, values, unit="ms"):
    """One line: min, median, p95, p99, max."""
    ordered = sorted(values)

    def part(p):
        return ordered[min(len(ordered) - 1, int(len(ordered) * p))]
    print(f"{what}: min {ordered[0]:.2f}, "
          f"median {statistics.median(ordered):.2f}, p95 {part(.95):.2f}, "
          f"p99 {part(.99):.2f}, max {ordered[-1]:.2f} {unit} "
          f"(n = {len(ordered)})", flush=True)


def prepare():
    """Be the reaper of what is left behind, with all descriptors there are."""
    ctypes.CDLL(None).prctl(mercury.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Bench:
    """A daemon for the length of a with block."""

    def __init__(self, listeners="", **settings):
        prepare()
        self.d = mercury.Daemon(listeners, **settings)

    def __enter__(self):
        return self.d.start()

    def __exit__(self, kind, *exc):
        if kind is not None:
            print(self.d.log()[-4000:], file=sys.stderr)
        if self.d.pid is not None and mercury.alive(self.d.pid):
            self.d.stop()
        mercury.reap_orphans()
        self.d.remove()
