"""What the store does when the database can't be written: it says so, keeps
what it can, and goes on by itself when the trouble is over."""

import os
import re
import sqlite3
import subprocess
import time
import unittest

import mercury
from mercury import NOBODY, ROOT, wait_until
from store_alone import StoreTest

HEADER = 100  # bytes at the start of a database
PAGE = 4096


class StoreTrouble(StoreTest):
    def tmpfs(self, size):
        path = self.scratch()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size},mode=777", "tmpfs",
             path], check=False, capture_output=True, text=True)
        if done.returncode != 0:
            self.skipTest("can't mount: " + done.stderr.strip())
        self.addCleanup(subprocess.run, ["umount", "--lazy", path], check=True)
        return path

    @staticmethod
    def fill(path):
        """A file that takes all the room there is. Returns its name."""
        name = os.path.join(path, "filler")
        with open(name, "wb", buffering=0) as f:
            for size in (1 << 16, PAGE):
                try:
                    while f.write(b"x" * size) == size:
                        pass
                except OSError:
                    pass
        return name

    def aside(self, s):
        """The names of what was set aside."""
        folder = os.path.dirname(s.database)
        return sorted(n for n in os.listdir(folder)
                      if re.search(r"\.corrupt-\d{8}T\d{9}Z$", n))

    @staticmethod
    def overwrite(s, start=0):
        """All of the database from start on, and nothing in its log."""
        path = s.database
        db = s.connect()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.close()
        size = os.path.getsize(path)
        with open(path, "r+b") as f:
            f.seek(start)
            f.write(b"\xa5" * (size - start))

    def test_locked_by_another_program(self):
        s = self.store()
        s.send(1)
        s.wait_settled(1)
        other = s.connect()
        other.execute("BEGIN IMMEDIATE")
        s.send(5000)
        why = s.wait_trouble("locked")
        self.assertIn(s.database, why)
        self.assertEqual(s.figures()["settled"], 1)
        other.execute("COMMIT")
        s.wait_settled(5001)
        s.wait_trouble("none")
        self.assertEqual(s.counted(), list(range(1, 5002)))
        self.assertEqual(s.figures()["dropped"], 0)

    def test_a_lock_of_a_moment_is_no_trouble(self):
        s = self.store()
        s.send(1)
        s.wait_settled(1)
        other = s.connect()
        other.execute("BEGIN IMMEDIATE")
        s.send(1000)
        wait_until(lambda: s.figures()["taken"] == 1001, "taken")
        other.execute("COMMIT")
        s.wait_settled(1001)
        self.assertEqual(s.lines("trouble"), [])

    def test_stopped_while_it_is_locked(self):
        s = self.store()
        s.send(1)
        s.wait_settled(1)
        other = s.connect()
        other.execute("BEGIN IMMEDIATE")
        s.send(25000)
        wait_until(lambda: s.figures()["taken"] >= 20000, "taken")
        began = time.monotonic()
        s.say("stop")
        s.expect("exit 0")
        self.assertLess(time.monotonic() - began, 3)
        self.assertIn("25000 events are lost", s.log())
        self.assertEqual(s.figures()["dropped"], 25000)
        other.close()
        self.assertEqual(s.counted(), [1])

    def test_full_disk(self):
        folder = self.tmpfs("3m")
        s = self.store(os.path.join(folder, "health.db"))
        s.send(1)
        s.wait_settled(1)
        self.assertTrue(os.path.exists(s.database + ".ballast"))
        filler = self.fill(folder)
        s.send(8000)
        why = s.wait_trouble("disk_full")
        self.assertIn("free some space", why)
        self.assertFalse(os.path.exists(s.database + ".ballast"))
        self.assertEqual(s.check(), "ok")
        os.unlink(filler)
        s.wait_trouble("none")
        s.wait_settled(8001)
        self.assertEqual(s.counted(), list(range(1, 8002)))
        self.assertEqual(s.stop(), "exit 0")
        self.assertEqual(s.check(), "ok")

    def test_full_of_its_own_events(self):
        """What the cleanup may delete makes room for what comes."""
        for size in ("2m", "4m", "8m"):
            with self.subTest(size=size):
                folder = self.tmpfs(size)
                s = self.store(os.path.join(folder, "health.db"), "-m",
                               "2000")
                sent = 0
                while s.figures()["pruned"] < 50000:
                    s.send(5000)
                    sent += 5000
                    # It may be full several times, each for a second.
                    s.wait_settled(sent, 2 * mercury.DEADLINE)
                self.assertEqual(s.figures()["dropped"], 0)
                self.assertEqual(s.check(), "ok")

    def test_started_on_a_full_disk(self):
        folder = self.tmpfs("1m")
        filler = self.fill(folder)
        s = self.store(os.path.join(folder, "health.db"))
        s.wait_trouble("disk_full")
        s.send(10)
        os.unlink(filler)
        s.wait_settled(10)
        s.wait_trouble("none")
        self.assertEqual(s.counted(), list(range(1, 11)))

    def test_the_ballast_comes_back(self):
        folder = self.tmpfs("16m")  # room for all, and twice the ballast
        s = self.store(os.path.join(folder, "health.db"))
        s.send(1)
        s.wait_settled(1)
        filler = self.fill(folder)
        s.send(8000)
        s.wait_trouble("disk_full")
        os.unlink(filler)
        s.wait_settled(8001)
        wait_until(lambda: os.path.exists(s.database + ".ballast"),
                   "the ballast", 30)

    def test_overwritten_while_it_runs(self):
        s = self.store()
        s.send(3000)
        s.wait_settled(3000)
        self.overwrite(s, PAGE)
        s.send(20000)
        wait_until(lambda: self.aside(s), "it is set aside")
        s.send(1)
        s.wait_settled(23002)
        rows = s.rows()
        recovered = [r for r in rows if r["type"] == "store.recovered"]
        self.assertEqual([r["detail"]["file"] for r in recovered],
                         self.aside(s))
        self.assertEqual(recovered[0]["severity"], "warning")
        self.assertGreater(rows[0]["id"], 3000)
        self.assertEqual(s.counted()[-1], 23001)
        self.assertEqual(s.check(), "ok")
        self.assertEqual(s.trouble(), "none")

    def test_overwritten_before_it_starts(self):
        s = self.store()
        s.send(3000)
        s.wait_settled(3000)
        self.assertEqual(s.stop(), "exit 0")
        self.overwrite(s, HEADER)
        s = self.store(s.database)
        s.send(10)
        s.wait_settled(11)
        self.assertEqual(len(self.aside(s)), 1)
        self.assertEqual(len(s.rows()), 11)

    def test_no_database_at_all(self):
        path = os.path.join(self.scratch(), "health.db")
        with open(path, "w") as f:
            f.write("this is a letter to my mother\n" * 100)
        s = self.store(path)
        s.send(10)
        s.wait_settled(11)
        (name,) = self.aside(s)
        with open(os.path.join(os.path.dirname(path), name)) as f:
            self.assertIn("mother", f.read())
        self.assertIn(name, s.log())

    def test_a_disk_that_always_corrupts_is_left_alone(self):
        s = self.store()
        for n in range(1, 4):
            s.send(1)
            s.wait_settled(2 * n - 1)
            self.overwrite(s, HEADER)
            s.send(1)
            wait_until(lambda n=n: len(self.aside(s)) == n, "set aside")
        s.wait_settled(7)
        self.overwrite(s, HEADER)
        s.send(1)
        why = s.wait_trouble("corrupt")
        self.assertIn("check the disk", why)
        self.assertEqual(len(self.aside(s)), 3)

    def test_newer(self):
        path = os.path.join(self.scratch(), "health.db")
        db = sqlite3.connect(path)
        db.execute("CREATE TABLE of_the_future(x)")
        db.execute("PRAGMA user_version=2")
        db.close()
        with open(path, "rb") as f:
            before = f.read()
        s = self.store(path)
        s.send(1)
        s.wait_trouble("newer")
        with open(path, "rb") as f:
            self.assertEqual(f.read(), before)
        os.unlink(path)
        s.wait_settled(1)
        s.wait_trouble("none")

    def test_a_database_of_something_else(self):
        path = os.path.join(self.scratch(), "health.db")
        db = sqlite3.connect(path)
        db.execute("CREATE TABLE bookmarks(x)")
        db.close()
        s = self.store(path)
        why = s.wait_trouble("unavailable")
        self.assertIn("network_health_events", why)

    def test_deleted_under_it(self):
        s = self.store()
        s.send(10)
        s.wait_settled(10)
        for suffix in ("", "-wal", "-shm"):
            os.unlink(s.database + suffix)
        s.send(10)
        s.wait_settled(20)
        self.assertEqual(s.counted(), list(range(11, 21)))
        self.assertEqual([r["id"] for r in s.rows()][0], 11)

    def test_another_file_put_in_its_place(self):
        s = self.store()
        s.send(10)
        s.wait_settled(10)
        copy = s.database + ".copy"
        db = s.connect()
        db.execute("VACUUM INTO ?", (copy,))
        db.close()
        db = sqlite3.connect(copy)
        db.execute("DELETE FROM network_health_events WHERE id < 10")
        db.commit()
        db.execute("VACUUM")
        db.close()
        s.send(3000)
        s.wait_settled(3010)
        os.rename(copy, s.database)
        s.send(10)
        s.wait_settled(3020)
        self.assertEqual(s.counted(), [10, *range(3011, 3021)])
        self.assertEqual(s.check(), "ok")

    def test_the_table_dropped_by_hand(self):
        s = self.store()
        s.send(1)
        s.wait_settled(1)
        db = s.connect()
        db.execute("DROP TABLE network_health_events")
        db.close()
        s.send(1)
        s.wait_settled(2)
        s.wait_trouble("none")
        self.assertEqual([r["id"] for r in s.rows()], [2])

    def test_a_row_that_is_refused_takes_the_others_back(self):
        """And the database is not kept locked by what was begun."""
        s = self.store()
        s.send(1)
        s.wait_settled(1)
        db = s.connect()
        db.execute("CREATE TRIGGER by_hand BEFORE INSERT ON "
                   "network_health_events WHEN NEW.reason = '4' BEGIN "
                   "SELECT RAISE(ABORT, 'no fours'); END")
        s.send(4)
        self.assertIn("no fours", s.wait_trouble("unavailable"))
        self.assertEqual(s.counted(), [1])
        db.execute("DROP TRIGGER by_hand")
        db.close()
        s.wait_settled(5)
        s.wait_trouble("none")
        for line in s.lines("trouble unavailable"):
            self.assertIn("no fours", line)
        self.assertEqual(s.counted(), [1, 2, 3, 4, 5])
        self.assertEqual([row["id"] for row in s.rows()], [1, 2, 3, 4, 5])

    def test_a_folder_that_is_not_there(self):
        folder = os.path.join(self.scratch(), "later")
        s = self.store(os.path.join(folder, "health.db"))
        s.wait_trouble("unavailable")
        s.send(1)
        os.mkdir(folder)
        s.wait_settled(1)
        s.wait_trouble("none")

    @unittest.skipUnless(ROOT, "needs root")
    def test_a_folder_that_it_may_not_write(self):
        folder = self.scratch()
        os.chmod(folder, 0o755)
        s = self.store(os.path.join(folder, "health.db"), "-u",
                       str(NOBODY.pw_uid))
        s.wait_trouble("read_only")
        s.send(10)
        os.chmod(folder, 0o777)
        s.wait_settled(10)
        s.wait_trouble("none")

    @unittest.skipUnless(ROOT, "needs root")
    def test_a_file_that_it_may_not_write(self):
        s = self.store()
        s.send(1)
        s.wait_settled(1)
        self.assertEqual(s.stop(), "exit 0")
        os.chmod(s.database, 0o444)
        os.chmod(s.database + ".lock", 0o666)
        s = self.store(s.database, "-u", str(NOBODY.pw_uid))
        s.wait_trouble("read_only")
        s.send(1)
        os.chmod(s.database, 0o666)
        s.wait_settled(1)
        self.assertEqual(len(s.rows()), 2)

    @unittest.skipUnless(ROOT, "needs root")
    def test_a_read_only_file_system(self):
        folder = self.tmpfs("3m")
        subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
        s = self.store(os.path.join(folder, "health.db"))
        s.wait_trouble("read_only")
        s.send(1)
        subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
        s.wait_settled(1)
        s.wait_trouble("none")

    def test_a_table_made_by_hand_is_taken_over(self):
        path = os.path.join(self.scratch(), "health.db")
        db = sqlite3.connect(path)
        db.execute("CREATE TABLE network_health_events(id INTEGER PRIMARY "
                   "KEY, at_ms INTEGER NOT NULL, type TEXT NOT NULL, severity "
                   "TEXT NOT NULL, listener TEXT, reason TEXT)")
        db.execute("INSERT INTO network_health_events VALUES(7, 1, 'old.one', "
                   "'info', 'pos', NULL)")
        db.commit()
        db.close()
        s = self.store(path)
        s.send(1)
        s.wait_settled(1)
        db = s.connect()
        self.assertEqual(db.execute(
            "SELECT id, type, listener, detail FROM network_health_events "
            "ORDER BY id").fetchall(),
            [(7, "old.one", "pos", None),
             (8, "worker.started", "pos", '{"pid":4242}')])
        self.assertEqual(db.execute("PRAGMA user_version").fetchone(), (1,))
        self.assertEqual(db.execute("PRAGMA auto_vacuum").fetchone(), (2,))
        db.close()


if __name__ == "__main__":
    mercury.main()
