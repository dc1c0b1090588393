"""The store by itself: what it records, and that it loses nothing when it
stops, is killed, or is left alone."""

import os
import sqlite3
import subprocess
import time

import mercury
from mercury import SANITIZED, wait_until
from store_alone import StoreTest

LOAD = 2000 if SANITIZED else 20000  # events a second that are no burden


class StoreWriting(StoreTest):
    def test_an_event_becomes_a_row(self):
        s = self.store()
        before = int(time.time() * 1000)
        s.send(2)
        s.wait_settled(2)
        first, second = s.rows()
        self.assertEqual(
            {**first, "at_ms": 0},
            {"id": 1, "at_ms": 0, "type": "worker.started",
             "severity": "info", "listener": "pos", "peer": None,
             "reason": "1", "detail": {"pid": 4242}})
        self.assertEqual(second["id"], 2)
        self.assertTrue(before <= first["at_ms"] <= time.time() * 1000)
        self.assertEqual(s.stop(), "exit 0")

    def test_everybody_may_look_while_it_writes(self):
        s = self.store()
        s.send(1)
        s.wait_settled(1)
        reader = s.connect()
        reader.execute("BEGIN")
        self.assertEqual(reader.execute(
            "SELECT count(*) FROM network_health_events").fetchone(), (1,))
        s.send(3000)
        s.wait_settled(3001)
        self.assertEqual(s.trouble(), "none")
        reader.close()

    def test_a_reader_that_stays_is_told_of(self):
        s = self.store()
        s.send(1)
        s.wait_settled(1)
        reader = s.connect()
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM network_health_events").fetchall()

        def held():
            s.send(4000)
            return s.figures()["wal_held_ms"]
        wait_until(held, "the log is held")
        wait_until(lambda: s.figures()["wal_bytes"] > 1 << 20, "its size")
        reader.close()
        wait_until(lambda: s.figures()["wal_held_ms"] == 0, "it is free")

    def test_what_was_sent_before_the_stop_is_written(self):
        s = self.store()
        s.expect("ready")
        s.send(30000)
        s.say("stop")
        s.expect("exit 0")
        self.assertEqual(s.counted(), list(range(1, 30001)))
        self.assertFalse(os.path.exists(s.database + "-wal"))
        self.assertEqual(s.stop(), "exit 0")

    def test_what_was_sent_before_the_supervisor_died_is_written(self):
        s = self.store(None, "-o", "1500")
        s.expect("ready")
        s.send(20000)
        s.say("hangup")
        s.expect("exit 0")
        self.assertEqual(s.counted(), list(range(1, 20001)))

    def test_an_orphan_takes_what_workers_send_but_not_for_long(self):
        s = self.store(None, "-o", "1000")
        s.expect("ready")
        s.say(f"load 2 {LOAD // 10} 20 4")
        s.wait_settled(1)
        began = time.monotonic()
        s.say("hangup")
        s.expect("exit 0")
        self.assertGreater(time.monotonic() - began, 0.9)
        self.assertEqual(s.check(), "ok")

    def test_killed_in_the_middle_of_batches(self):
        s = self.store()
        s.expect("ready")
        s.say(f"load 4 {LOAD} {LOAD // 20} 4")
        for n in range(1, 7):
            start = s.figures()["events"]
            wait_until(lambda: s.figures()["events"] > start + 100, "goes on")
            written = s.figures()["events"]
            s.say("kill")
            s.expect("signal", n)
            self.assertEqual(s.check(), "ok")
            self.assertGreaterEqual(s.count(), written)
            s.say("start")
            s.expect("ready", n + 1)
        wait_until(lambda: s.lines("load"), "the load ends", 40)
        self.assertEqual(s.stop(), "exit 0")
        self.assertEqual(s.check(), "ok")
        told = sum(row["detail"]["count"]
                   for row in s.rows("type = 'store.dropped'"))
        sent = self._of(s.lines("load")[0], "sent")
        written = s.count("type LIKE 'connection.%'")
        self.assertLessEqual(written, sent)
        # What told of a loss may have been lost, too, and been counted.
        self.assertGreaterEqual(written + told, sent)

    def test_killed_in_the_middle_of_a_cleanup(self):
        s = self.store()
        s.send(1)
        s.wait_settled(1)
        self.assertEqual(s.stop(), "exit 0")
        old = 50000 if SANITIZED else 200000
        db = sqlite3.connect(s.database)
        db.executemany(
            "INSERT INTO network_health_events(id, at_ms, type, severity) "
            "VALUES(?, 1, 'old.one', 'info')",
            ((n,) for n in range(2, old + 2)))
        db.commit()
        db.close()
        s = self.store(s.database, "-c", "100")
        for n in range(1, 4):
            start = s.figures()["pruned"]
            wait_until(lambda: s.figures()["pruned"] > start or
                       s.count("type = 'old.one'") == 0, "it prunes")
            s.send(100)
            s.wait_settled(s.figures()["settled"] + 100)
            s.say("kill")
            s.expect("signal", n)
            self.assertEqual(s.check(), "ok")
            self.assertEqual(s.counted(), [1, *range(1, 100 * n + 1)])
            if n == 1:
                self.assertGreater(s.count("type = 'old.one'"), 0)
            s.say("start")
            s.expect("ready", n + 1)
        wait_until(lambda: s.count("type = 'old.one'") == 0, "all go",
                   60)
        self.assertEqual(s.stop(), "exit 0")
        self.assertEqual(s.check(), "ok")

    def test_ids_are_not_given_again_when_all_rows_are_gone(self):
        s = self.store()
        s.send(10)
        s.wait_settled(10)
        self.assertEqual(s.stop(), "exit 0")
        db = sqlite3.connect(s.database)
        db.execute("DELETE FROM network_health_events")
        db.commit()
        db.close()
        s = self.store(s.database)
        s.send(1)
        s.wait_settled(1)
        self.assertEqual([row["id"] for row in s.rows()], [11])

    def test_rows_put_in_by_hand_are_no_obstacle(self):
        s = self.store()
        s.send(1)
        s.wait_settled(1)
        db = s.connect()
        db.execute("INSERT INTO network_health_events(id, at_ms, type, "
                   "severity) VALUES(2, 1, 'by.hand', 'info')")
        db.close()
        s.send(1)
        s.wait_settled(2)
        self.assertEqual([row["id"] for row in s.rows("detail IS NOT NULL")],
                         [1, 3])

    def test_another_database_while_it_runs(self):
        s = self.store()
        s.expect("ready")
        old = s.database
        s.send(5000)
        new = os.path.join(os.path.dirname(old), "other.db")
        s.wait_settled(1)
        s.say(f"settings {new}")
        wait_until(lambda: os.path.exists(new), "the other is made")
        s.send(5)
        s.wait_settled(5005)
        self.assertFalse(os.path.exists(old + "-wal"))
        self.assertFalse(os.path.exists(old + ".ballast"))
        self.assertTrue(os.path.exists(new + ".ballast"))
        first = s.counted()
        s.database = new
        second = s.counted()
        self.assertEqual(first + second, list(range(1, 5006)))
        self.assertEqual(second[-5:], list(range(5001, 5006)))
        # The new one is its own now, and the old one nobody's.
        self.store(new).wait_trouble("locked")
        other = self.store(old)
        other.send(1)
        other.wait_settled(1)
        self.assertEqual(other.trouble(), "none")

    def test_a_sender_of_nonsense_is_not_listened_to(self):
        s = self.store()
        s.expect("ready")
        s.say("junk")
        wait_until(lambda: "no events that it may send" in s.log(), "a word")
        # Nor is it left in the kernel for ever.
        wait_until(lambda: s.figures()["dropped"] == 1, "it is read")
        s.send(1)
        s.wait_settled(2)
        self.assertEqual(len(s.rows()), 1)

    def test_who_sends_much_leaves_room_for_others(self):
        s = self.store()
        s.send(1)
        s.wait_settled(1)
        s.say(f"load 2 {LOAD * 20} {LOAD * 2} 2")
        for n in range(2, 7):
            s.send(1)
            wait_until(lambda: s.count("type = 'worker.started'") == n,
                       "the supervisor's event", 5)
        s.expect("load", deadline=60)
        sent, dropped = (self._of(s.lines("load")[0], key)
                         for key in ("sent", "dropped"))
        self.assertEqual(s.count("type LIKE 'connection.%'"), sent - dropped)

    @staticmethod
    def _of(line, key):
        return int(dict(word.split("=") for word in line.split()[1:])[key])

    def test_a_second_store_waits_for_the_first(self):
        first = self.store()
        first.send(1)
        first.wait_settled(1)
        second = self.store(first.database)
        second.send(1)
        why = second.wait_trouble("locked")
        self.assertRegex(why, r"in use by pid [1-9]")
        self.assertEqual(first.trouble(), "none")
        self.assertEqual(first.stop(), "exit 0")
        second.wait_settled(1)
        second.wait_trouble("none")
        self.assertEqual(len(second.rows()), 2)

    def test_the_shell_of_sqlite_can_read_it(self):
        s = self.store()
        s.send(3)
        s.wait_settled(3)
        out = subprocess.run(
            ["sqlite3", s.database, "SELECT detail ->> 'pid' FROM "
             "network_health_events"], capture_output=True, text=True,
            check=True).stdout
        self.assertEqual(out.split(), ["4242"] * 3)


if __name__ == "__main__":
    mercury.main()
