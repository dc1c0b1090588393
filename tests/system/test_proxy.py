"""Protocol proxy: every byte arrives, both ways; ends are passed on as what
they are; nobody hangs when an upstream does not do as it should."""

import base64
import json
import os
import select
import socket
import ssl
import subprocess
import threading
import time
import unittest

import mercury
from certs import Certificates
from mercury import (anonymous_bytes, ask, connect, keepalive_timer, listener,
                     receive, receive_all, wait_until)
from proxying import Upstream, fill, is_filling, proxy, reset, send_all
from storing import wait_rows

BULK = (1 if mercury.SANITIZED else 16) << 20


def random_bytes(size):
    return os.urandom(1 << 16) * (size >> 16) or os.urandom(size)


class Proxy(mercury.TestCase):
    def serve(self, *upstreams, **kwargs):
        """A daemon whose listener p passes to these; its port."""
        self.d = self.started(proxy("p", upstreams, **kwargs))
        return self.d.port("p")

    def pair(self, port, upstream):
        """A connected device, and its upstream's end."""
        device = connect(port)
        self.addCleanup(device.close)
        return device, upstream.accept()

    def wait_none(self, name="p"):
        wait_until(lambda: self.d.listener(name)["connections"] == 0,
                   "all connections have ended")

    def assert_reset(self, s):
        with self.assertRaises(ConnectionResetError):
            receive_all(s)

    def assert_refused(self, port, data=b""):
        """A reset ends it, be it before connect() has returned."""
        with self.assertRaises(ConnectionResetError):
            with connect(port) as s:
                s.sendall(data)
                receive_all(s)

    def ends(self, count=1):
        return [row["reason"] for row in
                wait_rows(self.d, "connection.closed", count=count)]


class Bytes(Proxy):
    """Through every pair of transports, to echo listeners."""

    def setUp(self):
        super().setUp()
        self.d = self.daemon()
        certs = Certificates(os.path.join(self.scratch(), "tls"))
        cert, key = certs.make("server")
        self.context = ssl.create_default_context(cafile=certs.ca)
        tls = f'tls {{ cert = "{cert}" key = "{key}" }}'
        to_tls = f'tls {{ ca = "{certs.ca}" server_name = "localhost" }}'
        ports = [mercury.free_port() for _ in range(2)]
        path = os.path.join(self.d.dir, "echo.sock")
        self.fronts = {}
        text = (listener("echo", port=ports[0])
                + listener("echo-unix", path=path, mode="0666")
                + listener("echo-tls", port=ports[1],
                           transport="tls").rstrip("}\n") + f"\n{tls} }}\n")
        for back, upstream, more in (("tcp", ports[0], ""),
                                     ("unix", f"unix:{path}", ""),
                                     ("tls", ports[1], to_tls)):
            device = os.path.join(self.d.dir, f"{back}.sock")
            text += proxy(f"tcp-{back}", [upstream], more)
            text += proxy(f"tls-{back}", [upstream], more, tls,
                          transport="tls")
            text += proxy(f"unix-{back}", [upstream], more, path=device,
                          mode="0666")
        self.d.write(text)
        self.d.start()

    def dial(self, name):
        row = self.d.listener(name)
        s = connect(row["path"] or row["port"])
        if row["transport"] == "tls":
            s = self.context.wrap_socket(s, server_hostname="localhost")
        self.addCleanup(s.close)
        return s

    def names(self):
        return [row["name"] for row in self.d.status()["listeners"]
                if not row["name"].startswith("echo")]

    def test_messages(self):
        for name in self.names():
            with self.subTest(name), self.dial(name) as s:
                for size in (1, 64, 4096, 16384, 65536):
                    data = os.urandom(size)
                    self.assertEqual(ask(s, data), data)
                row = wait_until(lambda n=name: self.d.call(
                    "connection.list", name=n)["connections"], "it is shown")
                self.assertEqual(row[0]["state"], "open")
                self.assertEqual(row[0]["bytes_in"], 86081)
                self.assertEqual(row[0]["bytes_out"], 86081)

    def test_much_and_its_end(self):
        """Both ways at once; what is sent before the end comes back."""
        for name in self.names():
            for size in (0, 5, BULK):
                with self.subTest(name=name, size=size):
                    self.much(name, size)
        for name in self.names():
            self.wait_none(name)
            row = self.d.listener(name)
            self.assertEqual(row["bytes_in"], BULK + 5, name)
            self.assertEqual(row["bytes_out"], BULK + 5, name)

    def much(self, name, size):
        data = random_bytes(size)
        with self.dial(name) as s:
            if isinstance(s, ssl.SSLSocket):
                self.assertEqual(self.both_ways(s, data), data)
                return
            sender = send_all(s, data)
            self.assertTrue(receive_all(s) == data, "other bytes came back")
            sender.join()

    def both_ways(self, s, data):
        """TLS in one thread: python's can't be shared by two."""
        s.setblocking(False)
        sent, got = 0, bytearray()
        while len(got) < len(data):
            readable, writable, _ = select.select(
                [s], [s] if sent < len(data) else [], [], mercury.DEADLINE)
            self.assertTrue(readable or writable, "nothing moves")
            try:
                if writable:
                    sent += s.send(data[sent:sent + 65536])
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
            try:
                got += s.recv(1 << 18)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
        s.setblocking(True)
        s.settimeout(mercury.DEADLINE)
        s.unwrap().close()
        return bytes(got)

    def test_many(self):
        count = 200 if mercury.SANITIZED else 1000
        open_ones = []
        for i in range(count):
            s = connect(self.d.listener("tcp-tcp")["port"] if i == 0
                        else open_ones[0].getpeername())
            self.addCleanup(s.close)
            open_ones.append(s)
        for round_ in range(3):
            for i, s in enumerate(open_ones):
                s.sendall(b"%d/%d " % (i, round_) * (1 + i % 50))
            for i, s in enumerate(open_ones):
                want = b"%d/%d " % (i, round_) * (1 + i % 50)
                self.assertEqual(receive(s, len(want)), want)
        self.assertEqual(self.d.listener("tcp-tcp")["connections"], count)
        for s in open_ones:
            s.close()
        self.wait_none("tcp-tcp")
        self.wait_none("echo")


class Ends(Proxy):
    def setUp(self):
        super().setUp()
        self.upstream = Upstream(self)

    def test_device_finishes_first(self):
        port = self.serve(self.upstream.port, record_connections=True)
        device, end = self.pair(port, self.upstream)
        device.sendall(b"question")
        device.shutdown(socket.SHUT_WR)
        self.assertEqual(receive_all(end), b"question")
        end.sendall(b"answer")
        self.assertEqual(receive(device, 6), b"answer")
        row = self.d.call("connection.list", name="p")["connections"][0]
        self.assertEqual(row["state"], "finishing")
        end.close()
        self.assertEqual(receive_all(device), b"")
        self.assertEqual(self.ends(), ["peer_closed"])

    def test_upstream_finishes_first(self):
        port = self.serve(self.upstream.port, record_connections=True)
        device, end = self.pair(port, self.upstream)
        end.sendall(b"banner")
        end.shutdown(socket.SHUT_WR)
        self.assertEqual(receive_all(device), b"banner")
        device.sendall(b"thanks")
        device.close()
        self.assertEqual(receive_all(end), b"thanks")
        self.assertEqual(self.ends(), ["upstream_closed"])

    def test_device_resets(self):
        port = self.serve(self.upstream.port, record_connections=True)
        device, end = self.pair(port, self.upstream)
        self.assertEqual(ask_through(device, end, b"hello"), b"hello")
        reset(device)
        self.assert_reset(end)
        self.assertEqual(self.ends(), ["peer_reset"])

    def test_upstream_resets(self):
        port = self.serve(self.upstream.port, record_connections=True)
        device, end = self.pair(port, self.upstream)
        self.assertEqual(ask_through(device, end, b"hello"), b"hello")
        reset(end)
        self.assert_reset(device)
        self.assertEqual(self.ends(), ["upstream_failed"])

    def test_reset_with_the_last_bytes(self):
        """Though they come as one event, and nobody speaks after it."""
        port = self.serve(self.upstream.port)
        for _ in range(20):
            device, end = self.pair(port, self.upstream)
            device.sendall(b"last")
            reset(device)
            with self.assertRaises(ConnectionResetError):
                while end.recv(100):
                    pass
        self.wait_none()

    def test_kick(self):
        port = self.serve(self.upstream.port)
        device, end = self.pair(port, self.upstream)
        row = self.d.call("connection.list", name="p")["connections"][0]
        self.d.call("connection.kick", name="p", id=row["id"])
        self.assertEqual(receive_all(device), b"")
        self.assertEqual(receive_all(end), b"")

    def test_idle_timeout(self):
        port = self.serve(self.upstream.port, idle_timeout="1s",
                          record_connections=True)
        device, end = self.pair(port, self.upstream)
        self.assertEqual(ask_through(device, end, b"hello"), b"hello")
        self.assertEqual(receive_all(device), b"")
        self.assertEqual(receive_all(end), b"")
        self.assertEqual(self.ends(), ["idle_timeout"])

    def test_drain_deadline(self):
        port = self.serve(self.upstream.port)
        device, end = self.pair(port, self.upstream)
        self.d.call("listener.remove", name="p", deadline="300ms")
        self.assertEqual(receive_all(device), b"")
        self.assertEqual(receive_all(end), b"")

    def test_worker_dies(self):
        port = self.serve(self.upstream.port)
        device, end = self.pair(port, self.upstream)
        self.d.kill_worker("p")
        for s in (device, end):
            self.assertEqual(receive_all(s), b"")
        device, end = self.pair(port, self.upstream)
        self.assertEqual(ask_through(device, end, b"hello"), b"hello")


def ask_through(device, end, data):
    """Both ways, with an upstream that the test plays."""
    device.sendall(data)
    end.sendall(receive(end, len(data)))
    return receive(device, len(data))


class Pressure(Proxy):
    def setUp(self):
        super().setUp()
        self.upstream = Upstream(self)

    def check(self, sender, reader, more=None):
        """Who doesn't read makes the other wait, and the worker keep little."""
        worker = self.d.workers("p")[0]
        before = anonymous_bytes(worker)
        sent = fill(sender)
        if not mercury.SANITIZED:
            self.assertLess(anonymous_bytes(worker) - before, 1 << 20)
        row = self.d.call("connection.list", name="p")["connections"][0]
        self.assertEqual(row["state"], more or "open")
        at = 0
        while at < sent:
            data = reader.recv(1 << 20)
            self.assertTrue(data and is_filling(data, at), f"at {at}")
            at += len(data)
        sender.close()
        self.assertEqual(receive_all(reader), b"")

    def test_upstream_does_not_read(self):
        for splice in (True, False):
            port = self.serve(self.upstream.port,
                              proxy_options={"splice": splice})
            device, end = self.pair(port, self.upstream)
            self.check(device, end)

    def test_device_does_not_read(self):
        for splice in (True, False):
            port = self.serve(self.upstream.port,
                              proxy_options={"splice": splice})
            device, end = self.pair(port, self.upstream)
            self.check(end, device, "waiting")

    def test_more_at_once_than_there_are_pipes(self):
        """Each stream stalls with bytes in the middle; all arrive whole."""
        port = self.serve(self.upstream.port)
        pairs = [self.pair(port, self.upstream) for _ in range(80)]
        sent = [fill(device, 0.05) for device, _ in pairs]
        for (device, end), size in zip(pairs, sent):
            device.close()
            data = receive_all(end)
            self.assertEqual(len(data), size)
            self.assertTrue(is_filling(data, 0))
            end.close()
        self.wait_none()
        self.assertEqual(self.d.listener("p")["bytes_in"], sum(sent))

    def test_one_that_has_much_to_say_starves_nobody(self):
        port = self.serve(self.upstream.port)
        loud, loud_end = self.pair(port, self.upstream)
        quiet, quiet_end = self.pair(port, self.upstream)
        over = threading.Event()
        block = bytes(1 << 20)

        def talk():
            try:
                while not over.is_set():
                    loud.sendall(block)
            except OSError:
                pass

        def listen():
            while loud_end.recv(1 << 20):
                pass
        threads = [threading.Thread(target=f, daemon=True)
                   for f in (talk, listen)]
        for t in threads:
            t.start()
        for _ in range(50):
            self.assertEqual(ask_through(quiet, quiet_end, b"x"), b"x")
        over.set()
        threads[0].join()
        loud.close()
        threads[1].join()

    @unittest.skipIf(mercury.SANITIZED, "sanitizers take memory of their own")
    def test_an_idle_pair_is_small(self):
        count = 1000
        upstream = Upstream(self, backlog=count)
        port = self.serve(upstream.port)
        first = [self.pair(port, upstream) for _ in range(20)]
        worker = self.d.workers("p")[0]
        before = anonymous_bytes(worker)
        more = [self.pair(port, upstream) for _ in range(count)]
        for device, end in more + first:
            self.assertEqual(ask_through(device, end, b"hello"), b"hello")
        each = (anonymous_bytes(worker) - before) / count
        print(f"# an idle pair takes {each:.0f} bytes")
        self.assertLessEqual(each, 1024)


class Options(Proxy):
    def test_keepalive_of_the_upstream(self):
        """As that of the device; one that is short does without."""
        upstream = Upstream(self)
        port = self.serve(upstream.port, keepalive="30s/5s/2")
        _, end = self.pair(port, upstream)
        timer = wait_until(lambda: keepalive_timer(end), "it has one")
        self.assertTrue(10 < timer <= 30, timer)


class Reaching(Proxy):
    """Upstreams that can't be reached, or take their time."""

    def test_refused(self):
        port = self.serve(mercury.free_port(), record_connections=True)
        for _ in range(3):
            self.assert_refused(port)
        self.assertEqual(self.ends(3), ["upstream_failed"] * 3)

    def test_another_one_is_tried(self):
        upstream = Upstream(self)
        port = self.serve(mercury.free_port(), upstream.port,
                          "unix:/nonexistent/app.sock")
        for _ in range(6):
            device, end = self.pair(port, upstream)
            self.assertEqual(ask_through(device, end, b"hello"), b"hello")

    def test_no_more_often_than_it_may(self):
        upstream = Upstream(self)
        port = self.serve(mercury.free_port(), upstream.port, proxy_options={
            "balance": "first", "retries": 0})
        self.assert_refused(port)

    def full(self):
        """An upstream that does not answer: its queue is full."""
        upstream = Upstream(self, backlog=0)
        for _ in range(3):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", upstream.port))
            self.addCleanup(s.close)
        return upstream

    def test_no_answer(self):
        port = self.serve(self.full().port, record_connections=True,
                          proxy_options={"connect_timeout": "500ms",
                                         "retries": 0})
        begun = time.monotonic()
        self.assert_refused(port, b"hello")
        self.assertGreaterEqual(time.monotonic() - begun, 0.5)
        self.assertEqual(self.ends(), ["upstream_failed"])

    def test_another_one_answers(self):
        upstream = Upstream(self)
        port = self.serve(self.full().port, upstream.port, proxy_options={
            "balance": "first", "connect_timeout": "300ms"})
        device = connect(port)
        device.sendall(b"hello")
        end = upstream.accept()
        self.assertEqual(receive(end, 5), b"hello")
        device.close()

    def test_device_leaves_meanwhile(self):
        port = self.serve(self.full().port, record_connections=True,
                          proxy_options={"connect_timeout": "60s"})
        for leave in (reset, lambda s: s.close()):
            s = connect(port)
            wait_until(lambda: self.d.listener("p")["connections"] == 1,
                       "it is there")
            leave(s)
            self.wait_none()

    def test_a_request_that_came_with_the_handshake(self):
        """It waits in the TLS session, and its device has finished."""
        certs = Certificates(os.path.join(self.scratch(), "tls"))
        cert, key = certs.make("server")
        upstream = Upstream(self)
        port = self.serve(f"127.0.0.1:{upstream.port} max_connections=1",
                          transport="tls", workers=1,
                          more=f'tls {{ cert = "{cert}" key = "{key}" }}')
        context = ssl.create_default_context(cafile=certs.ca)
        first = context.wrap_socket(connect(port), server_hostname="localhost")
        self.addCleanup(first.close)
        place = upstream.accept()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        device = connect(port)
        self.addCleanup(device.close)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                device.sendall(outgoing.read())
                incoming.write(device.recv(65536))
        tls.write(b"hello")
        device.sendall(outgoing.read())
        device.shutdown(socket.SHUT_WR)
        wait_until(lambda: self.d.listener("p")["proxy"]["waiting"] == 1,
                   "it waits for a place")
        first.close()
        place.close()
        self.assertEqual(receive_all(upstream.accept()), b"hello")

    def test_it_comes_back(self):
        upstream = Upstream(self)
        where = upstream.port
        port = self.serve(where)
        device, end = self.pair(port, upstream)
        upstream.close()
        reset(end)
        self.assert_reset(device)
        self.assert_refused(port)
        upstream = Upstream(self, port=where)

        def served():
            try:
                with connect(port) as s:
                    s.sendall(b"hello")
                    return select.select([upstream.socket, s], [], [], 1)[0] \
                        == [upstream.socket]
            except OSError:
                return False
        wait_until(served, "it is found again", 3)

    def test_paused(self):
        """It takes connections and bytes, and answers when it goes on."""
        upstream = Upstream(self)
        port = self.serve(upstream.port)
        devices = [connect(port) for _ in range(20)]
        for i, s in enumerate(devices):
            s.sendall(b"%d" % i)
        wait_until(lambda: self.d.listener("p")["bytes_in"] == 30,
                   "all is passed on")
        for _ in devices:
            end = upstream.accept()
            end.sendall(b"<" + end.recv(10) + b">")
            end.shutdown(socket.SHUT_WR)
        for i, s in enumerate(devices):
            self.assertEqual(receive_all(s), b"<%d>" % i)
            s.close()
        self.wait_none()


class Tls(Proxy):
    """To upstreams."""

    def setUp(self):
        super().setUp()
        self.certs = Certificates(os.path.join(self.scratch(), "tls"))
        self.port = mercury.free_port()

    def started_with(self, section, **kwargs):
        cert, key = self.certs.make("server")
        echo = listener("echo", port=self.port, transport="tls")
        self.d = self.started(
            echo.rstrip("}\n")
            + f'\n tls {{ cert = "{cert}" key = "{key}" }} }}\n'
            + proxy("p", [self.port], f"tls {{ {section} }}",
                    record_connections=True, **kwargs))
        return self.d.port("p")

    def test_the_name_is_verified(self):
        port = self.started_with(f'ca = "{self.certs.ca}"')
        with connect(port) as s:  # its certificate is for 127.0.0.1, too
            self.assertEqual(ask(s, b"hello"), b"hello")

    def test_a_wrong_name(self):
        port = self.started_with(
            f'ca = "{self.certs.ca}" server_name = "other.example"')
        self.assert_refused(port)
        self.assertEqual(self.ends(), ["upstream_failed"])
        row, = self.d.call("listener.upstreams", name="p")["upstreams"]
        self.assertEqual(row["last_error"],
                         "TLS handshake failed: bad_certificate")

    def test_a_wrong_authority(self):
        other = self.certs.make_ca("other")
        port = self.started_with(f'ca = "{other}" server_name = "localhost"')
        self.assert_refused(port)

    def test_it_need_not_be_verified(self):
        port = self.started_with('verify = "none"')
        with connect(port) as s:
            self.assertEqual(ask(s, b"hello"), b"hello")

    def test_it_does_not_shake_hands(self):
        upstream = Upstream(self)
        self.port = upstream.port
        port = self.serve(upstream.port, proxy_more='tls { verify = "none" }',
                          proxy_options={"connect_timeout": "300ms",
                                         "retries": 0})
        self.assert_refused(port)


class Header(Proxy):
    """The PROXY header that we send, read by a second listener."""

    def row(self, which, origin=b"", tls=None):
        where = mercury.free_port()
        text = listener("back", port=where, proxy_protocol=which,
                        proxy_trusted="127.0.0.1")
        text += proxy("p", [where], more=tls or "", proxy_options={
            "send_proxy": which}, transport="tls" if tls else "tcp",
            proxy_protocol="any" if origin else "off",
            proxy_trusted="127.0.0.1")
        self.d = self.started(text)
        s = connect(self.d.port("p"))
        s.sendall(origin)
        own = "%s:%u" % s.getsockname()
        if tls:
            s = self.context.wrap_socket(s, server_hostname="localhost")
        self.addCleanup(s.close)
        self.assertEqual(ask(s, b"hello"), b"hello")
        back = self.d.call("connection.list", name="back")["connections"]
        front = self.d.call("connection.list", name="p")["connections"]
        self.assertEqual(len(back), 1)
        self.assertEqual(front[0]["bytes_in"], 5)
        return back[0], front[0], own

    def test_whose(self):
        for which in ("v1", "v2"):
            with self.subTest(which):
                back, front, own = self.row(which)
                self.assertEqual(back["peer"], own)
                if which == "v2":
                    self.assertEqual(back["proxy"]["unique_id"], front["id"])

    def test_as_a_proxy_in_front_says(self):
        for which in ("v1", "v2"):
            with self.subTest(which):
                back, _, _ = self.row(
                    which, b"PROXY TCP4 192.0.2.7 192.0.2.1 4321 9100\r\n")
                self.assertEqual(back["peer"], "192.0.2.7:4321")

    def test_what_was_agreed(self):
        certs = Certificates(os.path.join(self.scratch(), "tls"))
        cert, key = certs.make("server")
        self.context = ssl.create_default_context(cafile=certs.ca)
        self.context.load_cert_chain(*certs.make("terminal 7"))
        back, front, _ = self.row("v2", tls=(
            f'tls {{ cert = "{cert}" key = "{key}"'
            f' client_ca = "{certs.ca}" }}'))
        self.assertEqual(back["tls"]["version"], front["tls"]["version"])
        self.assertEqual(back["tls"]["cipher"], front["tls"]["cipher"])
        self.assertEqual(back["tls"]["name"], "terminal 7")
        self.assertEqual(back["proxy"]["authority"], "localhost")


class Trace(Proxy):
    def test_all_bytes_are_seen(self):
        """Spliced before and after; while somebody looks, they are copied."""
        upstream = Upstream(self)
        port = self.serve(upstream.port)
        device, end = self.pair(port, upstream)
        data = random_bytes(1 << 20)
        for look in (False, True):
            args = ["trace", "p", "--json", "--count", "40"]
            trace = subprocess.Popen(
                [mercury.binary("mercuryctl"), "-s", self.d.control, *args],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE) \
                if look else None
            if trace:
                self.addCleanup(trace.stdout.close)
                self.addCleanup(trace.stderr.close)
                self.addCleanup(trace.wait)
                self.addCleanup(trace.kill)
                self.assertTrue(trace.stderr.readline())
            sender = send_all(device, data, finish=False)
            self.assertTrue(receive(end, len(data)) == data)
            sender.join()
            device_gets = send_all(end, b"answer", finish=False)
            self.assertEqual(receive(device, 6), b"answer")
            device_gets.join()
        seen = b""
        while len(seen) < 100:
            note = json.loads(trace.stdout.readline())
            if note["method"] == "trace.data":
                seen += base64.b64decode(note["params"]["data"])
        self.assertEqual(seen[:100], data[:100])


class Restart(Proxy):
    def test_nothing_that_may_finish_is_lost(self):
        """Devices that come, ask, and go all the time."""
        where = mercury.free_port()
        self.d = self.started(listener("echo", port=where)
                              + proxy("p", [where], workers=2))
        port = self.d.port("p")
        over, lost, done = threading.Event(), [], []

        def work():
            while not over.is_set():
                data = os.urandom(100000)
                try:
                    with connect(port) as s:
                        sender = send_all(s, data)
                        if receive_all(s) != data:
                            lost.append("not what was sent")
                        sender.join()
                    done.append(1)
                except OSError as e:
                    lost.append(repr(e))
        threads = [threading.Thread(target=work, daemon=True)
                   for _ in range(8)]
        for t in threads:
            t.start()
        try:
            for i in range(1, 4):
                count = len(done)
                self.d.call("listener.restart", name="p")
                wait_until(lambda c=count: len(done) > c + 8, "they go on")
        finally:
            over.set()
            for t in threads:
                t.join()
        self.assertEqual(lost, [])
        self.wait_none()

    def test_what_is_open_goes_on_until_the_deadline(self):
        upstream = Upstream(self)
        port = self.serve(upstream.port, drain_timeout="60s")
        device, end = self.pair(port, upstream)
        old = self.d.workers("p")
        self.d.call("listener.restart", name="p")
        self.assertNotEqual(self.d.workers("p"), old)
        self.assertEqual(ask_through(device, end, b"hello"), b"hello")
        other, other_end = self.pair(port, upstream)
        self.assertEqual(ask_through(other, other_end, b"new"), b"new")
        device.close()
        self.assertEqual(receive_all(end), b"")
        end.close()
        wait_until(lambda: not mercury.alive(old[0]), "the old worker ends")

    def test_an_update_is_for_new_ones(self):
        one, other = Upstream(self), Upstream(self)
        port = self.serve(one.port)
        device, end = self.pair(port, one)
        self.d.call("listener.update", name="p", proxy={
            "upstreams": [f"127.0.0.1:{other.port}"], "check": "off"})
        device2, end2 = self.pair(port, other)
        self.assertEqual(ask_through(device2, end2, b"new"), b"new")
        self.assertEqual(ask_through(device, end, b"old"), b"old")


if __name__ == "__main__":
    mercury.main()
