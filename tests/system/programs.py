"""What the tests of protocol exec share: listeners with programs, and what
runs of them."""

import os
import socket

import mercury
from mercury import connect, receive_all, wait_until


def program(*command, **options):
    """Options of a listener that executes a command."""
    own = {k: options.pop(k) for k in list(options) if k in (
        "directory", "environment", "max_processes", "kill_after", "stderr",
        "cpu", "memory", "files", "processes")}
    return {"protocol": "exec", **options,
            "exec": {"command": list(command), **own}}


def script(text, **options):
    """The same with a script for sh(1)."""
    return program("/bin/sh", "-c", text, **options)


def output(where, data=b""):
    """Send data, finish, and return all that comes back, as text."""
    with connect(where) as s:
        if data:
            s.sendall(data)
        s.shutdown(socket.SHUT_WR)
        return receive_all(s).decode(errors="replace")


def line(s):
    """A line that the program writes, without its end."""
    got = b""
    while not got.endswith(b"\n"):
        byte = s.recv(1)
        if not byte:
            break
        got += byte
    return got.decode().rstrip("\n")


def environment(text):
    return dict(l.split("=", 1) for l in text.splitlines() if "=" in l)


def exec_of(d, name):
    """What status says of a listener's programs."""
    return d.listener(name)["exec"]


def wait_exec(d, name, **want):
    """Wait until these members of it are as wanted; all of it."""
    def look():
        got = exec_of(d, name)
        return got if all(got[k] == v for k, v in want.items()) else None
    return wait_until(look, f"{want} in exec of {name}: {exec_of(d, name)}")


def variable(pid, name):
    """Of the environment that a process was started with; None: none."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as f:
            found = environment(f.read().decode(errors="replace")
                                .replace("\0", "\n"))
    except OSError:
        return None
    return found.get(name)


def programs_of(listener):
    """All processes that belong to programs of a listener."""
    return {int(p) for p in os.listdir("/proc") if p.isdigit()
            and mercury.alive(int(p))
            and variable(p, "MERCURY_LISTENER") == listener}
