"""The job that prunes: by age, by number, by hand, beside recording, over a
kill, and when somebody moves the clock."""

import os
import sqlite3
import time
import unittest

import faketime
import mercury
from mercury import alive, connect, kill, listener, wait_until
from storing import (database, intact, query, rows, store_status,
                     wait_rows)

DAY_MS = 86_400_000


def insert(d, count, age_ms, gap_ms=0):
    """Old rows, by hand; the daemon does not run, or bears it."""
    db = sqlite3.connect(database(d), timeout=10)
    now = time.time_ns() // 1_000_000
    first = db.execute("SELECT coalesce(max(id), 0) + 1 FROM"
                       " network_health_events").fetchone()[0]
    db.executemany(
        "INSERT INTO network_health_events VALUES"
        " (?, ?, 'connection.opened', 'info', 'old', '10.0.0.1:1', 'by hand',"
        " '{}')",
        ((first + i, now - age_ms + i * gap_ms) for i in range(count)))
    db.commit()
    db.close()


def left(d):
    return query(d, "SELECT count(*) FROM network_health_events"
                 " WHERE reason = 'by hand'")[0][0]


class ByHand(mercury.TestCase):
    def with_old_rows(self, count, age_ms=40 * DAY_MS, **options):
        d = self.started(store_section_of(**options) + listener("pos"))
        wait_rows(d, "daemon.ready")
        insert(d, count, age_ms)
        return d

    def test_a_dry_run_changes_nothing(self):
        d = self.with_old_rows(1234)
        result = d.ctl("--json", "cleanup", "--dry-run")
        self.assertEqual(result.code, 0, result)
        self.assertEqual(result.json()["rows"], 1234)
        self.assertTrue(result.json()["dry_run"])
        self.assertEqual(left(d), 1234)
        self.assertEqual(rows(d, "cleanup.completed"), [])

    def test_what_is_older_than_the_retention_goes(self):
        d = self.with_old_rows(3000)
        insert(d, 10, 29 * DAY_MS)
        result = d.ctl("--json", "cleanup")
        self.assertEqual(result.code, 0, result)
        self.assertEqual(result.json()["rows"], 3000)
        self.assertEqual(left(d), 10)
        done = wait_rows(d, "cleanup.completed")[0]
        self.assertEqual(done["detail"]["rows"], 3000)
        self.assertGreaterEqual(done["detail"]["duration_ms"], 0)
        self.assertIn("bytes", done["detail"])
        store = store_status(d)
        self.assertEqual(store["pruned"], 3000)
        self.assertRegex(store["last_cleanup"], r"^20\d\d-.*Z$")

    def test_older_than(self):
        d = self.with_old_rows(100, 8 * DAY_MS)
        insert(d, 50, 6 * DAY_MS)
        result = d.ctl("cleanup", "--older-than", "7d")
        self.assertEqual(result.code, 0, result)
        self.assertIn("100", result.out)
        self.assertEqual(left(d), 50)

    def test_ids_are_never_used_again(self):
        d = self.with_old_rows(10)
        last = max(r["id"] for r in rows(d))
        d.ctl("cleanup", "--older-than", "0s")
        done = wait_rows(d, "cleanup.completed")[0]
        self.assertGreater(done["id"], last)

    def test_space_is_given_back(self):
        d = self.with_old_rows(20000)
        query(d, "PRAGMA wal_checkpoint(TRUNCATE)")
        before = os.path.getsize(database(d))
        self.assertGreater(before, 1 << 20)
        result = d.ctl("--json", "cleanup")
        self.assertGreater(result.json()["bytes"], before // 2)
        wait_until(lambda: os.path.getsize(database(d)) < before // 2,
                   "the file is smaller")


class BySchedule(mercury.TestCase):
    def test_soon_after_the_start_and_again(self):
        d = self.started(store_section_of(cleanup_every="1s") +
                         listener("pos"))
        wait_rows(d, "daemon.ready")
        insert(d, 500, 40 * DAY_MS)
        wait_until(lambda: left(d) == 0, "the job ran")
        insert(d, 500, 40 * DAY_MS)
        wait_until(lambda: left(d) == 0, "it ran again")

    def test_by_number(self):
        d = self.started(store_section_of(cleanup_every="1s",
                                          max_events=100) + listener("pos"))
        wait_rows(d, "daemon.ready")
        insert(d, 5000, 60_000)

        def few():
            return query(d, "SELECT count(*) FROM network_health_events"
                         )[0][0] <= 105
        wait_until(few, "the oldest are gone")
        self.assertGreater(left(d), 50)

    def test_new_settings_of_a_reload(self):
        d = self.started(store_section_of(cleanup_every="1h") +
                         listener("pos"))
        wait_rows(d, "daemon.ready")
        insert(d, 500, 2 * DAY_MS)
        d.write(store_section_of(cleanup_every="1s", retention="1d") +
                listener("pos"))
        self.assertEqual(d.ctl("reload").code, 0)
        wait_until(lambda: left(d) == 0, "the job ran by the new settings")


class Killed(mercury.TestCase):
    def test_in_the_middle_of_it(self):
        """All or nothing of each batch, and the job goes on later."""
        d = self.started(store_section_of(cleanup_every="1s") +
                         listener("pos"))
        wait_rows(d, "daemon.ready")
        d.stop()
        insert(d, 100000, 40 * DAY_MS)
        d.start()
        for _ in range(5):
            there = left(d)
            store = d.child("mercury-store")
            if not wait_change(d, there):
                break
            kill(store)
            wait_until(lambda: not alive(store), "it is dead")
            self.assertTrue(intact(database(d)))
        wait_until(lambda: left(d) == 0, "the job ends", 30)
        self.assertEqual(len(rows(d, "daemon.ready")), 2)


def wait_change(d, there):
    """Wait until the job has begun to delete; False: it has nothing left."""
    if there == 0:
        return False
    wait_until(lambda: left(d) < there, "rows go", 20)
    return True


def store_section_of(**options):
    body = "".join(f"  {k} = {mercury.text(v)}\n" for k, v in options.items())
    return f"store {{\n{body}}}\n"


@unittest.skipUnless(faketime.LIBRARY, "needs the Debian package faketime")
class Clock(mercury.TestCase):
    def moving(self, first="+0", **options):
        """A daemon whose clock can be set by set_clock()."""
        clock = faketime.Clock(self.scratch(), first)
        self.set_clock = clock.set
        return self.daemon(
            store_section_of(cleanup_every="1s", **options) +
            listener("pos"), env=clock.environment(monotonic=False))

    def runs_of_the_job(self, d, count):
        before = len(rows(d, "cleanup.completed"))
        wait_rows(d, "cleanup.completed", count=before + count)

    def survives(self, d):
        self.assertEqual(len(rows(d, "daemon.ready")), 1)

    def test_years_forward(self):
        d = self.moving().start()
        wait_rows(d, "daemon.ready")
        self.set_clock("+5y")
        d.call("listener.pause", name="pos")
        late = wait_rows(d, "listener.paused")[0]
        self.runs_of_the_job(d, 2)
        self.survives(d)
        early = rows(d, "daemon.ready")[0]
        self.assertGreater(late["at_ms"] - early["at_ms"], 4 * 365 * DAY_MS)
        # And back again: what was stamped in the future is not lost either.
        self.set_clock("+0")
        self.runs_of_the_job(d, 2)
        self.survives(d)
        self.assertEqual(len(rows(d, "listener.paused")), 1)

    def test_hours_back_with_a_short_retention(self):
        d = self.moving(retention="1h").start()
        wait_rows(d, "daemon.ready")
        self.set_clock("-5h")
        d.call("listener.pause", name="pos")
        wait_rows(d, "listener.paused")
        self.runs_of_the_job(d, 2)
        self.survives(d)
        self.assertEqual(len(rows(d, "listener.paused")), 1)

    def test_years_forward_while_it_is_down(self):
        d = self.moving().start()
        wait_rows(d, "daemon.ready")
        d.stop()
        self.set_clock("+5y")
        d.start()
        wait_rows(d, "daemon.ready", count=2)
        self.runs_of_the_job(d, 2)
        self.assertEqual(len(rows(d, "daemon.ready")), 2)

    def test_old_rows_go_for_all_that(self):
        d = self.moving().start()
        wait_rows(d, "daemon.ready")
        self.set_clock("+5y")
        d.call("listener.pause", name="pos")
        wait_rows(d, "listener.paused")
        d.ctl("cleanup", "--older-than", "0s")
        self.assertEqual(rows(d, "daemon.ready"), [])


if __name__ == "__main__":
    mercury.main()
