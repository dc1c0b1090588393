"""mercury-gateway alone, with the test in the place of its supervisor."""

import array
import fcntl
import mmap
import os
import re
import socket
import struct
import subprocess
import threading
import time

import mercury

HTTP, AGENT, TCP_CHECK, HEALTH_PORT = range(4)
FULL, LOAD = 0, 1

BOARD_ENTRY = "65sBBBB3xII128s"
ENTRY_SIZE = struct.calcsize("=" + BOARD_ENTRY)
ENTRIES = 16384
BEAT_AT, SEQUENCE_AT, DAEMON_AT = 0, 64, 72
BOARD_SIZE = -(-(DAEMON_AT + (1 + ENTRIES) * ENTRY_SIZE) // 64) * 64

READY = {"ready": 1}
DRAINED = {"draining": 1, "why": "it is drained"}
PAUSED = {"paused": 1, "why": "it is paused"}
FAILED = {"why": "it has failed"}


def ipc_kinds():
    """The numbers of the messages, from the list that the code has."""
    path = os.path.join(mercury.SOURCE_DIR, "src/common/ipc_msg.h")
    with open(path) as f:
        names = re.findall(r"^\tMSG\((\w+),", f.read(), re.MULTILINE)
    return {name: number for number, name in enumerate(names)}


KIND = ipc_kinds()
NAME = {number: name for name, number in KIND.items()}


class Board:
    """The health board, with a heartbeat until it is stopped."""

    def __init__(self):
        self.fd = os.memfd_create("board", os.MFD_CLOEXEC
                                  | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.fd, BOARD_SIZE)
        fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK
                    | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        self.map = mmap.mmap(self.fd, BOARD_SIZE)
        self.sequence = 0
        self.stopped = threading.Event()
        self.thread = None
        self.go_on()

    def _beat(self):
        while True:
            struct.pack_into("=Q", self.map, BEAT_AT,
                             time.monotonic_ns() // 1000000)
            if self.stopped.wait(0.1):
                return

    def go_on(self):
        self.stopped.clear()
        self.thread = threading.Thread(target=self._beat)
        self.thread.start()

    def hang(self):
        """No heartbeat any more."""
        self.stopped.set()
        self.thread.join()

    def begin(self):
        self.sequence += 1
        struct.pack_into("=I", self.map, SEQUENCE_AT, self.sequence)

    end = begin

    def _put(self, number, name, ready=0, draining=0, paused=0, required=1,
             max_connections=0, connections=0, why=""):
        struct.pack_into("=" + BOARD_ENTRY, self.map,
                         DAEMON_AT + number * ENTRY_SIZE, name.encode(),
                         ready, draining, paused, required, max_connections,
                         connections, why.encode())

    def write(self, daemon, **listeners):
        self.begin()
        self._put(0, "", **daemon)
        struct.pack_into("=I", self.map, SEQUENCE_AT + 4, len(listeners))
        for number, name in enumerate(sorted(listeners), 1):
            self._put(number, name, **listeners[name])
        self.end()

    def close(self):
        self.hang()
        self.map.close()
        os.close(self.fd)


class Gateway:
    """The process, and the other end of its channel."""

    def __init__(self, test, board, weight=FULL):
        self.channel, end = socket.socketpair(
            socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.settimeout(mercury.DEADLINE)
        self.process = subprocess.Popen(
            ["mercury-gateway"], executable=mercury.binary("mercury-gateway"),
            close_fds=False, preexec_fn=lambda: os.dup2(end.fileno(), 3))
        end.close()
        test.addCleanup(self._clean)
        settings = struct.pack("=216x129x1024xBB5x160x", weight, 1)
        hello = struct.pack("=4B4xIIII", 2, 0, 0, 0, 0xffffffff, 0xffffffff,
                            1, 0)
        self.send("GATEWAY_HELLO", hello + settings, board.fd)
        if self.receive() != "READY":
            raise AssertionError("the gateway is not ready")

    def _clean(self):
        if self.process.returncode is None:
            self.channel.close()
            code = self.process.wait(mercury.DEADLINE)
            if code != 0:
                raise AssertionError(f"mercury-gateway ended with {code}")

    def send(self, name, payload, fd=None):
        message = struct.pack("=HHI", 1, KIND[name], 0) + payload
        rights = [] if fd is None else [
            (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        self.channel.sendmsg([message], rights)

    def receive(self):
        """The name of the next message."""
        message = self.channel.recv(4096)
        if not message:
            raise ConnectionError("mercury-gateway ended")
        return NAME[struct.unpack_from("=HH", message)[1]]

    def open(self, kind, s, name=""):
        self.send("GATEWAY_OPEN",
                  struct.pack("=II65s3x", kind, 0, name.encode()), s.fileno())

    def close(self, kind, name=""):
        self.send("GATEWAY_CLOSE",
                  struct.pack("=II65s3x", kind, 0, name.encode()))

    def settled(self):
        """How many descriptors it has when it has done all that it was sent."""
        self.beats()
        return self.descriptors()

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def beats(self):
        """Its loop turns."""
        while self.receive() != "GATEWAY_BEAT":
            pass

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.channel.close()


def bound(test, port, backlog=None):
    """A socket of the supervisor's; it listens if there is a backlog."""
    s = socket.socket()
    test.addCleanup(s.close)
    s.setblocking(False)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", port))
    if backlog is not None:
        s.listen(backlog)
    return s
