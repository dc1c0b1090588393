"""Shutdown of 1,000 listeners with 10,000 connections that never end."""

import os
import signal
import sys
import time

from bench import Bench, figures
import mercury
from mercury import Rpc, connect

LISTENERS = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
CONNECTIONS = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 3


def one(**options):
    with Bench(shutdown_deadline="2s") as d:
        with Rpc(d.control, 120) as rpc:
            ports = [rpc.call("listener.add", name=f"l{i}",
                              **mercury.with_defaults(options))["port"]
                     for i in range(LISTENERS)]
        clients = [connect(ports[i % LISTENERS]) for i in range(CONNECTIONS)]
        mercury.wait_until(lambda: sum(
            l["connections"] for l in d.status()["listeners"])
            == CONNECTIONS, "all are accepted", 60)
        tree = d.tree()
        began = time.monotonic()
        os.kill(d.pid, signal.SIGTERM)
        code = d.process.wait(60)
        took = time.monotonic() - began
        left = [p for p in tree if mercury.alive(p)]
        print(f"  {took:.3f} s, exit {code}, {len(left)} processes left; "
              + d.log().splitlines()[-2].partition("info: ")[2], flush=True)
        for s in clients:
            s.close()
        return took * 1000


for what, options in (("one pool of 2", {"pool": "p", "workers": 2}),
                      ("a pool each", {})):
    print(f"{LISTENERS} listeners, {what}, {CONNECTIONS} connections, "
          "2 s deadline:", flush=True)
    figures("  SIGTERM to gone", [one(**options) for _ in range(ROUNDS)])
