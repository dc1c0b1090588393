"""The commands of supervision: pause, resume, restart-listener, history,
failure-rate, stats, tree and reload --dry-run, as an operator sees them."""

import json
import os
import re
import shutil
import unittest

import mercury
from mercury import (alive, answers, ask, connect, cpu_seconds, kill, refused,
                     wait_until)
from supervising import Holder, wait_state

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
RECORD_KEYS = ["seq", "at", "listener", "type", "slot", "pid", "uptime_ms",
               "reason"]
CHILD_KEYS = ["role", "name", "slot", "generation", "group", "pid", "state",
              "leaving", "restarts", "last_end", "last_reason", "uptime_ms",
              "ready_ms", "memory_kb", "cpu_ms"]
TOTAL_KEYS = ["children", "running", "restarts", "last_end", "last_reason",
              "uptime_ms", "ready_ms", "memory_kb", "cpu_ms"]
NODE_KEYS = ["role", "name", "group", "pid", "state", "generation",
             "leaving", "uptime_ms", "restarts", "memory_bytes", "cpu_ms"]


def table(text):
    """The rows of a table as dictionaries. Only a last cell has two blanks
    in it."""
    titles, *rows = [line.strip() for line in text.splitlines()]
    titles = re.split(r" {2,}", titles)
    return [dict(zip(titles, re.split(r" {2,}", row, len(titles) - 1)))
            for row in rows]


class Case(mercury.TestCase):
    def done(self, d, *args):
        """Run a command that works; what it prints."""
        result = d.ctl(*args)
        self.assertEqual(result.code, 0, (args, result))
        self.assertEqual(result.err, "")
        return result.out

    def done_json(self, d, *args):
        out = self.done(d, "--json", *args)
        self.assertEqual(out.count("\n"), 1)
        return json.loads(out)

    def refusal(self, d, *args):
        """Run a command that the daemon refuses; what it says."""
        result = d.ctl(*args)
        self.assertEqual(result.code, 1, (args, result))
        self.assertEqual(result.out, "")
        self.assertTrue(result.err.startswith("mercuryctl: "), result)
        return result.err


class Pause(Case):
    def test_and_resume(self):
        d = self.started()
        port = d.add("pos")["port"]
        place = f"127.0.0.1:{port} (pool pos, 1 worker)\n"
        for _ in range(2):
            self.assertEqual(self.done(d, "pause", "pos"),
                             f"pos: paused on {place}")
            self.assertTrue(refused(port))
        row = self.done_json(d, "status", "pos")
        self.assertEqual((row["state"], row["queueing"]), ("paused", False))
        for _ in range(2):
            self.assertEqual(self.done(d, "resume", "pos"),
                             f"pos: listening on {place}")
            self.assertTrue(answers(port))
        row = self.done_json(d, "status", "pos")
        self.assertIsNone(row["queueing"])
        self.assertIsNone(row["retry_in_ms"])

    def test_queue(self):
        d = self.started()
        port = d.add("pos")["port"]
        row = self.done_json(d, "pause", "pos", "--queue")
        self.assertEqual((row["state"], row["queueing"]), ("paused", True))
        self.assertEqual(row, {**d.listener("pos"), "workers": row["workers"]})
        with connect(port) as waiting:
            waiting.sendall(b"ping")
            self.assertIn("paused (queue)", self.done(d, "status"))
            self.assertRegex(self.done(d, "status", "pos"),
                             r"(?m)^state +paused \(queue\)$")
            self.done(d, "resume", "pos")
            self.assertEqual(mercury.receive(waiting, 4), b"ping")

    def test_unknown(self):
        d = self.started()
        for args in (["pause", "x"], ["pause", "x", "--queue"],
                     ["resume", "x"], ["restart-listener", "x"],
                     ["history", "x"], ["failure-rate", "x"]):
            self.assertEqual(self.refusal(d, *args),
                             "mercuryctl: there is no listener named x\n")


class Restart(Case):
    def test_one(self):
        d = self.started()
        port = d.add("pos", workers=2)["port"]
        other = d.add("gps")["workers"][0]["pid"]
        old = d.workers("pos")
        self.assertEqual(
            self.done(d, "restart-listener", "pos"),
            f"pos: listening on 127.0.0.1:{port} (pool pos, 2 workers)\n")
        self.assertTrue(answers(port))
        self.assertFalse(set(old) & set(d.workers("pos")))
        self.assertEqual(d.listener("pos")["generation"], 2)
        self.assertEqual(d.workers("gps"), [other])

    def test_all(self):
        d = self.started()
        old = [d.add(name)["workers"][0]["pid"] for name in ("a", "b")]
        status = self.done_json(d, "restart-listener", "--all")
        self.assertEqual([l["generation"] for l in status["listeners"]],
                         [2, 2])
        self.assertEqual(set(status), set(d.status()))
        out = self.done(d, "restart-listener", "--all")
        self.assertIn("mercuryd ", out)
        self.assertEqual(out.count(" listening "), 2, out)
        wait_until(lambda: not any(map(alive, old)), "the old ones are gone")

    def test_deadline(self):
        """The old workers' connections are cut at the deadline."""
        d = self.started()
        port = d.add("pos", drain_timeout="1h")["port"]
        old = d.workers("pos")[0]
        with connect(port) as s:
            self.assertEqual(ask(s, b"ping"), b"ping")
            self.done(d, "restart-listener", "pos", "--deadline", "500ms")
            wait_until(lambda: not alive(old), "it is gone")
        self.assertTrue(answers(port))

    def test_brings_back_what_has_failed(self):
        d = self.started()
        port = d.add("pos", max_restarts=0)["port"]
        kill(d.workers("pos")[0])
        wait_state(d, "pos", "failed")
        out = self.done(d, "status")
        self.assertRegex(out, r"(?m)^pos +failed +127\.0\.0\.1:")
        self.assertRegex(out, r"(?m)^pos: failed: .*restarts")
        for args in (["pause", "pos"], ["resume", "pos"]):
            self.assertIn("restart-listener", self.refusal(d, *args))
        self.done(d, "restart-listener", "pos")
        self.assertTrue(answers(port))


class Retrying(Case):
    def test_it_shows(self):
        """At boot, for one that is not required."""
        with Holder() as holder:
            d = self.daemon(mercury.listener(
                "pos", port=holder.port, required=False, bind_backoff="1h",
                bind_backoff_max="1h"))
            d.start(wait=False)
            wait_until(lambda: os.path.exists(d.control), "it is there")
            row = wait_state(d, "pos", "retrying")
            self.assertEqual(row["bind_attempts"], 1)
            self.assertGreater(row["retry_in_ms"], 3000000)
            self.assertIsNone(row["queueing"])
            out = self.done(d, "status")
            self.assertRegex(out, r"(?m)^pos +retrying \(attempt 1, "
                             r"next in (1h|5\dm)\d\d[ms]\) +127\.0\.0\.1:")
            self.assertRegex(out, r"(?m)^pos: retrying: .*in use")

    def test_a_wait_that_is_too_long(self):
        """add-listener gives up waiting; the daemon goes on."""
        with Holder() as holder:
            d = self.started()
            result = d.ctl("--timeout", "300ms", "add-listener", "pos",
                           "address=127.0.0.1", f"port={holder.port}",
                           "protocol=echo", "workers=1", "bind_backoff=500ms",
                           "bind_attempts=100", "bind_backoff_max=500ms")
            self.assertEqual(result.code, 4, result)
            self.assertIn("it goes on", result.err)
            self.assertEqual(d.listener("pos")["state"], "retrying")
            port = holder.port
            holder.leave()
            wait_state(d, "pos", "listening")
            self.assertTrue(answers(port))

    def test_in_use_at_last(self):
        with Holder() as holder:
            d = self.started()
            text = self.refusal(
                d, "add-listener", "pos", "address=127.0.0.1",
                f"port={holder.port}", "protocol=echo", "bind_attempts=2",
                "bind_backoff=20ms")
            self.assertIn(f"127.0.0.1:{holder.port} is in use", text)
            self.assertIsNone(d.listener("pos"))


class History(Case):
    def test_records(self):
        d = self.started()
        d.add("pos")
        d.add("gps")
        pid = d.workers("pos")[0]
        d.kill_worker("pos")
        self.done(d, "pause", "pos")
        records = self.done_json(d, "history", "pos")["records"]
        for r in records:
            self.assertEqual(list(r), RECORD_KEYS)
            self.assertRegex(r["at"], TIME)
            self.assertEqual(r["listener"], "pos")
        numbers = [r["seq"] for r in records]
        self.assertEqual(numbers, sorted(set(numbers)))
        types = [r["type"] for r in records]
        self.assertEqual(types[0], "listener.added")
        self.assertEqual(types[-1], "listener.paused")
        crash = records[types.index("worker.crashed")]
        self.assertEqual((crash["slot"], crash["pid"]), (0, pid))
        self.assertIsInstance(crash["uptime_ms"], int)
        self.assertIn("SIGKILL", crash["reason"])
        added = records[0]
        self.assertEqual((added["slot"], added["pid"], added["uptime_ms"]),
                         (None, None, None))

    def test_of_all_in_order(self):
        d = self.started()
        for name in ("b", "a"):
            d.add(name)
        self.done(d, "pause", "b")
        records = self.done_json(d, "history")["records"]
        numbers = [r["seq"] for r in records]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertEqual({r["listener"] for r in records}, {"a", "b"})
        self.assertEqual(records[-1]["type"], "listener.paused")

    def test_a_shared_pool(self):
        d = self.started()
        for name in ("a", "b", "c"):
            d.add(name, pool="p")
        d.kill_worker("b")
        records = self.done_json(d, "history")["records"]
        self.assertEqual(
            [r["type"] for r in records].count("worker.crashed"), 1)
        for name in ("a", "b", "c"):
            records = self.done_json(d, "history", name)["records"]
            self.assertEqual({r["listener"] for r in records}, {name})
            self.assertIn("worker.crashed", [r["type"] for r in records])

    def test_table(self):
        d = self.started()
        self.assertEqual(self.done(d, "history"), "nothing has happened\n")
        d.add("pos")
        d.kill_worker("pos")
        rows = table(self.done(d, "history", "pos"))
        crash = [r for r in rows if r["EVENT"] == "worker.crashed"]
        self.assertEqual(len(crash), 1, rows)
        self.assertEqual(crash[0]["LISTENER"], "pos")
        self.assertEqual(crash[0]["SLOT"], "0")
        self.assertIn("SIGKILL", crash[0]["REASON"])


class FailureRate(Case):
    def test_window(self):
        d = self.started()
        d.add("pos")
        d.add("gps")
        for _ in range(3):
            d.kill_worker("pos")
        rate = self.done_json(d, "failure-rate")
        self.assertEqual(rate, {"window_ms": 60000, "listeners": [
            {"name": "gps", "failures": 0, "per_minute": 0},
            {"name": "pos", "failures": 3, "per_minute": 3}]})
        rate = self.done_json(d, "failure-rate", "pos", "--window", "6m")
        self.assertEqual(rate, {"window_ms": 360000, "listeners": [
            {"name": "pos", "failures": 3, "per_minute": 0.5}]})
        wait_until(lambda: self.done_json(
            d, "failure-rate", "pos", "--window", "1s")["listeners"][0]
            ["failures"] == 0, "the window has moved on")
        out = self.done(d, "failure-rate", "--window", "2m")
        head, _, rest = out.partition("\n")
        self.assertIn("2m00s", head)
        self.assertIn({"NAME": "pos", "FAILURES": "3", "PER MINUTE": "1.5"},
                      table(rest))

    def test_what_is_asked_for_is_no_failure(self):
        d = self.started()
        d.add("pos")
        self.done(d, "restart-listener", "pos")
        self.done(d, "pause", "pos")
        self.done(d, "resume", "pos")
        rate = self.done_json(d, "failure-rate", "pos")
        self.assertEqual(rate["listeners"][0]["failures"], 0)


class Stats(Case):
    def test_children_and_total(self):
        d = self.started()
        d.add("pos", workers=2)
        d.kill_worker("pos")
        stats = self.done_json(d, "stats")
        self.assertEqual(list(stats), ["children", "total"])
        self.assertEqual(list(stats["total"]), TOTAL_KEYS)
        control, store, first, second = stats["children"]
        for child in stats["children"]:
            self.assertEqual(list(child), CHILD_KEYS)
            self.assertEqual(child["state"], "running")
            self.assertGreater(child["memory_kb"], 100)
            self.assertGreaterEqual(child["cpu_ms"], 0)
            self.assertLess(child["ready_ms"], mercury.DEADLINE * 1000)
            self.assertFalse(child["leaving"])
        self.assertEqual(control["role"], "control")
        self.assertIsNone(control["slot"])
        self.assertIsNone(control["generation"])
        self.assertEqual(store["role"], "store")
        self.assertEqual([first["pid"], second["pid"]], d.workers("pos"))
        self.assertEqual((first["role"], first["name"], first["slot"]),
                         ("worker", "pos", 0))
        self.assertEqual((first["restarts"], second["restarts"]), (1, 0))
        self.assertRegex(first["last_end"], TIME)
        self.assertIn("SIGKILL", first["last_reason"])
        self.assertIsNone(second["last_end"])
        total = stats["total"]
        self.assertEqual((total["children"], total["running"]), (4, 4))
        self.assertEqual(total["restarts"], 1)
        self.assertEqual(total["last_end"], first["last_end"])
        self.assertEqual(total["memory_kb"], sum(
            child["memory_kb"] for child in stats["children"]))

    def test_table(self):
        d = self.started()
        d.add("pos")
        d.kill_worker("pos")
        rows = {r["PROCESS"]: r for r in table(self.done(d, "stats"))}
        self.assertEqual(set(rows), {"control", "store", "pos/0",
                                     "total of 3"})
        self.assertEqual(rows["pos/0"]["RESTARTS"], "1")
        self.assertIn("SIGKILL", rows["pos/0"]["REASON"])
        self.assertEqual(rows["total of 3"]["STATE"], "3 running")


class Tree(Case):
    def nodes(self, node):
        yield node
        for child in node.get("children", []):
            yield from self.nodes(child)

    def test_keys_and_cpu(self):
        d = self.started()
        port = d.add("pos")["port"]
        worker = d.workers("pos")[0]
        with connect(port) as s:
            data = b"x" * 65536
            while cpu_seconds(worker) == 0:
                self.assertEqual(ask(s, data), data)
        tree = self.done_json(d, "tree")
        nodes = list(self.nodes(tree))
        self.assertEqual([n["role"] for n in nodes],
                         ["supervisor", "control", "store", "pool", "worker"])
        for node in nodes:
            self.assertEqual([k for k in node if k != "children"], NODE_KEYS)
            self.assertGreater(node["memory_bytes"], 100000)
            self.assertIsNone(node["group"])
        self.assertEqual(nodes[4]["pid"], worker)
        self.assertGreater(nodes[4]["cpu_ms"], 0)
        self.assertEqual(nodes[3]["cpu_ms"], nodes[4]["cpu_ms"])
        self.assertEqual([n["generation"] for n in nodes],
                         [None, None, None, 1, 1])

    def test_two_generations(self):
        d = self.started()
        port = d.add("pos")["port"]
        old = d.workers("pos")[0]
        with connect(port) as s:
            self.assertEqual(ask(s, b"ping"), b"ping")
            self.done(d, "restart-listener", "pos")
            workers = [n for n in self.nodes(self.done_json(d, "tree"))
                       if n["role"] == "worker"]
            self.assertEqual(
                [(n["generation"], n["leaving"]) for n in workers],
                [(2, False), (1, True)])
            self.assertEqual(workers[1]["pid"], old)
            rows = [r for r in table(self.done(d, "tree"))
                    if r["ROLE"] == "worker"]
            self.assertEqual([(r["STATE"], r["GEN"]) for r in rows],
                             [("running", "2"), ("stopping", "1")])
        wait_until(lambda: not alive(old), "it has drained")
        self.assertEqual(len(self.done_json(d, "stats")["children"]), 3)


class DryRun(Case):
    def test_plan(self):
        port = mercury.free_port()
        d = self.started(mercury.listener("keep", port=port) +
                         mercury.listener("more", workers=1) +
                         mercury.listener("gone"))
        pids = {name: d.workers(name) for name in ("keep", "more", "gone")}
        d.write(mercury.listener("keep", port=port) +
                mercury.listener("more", workers=2) +
                mercury.listener("new"))
        plan = self.done_json(d, "reload", "--dry-run")
        self.assertEqual(list(plan), ["plan", "unchanged"])
        self.assertEqual({p["name"]: p["action"] for p in plan["plan"]},
                         {"more": "restart", "new": "add", "gone": "remove"})
        self.assertEqual(plan["unchanged"], 1)
        out = self.done(d, "reload", "--dry-run")
        self.assertRegex(out, r"(?m)^gone  remove$")
        self.assertTrue(out.endswith("3 to change, 1 unchanged\n"), out)
        self.assertEqual(pids, {name: d.workers(name) for name in pids})
        self.assertIsNone(d.listener("new"))
        self.done(d, "reload")
        self.assertEqual(self.done_json(d, "reload", "--dry-run")["plan"], [])

    def test_nothing_to_do(self):
        d = self.started(mercury.listener("a"))
        self.assertEqual(self.done(d, "reload", "--dry-run"),
                         "0 to change, 1 unchanged\n")

    def test_an_error(self):
        d = self.started(mercury.listener("a"))
        d.write(mercury.listener("a") + "nonsense\n")
        self.assertRegex(self.refusal(d, "reload", "--dry-run"),
                         r"mercury\.conf:\d+: ")
        d.write("")


class Update(Case):
    def test_options_of_the_pool(self):
        d = self.started()
        d.add("pos")
        pids = d.workers("pos")
        self.done(d, "update-listener", "pos", "max_restarts=0",
                  "restart=transient", "hang_timeout=20s")
        self.assertEqual(d.workers("pos"), pids)
        kill(pids[0])
        wait_state(d, "pos", "failed")

    def test_what_makes_no_sense(self):
        d = self.started()
        d.add("pos")
        for option in ("max_restarts=-1", "restart=sometimes",
                       "hang_timeout=1ms", "max_seconds=0"):
            self.assertIn(option.partition("=")[0], self.refusal(
                d, "update-listener", "pos", option))


class Readers(Case):
    def test_they_may_look_only(self):
        if not mercury.ROOT:
            raise unittest.SkipTest("needs two users")
        d = self.started(mercury.listener("pos"), control_readers="daemon")
        folder = self.scratch()
        command = os.path.join(folder, "mercuryctl")
        shutil.copy(mercury.binary("mercuryctl"), command)
        reader = ["setpriv", "--reuid=12345", "--regid=12345", "--groups=1",
                  command, "-s", d.control]
        for args in (["history"], ["history", "pos"], ["failure-rate"],
                     ["stats"], ["tree"], ["status"]):
            result = mercury.run(reader + args)
            self.assertEqual(result.code, 0, (args, result))
        for args in (["pause", "pos"], ["resume", "pos"],
                     ["restart-listener", "pos"],
                     ["restart-listener", "--all"], ["reload"],
                     ["reload", "--dry-run"]):
            result = mercury.run(reader + args)
            self.assertEqual(result.code, 1, (args, result))
            self.assertIn("may only look", result.err)
        self.assertEqual(d.listener("pos")["generation"], 1)


if __name__ == "__main__":
    mercury.main()
