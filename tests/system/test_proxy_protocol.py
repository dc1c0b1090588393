"""The PROXY protocol: whose connection it is, as a proxy in front says."""

import json
import random
import select
import socket
import struct
import time

import fronting
import mercury
from fronting import LOCAL, reset, tls_tlv, tlv, v1, v2
from mercury import ask, connect, listener, receive, wait_until
from storing import rows, wait_rows

ALPN, AUTHORITY, CRC, NOOP, UNIQUE_ID = 1, 2, 3, 4, 5


class ProxyProtocol(mercury.TestCase):
    def served(self, **options):
        """A daemon with a listener that trusts this machine."""
        return self.started(listener("pos", **{
            "proxy_protocol": "any", "proxy_trusted": "127.0.0.1",
            **options}))

    def row(self, d, **params):
        """The one connection that there is."""
        def look():
            found = d.call("connection.list", name="pos", **params)
            return found["connections"]
        found = wait_until(look, "a connection is there")
        self.assertEqual(len(found), 1)
        return found[0]

    def passes(self, d, header, data=b"hello"):
        """Is what comes behind the header answered?"""
        with connect(d.port("pos")) as s:
            try:
                s.sendall(header + data)
                return receive(s, len(data)) == data
            except (ConnectionResetError, BrokenPipeError):
                return False

    def failures(self, d):
        return d.listener("pos")["handshake_failures"]


class Header(ProxyProtocol):
    def peer_of(self, d, header):
        """What connections shows while such a connection is open."""
        with connect(d.port("pos")) as s:
            s.sendall(header + b"x")
            self.assertEqual(receive(s, 1), b"x")
            row = self.row(d)
            own = "%s:%u" % s.getsockname()
        wait_until(lambda: d.listener("pos")["connections"] == 0, "it ends")
        return row, own

    def test_whose(self):
        d = self.served()
        for header, peer in (
                (v1(), "192.0.2.7:4321"),
                (v1("2001:db8::5", "::1", (1, 65535)), "[2001:db8::5]:1"),
                (v2(), "192.0.2.7:4321"),
                (v2(crc=True), "192.0.2.7:4321"),
                (v2("2001:db8::5", "::1"), "[2001:db8::5]:4321"),
                (v2("::ffff:192.0.2.8", "::1"), "192.0.2.8:4321"),
                (v2(tlvs=tlv(NOOP, bytes(20)) + tlv(0xee, b"x")),
                 "192.0.2.7:4321")):
            with self.subTest(header=header):
                row, own = self.peer_of(d, header)
                self.assertEqual(row["peer"], peer)
                self.assertEqual(row["proxy"]["address"], own)
                self.assertIsNone(row["tls"])

    def test_nobody_in_particular(self):
        d = self.served()
        for header in (b"PROXY UNKNOWN\r\n",
                       b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n",
                       v2(None), v2(None, command=LOCAL), v2(command=LOCAL)):
            with self.subTest(header=header):
                row, own = self.peer_of(d, header)
                self.assertEqual(row["peer"], own)
        self.assertEqual(self.failures(d), 0)

    def test_what_it_tells(self):
        d = self.served()
        row, own = self.peer_of(d, v2(crc=True, tlvs=(
            tlv(ALPN, b"modbus") + tlv(AUTHORITY, b"pos.example")
            + tlv(UNIQUE_ID, b"\x00id\xff") + tls_tlv(
                version="TLSv1.3", cn="terminal 17\n",
                cipher="TLS_AES_128_GCM_SHA256"))))
        self.assertEqual(row["proxy"], {
            "address": own, "authority": "pos.example", "alpn": "modbus",
            "unique_id": "\\x00id\\xff"})
        tls = row["tls"]
        self.assertEqual(tls["version"], "TLSv1.3")
        self.assertEqual(tls["name"], "terminal 17\\x0a")
        self.assertEqual(tls["cipher"], "TLS_AES_128_GCM_SHA256")
        self.assertTrue(tls["by_proxy"])
        self.assertEqual(d.listener("pos")["bytes_in"], 1, "payload only")

    def test_shown_by_ctl(self):
        d = self.served()
        with connect(d.port("pos")) as s:
            s.sendall(v2(tlvs=tls_tlv(version="TLSv1.2", cn="terminal")))
            self.row(d)
            out = d.ctl("connections", "pos").out
            for word in ("192.0.2.7:4321", "TLSv1.2", "terminal",
                         "%s:%u" % s.getsockname()):
                self.assertIn(word, out)

    def test_only_the_version_that_is_wanted(self):
        d = self.served(proxy_protocol="v1")
        self.assertTrue(self.passes(d, v1()))
        self.assertFalse(self.passes(d, v2()))
        d.call("listener.update", name="pos", proxy_protocol="v2")
        self.assertTrue(self.passes(d, v2()))
        self.assertFalse(self.passes(d, v1()))
        d.call("listener.update", name="pos", proxy_protocol="off")
        with connect(d.port("pos")) as s:  # they are bytes like any other
            self.assertEqual(ask(s, v1()), v1())
        self.assertEqual(self.failures(d), 2)

    def test_data_behind_it(self):
        d = self.served()
        data = random.Random(1).randbytes(3 << 20)
        for header in (v1(), v2(), v2(command=LOCAL), b"PROXY UNKNOWN\r\n"):
            with connect(d.port("pos")) as s:
                s.setblocking(False)
                left, got = memoryview(header + data), bytearray()
                while len(got) < len(data):
                    r, w, _ = select.select([s], [s] if left else [], [],
                                            mercury.DEADLINE)
                    self.assertTrue(r or w)
                    if w:
                        left = left[s.send(left[:100000]):]
                    if r:
                        got += s.recv(1 << 20)
                self.assertEqual(bytes(got), data)

    def test_in_pieces(self):
        d = self.served(handshake_timeout="20s")
        for header in (v1(), v2(crc=True, tlvs=tlv(AUTHORITY, b"a" * 40)),
                       v2("2001:db8::5", "::1", command=LOCAL)):
            # Byte by byte over more than a second; then two of any size.
            with connect(d.port("pos")) as s:
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for byte in header:
                    s.sendall(bytes([byte]))
                    select.select([], [], [], 1.1 / len(header))
                self.assertEqual(ask(s, b"hello"), b"hello")
            sockets = []
            for cut in range(1, len(header) + 1):
                s = connect(d.port("pos"))
                self.addCleanup(s.close)
                s.sendall(header[:cut])
                sockets.append((s, cut))
            for s, cut in sockets:
                s.sendall(header[cut:] + b"hello")
            for s, cut in sockets:
                self.assertEqual(receive(s, 5), b"hello", cut)
                s.close()
        self.assertEqual(self.failures(d), 0)


class BadHeader(ProxyProtocol):
    def expect_failure(self, d, data):
        """It is closed without a byte, and counted once."""
        before = self.failures(d)
        with connect(d.port("pos")) as s:
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                self.assertEqual(receive(s, 1), b"", data)
            except OSError:
                pass
        wait_until(lambda: self.failures(d) == before + 1, f"failed: {data}")

    def test_what_makes_no_sense(self):
        d = self.served()
        good = v2()
        for data in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01",
                     b"PROXY TCP4 192.0.2.7 192.0.2.1 1 2\n\n",
                     b"PROXY TCP4 192.0.2.7 192.0.2.1 1 65536\r\n",
                     b"PROXY TCP4 192.0.2.7 ::1 1 2\r\n",
                     b"PROXY TCP4 192.0.2.7\r\n", b"PROXY \r\n",
                     b"PROXY TCP4 " + b"1" * 200,
                     good[:12] + b"\x31" + good[13:],
                     good[:12] + b"\x22" + good[13:],
                     v2(tlvs=b"\x01\x00\x09x"), v2(tlvs=b"\x01"),
                     v2(tlvs=tlv(AUTHORITY, b"a") * 2),
                     v2(tlvs=tlv(CRC, b"\0\0\0\0")),
                     v2(tlvs=tlv(CRC, b"\0"))):
            with self.subTest(data=data):
                self.expect_failure(d, data)
        failed = wait_rows(d, "connection.handshake_failed")
        self.assertEqual(failed[0]["reason"], "protocol_error")
        self.assertEqual(d.listener("pos")["bytes_in"], 0)
        self.assertTrue(self.passes(d, v1()))

    def test_every_truncation(self):
        """FIN in the midst of a header; nothing of it is passed on."""
        d = self.served()
        count = 0
        for header in (v1(), v2(crc=True, tlvs=tls_tlv(cn="x"))):
            for cut in range(1, len(header)):
                with connect(d.port("pos")) as s:
                    s.sendall(header[:cut])
                    s.shutdown(socket.SHUT_WR)
                    self.assertEqual(receive(s, 1), b"", cut)
                count += 1
        wait_until(lambda: self.failures(d) == count, "all have failed")
        row = d.listener("pos")
        self.assertEqual(row["ends"]["peer_closed"], count)
        self.assertEqual(row["probes"], 0)

    def test_every_bit(self):
        """With a checksum no bit can fall without being seen, but those that
        make it another header: no checksum, or a version 1 line."""
        d = self.served(handshake_timeout="1s")
        header = v2(crc=True, tlvs=tlv(AUTHORITY, b"pos.example")
                    + tls_tlv(version="TLSv1.3", cn="terminal"))
        passed = []
        sockets = []
        for bit in range(len(header) * 8):
            bad = bytearray(header)
            bad[bit // 8] ^= 1 << bit % 8
            s = connect(d.port("pos"))
            self.addCleanup(s.close)
            s.sendall(bytes(bad) + b"hello")
            sockets.append((bit, s))
        for bit, s in sockets:
            try:
                if receive(s, 5) == b"hello":
                    passed.append(bit // 8)
            except ConnectionResetError:
                pass
            s.close()
        # The type of the checksum's TLV is all that may be lost: it is one
        # that nobody knows then.
        checksum = len(header) - 7
        self.assertLessEqual(set(passed), {checksum})
        self.assertTrue(self.passes(d, header))

    def test_a_long_one(self):
        """16 KiB, and 64 KiB: refused at its length."""
        d = self.served()
        for size in (2049, 16384, 65535):
            start = v2()[:14] + struct.pack("!H", size)
            self.expect_failure(d, start + bytes(size))
        self.expect_failure(d, b"PROXY TCP4 " + b" " * 16384 + b"\r\n")
        self.assertTrue(self.passes(
            d, v2(tlvs=tlv(NOOP, bytes(1900)))), "one of less")

    def test_random_bytes(self):
        d = self.served(handshake_timeout="1s")
        rand = random.Random(7)
        for n in range(300):
            data = rand.randbytes(rand.randrange(1, 300))
            if n % 2:
                data = fronting.SIGNATURE + b"\x21" + data
            with connect(d.port("pos")) as s:
                try:
                    s.sendall(data)
                except OSError:
                    pass
        self.assertEqual(len(d.workers("pos")), 1)
        self.assertTrue(self.passes(d, v1()))
        wait_rows(d, "listener.listening")
        self.assertEqual(rows(d, "worker.crashed"), [])


class Timeout(ProxyProtocol):
    def test_it_counts_from_accept(self):
        d = self.served(handshake_timeout="1s")
        for data in (b"", b"PROXY ", v2()[:20]):
            begun = time.monotonic()
            with connect(d.port("pos")) as s:
                s.sendall(data)
                self.assertEqual(receive(s, 1), b"")  # FIN
            took = time.monotonic() - begun
            self.assertGreater(took, 0.95)
            self.assertLess(took, 2 if not mercury.SANITIZED else 10)
        row = d.listener("pos")
        self.assertEqual(row["handshake_failures"], 3)
        self.assertEqual(row["ends"]["handshake_timeout"], 3)
        self.assertEqual(row["probes"], 0, "one that waits is none")
        reasons = {r["reason"] for r in
                   wait_rows(d, "connection.handshake_failed")}
        self.assertEqual(reasons, {"handshake_timeout"})

    def test_a_byte_now_and_then_does_not_help(self):
        d = self.served(handshake_timeout="1s")
        header = v2(tlvs=tlv(NOOP, bytes(100)))
        begun = time.monotonic()
        with connect(d.port("pos")) as s:
            try:
                for byte in header:
                    s.sendall(bytes([byte]))
                    select.select([], [], [], 0.05)
            except OSError:
                pass
            self.assertLess(time.monotonic() - begun,
                            3 if not mercury.SANITIZED else 20)
        self.assertEqual(self.failures(d), 1)

    def test_the_state_until_then(self):
        d = self.served()
        with connect(d.port("pos")) as s:
            row = self.row(d)
            self.assertEqual(row["state"], "handshake")
            s.sendall(v1())
            wait_until(lambda: self.row(d)["state"] == "open", "it opens")


class Trust(ProxyProtocol):
    def test_from_others(self):
        d = self.served(proxy_trusted="127.0.0.9")
        self.assertFalse(self.passes(d, v1()))
        self.assertFalse(self.passes(d, b""))
        wait_until(lambda: d.listener("pos")["denied"] == 2, "denied")
        denied = wait_rows(d, "connection.denied")
        self.assertEqual(denied[0]["reason"], "proxy_trusted")
        self.assertEqual(self.failures(d), 0)
        d.call("listener.update", name="pos", proxy_trusted=["127.0.0.0/8"])
        self.assertTrue(self.passes(d, v1()))

    def test_without_any(self):
        with self.assertRaises(mercury.RpcError) as caught:
            self.started().add("pos", proxy_protocol="any")
        self.assertIn("proxy_trusted: is missing", caught.exception.message)

    def test_unix_socket(self):
        path = self.scratch() + "/u.sock"
        d = self.started(listener("pos", path=path, proxy_protocol="any"))
        with connect(path) as s:
            s.sendall(v2(tlvs=tlv(AUTHORITY, b"pos")) + b"hello")
            self.assertEqual(receive(s, 5), b"hello")
            row = self.row(d)
            self.assertEqual(row["peer"], "192.0.2.7:4321")
            self.assertEqual(row["proxy"], {
                "address": None, "authority": "pos", "alpn": None,
                "unique_id": None})


class RealPeer(ProxyProtocol):
    """What else goes by it."""

    def test_allow_and_deny(self):
        d = self.served(deny="192.0.2.0/24", record_connections=True)
        self.assertFalse(self.passes(d, v1()))
        self.assertTrue(self.passes(d, v1("198.51.100.1")))
        self.assertTrue(self.passes(d, b"PROXY UNKNOWN\r\n"))
        d.call("listener.update", name="pos", deny=[],
               allow=["127.0.0.1", "2001:db8::/32"])
        self.assertFalse(self.passes(d, v2()))
        self.assertTrue(self.passes(d, v2("2001:db8::7", "::1")))
        wait_until(lambda: d.listener("pos")["denied"] == 2, "denied")
        self.assertEqual(d.listener("pos")["ends"]["denied"], 2)
        denied = wait_rows(d, "connection.denied", count=2)
        self.assertEqual({r["reason"] for r in denied}, {"deny", "allow"})
        self.assertEqual({r["peer"] for r in denied}, {"192.0.2.7:4321"})
        self.assertEqual(self.failures(d), 0)

    def test_the_proxy_must_be_allowed_too(self):
        d = self.served(deny="127.0.0.1")
        self.assertFalse(self.passes(d, v1()))
        self.assertEqual(wait_rows(d, "connection.denied")[0]["reason"],
                         "deny")

    def test_events(self):
        d = self.served(record_connections=True)
        self.assertTrue(self.passes(d, v2("2001:db8::5", "::1")))
        for kind in ("connection.opened", "connection.closed"):
            row = wait_rows(d, kind)[0]
            self.assertEqual(row["peer"], "[2001:db8::5]:4321")
        with connect(d.port("pos")) as s:
            s.sendall(v1() + b"x")
            self.assertEqual(receive(s, 1), b"x")
            reset(s)
        closed = wait_rows(d, "connection.closed", count=2)[1]
        self.assertEqual((closed["peer"], closed["reason"]),
                         ("192.0.2.7:4321", "peer_reset"))

    def test_filter(self):
        d = self.served()
        with connect(d.port("pos")) as a, connect(d.port("pos")) as b:
            a.sendall(v1())
            b.sendall(v2("2001:db8::5", "::1"))
            for peer, want in (("192.0.2.0/24", "192.0.2.7:4321"),
                               ("2001:db8::/32", "[2001:db8::5]:4321"),
                               ("127.0.0.1", None)):
                def peers():
                    out = d.ctl("--json", "connections", "pos", "--peer",
                                peer).out
                    return [json.loads(c)["peer"] for c in out.splitlines()]
                wait_until(lambda: peers() == ([want] if want else []), peer)

    def test_max_connections_counts_from_accept(self):
        d = self.served(max_connections=1, overflow="reject")
        with connect(d.port("pos")):
            self.row(d)
            self.assertFalse(self.passes(d, v1()))
        wait_until(lambda: d.listener("pos")["connections"] == 0, "it ends")
        self.assertTrue(self.passes(d, v1()))


class Real(ProxyProtocol):
    """Real load balancers in front."""

    def through(self, d, port, **options):
        with connect(port, **options) as s:
            self.assertEqual(ask(s, b"hello"), b"hello")
            row = self.row(d)
            self.assertEqual(row["peer"], "%s:%u" % s.getsockname())
            self.assertNotEqual(row["proxy"]["address"], row["peer"])
            data = bytes(range(256)) * 4000
            s.sendall(data[:100000])
            self.assertEqual(receive(s, 100000), data[:100000])
        wait_until(lambda: d.listener("pos")["connections"] == 0, "it ends")

    def test_haproxy(self):
        d = self.served()
        for option in ("send-proxy", "send-proxy-v2",
                       "send-proxy-v2 proxy-v2-options crc32c,unique-id"):
            with self.subTest(option=option):
                port = mercury.free_port()
                fronting.haproxy(self, f"""
listen pos
  bind 127.0.0.1:{port}
  server s 127.0.0.1:{d.port("pos")} {option}
""", port)
                self.through(d, port)
        self.assertEqual(self.failures(d), 0)

    def test_haproxy_that_ends_tls(self):
        """With a client certificate, whose name it passes on."""
        d = self.served()
        folder = self.scratch()
        cert, key = fronting.certificate(folder)
        with open(folder + "/both", "w") as out:
            for path in (key, cert):
                with open(path) as f:
                    out.write(f.read())
        port = mercury.free_port()
        fronting.haproxy(self, f"""
listen pos
  bind 127.0.0.1:{port} ssl crt {folder}/both ca-file {cert} verify required
  server s 127.0.0.1:{d.port("pos")} send-proxy-v2-ssl-cn
""", port)
        context = fronting.tls_client(cert, key)
        with context.wrap_socket(connect(port)) as s:
            self.assertEqual(ask(s, b"hello"), b"hello")
            row = self.row(d)
            self.assertEqual(row["peer"], "%s:%u" % s.getsockname())
            self.assertEqual(row["tls"]["version"], s.version())
            self.assertEqual(row["tls"]["name"], "localhost")
            self.assertTrue(row["tls"]["by_proxy"])

    def test_nginx(self):
        d = self.served()
        self.through(d, fronting.nginx(self, d.port("pos")).port)
        self.assertEqual(self.failures(d), 0)


if __name__ == "__main__":
    mercury.main()
