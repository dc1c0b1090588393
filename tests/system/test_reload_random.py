"""Reloads from one file to another, at random: each ends as a start with the
new file would, or, where it is refused, with all as it was."""

import os
import pwd
import random
import socket
import sys
import time

import mercury
from mercury import RpcError, ask, connect, free_port, wait_until
from test_groups import group

NAMES = "abcdef"
USERS = (None, None, "bin", "daemon") if mercury.ROOT else (None,)
RELOADS = 20 if mercury.SANITIZED else 60


class Files:
    """Files that are good by themselves, of six listeners at most."""

    def __init__(self, rng, folder):
        self.rng = rng
        self.ports = [free_port() for _ in NAMES + "."]
        self.paths = {n: os.path.join(folder, n + ".sock") for n in NAMES}

    def pool(self):
        """What all listeners of a pool say of it."""
        choose = self.rng.choice
        options = {"workers": choose((1, 1, 2, 3)), "user": choose(USERS),
                   "max_restarts": choose((None, 5, 1000)),
                   "restart": choose((None, "transient")),
                   "hang_timeout": choose((None, "3s"))}
        return {k: v for k, v in options.items() if v is not None}

    def listeners(self):
        """Their options, by name."""
        rng, pools, found = self.rng, {}, {}
        ports = rng.sample(self.ports, len(NAMES))
        for name, port in zip(NAMES, ports):
            if rng.random() < 0.3:
                continue
            pool = rng.choice((name, name, name, "x", "y"))
            options = dict(pools.setdefault(pool, self.pool()))
            if pool != name:
                options["pool"] = pool
            if rng.random() < 0.2:
                options["path"] = self.paths[name]
            else:
                options.update(port=port, address="127.0.0.1")
            if rng.random() < 0.3:
                options["max_connections"] = rng.choice((10, 20))
            found[name] = {**options, "drain_timeout": "200ms",
                           "protocol": rng.choice(("echo", "discard")),
                           "required": rng.random() < 0.8}
        return found

    def next(self):
        """The listeners, and the file."""
        found = self.listeners()
        text = "".join(
            f'listener "{name}" {{\n' + "".join(
                f"  {k} = {mercury.text(v)}\n" for k, v in options.items())
            + "}\n" for name, options in found.items())
        alone = [name for name in found if "pool" not in found[name]]
        if len(alone) > 1 and self.rng.random() < 0.5:
            text += group("g", *alone[:3], strategy=self.rng.choice(
                ("one_for_all", "rest_for_one")))
        return found, text


class Random(mercury.TestCase):
    def differences(self, d, found):
        """Between what runs and what was wanted."""
        rows = {row["name"]: row for row in d.status()["listeners"]
                if row["state"] != "draining"}
        if set(rows) != set(found):
            return [f"{sorted(rows)} instead of {sorted(found)}"]
        return [f"{name}: {text}" for name, options in found.items()
                for text in self.of_one(rows[name], name, options)]

    @staticmethod
    def of_one(row, name, options):
        wanted = {"state": "listening", "pool": options.get("pool", name),
                  "protocol": options["protocol"],
                  "required": options["required"],
                  "port": options.get("port", row["port"])}
        for key, value in wanted.items():
            if row[key] != value:
                yield f"{key} is {row[key]}, not {value}"
        if len(row["workers"]) != options["workers"]:
            yield f"{len(row['workers'])} workers, not {options['workers']}"
        user = options.get("user", "nobody" if mercury.ROOT else None)
        for worker in row["workers"] if user else ():
            try:
                uid = os.stat(f"/proc/{worker['pid']}").st_uid
            except FileNotFoundError:
                yield f"{worker['pid']} is gone"
                continue
            if uid != pwd.getpwnam(user).pw_uid:
                yield f"a worker is of user {uid}, not {user}"

    def settle(self, d, found):
        """All is as wanted soon, and answers."""
        bad = None

        def is_right():
            nonlocal bad
            bad = self.differences(d, found)
            return not bad
        try:
            wait_until(is_right, "all is as it was wanted")
        except AssertionError:
            pass  # the differences say more
        self.assertEqual(bad, [])
        rows = next(v for v in d.call("daemon.reload", dry_run=True).values()
                    if isinstance(v, list))
        self.assertEqual(rows, [], "nothing is left to be done")
        for options in found.values():
            with connect(options.get("path", options.get("port"))) as s:
                if options["protocol"] == "echo":
                    self.assertEqual(ask(s, b"x"), b"x")

    def refuse(self, d, found, text):
        """A listener more can't be had: nothing has changed."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            taken = mercury.listener("z", port=other.getsockname()[1])
            d.write(text + taken)
            with self.assertRaises(RpcError) as e:
                d.call("daemon.reload")
            self.assertEqual(e.exception.reason, "port_in_use")
        d.write(found[1])
        self.settle(d, found[0])

    def reload(self, d, rng, old, new):
        if rng.random() < 0.3:
            self.refuse(d, old, new[1])
        d.write(new[1])
        d.call("daemon.reload")
        self.settle(d, new[0])

    def test(self):
        seed = int(os.environ.get("MERCURY_SEED", time.time_ns() % 1000000))
        rng = random.Random(seed)
        d = self.daemon()
        files = Files(rng, d.dir)
        old = files.next()
        d.write(old[1])
        d.start()
        for count in range(RELOADS):
            new = files.next()
            try:
                self.reload(d, rng, old, new)
            except Exception:
                print(f"MERCURY_SEED={seed}, reload {count}, from\n{old[1]}\n"
                      f"to\n{new[1]}", file=sys.stderr)
                raise
            old = new


if __name__ == "__main__":
    mercury.main()
