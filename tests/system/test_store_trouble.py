"""What a store meets on a bad day: serving goes on, status says what is
wrong, and recording resumes by itself."""

import os
import shutil
import signal
import sqlite3
import subprocess
import unittest

import mercury
from mercury import (RpcError, alive, answers, free_port, kill, listener,
                     wait_until)
from supervising import Storm
from storing import (database, intact, query, rows, store_status,
                     wait_rows)


def store_section(path, **options):
    body = "".join(f"  {k} = {mercury.text(v)}\n"
                   for k, v in {"database": path, **options}.items())
    return f"store {{\n{body}}}\n"


def has_trouble(d, word):
    store = store_status(d)
    return store and store["trouble"] == word and store


def wait_trouble(d, word):
    return wait_until(lambda: has_trouble(d, word),
                      f"the store says {word}, not {store_status(d)}")


def wait_well(d):
    def well():
        store = store_status(d)
        return (store and store["state"] == "running"
                and store["trouble"] is None)
    wait_until(well, f"the store is well, not {store_status(d)}", 20)


def make_events(d, count=1):
    """Two events for each time."""
    for _ in range(count):
        d.call("listener.pause", name="pos", queue=True)
        d.call("listener.resume", name="pos")


class Shell:
    """A real sqlite3 that holds what it was told to take."""

    def __init__(self, test, path, *commands):
        self.process = subprocess.Popen(
            ["sqlite3", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        mercury.Daemon.started_pids.add(self.process.pid)
        test.addCleanup(self.end)
        for command in (*commands, ".print held"):
            self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        while True:
            line = self.process.stdout.readline()
            if not line or line == "held\n":
                break
            if "error" in line.lower():
                raise AssertionError(line)

    def end(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.stdout.read()
            self.process.wait(mercury.DEADLINE)
        self.process.stdout.close()


class Locks(mercury.TestCase):
    def held(self, *commands):
        d = self.started(listener("pos"))
        wait_rows(d, "daemon.ready")
        shell = Shell(self, database(d), *commands)
        make_events(d)
        store = wait_trouble(d, "locked")
        self.assertEqual(store["state"], "degraded")
        self.assertIn("locked", store["error"])
        self.assertTrue(answers(d.port("pos")))
        shell.end()
        wait_rows(d, "listener.resumed")
        wait_well(d)

    def test_a_write_transaction(self):
        self.held("BEGIN IMMEDIATE;")

    def test_the_whole_file_before_it_starts(self):
        d = self.started(listener("pos"))
        d.stop()
        shell = Shell(self, database(d), "PRAGMA locking_mode=EXCLUSIVE;",
                      "BEGIN EXCLUSIVE;", "PRAGMA user_version = 1;")
        d.start()
        wait_trouble(d, "locked")
        self.assertTrue(answers(d.port("pos")))
        shell.end()
        wait_rows(d, "daemon.ready", count=2)
        wait_well(d)

    def test_a_reader_for_minutes(self):
        d = self.started(listener("pos", record_connections=True))
        wait_rows(d, "daemon.ready")
        shell = Shell(self, database(d), "BEGIN;",
                      "SELECT count(*) FROM network_health_events;")
        storm = Storm(d.port("pos"))
        self.addCleanup(storm.stop)
        wait_until(lambda: store_status(d)["wal_held_ms"] > 0
                   and store_status(d)["wal_bytes"] > 1 << 20,
                   "status tells of the reader", 40)
        storm.stop()
        self.assertEqual(store_status(d)["state"], "running")
        self.assertEqual(store_status(d)["dropped"], 0)
        shell.end()
        wait_until(lambda: store_status(d)["wal_held_ms"] == 0,
                   "nobody reads any more", 20)

    def test_another_mercuryd(self):
        d = self.started(listener("pos"))
        wait_rows(d, "daemon.ready")
        other = self.started(store_section(database(d)) + listener("pos"))
        store = wait_trouble(other, "locked")
        self.assertIn(str(d.child("mercury-store")), store["error"])
        self.assertTrue(answers(other.port("pos")))
        d.stop()
        wait_until(lambda: any(r["detail"].get("pid") == other.pid
                               for r in rows(d, "daemon.started")),
                   "the other one writes")
        wait_well(other)


@unittest.skipUnless(mercury.ROOT, "only root may mount a file system")
class FullDisk(mercury.TestCase):
    def tmpfs(self, size):
        path = self.scratch()
        subprocess.run(["mount", "-t", "tmpfs", "-o",
                        f"size={size},mode=777", "tmpfs", path], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", path], check=True)
        return path

    @staticmethod
    def fill(path):
        with open(path, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"x" * 4096)
            except OSError:
                pass

    def fill_by_others(self, size):
        """A daemon that writes onto a disk that others fill."""
        disk = self.tmpfs(size)
        path = os.path.join(disk, "health.db")
        d = self.started(store_section(path) +
                         listener("pos", record_connections=True))
        wait_until(lambda: (store_status(d) or {}).get("events", 0) > 0,
                   "it writes")
        wait_until(lambda: os.path.exists(path + ".ballast"), "a ballast")
        self.fill(os.path.join(disk, "others"))
        return d, disk, path

    def connect_until(self, d, condition, what):
        port = d.port("pos")

        def step():
            for _ in range(50):
                answers(port)
            return condition()
        wait_until(step, what, mercury.DEADLINE * 3)

    def test_serving_goes_on_and_recording_resumes(self):
        d, disk, path = self.fill_by_others("4m")
        self.connect_until(d, lambda: has_trouble(d, "disk_full"),
                           "the disk is full")
        wait_until(lambda: not os.path.exists(path + ".ballast"),
                   "the ballast is given back")
        store = store_status(d)
        self.assertEqual(store["state"], "degraded")
        self.assertIn("full", store["error"])
        self.assertTrue(answers(d.port("pos")))
        os.unlink(os.path.join(disk, "others"))
        wait_well(d)
        before = len(query(d, "SELECT id FROM network_health_events",
                           path=path))
        self.connect_until(
            d, lambda: len(query(d, "SELECT id FROM network_health_events",
                                 path=path)) > before, "it writes again")
        wait_until(lambda: os.path.exists(path + ".ballast"),
                   "there is a ballast again", 30)
        d.stop()
        self.assertTrue(intact(path))

    def test_the_ballast_is_given_back(self):
        """A full disk does not stop recording at once."""
        d, _, path = self.fill_by_others("8m")
        before = store_status(d)["events"]
        self.connect_until(d, lambda: not os.path.exists(path + ".ballast"),
                           "the ballast is given back")
        self.connect_until(
            d, lambda: store_status(d)["events"] > before + 200,
            "it goes on with the room of the ballast")

    def test_it_ends_with_a_full_disk(self):
        d, _, path = self.fill_by_others("4m")
        self.connect_until(d, lambda: has_trouble(d, "disk_full"),
                           "the disk is full")
        self.assertEqual(d.stop(), 0)
        self.assertTrue(intact(path))


class Files(mercury.TestCase):
    @unittest.skipUnless(mercury.ROOT, "needs a file of somebody else")
    def test_a_read_only_file(self):
        d = self.started(listener("pos"))
        wait_rows(d, "daemon.ready")
        d.stop()
        for name in os.listdir(d.state):
            os.chown(os.path.join(d.state, name), 0, 0)
            os.chmod(os.path.join(d.state, name), 0o444)
        os.chmod(d.state, 0o555)
        os.chown(d.state, 0, 0)
        d.start()
        store = wait_until(
            lambda: has_trouble(d, "read_only") or
            has_trouble(d, "unavailable"), "it can't write")
        self.assertEqual(store["state"], "degraded")
        self.assertIn("health.db", store["error"])
        self.assertTrue(answers(d.port("pos")))
        self.assertEqual(len(rows(d, "daemon.ready")), 1)
        for name in ["."] + os.listdir(d.state):
            path = os.path.join(d.state, name)
            os.chown(path, mercury.NOBODY.pw_uid, mercury.NOBODY.pw_gid)
            os.chmod(path, 0o755 if name == "." else 0o644)
        wait_rows(d, "daemon.ready", count=2)
        wait_well(d)

    def spoiled(self, d):
        """The files that were set aside."""
        return [n for n in os.listdir(d.state)
                if n.startswith("health.db.corrupt-")
                and not n.endswith("-wal")]

    def test_a_file_that_is_no_database(self):
        d = self.daemon(listener("pos"))
        os.mkdir(d.state)
        os.chmod(d.state, 0o777)
        with open(database(d), "wb") as f:
            f.write(b"this is not a database\n" * 1000)
        os.chmod(database(d), 0o666)
        d.start()
        recovered = wait_rows(d, "store.recovered")[0]
        self.assertEqual(recovered["severity"], "warning")
        aside = os.path.basename(recovered["detail"]["file"])
        self.assertEqual(self.spoiled(d), [aside])
        with open(os.path.join(d.state, aside), "rb") as f:
            self.assertTrue(f.read().startswith(b"this is not a database\n"))
        wait_rows(d, "daemon.ready")
        wait_well(d)

    def test_torn_pages(self):
        d = self.started(listener("pos", record_connections=True))
        port = d.port("pos")
        for _ in range(500):
            answers(port)
        wait_rows(d, "connection.closed", count=500)
        last = max(r["id"] for r in rows(d))
        old = d.child("mercury-store")
        kill(old)
        query(d, "PRAGMA wal_checkpoint(TRUNCATE)")
        with open(database(d), "r+b") as f:
            f.seek(4096)
            f.write(os.urandom(8 * 4096))
        self.assertTrue(answers(port))
        wait_until(lambda: self.spoiled(d), "it is set aside", 20)
        recovered = wait_rows(d, "store.recovered")[0]
        self.assertGreater(recovered["id"], last)
        make_events(d)
        wait_rows(d, "listener.resumed")
        wait_well(d)
        self.assertTrue(intact(database(d)))

    def test_deleted_under_it(self):
        d = self.started(listener("pos"))
        wait_rows(d, "daemon.ready")
        for name in os.listdir(d.state):
            if name.startswith("health.db") and ".lock" not in name:
                os.unlink(os.path.join(d.state, name))
        make_events(d)

        def there():
            make_events(d)
            try:
                return rows(d, "listener.resumed")
            except sqlite3.OperationalError:
                return None
        wait_until(there, "a new database is begun")
        wait_well(d)

    def refused(self, prepare, word):
        d = self.daemon(listener("pos"))
        os.mkdir(d.state)
        os.chmod(d.state, 0o777)
        db = sqlite3.connect(database(d))
        prepare(db)
        db.commit()
        db.close()
        os.chmod(database(d), 0o666)
        with open(database(d), "rb") as f:
            before = f.read()
        d.start()
        wait_trouble(d, word)
        self.assertTrue(answers(d.port("pos")))
        d.stop()
        with open(database(d), "rb") as f:
            self.assertEqual(f.read(), before)
        return d

    def test_a_newer_schema(self):
        def prepare(db):
            db.execute("CREATE TABLE network_health_events (id INTEGER)")
            db.execute("PRAGMA user_version = 99")
        d = self.refused(prepare, "newer")
        self.assertRegex(d.log(), "99")

    def test_a_database_of_somebody_else(self):
        self.refused(lambda db: db.execute("CREATE TABLE precious (x)"),
                     "unavailable")

    def test_an_older_schema_is_migrated(self):
        d = self.daemon(listener("pos"))
        os.mkdir(d.state)
        os.chmod(d.state, 0o777)
        db = sqlite3.connect(database(d))
        db.execute("CREATE TABLE network_health_events (id INTEGER PRIMARY "
                   "KEY, at_ms INTEGER NOT NULL, type TEXT NOT NULL, severity"
                   " TEXT NOT NULL, listener TEXT, peer TEXT, reason TEXT, "
                   "detail TEXT)")
        db.execute("INSERT INTO network_health_events VALUES (41, "
                   "4102444800000, 'daemon.ready', 'info', NULL, NULL, "
                   "'by hand', NULL)")
        db.commit()
        db.close()
        os.chmod(database(d), 0o666)
        d.start()
        wait_rows(d, "daemon.ready", count=2)
        self.assertEqual(query(d, "PRAGMA user_version"), [(1,)])
        self.assertEqual([r["reason"] for r in rows(d) if r["id"] == 41],
                         ["by hand"])
        self.assertEqual(min(r["id"] for r in rows(d, "daemon.started")), 42)


class Process(mercury.TestCase):
    def test_a_stopped_store_makes_nobody_wait(self):
        d = self.started(listener("pos", record_connections=True) +
                         listener("other"))
        wait_rows(d, "daemon.ready")
        pid = d.child("mercury-store")
        kill(pid, signal.SIGSTOP)
        port = d.port("pos")
        for _ in range(200):
            self.assertTrue(answers(port))
        make_events(d)
        d.kill_worker("other")
        kill(pid, signal.SIGCONT)
        wait_rows(d, "connection.opened", count=200)
        wait_rows(d, "worker.crashed")
        self.assertEqual(store_status(d)["dropped"], 0)

    def test_one_that_keeps_dying(self):
        """Each event is written once, or counted."""
        d = self.started(listener("pos", record_connections=True))
        port = d.port("pos")
        made = 0
        for _ in range(5):
            old = d.child("mercury-store")
            for _ in range(100):
                answers(port)
                made += 1
            kill(old)
            wait_until(lambda: not alive(old), "it is dead")
            wait_until(lambda: (store_status(d) or {})["state"] == "running",
                       "another one runs")
        wait_until(lambda: d.listener("pos")["connections"] == 0, "all end")
        d.stop()
        written = len(rows(d, "connection.opened")) + len(
            rows(d, "connection.closed"))
        lost = sum(r["detail"]["count"] for r in rows(d, "store.dropped"))
        self.assertLessEqual(written, 2 * made)
        self.assertGreaterEqual(written + lost, 2 * made)
        self.assertTrue(intact(database(d)))

    def test_what_a_dead_worker_had_said_outlives_the_store(self):
        d = self.started(listener("pos", record_connections=True))
        wait_rows(d, "daemon.ready")

        def descriptors():
            return len(os.listdir(f"/proc/{d.pid}/fd"))

        store, worker = d.child("mercury-store"), d.workers("pos")[0]
        before = descriptors()
        kill(store, signal.SIGSTOP)
        for _ in range(20):
            self.assertTrue(answers(d.port("pos")))
        d.call("listener.restart", name="pos")
        wait_until(lambda: not alive(worker), "the worker has ended")
        kill(store)
        wait_rows(d, "connection.closed", count=20)
        self.assertEqual(len(rows(d, "connection.opened")), 20)
        wait_until(lambda: descriptors() <= before,
                   "what is read is forgotten")

    def test_the_next_one_answers_control(self):
        d = self.started(listener("pos"))
        wait_rows(d, "daemon.ready")
        for name in ("mercury-store", "mercury-control"):
            old = d.child(name)
            kill(old)
            wait_until(lambda: not alive(old), "it is dead")

            def answers_again():
                try:
                    return d.call("events.query", limit=5)["events"]
                except (OSError, RpcError):
                    return None
            wait_until(answers_again, f"events without the old {name}")

    def test_a_shutdown_while_it_is_down(self):
        """It comes back to write how it all ended."""
        d = self.started(listener("pos"))
        wait_rows(d, "daemon.ready")

        def waits():
            store = store_status(d)
            if store["state"] != "running":
                return store["state"] == "backoff" and store["restarts"] > 3
            kill(store["pid"])
            wait_until(lambda: store_status(d)["pid"] != store["pid"],
                       "its end is seen")
            return False
        wait_until(waits, "it is not started again at once", 20)
        self.assertEqual(d.stop(), 0)
        self.assertEqual(rows(d)[-1]["type"], "daemon.stopped")

    def test_one_that_dies_just_before_a_shutdown(self):
        for _ in range(5):
            d = self.started(listener("pos"))
            wait_rows(d, "daemon.ready")
            kill(d.child("mercury-store"))
            d.stop()
            self.assertEqual(len(rows(d, "daemon.stopped")), 1)
            self.assertNotIn("stray", d.log())

    def test_without_a_store(self):
        d = self.started(store_section("") + listener("pos"))
        self.assertIsNone(d.status()["store"])
        self.assertTrue(answers(d.port("pos")))
        self.assertNotIn("mercury-store",
                         [mercury.comm(p) for p in d.tree()])
        result = d.ctl("events")
        self.assertEqual(result.code, 1)
        self.assertIn("store", result.err)
        self.assertFalse(os.path.exists(database(d)))

    def test_an_orphan_writes_what_it_was_sent_and_ends(self):
        d = self.started(listener("pos", record_connections=True))
        wait_rows(d, "daemon.ready")
        store = d.child("mercury-store")
        for _ in range(50):
            answers(d.port("pos"))
        wait_until(lambda: d.listener("pos")["accepted"] == 50, "accepted")
        family = d.tree()
        kill(d.pid)
        wait_until(lambda: not any(alive(p) for p in family), "all end", 20)
        d.wait()
        self.assertFalse(alive(store))
        self.assertEqual(len(rows(d, "connection.opened")), 50)
        d.start()
        wait_rows(d, "daemon.ready", count=2)


if __name__ == "__main__":
    mercury.main()
