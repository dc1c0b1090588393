"""Real servers as upstreams: PostgreSQL and Redis, each in a folder of its
own, on a free port, and gone with the test."""

import glob
import os
import pwd
import signal
import subprocess

import mercury
from mercury import DEADLINE, kill, run, wait_until


class Server:
    """A process that listens on self.port. It can be killed and come back."""

    def __init__(self, test):
        self.test = test
        self.port = mercury.free_port()
        self.folder = test.scratch()
        self.process = None
        test.addCleanup(self.kill)

    def argv(self):
        raise NotImplementedError

    def answers(self):
        raise NotImplementedError

    def start(self, wait=True):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                self.argv(), stdout=log, stderr=log, cwd=self.folder,
                start_new_session=True, **self.who())
        if wait:
            self.wait_ready()
        return self

    def who(self):
        """As whom it runs: root it may not be."""
        if not mercury.ROOT:
            return {}
        nobody = pwd.getpwnam("nobody")
        return {"user": nobody.pw_uid, "group": nobody.pw_gid,
                "extra_groups": []}

    def wait_ready(self):
        wait_until(self.answers, f"{type(self).__name__} answers")

    def all_pids(self):
        """Its own, and those of its sessions: they are in its session."""
        return [self.process.pid, *mercury.descendants(self.process.pid)]

    def pause(self):
        for pid in self.all_pids():
            kill(pid, signal.SIGSTOP)

    def go_on(self):
        for pid in self.all_pids():
            kill(pid, signal.SIGCONT)

    def kill(self):
        """It and all that it has started, at once."""
        if self.process is None:
            return
        for pid in self.all_pids():
            kill(pid)
        self.process.wait(DEADLINE)
        self.process = None
        wait_until(lambda: not mercury.is_listening(self.port), "it is gone")


class PostgreSQL(Server):
    def __init__(self, test):
        super().__init__(test)
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/postgres"))
        self.bin = os.path.dirname(found[-1]) if found else ""
        mercury.need_tool(test, "pgbench", found[-1] if found else
                          "/usr/lib/postgresql/*/bin/postgres")
        self.data = os.path.join(self.folder, "data")
        made = run([f"{self.bin}/initdb", "-D", self.data, "-A", "trust", "-U",
                    "test", "--no-sync", "--locale=C"], cwd=self.folder,
                   **self.who())
        test.assertEqual(made.code, 0, made)

    def argv(self):
        lock = os.path.join(self.data, "postmaster.pid")
        if os.path.exists(lock):  # it was killed
            os.unlink(lock)
        return [f"{self.bin}/postgres", "-D", self.data, "-p", str(self.port),
                "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off",
                "-c", f"unix_socket_directories={self.folder}",
                "-c", "max_connections=60", "-c", "shared_buffers=16MB"]

    def answers(self):
        return run([f"{self.bin}/pg_isready", "-q", "-h", "127.0.0.1", "-p",
                    str(self.port), "-U", "test", "-d", "postgres"]).code == 0

    def pgbench(self, port, *args, timeout=DEADLINE * 3):
        return run(["pgbench", "-h", "127.0.0.1", "-p", str(port), "-U",
                    "test", *args, "postgres"], timeout=timeout)


class Redis(Server):
    def __init__(self, test):
        super().__init__(test)
        self.path = mercury.need_tool(test, "redis-server")
        mercury.need_tool(test, "redis-benchmark")
        mercury.need_tool(test, "redis-cli")

    def argv(self):
        return [self.path, "--port", str(self.port), "--bind", "127.0.0.1",
                "--save", "", "--appendonly", "no", "--dir", self.folder]

    def cli(self, port, *args, timeout=DEADLINE):
        return run(["redis-cli", "-h", "127.0.0.1", "-p", str(port), *args],
                   timeout=timeout)

    def answers(self):
        return self.cli(self.port, "ping").out.strip() == "PONG"

    @staticmethod
    def benchmark(port, *args, timeout=DEADLINE * 3):
        return run(["redis-benchmark", "-h", "127.0.0.1", "-p", str(port),
                    "-q", *args], timeout=timeout)
