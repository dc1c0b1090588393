"""What the tests of supervision share: workers that fail as a test wants
them to, storms of connections, and looks into the history."""

import json
import os
import shutil
import socket
import subprocess
import time

import mercury
from mercury import wait_until

SLOWER = 5 if mercury.SANITIZED else 1


class Moods:
    """A folder of roles in which one, the pool's workers, does as told."""

    def __init__(self, d, played="mercury-pool"):
        self.dir = os.path.join(d.dir, "roles")
        os.makedirs(os.path.join(self.dir, "real"))
        for role in mercury.LIBEXEC:
            shutil.copy(mercury.binary(role), os.path.join(self.dir, role))
        os.rename(os.path.join(self.dir, played),
                  os.path.join(self.dir, "real", played))
        shutil.copy(mercury.binary("tests/system/stand_in"),
                    os.path.join(self.dir, played))
        d.env["MERCURY_LIBEXECDIR"] = self.dir

    def set(self, *lines):
        """From now on workers do this as they start; nothing: they serve."""
        path = os.path.join(self.dir, "mood")
        with open(path + ".new", "w") as f:
            f.write("".join(line + "\n" for line in lines))
        os.rename(path + ".new", path)


class Storm:
    """Connections without end, until stop() tells what became of them."""

    def __init__(self, *ports, concurrent=16, rate=1500):
        if mercury.SANITIZED:
            rate = min(rate, 300)
        self.process = subprocess.Popen(
            [mercury.binary("tests/system/storm"), "-c", str(concurrent),
             "-r", str(rate), *map(str, ports)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        mercury.Daemon.started_pids.add(self.process.pid)
        self.result = None

    def stop(self):
        if self.result is None:
            out, _ = self.process.communicate(timeout=mercury.DEADLINE + 20)
            self.result = json.loads(out)
        return self.result

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()


class Holder:
    """Somebody else who has a port."""

    def __init__(self, port=0, host="127.0.0.1"):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((host, port))
        self.socket.listen()
        self.port = self.socket.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.socket.close()

    def leave(self):
        self.socket.close()


def history(d, name, type_=None):
    """The records of a listener, all or those of one type."""
    records = d.call("supervisor.history", name=name)["records"]
    return [r for r in records if type_ in (None, r["type"])]


def wait_state(d, name, state, deadline=mercury.DEADLINE):
    """Wait until a listener is in a state; its row."""
    def there():
        row = d.listener(name)
        return row if row and row["state"] == state else None
    return wait_until(there, f"{name} is {state}", deadline)


def milliseconds_since(moment):
    return (time.monotonic() - moment) * 1000


class Background:
    """A call whose answer comes later."""

    def __init__(self, d, method, **params):
        self.rpc = d.rpc()
        self.rpc.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method,
                                  "params": params}).encode() + b"\n")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.rpc.close()

    def pending(self, seconds=0.1):
        """Is there no answer yet, nor an end?"""
        self.rpc.socket.settimeout(seconds)
        try:
            part = self.rpc.socket.recv(1 << 16)
            self.rpc.rest += part
            return part != b"" and b"\n" not in self.rpc.rest
        except TimeoutError:
            return b"\n" not in self.rpc.rest
        finally:
            self.rpc.socket.settimeout(mercury.DEADLINE)

    def answer(self):
        """The result, or RpcError."""
        answer = self.rpc.line()
        if answer is None:
            raise ConnectionError("the daemon hung up")
        if "error" in answer:
            raise mercury.RpcError(answer["error"])
        return answer["result"]
