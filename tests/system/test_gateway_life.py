"""The gateway as a process: killed, hung, reloaded, and over TLS."""

import os
import resource
import signal
import socket
import ssl
import subprocess
import time

import mercury
import web
from certs import Certificates
from mercury import connect, wait_until
from web import Client, Served, request

EX_UNAVAILABLE = 69


def wait_dumps_nothing(pid):
    """A start waits for the listeners, not for the gateway."""
    def largest():
        with open(f"/proc/{pid}/limits", encoding="ascii") as f:
            row, = [row for row in f if row.startswith("Max core file size")]
        return row.split()[4:6]
    wait_until(lambda: largest() == ["1", "1"], "it dumps nothing")


class Life(Served):
    def test_killed(self):
        """Listeners don't notice, and who waits in the queue is answered."""
        d = self.up()
        device = connect(d.port("pos"))
        self.addCleanup(device.close)
        for _ in range(3):
            old = d.child("mercury-gateway")
            os.kill(old, signal.SIGSTOP)
            clients = [Client(self.port) for _ in range(10)]
            for c in clients:
                self.addCleanup(c.close)
                c.send(request("/readyz", connection="close"))
            mercury.kill(old)
            self.assertEqual(mercury.ask(device, b"x"), b"x")
            for c in clients:
                self.assertEqual(c.answer().status, 200)
                c.end()
            self.assertNotEqual(d.child("mercury-gateway"), old)
        self.assertEqual(d.listener("pos")["restarts"], 0)

    def test_one_that_hangs(self):
        """It is replaced, and listeners don't notice."""
        d = self.up()
        workers = d.workers("pos")
        old = d.child("mercury-gateway")
        os.kill(old, signal.SIGSTOP)
        wait_until(lambda: not mercury.alive(old), "it is killed",
                   10 + mercury.DEADLINE)
        self.wait_status("/readyz", 200)
        self.assertNotEqual(d.child("mercury-gateway"), old)
        self.assertIn("it hangs", d.log())
        self.assertEqual(d.workers("pos"), workers)

    def test_a_supervisor_that_hangs(self):
        d = self.up()
        workers = d.workers("pos")
        for _ in range(2):
            d.signal(signal.SIGSTOP)
            try:
                for path in "/livez", "/readyz", "/readyz/pos":
                    a = self.wait_status(path, 503)
                    self.assertRegex(
                        a.text(), r"the supervisor has not answered for \d+ ms")
                self.assertEqual(self.ask("/readyz?verbose").status, 503)
                self.assertTrue(mercury.answers(d_port(workers[0])))
            finally:
                d.signal(signal.SIGCONT)
            for path in "/livez", "/readyz", "/readyz/pos":
                self.wait_status(path, 200)
        self.assertEqual(d.workers("pos"), workers)

    def test_how_soon_a_hang_shows(self):
        if mercury.SANITIZED:
            self.skipTest("a sanitizer takes its time")
        d = self.up()
        d.signal(signal.SIGSTOP)
        try:
            wait_until(lambda: self.ask("/readyz").status == 503,
                       "503", deadline=2)
        finally:
            d.signal(signal.SIGCONT)
        wait_until(lambda: self.ask("/readyz").status == 200, "200",
                   deadline=2)

    def test_questions_to_a_supervisor_that_hangs(self):
        d = self.up()
        d.signal(signal.SIGSTOP)
        try:
            for path in "/api/status", "/api/tree", "/api/history":
                a = self.ask(path)
                self.assertEqual(a.status, 503, path)
                self.assertEqual(a.json()["error"]["reason"], "timeout")
            # Health is answered while others wait for answers.
            clients = [Client(self.port) for _ in range(50)]
            for c in clients:
                self.addCleanup(c.close)
                c.send(request("/api/status"))
            self.wait_status("/livez", 503)
            for c in clients:
                self.assertEqual(c.answer().status, 503)
        finally:
            d.signal(signal.SIGCONT)
        self.wait_status("/api/status", 200)

    def test_a_supervisor_that_is_killed(self):
        d = self.up()
        gateway = d.child("mercury-gateway")
        idle = Client(self.port)
        self.addCleanup(idle.close)
        self.assertEqual(idle.ask("/livez").status, 200)
        mercury.kill(d.pid)
        d.wait()
        wait_until(lambda: not mercury.alive(gateway), "it ends")
        self.assertTrue(mercury.refused(self.port))

    def test_shutdown(self):
        d = self.up()
        idle = Client(self.port)
        self.addCleanup(idle.close)
        self.assertEqual(idle.ask("/livez").status, 200)
        self.assertEqual(d.stop(), 0)
        idle.end()
        self.assertTrue(mercury.refused(self.port))

    def test_shutdown_with_one_that_hangs(self):
        """It is killed in time, and all else is as ever."""
        d = self.up()
        pid = d.child("mercury-gateway")
        os.kill(pid, signal.SIGSTOP)
        self.assertEqual(d.stop(), 0)
        self.assertNotIn("can't be killed", d.log())

    def test_a_token_is_in_no_core_dump(self):
        """That of an ordinary user; root's has no dump once it is nobody."""
        d = self.daemon(mercury.gateway(self.port, token="s3cret")
                        + mercury.listener("pos"), as_root=False).start()
        self.wait_status("/readyz", 200)
        pid = d.child("mercury-gateway")
        wait_dumps_nothing(pid)

    def test_without_descriptors(self):
        """It does not spin, and goes on when there are some again."""
        d = self.up()
        gateway = d.child("mercury-gateway")
        had = len(os.listdir(f"/proc/{gateway}/fd"))
        self.limit(gateway, had + 8)
        for _ in range(100):
            c = Client(self.port)
            self.addCleanup(c.close)
            c.send(b"GET /")
        self.wait_status("/readyz", 200)
        began, clock = mercury.cpu_seconds(gateway), time.monotonic()
        wait_until(lambda: time.monotonic() > clock + 1, "a second")
        self.assertLess(mercury.cpu_seconds(gateway) - began, 0.3, "it spins")
        self.wait_status("/readyz", 200)
        complaints = [l for l in d.log().splitlines()
                      if "accepting an HTTP client" in l]
        self.assertEqual(len(complaints), 1)
        self.limit(gateway, 1000)
        self.wait_status("/readyz", 200)
        self.assertEqual(d.child("mercury-gateway"), gateway)

    def limit(self, pid, descriptors):
        """Who is root needs a capability for it that it may not have."""
        uid = mercury.status_of(pid)["Uid"].split()[0]
        done = mercury.run([
            *(["setpriv", f"--reuid={uid}", f"--regid={uid}",
               "--clear-groups"] if mercury.ROOT else []),
            "prlimit", f"--pid={pid}", f"--nofile={descriptors}:"])
        self.assertEqual(done.code, 0, done)


def d_port(pid):
    """The TCP port that a worker listens on."""
    inodes = set()
    for number in os.listdir(f"/proc/{pid}/fd"):
        target = os.readlink(f"/proc/{pid}/fd/{number}")
        if target.startswith("socket:"):
            inodes.add(target[8:-1])
    with open("/proc/net/tcp") as f:
        for line in f.readlines()[1:]:
            fields = line.split()
            if fields[9] in inodes and fields[3] == "0A":
                return int(fields[1].rpartition(":")[2], 16)
    raise AssertionError(f"{pid} listens nowhere")


class CheckPorts(mercury.TestCase):
    """Of a gateway that dies."""

    def setUp(self):
        super().setUp()
        self.port = mercury.free_port()
        self.section = (f'gateway {{ listen = "" tcp_check_listen = '
                        f'"127.0.0.1:{self.port}" }}\n')

    def is_open(self):
        return not mercury.refused(self.port)

    def test_nobody_is_refused_meanwhile(self):
        d = self.started(self.section + mercury.listener("pos"))
        wait_until(self.is_open, "it is open")
        for _ in range(5):
            old = d.child("mercury-gateway")
            mercury.kill(old)
            wait_until(lambda: self.assertTrue(self.is_open()) or
                       "mercury-gateway" in [
                           mercury.comm(p) for p in d.tree() if p != old],
                       "another one")
        self.assertTrue(self.is_open())

    def test_one_that_hangs_is_not_relied_upon(self):
        """Long before it is killed, what is not ready is refused."""
        d = self.started(self.section + mercury.listener("pos"))
        wait_until(self.is_open, "it is open")
        pid = d.child("mercury-gateway")
        begun = time.monotonic()
        os.kill(pid, signal.SIGSTOP)
        d.call("daemon.drain")
        # Who connects now would stay in its queue.
        wait_until(lambda: not mercury.is_listening(self.port), "it is closed")
        if not mercury.SANITIZED:
            self.assertLess(time.monotonic() - begun, 5)
            self.assertEqual(d.child("mercury-gateway"), pid)
        os.kill(d.child("mercury-gateway"), signal.SIGCONT)
        d.call("daemon.undrain")
        wait_until(self.is_open, "it is open again")

    def test_it_closes_when_no_other_comes(self):
        """For want of descriptors no child can be started."""
        d = self.started(self.section + mercury.listener("pos"))
        wait_until(self.is_open, "it is open")
        limit = resource.prlimit(d.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(d.pid, resource.RLIMIT_NOFILE, (3, limit[1]))
        mercury.kill(d.child("mercury-gateway"))
        wait_until(lambda: not self.is_open(), "it is closed")
        resource.prlimit(d.pid, resource.RLIMIT_NOFILE, limit)
        wait_until(self.is_open, "another one has opened it")


class Reload(Served):
    def reload(self, d, listeners):
        d.write(listeners)
        d.call("daemon.reload")

    def test_token_and_place(self):
        d = self.up(token="one")
        pos = mercury.listener("pos")
        device = connect(d.port("pos"))
        self.addCleanup(device.close)
        one = {"authorization": "Bearer one"}
        two = {"authorization": "Bearer two"}
        self.assertEqual(self.ask("/api/status", **one).status, 200)
        idle = Client(self.port)
        self.addCleanup(idle.close)
        self.assertEqual(idle.ask("/livez").status, 200)
        self.reload(d, mercury.gateway(self.port, token="two") + pos)
        self.wait_status("/api/status", 200, **two)
        self.wait_status("/api/status", 401, **one)
        idle.end()
        old, self.port = self.port, mercury.free_port()
        self.reload(d, mercury.gateway(self.port, token="two") + pos)
        self.wait_status("/readyz", 200)
        wait_until(lambda: mercury.refused(old), "the old place is closed")
        self.reload(d, pos)
        wait_until(lambda: mercury.refused(self.port), "there is none")
        self.reload(d, mercury.gateway(self.port) + pos)
        self.wait_status("/readyz", 200)
        self.assertEqual(mercury.ask(device, b"x"), b"x")

    def test_nobody_goes_unanswered(self):
        """Settings change again and again under requests."""
        d = self.up()
        pos = mercury.listener("pos")
        for i in range(6):
            clients = [Client(self.port) for _ in range(5)]
            for c in clients:
                self.addCleanup(c.close)
                c.send(b"GET /live")
            self.reload(d, mercury.gateway(self.port, token=f"t{i}") + pos)
            for c in clients:
                c.send(b"z HTTP/1.1\r\nConnection: close\r\n\r\n")
            for c in clients:
                self.assertEqual(c.answer().status, 200)
                c.end()

    def test_a_place_that_is_taken_changes_nothing(self):
        d = self.up()
        old = d.child("mercury-gateway")
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            taken = other.getsockname()[1]
            d.write(mercury.gateway(taken) + mercury.listener("gps"))
            with self.assertRaises(mercury.RpcError) as caught:
                d.call("daemon.reload")
        self.assertEqual(caught.exception.reason, "port_in_use")
        self.assertRegex(caught.exception.message, rf"gateway: listen: .*{taken}")
        self.assertEqual(d.child("mercury-gateway"), old)
        self.assertIsNone(d.listener("gps"))
        self.assertEqual(self.ask("/readyz/pos").status, 200)

    def test_another_address_of_the_same_port(self):
        """From loopback alone to everywhere, without another port."""
        agent = mercury.free_port()
        pos = mercury.listener("pos")
        d = self.up(agent_listen=f"127.0.0.1:{agent}")
        mine = mercury.gateway(self.port, listen=f"0.0.0.0:{self.port}",
                               agent_listen=f"0.0.0.0:{agent}")
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            d.write(mine + pos + mercury.listener(
                "gps", port=other.getsockname()[1], bind_attempts=1))
            with self.assertRaises(mercury.RpcError):
                d.call("daemon.reload")
        # Nothing has changed.
        self.wait_status("/readyz/pos", 200)
        with connect(agent) as s:
            self.assertEqual(mercury.receive_all(s), b"up ready 100%\n")
        self.assertTrue(mercury.refused(("127.0.0.2", self.port)))
        self.reload(d, mine + pos)
        for host in "127.0.0.1", "127.0.0.2":
            wait_until(lambda h=host: not mercury.refused((h, self.port))
                       and not mercury.refused((h, agent)), "both are open")
        self.wait_status("/readyz/pos", 200)

    def test_a_place_that_is_taken_at_boot(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", self.port))
            other.listen()
            d = self.daemon(mercury.gateway(self.port)
                            + mercury.listener("pos"))
            result = d.run("-f")
        self.assertEqual(result.code, EX_UNAVAILABLE, result)
        self.assertIn("gateway", result.err)
        self.assertIn("listen", result.err)
        self.assertIn(str(self.port), result.err)


class Tls(Served):
    def setUp(self):
        super().setUp()
        self.certs = Certificates(os.path.join(self.scratch(), "tls"))
        self.cert, self.key = self.certs.make("server")

    def section(self, cert=None, key=None, **more):
        options = {"cert": cert or self.cert, "key": key or self.key, **more}
        body = " ".join(f'{k} = "{v}"' for k, v in options.items())
        return f"  tls {{ {body} }}"

    def started_with(self, **more):
        d = self.daemon(mercury.gateway(self.port, self.section(**more))
                        + mercury.listener("pos"))
        return d.start()

    def url(self, path):
        return f"https://127.0.0.1:{self.port}{path}"

    def context(self):
        context = ssl.create_default_context(cafile=self.certs.ca)
        context.check_hostname = False
        return context

    def client(self, context=None):
        raw = connect(self.port)
        self.addCleanup(raw.close)
        s = (context or self.context()).wrap_socket(
            raw, server_hostname="localhost", suppress_ragged_eofs=False)
        self.addCleanup(s.close)
        return Client(self.port, s)

    def test_each_version(self):
        self.started_with()
        for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            context = self.context()
            context.minimum_version = context.maximum_version = version
            c = self.client(context)
            c.send(b"".join(request(p) for p in
                            ("/livez", "/api/status", "/", "/readyz/x") * 20))
            statuses = [c.answer().status for _ in range(80)]
            self.assertEqual(statuses, [200, 200, 200, 503] * 20)
            self.assertEqual(c.ask("/livez", connection="close").status, 200)
            self.assertFalse(c.more())  # close_notify, or there is an error
            self.assertEqual(c.rest, b"")

    def test_curl_and_s_client(self):
        self.started_with()
        self.assertEqual(
            web.curl(self, "--cacert", self.certs.ca, self.url("/livez"),
                     self.url("/livez")), "alive\n" * 2)
        done = subprocess.run(
            ("openssl", "s_client", "-connect", f"127.0.0.1:{self.port}",
             "-CAfile", self.certs.ca, "-verify_return_error", "-quiet"),
            input=request("/livez", connection="close"), timeout=60,
            capture_output=True, check=False)
        self.assertIn(b"200 OK", done.stdout, done.stderr)
        self.assertIn(b"alive", done.stdout)

    def test_bad_handshakes(self):
        d = self.started_with()
        gateway = d.child("mercury-gateway")
        for data in (request("/livez"), b"\x16\x03\x01\x00\x05hello",
                     os.urandom(3000), b"\x16"):
            with Client(self.port) as c:
                c.send(data)
                c.socket.shutdown(socket.SHUT_WR)
                while c.more():
                    pass
                self.assertNotIn(b"HTTP", c.rest)
        self.assertEqual(self.client().ask("/livez").status, 200)
        self.assertEqual(d.child("mercury-gateway"), gateway)

    def test_mutual(self):
        self.certs.make("operator")
        d = self.started_with(client_ca=self.certs.ca, verify="required")
        context = self.context()
        context.load_cert_chain(self.certs.path("operator.pem"),
                                self.certs.path("operator.key"))
        self.assertEqual(self.client(context).ask("/api/status").status, 200)
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            c = self.client()
            c.send(request("/livez"))
            if c.answer() is None:
                raise ConnectionError
        self.assertTrue(d.status()["ready"])

    def test_a_new_certificate(self):
        d = self.started_with()

        def shown():
            s = self.client().socket
            return dict(x[0] for x in s.getpeercert()["subject"])["commonName"]
        self.assertEqual(shown(), "server")
        cert, key = self.certs.make("other")
        d.write(mercury.gateway(self.port, self.section(cert, key))
                + mercury.listener("pos"))
        d.call("daemon.reload")
        wait_until(lambda: shown() == "other", "the new one is shown")

    def test_a_new_certificate_in_the_same_file(self):
        d = self.started_with()
        serial = self.client().socket.getpeercert()["serialNumber"]
        self.certs.make("server")
        d.call("daemon.reload")
        wait_until(lambda: self.client().socket.getpeercert()["serialNumber"]
                   != serial, "the new one is shown")

    def test_keys_are_in_no_core_dump(self):
        d = self.started_with()
        pid = d.child("mercury-gateway")
        if mercury.ROOT:  # who can't be dumped has files that are root's
            wait_until(lambda: mercury.status_of(pid)["Uid"].split()[0]
                       == str(mercury.NOBODY.pw_uid), "it is nobody")
            wait_until(lambda: os.stat(f"/proc/{pid}/environ").st_uid == 0,
                       "it can't be dumped")
            d.stop()
            os.chown(self.key, mercury.NOBODY.pw_uid, mercury.NOBODY.pw_gid)
            d = self.daemon(d.listeners, as_root=False).start()
            pid = d.child("mercury-gateway")
        wait_dumps_nothing(pid)


if __name__ == "__main__":
    mercury.main()
