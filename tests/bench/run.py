"""Benchmarks of mercuryd beside its peers and the reference servers.

    make bench [BENCH_FLAGS="--rounds 3 --only echo-64,proxy-*"]

Nothing that is missing here is a failure: it is said that it wasn't measured.
"""

import argparse
import fnmatch
import os
import sys
import time

import bench
import chart
import machine
import mercury
import report
import scenarios
import servers


def arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--rounds", type=int, default=15)
    p.add_argument("--only", default="*", metavar="NAME,...",
                   help="scenarios by name, * and ? stand for anything")
    p.add_argument("--quick", action="store_true",
                   help="see that everything works, in a few seconds each")
    p.add_argument("--list", action="store_true", help="names of scenarios")
    p.add_argument("--output", default="bench-results", metavar="FOLDER")
    p.add_argument("--record", action="store_true",
                   help="write the figures into BENCHMARKS.md and doc/")
    args = p.parse_args()
    if args.quick:
        args.rounds = 1
    if args.record and (args.quick or args.only != "*"):
        p.error("only a whole run is recorded")
    return args


def chosen(args, all_):
    patterns = args.only.split(",")
    return [s for s in all_
            if any(fnmatch.fnmatch(s.key, p) for p in patterns)]


class Run:
    """Measurements, as they come."""

    def __init__(self, args, room):
        self.args, self.room = args, room
        self.measured = {}  # scenario key: contender: metric: values
        self.not_measured = []
        self.failed = False  # something that should have been measured

    def take(self, scenario, name, how):
        """One measurement; a failure is told, and ends nothing else."""
        try:
            figures = how()
        except AssertionError as e:
            self.failed = True
            self.not_measured.append(
                f"{name}, {scenario.title}: {str(e).splitlines()[0]}")
            print(f"  {scenario.key}, {name}: FAILED: {e}", flush=True)
            return
        of = self.measured.setdefault(scenario.key, {}).setdefault(name, {})
        for metric, value in figures.items():
            of.setdefault(metric, []).append(value)
        print(f"  {scenario.key}, {name}: " + ", ".join(
            f"{m} {report.number(v)}" for m, v in figures.items()),
            flush=True)

    def loads(self, picked):
        """Loads on servers that all run, one at work at a time."""
        if not picked:
            return
        kinds = [servers.Mercury, *scenarios.REFERENCES,
                 *(k for k in scenarios.PEERS if k.there())]
        group = []
        try:
            for kind in kinds:
                self.join(group, kind(self.room))
            for turn in range(self.args.rounds):
                print(f"round {turn + 1} of {self.args.rounds}", flush=True)
                for scenario in picked:
                    self.one_load(scenario, group, turn)
        finally:
            for server in group:
                server.stop()

    def join(self, group, server):
        """A peer that doesn't start here is one that isn't measured."""
        group.append(server)
        try:
            server.start()
        except AssertionError as e:
            if isinstance(server, servers.Mercury):
                raise
            self.not_measured.append(f"{server.name}: {e}".strip())
            server.ports = {}

    @staticmethod
    def in_turn(contenders, turn):
        """Each time another one begins."""
        first = turn % len(contenders) if contenders else 0
        return contenders[first:] + contenders[:first]

    def one_load(self, scenario, group, turn):
        found = list(scenario.contenders(group).items())
        if "Mercury" not in dict(found):
            self.skip(scenario)
        for name, contender in self.in_turn(found, turn):
            self.take(scenario, name, lambda: scenario.measure(
                self.room, contender, self.args.quick))

    def skip(self, scenario):
        what = f"Mercury, {scenario.title}: this build hasn't the protocol"
        if what not in self.not_measured:
            self.not_measured.append(what)

    def specials(self, picked):
        for turn in range(min(self.args.rounds, 3) if picked else 0):
            print(f"servers of their own, round {turn + 1}", flush=True)
            for scenario in picked:
                kinds = scenarios.kinds(scenario, self.room)
                if servers.Mercury not in kinds:
                    self.skip(scenario)
                for kind in self.in_turn(kinds, turn):
                    self.take(scenario, kind.name, lambda: scenario.measure(
                        self.room, kind, self.args.quick))

    def results(self, all_):
        return [(s, self.measured[s.key]) for s in all_
                if s.key in self.measured]


def outcome(args, run, all_, others):
    return {
        "date": time.strftime("%Y-%m-%d"), "rounds": args.rounds,
        "quick": args.quick, "machine": machine.description(),
        "versions": machine.versions(), "others": others,
        "not_measured": run.not_measured + [
            f"{kind.name}: not installed" for kind in scenarios.PEERS
            if not kind.there()],
        "rows": report.rows(run.results(all_), judged=not args.quick)}


def write(args, result):
    os.makedirs(args.output, exist_ok=True)
    folders = [args.output]
    if args.record:
        folders.append(os.path.join(mercury.SOURCE_DIR, "doc"))
        report.rewrite(os.path.join(mercury.SOURCE_DIR, "BENCHMARKS.md"),
                       result)
    for folder in folders:
        report.write_json(os.path.join(folder, "benchmarks.json"), result)
        with open(os.path.join(folder, "benchmarks.svg"), "w",
                  encoding="utf-8") as f:
            f.write(chart.chart(result))
    if result["quick"]:
        print("\nA quick run shows that all of it works; its figures are no "
              "figures,\nand no goals are held against them.")
    print("\n" + report.plain(result["rows"]) + "\n")
    for what in result["not_measured"]:
        print("not measured:", what)
    for what in report.conditions(result):
        print(what)
    print(f"written: {args.output}/benchmarks.json, benchmarks.svg")


def main():
    args = arguments()
    all_ = scenarios.LOADS + scenarios.SPECIALS
    if args.list:
        print("\n".join(f"{s.key:20} {s.title}" for s in all_))
        return 0
    if mercury.SANITIZED:
        sys.exit("make bench: this build has sanitizers; configure without")
    if "-O2" not in machine.build_flags() and not args.quick:
        print("warning: this build was not made with -O2", file=sys.stderr)
    bench.prepare()
    picked = chosen(args, all_)
    room = servers.Room()
    others = machine.Others()
    run = Run(args, room)
    try:
        run.loads([s for s in picked if s in scenarios.LOADS])
        run.specials([s for s in picked if s in scenarios.SPECIALS])
    finally:
        room.close()
    result = outcome(args, run, picked, others.share())
    write(args, result)
    return 1 if run.failed else 0


sys.exit(main())
