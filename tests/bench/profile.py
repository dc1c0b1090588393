"""Where a server's time goes: for each load and server its system calls per
message or connection, by strace, and the parts of its CPU time that the kernel,
libraries and its own code take, by perf. What the kernel does is the same for
all who ask it the same things.

    MERCURY_BUILDDIR=. python3 -B tests/bench/profile.py [NAME...]

NAME is that of a scenario of make bench; the first below by default. As root,
with Debian's strace and linux-perf. One machine's noise changes neither the
calls nor, by much, the parts.
"""

import collections
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import bench
import scenarios
import servers
from mercury import wait_until

NAMES = ("echo-rate", "echo-64", "echo-bulk-1", "proxy-rate", "proxy-64",
         "proxy-bulk-1")
COUNT, BULK_COUNT = 20000, 1000  # messages or connections under strace
SECONDS = 3  # under perf
CALL = re.compile(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", re.M)
PART = re.compile(r"^ *([\d.]+)% +(\S+)", re.M)


def run(room, scenario, port, *how):
    result = scenarios.finish(scenarios.load(
        room, scenario.mode, port, *scenario.args, *how))
    if any(result["failed"].values()):
        raise AssertionError(f"{scenario.title}: {result}")
    return result["total"]


def attached(tool, pids):
    """Does it trace them all?"""
    def tracer(pid):
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            return int(re.search(r"TracerPid:\s+(\d+)", f.read()).group(1))
    return all(tracer(pid) == tool.pid for pid in pids)


def calls(room, scenario, server, port, folder):
    """{name: calls per message or connection}, and their sum."""
    out = os.path.join(folder, "calls")
    pids = [str(pid) for pid in server.pids()]
    tool = subprocess.Popen(["strace", "-f", "-c", "-U",
                             "time-percent,total-time,avg-time,calls,name",
                             "-o", out, "-p", ",".join(pids)],
                            stderr=subprocess.DEVNULL)
    wait_until(lambda: attached(tool, pids), "strace has attached")
    count = BULK_COUNT if "bulk" in scenario.key else COUNT
    total = run(room, scenario, port, "-m", count, "-w", 0)
    tool.send_signal(signal.SIGINT)
    tool.wait(20)
    with open(out, encoding="ascii") as f:
        found = collections.Counter(
            {name: int(n) / total for n, name in CALL.findall(f.read())})
    found.pop("total", None)
    return found


def parts(room, scenario, server, port, folder):
    """{kernel, libraries, own}: parts of its CPU time, of 1."""
    out = os.path.join(folder, "perf")
    tool = subprocess.Popen(
        ["perf", "record", "-q", "-e", "cpu-clock", "-F", "1999", "-o", out,
         "-p", ",".join(str(pid) for pid in server.pids())],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run(room, scenario, port, "-s", SECONDS)
    tool.send_signal(signal.SIGINT)
    tool.wait(20)
    text = subprocess.run(
        ["perf", "report", "-q", "--stdio", "--sort", "dso", "-i", out],
        capture_output=True, text=True, check=True).stdout
    found = collections.Counter()
    for percent, name in PART.findall(text):
        kind = "kernel" if name in ("[kernel.kallsyms]", "[unknown]") else \
            "libraries" if re.search(r"\.so|\[vdso\]", name) else "own"
        found[kind] += float(percent) / 100
    return found


def profile(room, scenario, server, port):
    folder = tempfile.mkdtemp(prefix="mercury-profile-")
    try:
        time_of = parts(room, scenario, server, port, folder)
        found = calls(room, scenario, server, port, folder)
    finally:
        shutil.rmtree(folder)
    most = ", ".join(f"{name} {n:.2f}" for name, n in found.most_common(7)
                     if n >= 0.01)
    print(f"| {scenario.title} | {server.name} | {sum(found.values()):.2f} | "
          f"{most} | {100 * time_of['kernel']:.0f}% | "
          f"{100 * time_of['libraries']:.0f}% | {100 * time_of['own']:.0f}% |",
          flush=True)


def main():
    wanted = sys.argv[1:] or NAMES
    bench.prepare()
    room = servers.Room()
    kinds = [servers.Mercury, *scenarios.REFERENCES,
             *(k for k in scenarios.PEERS if k.there())]
    group = []
    print("| what | server | system calls | of them | kernel | libraries | "
          "own code |\n" + "| --- " * 7 + "|")
    try:
        for kind in kinds:
            server = kind(room)
            group.append(server)
            server.start()
        for scenario in scenarios.LOADS:
            if scenario.key in wanted:
                for server, port in scenario.contenders(group).values():
                    profile(room, scenario, server, port)
    finally:
        for server in group:
            server.stop()
        room.close()


main()
