"""Instructions that a worker needs per message and per connection, counted by
callgrind: a figure that a busy machine doesn't move.

    make bench-instructions [BENCH_FLAGS="--record | --functions"]

Each count has a pool of its own with one worker; all of them start and end
together. What a worker did besides its load is what the worker with the least
load did, and is taken off. A count that is more than 5% above the one in
instructions.json fails; that file says for which compiler and libraries it
holds. Where one is above for a good reason: --record, and say why in the
commit.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys

import bench
import machine
import mercury
import scenarios
import servers
from mercury import wait_until

BASELINE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                        "instructions.json")
MORE = 1.05  # that much above the baseline is too much
FEW, MANY = 100, 3100  # messages of the two loads
CONNECTIONS = 500
APART_MS = 10  # so that none begins in the turn that ends the one before
BYTES = 64


def holds_for():
    """What else than our code decides about the counts."""
    return {
        "machine": platform.machine(),
        "compiler": machine.first_line(["cc", "--version"]),
        "libc": machine.first_line(["ldd", "--version"]),
        "libevent": machine.first_line(
            ["pkg-config", "--modversion", "libevent_core"]),
        "CFLAGS": " ".join(sorted(machine.build_flags().split())),
    }


class Counted:
    """A mercuryd whose workers run under callgrind."""

    def __init__(self, room, loads):
        # loads: listener: (protocol, mode, count)
        self.loads = loads
        # Else the workers may not write any more when they end.
        self.daemon = mercury.Daemon("".join(
            self.listener(room, name, protocol)
            for name, (protocol, _, _) in loads.items()),
            as_root=False, shutdown_deadline="30s")
        self.folder = os.path.join(self.daemon.dir, "roles")
        self.prepare()
        self.ports = {}
        self.pids = {}

    @staticmethod
    def listener(room, name, protocol):
        text = mercury.listener(name, protocol=protocol, hang_timeout="120s")
        if protocol == "proxy":
            text = (text.removesuffix("}\n") + "  proxy { upstreams = "
                    f'{{"127.0.0.1:{room.upstream}"}} check = "off" }}\n}}\n')
        return text

    def prepare(self):
        os.makedirs(os.path.join(self.folder, "real"))
        os.chmod(self.folder, 0o777)
        for role in mercury.LIBEXEC:
            shutil.copy(mercury.binary(role), self.folder)
        os.rename(os.path.join(self.folder, "mercury-pool"),
                  os.path.join(self.folder, "real", "mercury-pool"))
        shutil.copy(mercury.binary("mercury-tls.so"),
                    os.path.join(self.folder, "real"))
        shutil.copy(mercury.binary("tests/bench/under_callgrind"),
                    os.path.join(self.folder, "mercury-pool"))
        self.daemon.env["MERCURY_LIBEXECDIR"] = self.folder

    def __enter__(self):
        self.daemon.start(wait=False)
        wait_until(self.listening, "workers under callgrind listen", 60)
        for row in self.daemon.status()["listeners"]:
            self.ports[row["name"]] = row["port"]
            self.pids[row["name"]] = row["workers"][0]["pid"]
        return self

    def listening(self):
        try:
            return all(row["state"] == "listening" and
                       row["workers"][0]["state"] == "running"
                       for row in self.daemon.status()["listeners"])
        except OSError:
            return False

    def run(self, room):
        """Each worker its load, at the same time."""
        running = [scenarios.load(room, mode, self.ports[name], "-c", 1, "-n",
                                  BYTES, "-m", count,
                                  *(["-p", APART_MS] if mode == "rate"
                                    else []))
                   for name, (_, mode, count) in self.loads.items()]
        for process, (_, _, count) in zip(running, self.loads.values()):
            result = scenarios.finish(process)
            if result["total"] != count or any(result["failed"].values()):
                raise AssertionError(f"not {count}: {result}")
        for name, (_, mode, count) in self.loads.items():
            row = self.daemon.listener(name)
            if row["accepted"] != (count if mode == "rate" else 1):
                raise AssertionError(f"{name}: {row['accepted']} accepted")

    def __exit__(self, *exc):
        self.daemon.stop(60)
        mercury.reap_orphans()

    def out(self, name):
        return os.path.join(self.folder, f"callgrind.out.{self.pids[name]}")

    def total(self, name):
        """All instructions of a worker's life."""
        with open(self.out(name), encoding="utf-8") as f:
            found = re.search(r"^(?:totals|summary): (\d+)", f.read(), re.M)
        return int(found.group(1))

    def functions(self, name, lines):
        done = subprocess.run(
            ["callgrind_annotate", "--threshold=90", self.out(name)],
            capture_output=True, text=True, check=False)
        found = re.findall(r"^ *([\d,]+) \([^)]*\)\s+(.*)$", done.stdout, re.M)
        return [f"{count:>14}  {where}" for count, where in found[:lines]]

    def remove(self):
        shutil.rmtree(self.daemon.dir)


def loads_of(protocol):
    return {f"{protocol}-few": (protocol, "echo", FEW),
            f"{protocol}-messages": (protocol, "echo", MANY),
            f"{protocol}-connections": (protocol, "rate", CONNECTIONS)}


def counts_of(counted, protocol):
    """Per message; and per connection with its accept and its end."""
    few = counted.total(f"{protocol}-few")
    message = ((counted.total(f"{protocol}-messages") - few)
               / (MANY - FEW))
    # The few's own: one connection, and FEW messages.
    connection = ((counted.total(f"{protocol}-connections") - few
                   + (FEW - CONNECTIONS) * message) / (CONNECTIONS - 1))
    return {f"{protocol}, a message": round(message),
            f"{protocol}, a connection": round(connection)}


def measure(functions):
    room = servers.Room()
    protocols = ["echo"] + (["proxy"] if room.proxies else [])
    loads = {}
    for protocol in protocols:
        loads.update(loads_of(protocol))
    counted = Counted(room, loads)
    counts = {}
    try:
        with counted:
            counted.run(room)
        for protocol in protocols:
            counts.update(counts_of(counted, protocol))
        for name in loads if functions else ():
            print(f"{name}, all of its life:")
            print("\n".join(counted.functions(name, 25)))
    except (AssertionError, FileNotFoundError):
        print(counted.daemon.log()[-4000:], file=sys.stderr)
        raise
    finally:
        room.close()
        counted.remove()
    return counts


def too_high(counts, baseline):
    return any(count > baseline.get(name, count) * MORE
               for name, count in counts.items())


def lowest(functions, baseline):
    """What comes in one turn of the event loop is cheaper than in two, and
    that is a matter of time: it only ever adds."""
    counts = measure(functions)
    for _ in range(2):
        if too_high(counts, baseline):
            again = measure(False)
            counts = {name: min(count, again[name])
                      for name, count in counts.items()}
    return counts


def compare(counts, baseline):
    for name, count in counts.items():
        was = baseline.get(name)
        if was is None:
            print(f"{name}: {count} instructions, none recorded")
            continue
        change = 100 * (count / was - 1)
        print(f"{name}: {count} instructions, recorded {was} "
              f"({change:+.1f}%)" + (": TOO MANY" if count > was * MORE else ""))


def record(counts):
    with open(BASELINE, "w", encoding="utf-8") as f:
        json.dump({"holds_for": holds_for(), "counts": counts}, f, indent=1)
        f.write("\n")
    print(f"recorded in {BASELINE}")


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--record", action="store_true")
    p.add_argument("--functions", action="store_true",
                   help="where the instructions went")
    args = p.parse_args()
    if mercury.SANITIZED:
        sys.exit("this build has sanitizers: configure without")
    if shutil.which("valgrind") is None:
        print("skipped: valgrind is not installed")
        return 1 if os.environ.get("MERCURY_ALL_TOOLS") else 77
    bench.prepare()
    if args.record:
        record(lowest(args.functions, {}))
        return 0
    with open(BASELINE, encoding="utf-8") as f:
        baseline = json.load(f)
    counts = lowest(args.functions, baseline["counts"])
    compare(counts, baseline["counts"])
    if too_high(counts, baseline["counts"]) and \
            baseline["holds_for"] == holds_for():
        print("More than 5% above what instructions.json records. Where that "
              "has a good reason:\n"
              '    make bench-instructions BENCH_FLAGS=--record')
        return 1
    for key, was in baseline["holds_for"].items():
        if holds_for()[key] != was:
            print(f"not judged, the record is of another {key}: {was}, here "
                  f"{holds_for()[key]}")
    return 0


sys.exit(main())
