"""What the tests of the store share: a look into its database beside it."""

import json
import os
import sqlite3

from mercury import RpcError, wait_until


def database(d):
    return os.path.join(d.state, "health.db")


def query(d, sql, *args, path=None):
    """Rows of the database, read as a person with sqlite3 would."""
    # rw: it must not make one where there is none.
    db = sqlite3.connect(f"file:{path or database(d)}?mode=rw", uri=True,
                         timeout=5)
    try:
        return db.execute(sql, args).fetchall()
    finally:
        db.close()


def rows(d, kind=None, listener=None, path=None):
    """Events as dictionaries, the oldest first; of one type, one listener."""
    columns = ("id", "at_ms", "type", "severity", "listener", "peer",
               "reason", "detail")
    found = []
    for values in query(d, f"SELECT {', '.join(columns)}"
                        " FROM network_health_events ORDER BY id", path=path):
        row = dict(zip(columns, values))
        row["detail"] = json.loads(row["detail"] or "{}")
        if kind in (None, row["type"]) and listener in (None,
                                                        row["listener"]):
            found.append(row)
    return found


def wait_rows(d, kind, listener=None, count=1):
    """Wait until there are so many events of a type; all of them."""
    def look():
        if not os.path.exists(database(d)):
            return None
        try:
            found = rows(d, kind, listener)
        except sqlite3.DatabaseError:  # it is just being begun
            return None
        return found if len(found) >= count else None
    return wait_until(look, f"{count} events {kind} are there")


def intact(path):
    db = sqlite3.connect(path, timeout=5)
    try:
        return db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        db.close()


def store_status(d):
    """The store's object in status; None while nobody can say."""
    try:
        return d.status()["store"]
    except (OSError, RpcError):
        return None
