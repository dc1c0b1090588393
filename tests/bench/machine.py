"""What the benchmarks know about the machine: what it is, what the processes
of a server use of it, and what everything else took meanwhile."""

import os
import platform
import re
import resource
import shutil
import subprocess

import bench  # noqa: F401 (for the path of mercury)
import mercury

TICKS = os.sysconf("SC_CLK_TCK")


def first_line(argv, pattern=r"(.*)"):
    """What a program says of itself; None where it isn't there."""
    if shutil.which(argv[0]) is None and not os.path.exists(argv[0]):
        return None
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30,
                          check=False)
    found = re.search(pattern, done.stdout + done.stderr)
    return found.group(1).strip() if found else None


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        info = dict(re.findall(r"^([\w ]+?)\s*: (.*)$", f.read(), re.M))
    return info.get("model name") or platform.machine()


def memory_mb():
    with open("/proc/meminfo", encoding="utf-8") as f:
        return int(re.search(r"MemTotal:\s+(\d+)", f.read()).group(1)) // 1024


def build_flags():
    """CFLAGS of the build that is measured."""
    path = os.path.join(mercury.BUILD_DIR, "Makefile")
    with open(path, encoding="utf-8") as f:
        found = re.search(r"^CFLAGS = (.*)$", f.read(), re.M)
    return found.group(1) if found else ""


def commit():
    """The commit that is measured, with + where files were changed."""
    git = ["git", "-C", mercury.SOURCE_DIR]
    if not os.path.exists(os.path.join(mercury.SOURCE_DIR, ".git")):
        return None
    name = first_line(git + ["rev-parse", "--short=10", "HEAD"])
    changed = subprocess.run(git + ["diff", "--quiet", "HEAD"], check=False)
    return name + ("+" if changed.returncode else "") if name else None


def versions():
    """Of everything that a figure may depend on; None: not here."""
    return {
        "mercury": first_line([mercury.binary("mercuryd"), "-V"],
                              r"(\d\S*)"),
        "commit": commit(),
        "CFLAGS": build_flags(),
        "gcc": first_line(["gcc", "--version"], r"\) (\S+)"),
        "libc": " ".join(platform.libc_ver()),
        "openssl": first_line(["openssl", "version"], r"OpenSSL (\S+)"),
        "haproxy": first_line(["haproxy", "-v"], r"version (\S+)"),
        "nginx": first_line(["nginx", "-v"], r"nginx/(\S+)"),
        "python": platform.python_version(),
    }


def description():
    return {
        "cpu": cpu_name(), "cpus": os.cpu_count(), "memory_mb": memory_mb(),
        "kernel": f"{platform.system()} {platform.release()}",
        "system": first_line(["sh", "-c", ". /etc/os-release; "
                              "echo \"$PRETTY_NAME\""]),
    }


def cpus():
    """CPUs for the servers and for the load: two halves, or all for both."""
    all_of_them = sorted(os.sched_getaffinity(0))
    if len(all_of_them) < 4:
        return all_of_them, all_of_them
    half = len(all_of_them) // 2
    return all_of_them[:half], all_of_them[half:]


def on(some):
    """For subprocess: start it on some CPUs only."""
    return lambda: os.sched_setaffinity(0, some)


def tasks_ns(pid):
    """CPU time of a process, all its threads, in nanoseconds."""
    total = 0
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat",
                      encoding="ascii") as f:
                total += int(f.read().split()[0])
    except (FileNotFoundError, ProcessLookupError):
        pass
    return total


def cpu_s(pids):
    return sum(tasks_ns(pid) for pid in pids) / 1e9


def rollup(pid, *names):
    """Bytes of these lines of smaps_rollup; 0 for one that has ended."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
            return sum(int(line.split()[1]) * 1024 for line in f
                       if line.partition(":")[0] in names)
    except (FileNotFoundError, ProcessLookupError):
        return 0


def anonymous(pids):
    """Memory of their own in user space."""
    return sum(rollup(pid, "Anonymous") for pid in pids)


def pss(pids):
    """All memory, what is shared divided by who shares it."""
    return sum(rollup(pid, "Pss") for pid in pids)


def sockets(pids):
    """How many sockets these processes have open."""
    count = 0
    for pid in pids:
        try:
            with os.scandir(f"/proc/{pid}/fd") as entries:
                count += sum(os.readlink(e.path).startswith("socket:")
                             for e in entries)
        except (FileNotFoundError, ProcessLookupError):
            pass
    return count


def hears(pid, number):
    """Has it a handler for that signal, and does not block it?"""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        masks = dict(re.findall(r"^(Sig(?:Blk|Cgt)):\s*(\w+)$", f.read(), re.M))
    bit = 1 << (number - 1)
    return bool(int(masks["SigCgt"], 16) & ~int(masks["SigBlk"], 16) & bit)


class Others:
    """What share of the CPUs went to processes that aren't ours."""

    def __init__(self):
        self.began = self._busy(), self._ours(), self._all()

    @staticmethod
    def _times():
        with open("/proc/stat", encoding="ascii") as f:
            return [int(n) / TICKS for n in f.readline().split()[1:9]]

    def _all(self):
        return sum(self._times())

    def _busy(self):
        times = self._times()
        return sum(times) - times[3] - times[4]  # idle, iowait

    @staticmethod
    def _ours():
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        pids = mercury.descendants(os.getpid()) | {os.getpid()}
        return cpu_s(pids) + ended.ru_utime + ended.ru_stime

    def share(self):
        busy, ours, all_ = (now - then for now, then in zip(
            (self._busy(), self._ours(), self._all()), self.began))
        return max(0.0, (busy - ours) / all_) if all_ > 0 else 0.0
