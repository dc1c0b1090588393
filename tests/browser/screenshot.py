#!/usr/bin/env python3
"""Take the picture of the dashboard that README.md shows.

    MERCURY_BUILDDIR=BUILD python3 -B tests/browser/screenshot.py FILE.png
        [light|dark [WIDTH HEIGHT]]

The figures are made up (tests/system/fleet.py); the page and the browser are
real. The page's clock is driven, so that two minutes pass at once.
"""

import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../system"))

import browsing  # noqa: E402
from fleet import Fleet  # noqa: E402
from mercury import wait_until  # noqa: E402


class Clock:
    """Seconds since 1970, as fast as somebody turns it."""

    def __init__(self):
        self.now = time.time()

    def __call__(self):
        return self.now


def fleet(clock):
    f = Fleet(clock)
    f.add("pos", 42.5, 0.2, 4, port=9100, transport="tls", protocol="echo",
          connections=14210, max_connections=20000, restarts=1)
    f.add("pos-legacy", 3.1, 0, 2, port=9101, protocol="echo",
          connections=1904, max_connections=5000)
    f.add("gps", 18.2, 0, 4, port=5055, protocol="discard", connections=31822,
          max_connections=40000)
    meters = f.add("meters", 6.4, 2.6, 3, port=7008, protocol="discard",
                   transport="tls", connections=6120, max_connections=8000,
                   state="degraded", restarts=7,
                   last_error="worker 1 was killed by signal 11 (SIGSEGV)")
    meters["workers"][1].update(state="backoff", pid=None, restarts=6)
    f.add("plc-north", 0.3, 0, 1, port=2404, protocol="echo",
          connections=212, max_connections=256)
    f.add("plc-south", 0, 0, 1, port=2405, protocol="echo", state="paused",
          queueing=False, ready=False, not_ready="it is paused",
          required=False, connections=87, max_connections=256)
    f.add("switches", 1.2, 0, 1, port=4433, transport="tls",
          protocol="echo", connections=940)
    f.add("console", 0.1, 0, 1, path="/run/mercury/console.sock", port=None,
          address=None, transport="unix", connections=2)
    tell(f)
    return f


def tell(f):
    f.event(7300, "listener.updated", "info", "gps", "max_connections")
    f.event(5210, "daemon.reloaded", "info", None, None, added=0, updated=1)
    f.event(1810, "connection.handshake_failed", "warning", "meters",
            "unknown_ca", "10.20.4.17:50112", count=3)
    f.event(1204, "cleanup.completed", "info", None, None, rows=1200,
            duration_ms=38)
    f.event(761, "listener.paused", "info", "plc-south", None, queue=False)
    for ago in (412, 230, 94):
        f.event(ago, "worker.crashed", "error", "meters",
                "was killed by signal 11 (SIGSEGV)", slot=1, pid=2031,
                signal=11)
        f.event(ago - 1, "worker.started", "info", "meters",
                "ready after 3 ms", slot=1, pid=2032)
    f.event(40, "listener.alarm", "warning", "gps", None, level=80,
            connections=32004, max_connections=40000)
    f.event(12, "connection.handshake_failed", "warning", "meters",
            "bad_certificate", "10.20.9.3:41822", count=5)
    f.event(6, "worker.crashed", "error", "meters",
            "was killed by signal 11 (SIGSEGV)", slot=1, pid=2032, signal=11)


def pass_time(page, clock, seconds):
    """Let time pass for the page and for what it is shown."""
    for _ in range(seconds // 2):
        shown = page.text("#live-time")
        clock.now += 2
        page.call("clock.runFor", 2000)
        wait_until(lambda: page.text("#live-time") != shown, "an answer")


def main():
    path, scheme = sys.argv[1], (sys.argv[2:] or ["light"])[0]
    width, height = [int(n) for n in sys.argv[3:5] or (1440, 900)]
    clock = Clock()
    gateway = browsing.Gateway(fleet(clock), clock=clock, port=9180)
    browser = browsing.Browser(browsing.install_modules())
    try:
        page = browsing.Page(browser, width, height or 800, scheme=scheme)
        page.call("clock.install", {"time": int(clock.now * 1000)})
        page.goto(gateway.url)
        page.wait_text("#verdict", "Ready")
        pass_time(page, clock, 124)
        page.screenshot(path, full=height == 0)
    finally:
        browser.close()
        gateway.close()


if __name__ == "__main__":
    main()
