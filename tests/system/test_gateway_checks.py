"""mercury-gateway alone: HAProxy's agent-check and the ports of TCP checks,
with this test in the place of the supervisor that says what is ready."""

import ctypes
import itertools
import os
import pwd
import signal
import socket
import struct
import threading
import time

import fronting
import gateway_alone
import mercury
from gateway_alone import (AGENT, DRAINED, FAILED, FULL, HEALTH_PORT, LOAD,
                           PAUSED, READY, TCP_CHECK)
from mercury import connect, receive_all, wait_until

LOOKS = 0.1  # seconds between two looks at the health board
SO_ATTACH_FILTER = 26


def filters(s, *instructions):
    """Filter what comes to a socket. Returns whether we may."""
    program = ctypes.create_string_buffer(
        b"".join(struct.pack("HBBI", *i) for i in instructions))
    try:
        s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                     struct.pack("HxxxxxxP", len(instructions),
                                 ctypes.addressof(program)))
        return True
    except PermissionError:
        return False


KEEP_ALL, DROP_ALL = (6, 0, 0, 0xffffffff), (6, 0, 0, 0)


def gateway_filters():
    """May the gateway, which has no capabilities? Some kernels say no."""
    pid = os.fork()
    if pid == 0:
        if os.geteuid() == 0:
            os.setresuid(*3 * [pwd.getpwnam("nobody").pw_uid])
        with socket.socket() as s:
            os._exit(not filters(s, KEEP_ALL))
    return os.waitpid(pid, 0)[1] == 0


class Checks(mercury.TestCase):
    def setUp(self):
        super().setUp()
        self.board = gateway_alone.Board()
        self.addCleanup(self.board.close)
        self.board.write(READY, pos=READY)

    def gateway(self, weight=FULL):
        return gateway_alone.Gateway(self, self.board, weight)


class AgentCase(Checks):
    def setUp(self):
        super().setUp()
        self.port = mercury.free_port()
        self.socket = gateway_alone.bound(self, self.port, 1024)

    def serve(self, weight=FULL):
        g = self.gateway(weight)
        g.open(AGENT, self.socket)
        return g

    def ask(self, data=b"\n"):
        """The answer, up to the FIN; a reset is an error."""
        with connect(self.port) as s:
            s.sendall(data)
            return receive_all(s).decode()


class Agent(AgentCase):
    def test_answers(self):
        self.serve()
        self.board.write(FAILED, a=READY, b=DRAINED, c=PAUSED, d=FAILED)
        self.assertEqual(self.ask(), "down ready # it has failed\n")
        self.assertEqual(self.ask(b"a\n"), "up ready 100%\n")
        self.assertEqual(self.ask(b"a\r\n"), "up ready 100%\n")
        self.assertEqual(self.ask(b"b\n"), "up drain # it is drained\n")
        self.assertEqual(self.ask(b"c\n"), "up maint # it is paused\n")
        self.assertEqual(self.ask(b"d\n"), "down ready # it has failed\n")
        nobody = "down ready # there is no listener of that name\n"
        for line in (b"e\n", b"a\0\n", b"x" * 65 + b"\n", b"/\n",
                     b"GET / HTTP/1.0\r\n\r\n"):
            self.assertEqual(self.ask(line), nobody, line)
        self.board.write(READY)
        self.assertEqual(self.ask(), "up ready 100%\n")
        self.assertEqual(self.ask(b"a\n"), nobody)

    def test_the_longest_name(self):
        self.serve()
        name = "x" * 64
        self.board.write(FAILED, **{name: READY})
        self.assertEqual(self.ask(name.encode() + b"\n"), "up ready 100%\n")

    def test_a_line_that_does_not_come(self):
        self.serve()
        self.board.write(READY, pos=PAUSED)
        begun = time.monotonic()
        self.assertEqual(self.ask(b""), "up ready 100%\n")
        self.assertGreater(time.monotonic() - begun, 0.2)
        # One without its end counts; one that is over is answered at once.
        self.assertEqual(self.ask(b"pos"), "up maint # it is paused\n")
        for data in (b"", b"pos"):
            with connect(self.port) as s:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                self.assertIn(receive_all(s).split()[1], (b"ready", b"maint"))

    def test_a_line_in_parts(self):
        self.serve()
        self.board.write(READY, pos=PAUSED)
        with connect(self.port) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in (b"p", b"o", b"s", b"\n"):
                s.sendall(byte)
            self.assertEqual(receive_all(s), b"up maint # it is paused\n")

    def test_no_reset_for_what_was_not_asked_for(self):
        self.serve()
        for _ in range(20):
            with connect(self.port) as s:
                s.sendall(b"pos\n" + b"x" * 20000)
                self.assertEqual(receive_all(s), b"up ready 100%\n")
                s.sendall(b"more")
                self.assertEqual(s.recv(1), b"")

    def test_a_supervisor_that_hangs(self):
        self.serve()
        self.assertEqual(self.ask(), "up ready 100%\n")
        self.board.hang()
        begun = time.monotonic()
        wait_until(lambda: "not answered" in self.ask(b"pos\n"), "noticed")
        self.assertLess(time.monotonic() - begun,
                        2 if not mercury.SANITIZED else 5)
        self.assertRegex(self.ask(), r"^down ready # the supervisor has not "
                         r"answered for \d+ ms\n$")
        self.board.go_on()
        wait_until(lambda: self.ask() == "up ready 100%\n", "it goes on")

    def test_a_supervisor_that_hangs_while_it_writes(self):
        self.serve()
        self.board.begin()
        self.assertEqual(self.ask()[:12], "down ready #")
        self.board.end()
        self.assertEqual(self.ask(), "up ready 100%\n")

    def test_weight(self):
        self.serve(LOAD)

        def entry(connections, max_connections, required=1):
            return {"ready": 1, "connections": connections,
                    "max_connections": max_connections, "required": required}
        self.assertEqual(self.ask(), "up ready 100%\n")
        self.board.write(READY, a=entry(30, 100), b=entry(0, 0),
                         c=entry(9, 10), d=entry(10, 10, 0))
        for name, weight in (("a", 70), ("b", 100), ("c", 10), ("d", 1),
                             ("", 10)):
            self.assertEqual(self.ask(name.encode() + b"\n"),
                             f"up ready {weight}%\n")

    def test_many_who_say_nothing(self):
        """The oldest give way; who asks gets an answer."""
        g = self.serve()
        before = g.settled()
        silent = [connect(self.port) for _ in range(600)]
        for s in silent:
            self.addCleanup(s.close)
        self.assertEqual(self.ask(b"pos\n"), "up ready 100%\n")
        for s in silent:
            self.assertIn(receive_all(s), (b"", b"up ready 100%\n"))
        wait_until(lambda: g.descriptors() == before, "nobody may stay")

    def test_clients_that_misbehave(self):
        g = self.serve()
        before = g.settled()
        for _ in range(50):
            fronting.probe(self.port)
            fronting.probe(self.port, fronting.reset)
            s = connect(self.port)
            s.sendall(b"pos\n")
            fronting.reset(s)
        with connect(self.port) as s:
            s.sendall(b"pos\n")
            try:  # nobody reads all of this
                while True:
                    s.sendall(b"x" * 65536)
            except OSError:
                pass
        wait_until(lambda: g.descriptors() == before, "nobody may stay")
        self.assertEqual(self.ask(), "up ready 100%\n")
        g.beats()


class Haproxy(AgentCase):
    """The real one believes each answer, whatever it heard before."""

    def front(self, name, more=""):
        back = mercury.free_port()
        gateway_alone.bound(self, back, 1000)  # the checks only connect
        port = mercury.free_port()
        stats = os.path.join(self.scratch(), "stats")
        front = fronting.haproxy(self, f"""
listen pos
  bind 127.0.0.1:{port}
  timeout check 5s
  server s 127.0.0.1:{back} check inter 50ms {more} agent-check agent-inter 20ms agent-port {self.port} agent-send "{name}\\n"
""", port, f"stats socket {stats}")
        return front, lambda: fronting.show_stat(stats)["pos", "s"]

    STATES = {
        "UP": READY,
        "DRAIN (agent)": DRAINED,
        "MAINT": PAUSED,
        "DOWN (agent)": FAILED,
    }

    def becomes(self, server, status):
        wait_until(lambda: server()["status"] == status,
                   f"HAProxy takes it for {status}: {server()}")

    def test_from_any_state_to_any_other(self):
        self.serve()
        _, server = self.front("pos")
        for a, b in itertools.permutations(self.STATES, 2):
            with self.subTest(f"{a} -> {b}"):
                for status in (a, b):
                    self.board.write(READY, pos=self.STATES[status])
                    self.becomes(server, status)
        self.board.hang()
        self.becomes(server, "DOWN (agent)")
        self.assertIn("the supervisor has not answered", server()["last_agt"])
        for status in self.STATES:
            self.board.go_on()
            self.board.write(READY, pos=self.STATES[status])
            self.becomes(server, status)
            self.board.hang()
            self.becomes(server, "DOWN (agent)")
        self.board.go_on()
        self.board.write(READY, pos=READY)
        self.becomes(server, "UP")

    def test_it_need_not_send_a_name(self):
        self.serve()
        _, server = self.front("")
        self.board.write(DRAINED, pos=READY)
        self.becomes(server, "DRAIN (agent)")

    def test_no_line_in_its_log_for_each_answer(self):
        self.serve()
        front, server = self.front("pos")
        for status, entry in self.STATES.items():
            self.board.write(READY, pos=entry)
            self.becomes(server, status)
            lines = front.log().count("\n")
            end = time.monotonic() + 0.3
            wait_until(lambda: time.monotonic() > end, "some answers")
            self.assertLess(front.log().count("\n") - lines, 4,
                            front.log()[-2000:])

    def test_weight(self):
        """Of 100; a server whose weight is 1 would have none below 100%."""
        self.serve(LOAD)
        _, server = self.front("pos", "weight 100")
        for taken, weight in ((0, 100), (50, 50), (99, 1), (100, 1), (0, 100)):
            self.board.write(READY, pos={"ready": 1, "connections": taken,
                                         "max_connections": 100})
            wait_until(lambda: server()["weight"] == str(weight),
                       f"the weight is {weight}")
            self.becomes(server, "UP")


def accepts(port):
    """Does a check succeed? Whoever is let in must not be reset."""
    try:
        s = connect(port)
    except ConnectionRefusedError:
        return False
    with s:
        if receive_all(s) != b"":
            raise AssertionError("a check port says something")
    return True


class TcpChecks(Checks):
    def setUp(self):
        super().setUp()
        self.port = mercury.free_port()
        self.socket = gateway_alone.bound(self, self.port)

    def serve(self):
        g = self.gateway()
        g.open(TCP_CHECK, self.socket)
        return g

    def becomes(self, ready, port=None):
        wait_until(lambda: accepts(port or self.port) == ready,
                   f"the port is {'open' if ready else 'closed'}")

    def test_it_follows(self):
        self.assertFalse(accepts(self.port))
        self.serve()
        self.becomes(True)
        for entry in (DRAINED, FAILED):
            self.board.write(entry)
            self.becomes(False)
            self.board.write(READY)
            self.becomes(True)
        self.assertEqual(self.socket.getsockname()[1], self.port)

    def test_it_starts_closed(self):
        self.board.write(FAILED)
        g = self.serve()
        g.beats()
        self.assertFalse(accepts(self.port))

    def test_a_supervisor_that_hangs(self):
        self.serve()
        self.becomes(True)
        self.board.hang()
        begun = time.monotonic()
        self.becomes(False)
        # With one check that was dropped, and tried again after a second.
        self.assertLess(time.monotonic() - begun,
                        3.5 if not mercury.SANITIZED else 8)
        self.board.go_on()
        self.becomes(True)

    def test_another_closes_it(self):
        """As the supervisor does when the gateway has not turned for long."""
        g = self.serve()
        self.becomes(True)
        for _ in range(3):
            g.process.send_signal(signal.SIGSTOP)
            self.socket.shutdown(socket.SHUT_RDWR)
            self.assertFalse(accepts(self.port))
            g.process.send_signal(signal.SIGCONT)
            self.becomes(True)
        self.board.write(FAILED)
        self.becomes(False)

    def test_each_listener_has_its_own(self):
        g = self.serve()
        ports = {}
        for name in ("a", "b", "c"):
            ports[name] = mercury.free_port()
            s = gateway_alone.bound(self, ports[name])
            g.open(HEALTH_PORT, s, name)
        self.board.write(FAILED, a=READY, b=PAUSED)
        self.becomes(True, ports["a"])
        self.becomes(False)
        self.assertFalse(accepts(ports["b"]))
        self.assertFalse(accepts(ports["c"]))
        self.board.write(READY, a=READY, b=READY)
        self.becomes(True, ports["b"])
        self.becomes(True)

    def test_a_listener_goes(self):
        g = self.gateway()
        before = g.settled()
        g.open(HEALTH_PORT, self.socket, "pos")
        self.becomes(True)
        self.socket.shutdown(socket.SHUT_RDWR)
        self.assertFalse(accepts(self.port))
        g.close(HEALTH_PORT, "pos")
        g.close(HEALTH_PORT, "other")
        wait_until(lambda: g.descriptors() == before, "its socket is closed")
        self.assertFalse(accepts(self.port))
        # And comes back.
        g.open(HEALTH_PORT, self.socket, "pos")
        self.becomes(True)

    def test_another_socket_for_the_same_name(self):
        g = self.gateway()
        before = g.settled()
        g.open(HEALTH_PORT, self.socket, "pos")
        self.becomes(True)
        self.socket.shutdown(socket.SHUT_RDWR)
        port = mercury.free_port()
        g.open(HEALTH_PORT, gateway_alone.bound(self, port), "pos")
        self.becomes(True, port)
        wait_until(lambda: g.descriptors() <= before + 2, "the first is gone")

    def test_a_predecessor_that_was_killed(self):
        """It left the port open; who comes meanwhile waits."""
        g = self.serve()
        self.becomes(True)
        g.kill()
        self.assertTrue(mercury.is_listening(self.port))
        with connect(self.port) as s:
            self.serve()
            self.assertEqual(receive_all(s), b"")
        self.becomes(True)

    def test_a_predecessor_that_was_killed_and_it_is_down(self):
        g = self.serve()
        self.becomes(True)
        g.kill()
        self.board.write(FAILED)
        with connect(self.port) as s:
            self.serve()
            self.assertEqual(receive_all(s), b"")
        self.becomes(False)

    def test_a_predecessor_that_was_killed_while_it_closed(self):
        """It had the kernel drop whoever is new."""
        self.socket.listen()
        if not filters(self.socket, DROP_ALL):
            self.skipTest("no rights to attach a filter")
        self.serve()
        self.becomes(True)

    def test_checkers_of_all_kinds(self):
        """Plain closes, resets, and such as say something first."""
        g = self.serve()
        self.becomes(True)
        before = g.settled()
        for n in range(100):
            s = connect(self.port)
            if n % 3 == 0:  # as Kubernetes does
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 1))
            elif n % 3 == 1:
                fronting.reset(s)
                continue
            if n % 2 == 0:
                s.sendall(fronting.v2(None, command=fronting.LOCAL))
                self.assertEqual(receive_all(s), b"")
            s.close()
        wait_until(lambda: g.descriptors() == before, "nobody may stay")

    def test_many_who_never_close(self):
        g = self.serve()
        self.becomes(True)
        before = g.settled()
        for _ in range(600):
            s = connect(self.port)
            self.addCleanup(s.close)
        wait_until(lambda: g.descriptors() == before, "they are closed")
        g.beats()
        self.assertTrue(accepts(self.port))

    def test_nobody_is_reset(self):
        """Whoever was let in ends with FIN, however often it closes."""
        if not gateway_filters():
            self.skipTest("this kernel lets only root attach a filter")
        self.serve()
        self.becomes(True)
        resets, seen = [], {True: 0, False: 0}
        stop = threading.Event()

        def check():
            while not stop.is_set():
                try:
                    seen[accepts(self.port)] += 1
                except OSError as e:
                    resets.append(e)
        threads = [threading.Thread(target=check) for _ in range(4)]
        for t in threads:
            t.start()
        try:
            for n in range(6):
                self.board.write(FAILED if n % 2 == 0 else READY)
                wait_until(lambda: mercury.is_listening(self.port)
                           == (n % 2 == 1), "it has followed")
        finally:
            stop.set()
            for t in threads:
                t.join()
        self.assertEqual(resets, [])
        self.assertGreater(seen[True], 100)

    def test_a_port_that_cannot_be_opened(self):
        """Somebody listens there: it is tried again."""
        other = socket.socket()
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.addCleanup(other.close)
        other.bind(("127.0.0.1", self.port))
        other.listen()
        g = self.serve()
        g.beats()
        with connect(self.port) as s:
            s.settimeout(3 * LOOKS)
            with self.assertRaises(TimeoutError):
                s.recv(1)
        other.close()
        self.becomes(True)


if __name__ == "__main__":
    mercury.main()
