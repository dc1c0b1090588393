"""What mercury-store(8) says of the database is what is in it."""

import os
import re
import signal
import socket
import sqlite3

import mercury
import modules
from mercury import answers, connect, kill, listener
from storing import query, rows, wait_rows

PYTHON_TYPES = {"NUMBER": int, "BOOL": bool, "TEXT": str}


def read(*path):
    with open(os.path.join(mercury.SOURCE_DIR, *path)) as f:
        return f.read()


def event_types():
    """Of each type the severity, who may send it, and its facts."""
    found = re.findall(
        r'^EVENT\(\w+, "([a-z_.]+)", (\w+), ([\w |]+),\n *"([a-z_ ]*)",$',
        read("src/common/event_list.h"), re.MULTILINE)
    return {name: (severity.lower(), senders, set(facts.split()))
            for name, severity, senders, facts in found}


def fact_kinds():
    return dict(re.findall(r'^FACT\(\w+, "(\w+)", (\w+),',
                           read("src/common/fact_list.h"), re.MULTILINE))


def literal_blocks():
    """The indented examples of the page, as they are shown."""
    page = read("man/mercury-store.8.in")
    return [block.replace("\\e", "\\") for block in
            re.findall(r"^\.Bd .*\n((?:.*\n)*?)\.Ed$", page, re.MULTILINE)]


def statements():
    """All queries of the page."""
    for block in literal_blocks():
        block = re.sub(r"^(sqlite>| +\.\.\.>) ?", "", block,
                       flags=re.MULTILINE)
        quoted = re.search(r'"(SELECT[^"]*)"', block)
        plain = re.search(r"^SELECT[^;]*;", block, re.MULTILINE)
        if quoted or plain:
            yield quoted.group(1) if quoted else plain.group(0)


class Page(mercury.TestCase):
    """A daemon to which about everything has happened."""

    def report(self, d):
        """A module has something to tell."""
        path = modules.Kit(self.scratch()).example("iso8583-echo")
        port = d.add("hosts", protocol="module", module={"path": path})["port"]
        with connect(port) as s:
            s.sendall(b"\0\4oops")
            wait_rows(d, "connection.reported", "hosts")

    def live(self):
        d = self.started(
            listener("pos", record_connections=True, hang_timeout="1s")
            + listener("a", pool="p", record_connections=True)
            + listener("b", pool="p"), lame_duck="10ms")
        for name in ("pos", "a", "b"):
            self.assertTrue(answers(d.port(name)))
        kill(d.workers("pos")[0])
        wait_rows(d, "worker.crashed", "pos")
        kill(d.workers("a")[0])
        d.wait_replaced("pos", 0)
        kill(d.workers("pos")[0], signal.SIGSTOP)
        wait_rows(d, "worker.killed", "pos")
        d.wait_replaced("pos", 0)
        path = os.path.join(d.dir, "u.sock")
        d.add("u", path=path)
        with connect(path):
            pass
        d.call("listener.update", name="u", backlog=7)
        d.call("listener.pause", name="u", queue=True)
        d.call("listener.resume", name="u")
        d.call("listener.restart", name="u")
        d.call("listener.remove", name="u")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            with self.assertRaises(mercury.RpcError):
                d.add("late", port=taken.getsockname()[1], bind_attempts=2,
                      bind_backoff="10ms")
        d.add("frail", max_restarts=0)
        kill(d.workers("frail")[0])
        wait_rows(d, "listener.failed", "frail")
        full = d.add("full", max_connections=1, overflow="reject")["port"]
        with connect(full) as s:
            mercury.ask(s, b"in")
            with connect(full) as t:
                mercury.receive_all(t)
            wait_rows(d, "listener.alarm", "full")
            wait_rows(d, "connection.rejected", "full")
        shut = d.add("shut", proxy_protocol="any", deny=["192.0.2.0/24"],
                     proxy_trusted=["127.0.0.1"])["port"]
        for header in (b"PROXY TCP4 192.0.2.7 192.0.2.1 1 2\r\n", b"GET /"):
            with connect(shut) as s:
                s.sendall(header)
                self.assertEqual(s.recv(1), b"")
        wait_rows(d, "connection.denied", "shut")
        wait_rows(d, "connection.handshake_failed", "shut")
        upstream = mercury.free_port()
        d.add("way", protocol="proxy", proxy={
            "upstreams": [f"127.0.0.1:{upstream}"], "check_interval": "50ms"})
        wait_rows(d, "upstream.down", "way")
        with socket.create_server(("127.0.0.1", upstream)):
            wait_rows(d, "upstream.up", "way")
        app = d.add("app", protocol="exec", record_connections=True, exec={
            "command": ["/bin/sh", "-c", "read x; exit $x"]})["port"]
        for code in b"0\n", b"1\n":
            with connect(app) as s:
                s.sendall(code)
                mercury.receive_all(s)
        wait_rows(d, "app.exited", "app")
        wait_rows(d, "app.crashed", "app")
        self.report(d)
        d.call("daemon.reload")
        with connect(d.port("pos")) as s:
            mercury.ask(s, b"cut")
            d.stop()
        return d

    def test_events_are_as_they_are_listed(self):
        types, kinds = event_types(), fact_kinds()
        self.assertEqual(len(types), len(re.findall(
            r"^EVENT\(", read("src/common/event_list.h"), re.MULTILINE)))
        found = rows(self.live())
        for row in found:
            with self.subTest(row=row):
                severity, _senders, facts = types[row["type"]]
                self.assertEqual(row["severity"], severity)
                self.assertLessEqual(set(row["detail"]), facts)
                for key, value in row["detail"].items():
                    self.assertIs(type(value), PYTHON_TYPES[kinds[key]])
        ids = [row["id"] for row in found]
        self.assertEqual(ids, sorted(set(ids)))
        made = {name for name, (_severity, senders, _facts) in types.items()
                if "ROLE_STORE" not in senders}
        self.assertEqual({row["type"] for row in found}
                         - {"cleanup.completed"}, made)

    def test_the_schema(self):
        d = self.started()
        wait_rows(d, "daemon.ready")
        table = next(b for b in literal_blocks() if "CREATE TABLE" in b)
        db = sqlite3.connect(":memory:")
        db.execute(table)
        said = db.execute(
            "PRAGMA table_info(network_health_events)").fetchall()
        db.close()
        self.assertEqual(
            query(d, "PRAGMA table_info(network_health_events)"), said)
        self.assertEqual(query(d, "PRAGMA user_version"), [(1,)])
        self.assertEqual(
            {name for name, in query(
                d, "SELECT name FROM sqlite_schema WHERE type = 'table'")},
            {"network_health_events", "store_state", "store_epochs"})
        said = set(re.findall(r"^\.It Pq ([a-z_ ,]*at_ms)$",
                              read("man/mercury-store.8.in"), re.MULTILINE))
        found = {" , ".join(
            name for name, in query(
                d, "SELECT name FROM pragma_index_info(?)", index))
            for index, in query(
                d, "SELECT name FROM sqlite_schema WHERE type = 'index'"
                " AND sql IS NOT NULL")}
        self.assertEqual(found, said)

    def test_the_queries(self):
        d = self.started(listener("vault", record_connections=True))
        self.assertTrue(answers(d.port("vault")))
        wait_rows(d, "connection.closed")
        kill(d.workers("vault")[0])
        wait_rows(d, "worker.crashed")
        answer = {sql: query(d, sql) for sql in statements()}
        self.assertEqual(len(answer), 6)

        def of(text):
            return next(rows for sql, rows in answer.items() if text in sql)
        self.assertEqual(len(of("ORDER BY id DESC")), 10)
        self.assertIn("worker.crashed", [r[1] for r in of("times DESC")])
        self.assertEqual([r[:2] for r in of("'signal'")], [(9, 1)])
        self.assertEqual(of("bytes DESC"), [("127.0.0.1", 1, 8)])
        self.assertEqual(of("NOT EXISTS"), [])

    def test_reading_without_the_right_to_write(self):
        """As the page says: also who may only read, beside the daemon."""
        d = self.started(listener("a"))
        wait_rows(d, "daemon.ready")
        path = os.path.join(d.state, "health.db")
        copy = os.path.join(d.dir, "copy.db")
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            before = db.execute(
                "SELECT max(id) FROM network_health_events").fetchone()[0]
            d.add("b")
            wait_rows(d, "listener.listening", "b")
            self.assertGreater(db.execute(
                "SELECT max(id) FROM network_health_events").fetchone()[0],
                before)
            to = sqlite3.connect(copy)
            db.backup(to)
            to.close()
        finally:
            db.close()
        self.assertGreater(len(rows(d, path=copy)), before)


if __name__ == "__main__":
    mercury.main()
