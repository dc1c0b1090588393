"""One mercury-store under a driver that plays the supervisor and the workers
(store_driver.c), for the tests of the store alone."""

import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
import threading

import mercury
from mercury import DEADLINE, REPORTS, binary, wait_until

DRIVER = binary("tests/system/store_driver")
STORE = binary("mercury-store")
COLUMNS = ("id", "at_ms", "type", "severity", "listener", "peer", "reason",
           "detail")


class Store:
    """A store on a database, and what it tells."""

    def __init__(self, database, *options):
        self.database = database
        self.told = []  # lines of stdout, as they come
        self.logged = []
        # It may have to become another user, who may not look into ours.
        self.folder = tempfile.mkdtemp(prefix="mercury-store-")
        os.chmod(self.folder, 0o755)
        executable = shutil.copy(STORE, self.folder)
        self.process = subprocess.Popen(
            [DRIVER, "-s", executable, *options, database],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, errors="replace")
        self._readers = [
            threading.Thread(target=self._read, args=args, daemon=True)
            for args in ((self.process.stdout, self.told),
                         (self.process.stderr, self.logged))]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.append(line.rstrip("\n"))

    def say(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def send(self, count):
        self.say(f"send {count}")

    def lines(self, start):
        return [line for line in self.told if line.startswith(start)]

    def expect(self, start, count=1, deadline=DEADLINE):
        """Wait for that many lines that begin so; return the last."""
        return wait_until(lambda: len(self.lines(start)) >= count and
                          self.lines(start)[count - 1], f"{count} of {start}",
                          deadline)

    def log(self):
        return "\n".join(self.logged)

    def figures(self):
        count = len(self.lines("figures")) + 1
        self.say("figures")
        words = self.expect("figures", count).split()[1:]
        return {key: int(value)
                for key, _, value in (word.partition("=") for word in words)}

    def wait_settled(self, count, deadline=DEADLINE):
        """Until so many events are written or refused."""
        return wait_until(lambda: self.figures()["settled"] >= count,
                          f"{count} settled", deadline)

    def trouble(self):
        """The word of what was told last."""
        lines = self.lines("trouble")
        return lines[-1].split()[1] if lines else "none"

    def wait_trouble(self, word, deadline=DEADLINE):
        wait_until(lambda: self.trouble() == word, f"trouble {word}", deadline)
        return self.lines("trouble")[-1].split(" ", 2)[2]

    def connect(self):
        """A connection of sqlite3 beside the store, as people may have."""
        # rw: it must not make one where there is none.
        return sqlite3.connect(f"file:{self.database}?mode=rw", uri=True,
                               isolation_level=None, timeout=DEADLINE)

    def rows(self, where="1"):
        db = self.connect()
        try:
            found = db.execute("SELECT * FROM network_health_events "
                               f"WHERE {where} ORDER BY id").fetchall()
        finally:
            db.close()
        rows = [dict(zip(COLUMNS, row)) for row in found]
        for row in rows:
            row["detail"] = json.loads(row["detail"])
        return rows

    def count(self, where="1"):
        db = self.connect()
        try:
            return db.execute("SELECT count(*) FROM network_health_events "
                              f"WHERE {where}").fetchone()[0]
        except sqlite3.OperationalError as e:
            if "no such table" in str(e):
                return 0  # it has just been begun
            raise
        finally:
            db.close()

    def counted(self):
        """The numbers of what `send` has sent, as they stand there."""
        return [int(row["reason"]) for row in self.rows(
            "type = 'worker.started'")]

    def check(self):
        db = self.connect()
        try:
            return db.execute("PRAGMA integrity_check").fetchone()[0]
        finally:
            db.close()

    def stop(self, deadline=DEADLINE):
        """Stop the store, and return how it ended."""
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(deadline)
        for reader in self._readers:
            reader.join()
        ends = [line for line in self.told
                if line.startswith(("exit", "signal"))]
        return ends[-1] if ends else None

    def remove(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for reader in self._readers:
            reader.join()
        for stream in (self.process.stdin, self.process.stdout,
                       self.process.stderr):
            try:
                stream.close()
            except BrokenPipeError:
                pass
        shutil.rmtree(self.folder, ignore_errors=True)


class StoreTest(mercury.TestCase):
    def store(self, database=None, *options):
        """One that ends with the test."""
        if database is None:
            database = os.path.join(self.scratch(), "health.db")
        s = Store(database, *options)
        self.addCleanup(self._remove_store, s)
        return s

    def _remove_store(self, s):
        if self._failed():
            print("--- told:", *s.told[-40:], "--- logged:",
                  *s.logged[-40:], sep="\n")
        s.remove()
        reports = [line for line in s.logged if REPORTS.search(line)]
        self.assertEqual(reports, [])
