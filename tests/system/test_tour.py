"""README.md: its tour, run as a reader would, prints what it shows; and what
it names is there."""

import difflib
import json
import os
import re
import signal
import subprocess
import unittest

import mercury
from mercury import wait_until

PAGES = ("README.md", "BENCHMARKS.md", "CONTRIBUTING.md", "SECURITY.md",
         "contrib/modules/README.md")
FIRST = 7007  # the quickstart's port, and the tour's

# What looks and changes nothing: it may be asked until it has changed.
LOOKS = re.compile(r"mercuryctl (status|tree|history|events|upstreams)\b|curl ")

# What is another one each time, with what stands for it.
VOLATILE = (
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
    (r"\b(pid[= ])\d+", r"\1PID"),
    (r"\b\d+(\.\d+)? [KMG]iB\b", "MEMORY"),
    (r"\b(\d+h)?(\d+m)?\d+(\.\d+)?m?s\b", "DURATION"),
    (r"\b\d+ ms\b", "DURATION"),
    (r"\b\d+ events written", "EVENTS events written"),
    (r"(?<=[a-z]_ms=)\d+", "MS"),
    (r"[ \t]+", " "),
)
# The process id of a row: its first number of two digits or more.
ROW_PID = re.compile(r"(?<= )\d{2,}(?= )")


def source(path):
    return os.path.join(mercury.SOURCE_DIR, path)


def read(path):
    with open(source(path)) as f:
        return f.read()


def section(title):
    """The text below a title of README.md, up to the next one."""
    return re.search(rf"^## {title}\n(.*?)(?=^## )", read("README.md"),
                     re.MULTILINE | re.DOTALL).group(1)


def steps(text):
    """The commands of its consoles, each with the lines that it prints."""
    found = []
    for console in re.findall(r"^```console\n(.*?)^```$", text,
                              re.MULTILINE | re.DOTALL):
        for line in console.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def steady(lines):
    """Lines without what is another one each time."""
    kept = []
    for line in lines:
        for pattern, word in VOLATILE:
            line = re.sub(pattern, word, line)
        kept.append(ROW_PID.sub("PID", line.rstrip(), count=1))
    return kept


def difference(wanted, got):
    """What is wrong with the lines that came; empty if nothing."""
    return "\n".join(difflib.unified_diff(
        steady(wanted), steady(got), "README.md", "printed", lineterm=""))


class Tour(mercury.TestCase):
    timeout = 3 * mercury.TEST_TIMEOUT

    def setUp(self):
        super().setUp()
        self.ports = {port: mercury.free_port()
                      for port in range(FIRST, FIRST + 10)}

    def with_ports(self, text):
        """Text with our ports in the place of the tour's."""
        return re.sub(r"\b70\d\d\b",
                      lambda m: str(self.ports[int(m.group())]), text)

    def environment(self):
        env = {k: v for k, v in os.environ.items()
               if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "DESTDIR",
                            "MERCURY_SOCKET")}
        env.update(QUICKSTART_BUILD=mercury.BUILD_DIR, TMPDIR="/tmp",
                   QUICKSTART_PORT=str(self.ports[FIRST]),
                   QUICKSTART_HTTP=str(self.ports[FIRST + 1]))
        return env

    def quickstart(self):
        """Run it; the line that it says to type."""
        path = os.path.join(self.scratch(), "out")

        def output():
            with open(path) as f:
                return f.read()

        with open(path, "wb") as out:
            p = subprocess.Popen(["sh", source("contrib/quickstart.sh")],
                                 env=self.environment(), stdout=out,
                                 stderr=out, stdin=subprocess.DEVNULL,
                                 start_new_session=True)
        mercury.Daemon.started_pids.add(p.pid)
        self.addCleanup(p.wait)
        self.addCleanup(mercury.kill, p.pid, signal.SIGTERM)
        wait_until(lambda: "Ctrl-C" in output() or p.poll() is not None,
                   "it says what to type", mercury.TEST_TIMEOUT)
        self.assertIsNone(p.poll(), output())
        return re.search(r"^    (\. /tmp/\S+/env)$", output(),
                         re.MULTILINE).group(1)

    def run_one(self, first, command):
        result = subprocess.run(
            ["bash", "-c", f"{first}\n{self.with_ports(command)}"],
            env=self.environment(), cwd="/", stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=mercury.TEST_TIMEOUT)
        return result.stdout.splitlines()

    def follow(self, first, command, wanted):
        """Run a command of the tour, and compare."""
        got = []

        def same():
            got[:] = self.run_one(first, command)
            return not difference(wanted, got)

        try:
            if LOOKS.match(command):
                wait_until(same, command)
            elif not same():
                raise AssertionError(command)
        except AssertionError:
            self.fail(f"$ {command}\n{difference(wanted, got)}")

    def test_as_the_readme_says(self):
        for name in ("nc", "openssl", "curl"):
            mercury.need_tool(self, name)
        first = self.quickstart()
        for command, lines in steps(section("A five minute tour")):
            wanted = self.with_ports("\n".join(lines)).splitlines()
            self.follow(first, command, wanted)


class Comparison(unittest.TestCase):
    """A tour that is not true must not pass."""

    def test_what_may_differ(self):
        for wanted, got in (
                ("is running: pid 4242, up 12s", "is running: pid 7, up 1m03s"),
                ("  echo/0  worker  -  4711  running  1  12s  0  2.1 MiB  0ms",
                 " echo/0 worker - 123456 running 1 1ms 0 12.4 MiB 10ms"),
                ("2026-11-21T22:50:16.798Z  echo", "1999-01-01T00:00:00.1Z echo"),
                ("store: running, 6 events written",
                 "store: running, 17 events written")):
            self.assertEqual(difference([wanted], [got]), "")

    def test_what_may_not(self):
        for wanted, got in (
                ("hello", "hullo"), ("hello", ""),
                ("echo listening 127.0.0.1:7007", "echo retrying 127.0.0.1:7007"),
                ("on 127.0.0.1:7007", "on 127.0.0.1:7008"),
                ("echo/0 worker - 4711 running 1 12s 0 2.1 MiB 0ms",
                 "echo/0 worker - 4711 running 1 12s 1 2.1 MiB 0ms")):
            self.assertNotEqual(difference([wanted], [got]), "", got)
        self.assertNotEqual(difference(["a", "b"], ["a"]), "")
        self.assertNotEqual(difference([], ["a"]), "")

    def test_the_tour_is_there(self):
        found = steps(section("A five minute tour"))
        self.assertGreater(len(found), 15)
        self.assertGreater(sum(bool(lines) for _, lines in found),
                           len(found) / 2)


def anchors(text):
    """What the titles of a page are called in links."""
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-")
            for t in titles}


class Pages(unittest.TestCase):
    """What the pages name is there."""

    def test_links(self):
        for page in PAGES:
            text = read(page)
            folder = os.path.dirname(page)
            links = re.findall(r"\]\(([^)\s]+)\)", text)
            links += re.findall(r"^\[\w+\]: (\S+)$", text, re.MULTILINE)
            for link in links:
                with self.subTest(page=page, link=link):
                    self.check(folder, text, link)

    def check(self, folder, text, link):
        if re.match(r"https?://", link):
            self.assertTrue(link.startswith("https://"), "not in clear")
            return
        path, _, fragment = link.partition("#")
        if path:
            path = os.path.join(folder, path)
            self.assertTrue(os.path.exists(source(path)), path)
            text = read(path) if fragment else ""
        if fragment:
            self.assertIn(fragment, anchors(text))

    def test_references(self):
        """[x1] of a table is said where it leads, and the other way round."""
        text = read("README.md")
        self.assertEqual(set(re.findall(r"\[\[(\w+)\]\]", text)),
                         set(re.findall(r"^\[(\w+)\]: ", text, re.MULTILINE)))

    def test_figures(self):
        """Those of the table are those of doc/benchmarks.json, about."""
        rows = {row["scenario"] + "/" + row["metric"]: row["contenders"]
                for row in json.loads(read("doc/benchmarks.json"))["rows"]}
        line = re.search(r"^\| Memory for an idle connection.*$",
                         read("README.md"), re.MULTILINE).group()
        cells = [c.strip() for c in line.strip("|").split("|")][1:]
        for cell, name in zip(cells, ("Mercury", "HAProxy", "nginx")):
            kinds = ("idle-echo", "idle-proxy", "idle-tls")
            for kind, figure in zip(kinds, cell.split(",")):
                number = re.match(r"\s*([\d.]+) (k?)B", figure)
                if number:
                    said = float(number[1]) * (1000 if number[2] else 1)
                    got = next(v[name]["median"] for k, v in rows.items()
                               if k.startswith(kind + "/"))
                    self.assertAlmostEqual(said / got, 1, delta=0.25,
                                           msg=f"{name}, {kind}: {got}")


if __name__ == "__main__":
    mercury.main()
