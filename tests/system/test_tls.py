"""TLS: certificates, versions, resumption, mutual TLS, and bad handshakes."""

import json
import os
import re
import socket
import ssl
import subprocess
import threading
import time
import unittest

import faketime
import mercury
from certs import Certificates, exchange, openssl
from mercury import connect, listener, receive, receive_all, wait_until
from storing import wait_rows
from supervising import Moods


def section(cert, key, **options):
    """A tls section as the config file has it."""
    options = {"cert": cert, "key": key, **options}
    body = " ".join(f"{k} = {v}" if v.startswith("{") else f'{k} = "{v}"'
                    for k, v in options.items())
    return f"tls {{ {body} }}"


def tls_listener(name, tls, **options):
    text = listener(name, transport="tls", **options)
    return text.rstrip("}\n") + f"\n  {tls}\n}}\n"


def s_client(port, *args, data=b""):
    """What openssl s_client says, with a moment for the echo."""
    p = subprocess.Popen(("openssl", "s_client", "-connect",
                          f"127.0.0.1:{port}") + args,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT)
    try:
        out = p.communicate(data, timeout=mercury.DEADLINE)[0]
    finally:
        if p.poll() is None:
            p.kill()
            p.wait()
    return out.decode(errors="replace")


class Tls(mercury.TestCase):
    def setUp(self):
        super().setUp()
        self.certs = Certificates(os.path.join(self.scratch(), "tls"))
        self.cert, self.key = self.certs.make("server")

    def client(self, **kwargs):
        context = ssl.create_default_context(cafile=self.certs.ca)
        context.check_hostname = False
        for key, value in kwargs.items():
            setattr(context, key, value)
        return context

    def dial(self, port, context=None, server_name="localhost", **kwargs):
        raw = connect(port)
        self.addCleanup(raw.close)
        s = (context or self.client()).wrap_socket(
            raw, server_hostname=server_name, **kwargs)
        self.addCleanup(s.close)
        return s

    def echo(self, s, data=b"hello"):
        s.sendall(data)
        self.assertEqual(receive(s, len(data)), data)

    def up(self, **options):
        tls = section(self.cert, self.key, **options.pop("tls", {}))
        return self.started(tls_listener("pos", tls, **options))


class Serving(Tls):
    def test_each_version_echoes(self):
        d = self.up(workers=2)
        port = d.port("pos")
        for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            s = self.dial(port, self.client(minimum_version=version,
                                            maximum_version=version))
            self.echo(s)
            row = d.call("connection.list", name="pos")["connections"][-1]
            self.assertEqual(row["tls"]["version"], s.version())
            self.assertEqual(row["tls"]["cipher"], s.cipher()[0])
            self.assertEqual(row["tls"]["server_name"], "localhost")
            self.assertFalse(row["tls"]["by_proxy"])
            s.close()
        self.assertEqual(d.listener("pos")["handshake_failures"], 0)
        self.assertEqual(d.listener("pos")["transport"], "tls")

    def test_where_core_dumps_are_forbidden(self):
        """A hard limit of 0, as from docker run --ulimit core=0."""
        d = self.daemon(tls_listener("pos", section(self.cert, self.key)))
        d.prefix = [mercury.need_tool(self, "prlimit"), "--core=0:0",
                    *d.prefix]
        d.start()
        self.echo(self.dial(d.port("pos")))

    def test_much_data_both_ways(self):
        d = self.up(workers=1)
        s = self.dial(d.port("pos"))
        data = os.urandom(3 << 20)
        self.assertEqual(exchange(s, data), data)

    def test_s_client_and_curl(self):
        d = self.up(workers=1)
        port = d.port("pos")
        out = s_client(port, "-CAfile", self.certs.ca, "-verify_return_error",
                       "-brief", data=b"Q\n")
        self.assertIn("Verification: OK", out)
        curl = mercury.need_tool(self, "curl")
        done = subprocess.run(
            (curl, "-sS", "--http0.9", "--cacert", self.certs.ca,
             "--max-time", "2", f"https://localhost:{port}/a-path"),
            capture_output=True, timeout=mercury.DEADLINE, check=False)
        self.assertIn(b"GET /a-path HTTP/1.1", done.stdout, done.stderr)

    def test_the_end_is_said(self):
        """close_notify from both sides: nobody takes a cut for the end."""
        d = self.up(workers=1)
        s = self.dial(d.port("pos"), suppress_ragged_eofs=False)
        self.echo(s)
        d.call("connection.kick", name="pos",
               id=d.call("connection.list", name="pos")["connections"][0]["id"])
        self.assertEqual(s.recv(1), b"")
        s = self.dial(d.port("pos"), suppress_ragged_eofs=False)
        self.echo(s)
        s.unwrap()
        wait_until(lambda: d.listener("pos")["connections"] == 0, "it ended")

    def test_resumes_with_any_worker_and_after_a_restart(self):
        d = self.up(workers=4)
        port = d.port("pos")
        context = self.client(maximum_version=ssl.TLSVersion.TLSv1_2)
        first = self.dial(port, context)
        self.echo(first)
        for _ in range(12):
            s = self.dial(port, context, session=first.session)
            self.assertTrue(s.session_reused)
            s.close()
        d.ctl("restart-listener", "pos")
        s = self.dial(port, context, session=first.session)
        self.assertTrue(s.session_reused)

    def key_name_of_a_ticket(self, port, *args):
        """Of a new session, or of one that is resumed; RFC 5077, section 4."""
        kept = os.path.join(self.scratch(), "session")
        out = s_client(port, "-tls1_2", "-sess_out", kept, *args)
        found = re.search(r"0000 - ((?:[0-9a-f]{2}[ -]){16})", out)
        self.assertIsNotNone(found, out)
        return "Reused" in out, found.group(1)

    @unittest.skipUnless(faketime.LIBRARY, "needs the Debian package faketime")
    def test_the_keys_of_tickets_are_renewed(self):
        clock = faketime.Clock(self.scratch())
        d = self.daemon(tls_listener("pos", section(self.cert, self.key),
                                     workers=2), env=clock.environment())
        d.start()
        workers = d.workers("pos")
        old = os.path.join(self.scratch(), "old")
        clock.set("+11h")
        _, first = self.key_name_of_a_ticket(d.port("pos"))
        self.key_name_of_a_ticket(d.port("pos"), "-sess_out", old)
        clock.set("+13h")
        wait_until(lambda: self.key_name_of_a_ticket(d.port("pos"))[1] != first,
                   "there is a new key")
        # What was made with the one before is good at every worker.
        for _ in range(8):
            resumed, _ = self.key_name_of_a_ticket(d.port("pos"),
                                                   "-sess_in", old)
            self.assertTrue(resumed)
        self.assertEqual(d.workers("pos"), workers)

    def test_without_tickets_nothing_resumes(self):
        d = self.up(workers=1, tls={"session_tickets": "false"})
        context = self.client(maximum_version=ssl.TLSVersion.TLSv1_2)
        first = self.dial(d.port("pos"), context)
        self.echo(first)
        again = self.dial(d.port("pos"), context, session=first.session)
        self.assertFalse(again.session_reused)

    def test_names_choose_certificates(self):
        one = self.certs.make("one", cn="one.example", sans="DNS:one.example")
        wild = self.certs.make("wild", cn="*.two.example",
                               sans="DNS:*.two.example")
        tls = section(self.cert, self.key).rstrip("} ") + "".join(
            f' sni "{name}" {{ cert = "{c}" key = "{k}" }}'
            for name, (c, k) in (("one.example", one),
                                 ("*.two.example", wild))) + " }"
        d = self.started(tls_listener("pos", tls, workers=1))
        for name, want in (("one.example", "one"), ("ONE.example", "one"),
                           ("a.two.example", "wild"),
                           ("two.example", "server"), ("x", "server")):
            s = self.dial(d.port("pos"), server_name=name)
            der = s.getpeercert(binary_form=True)
            with open(self.certs.path(want + ".pem"), encoding="ascii") as f:
                self.assertEqual(der, ssl.PEM_cert_to_DER_cert(f.read()),
                                 name)

    def test_behind_a_proxy_header(self):
        d = self.up(workers=1, proxy_protocol="v1",
                    proxy_trusted="127.0.0.0/8")
        raw = connect(d.port("pos"))
        self.addCleanup(raw.close)
        raw.sendall(b"PROXY TCP4 192.0.2.7 192.0.2.1 4321 443\r\n")
        s = self.client().wrap_socket(raw, server_hostname="localhost")
        self.addCleanup(s.close)
        self.echo(s)
        row = d.call("connection.list", name="pos")["connections"][0]
        self.assertEqual(row["peer"], "192.0.2.7:4321")
        self.assertEqual(row["tls"]["version"], "TLSv1.3")

    def test_we_may_begin(self):
        """RFC 8071: the device connects, and is the TLS server."""
        d = self.up(workers=1, tls={"role": "client",
                                    "client_ca": self.certs.ca,
                                    "verify": "required"})
        device = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        device.load_cert_chain(*self.certs.make("device", cn="switch-7"))
        raw = connect(d.port("pos"))
        self.addCleanup(raw.close)
        s = device.wrap_socket(raw, server_side=True)
        self.addCleanup(s.close)
        self.echo(s)
        row = d.call("connection.list", name="pos")["connections"][0]
        self.assertEqual(row["tls"]["name"], "switch-7")


class Mutual(Tls):
    def test_the_device_is_known_by_its_certificate(self):
        d = self.up(workers=1, tls={"client_ca": self.certs.ca,
                                    "verify": "required"})
        context = self.client()
        context.load_cert_chain(*self.certs.make(
            "device", cn="terminal 42", sans="URI:urn:dev:42,DNS:t42"))
        self.echo(self.dial(d.port("pos"), context))
        tls = d.call("connection.list", name="pos")["connections"][0]["tls"]
        self.assertEqual(tls["name"], "terminal 42")
        self.assertIn("O=Fleet", tls["subject"])
        self.assertIn("urn:dev:42", tls["sans"])
        serial = openssl("x509", "-in", self.certs.path("device.pem"),
                         "-noout", "-serial").strip().split("=")[1]
        self.assertEqual(tls["serial"].lower(), serial.lower())

    def refused(self, d, context):
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            s = self.dial(d.port("pos"), context)
            s.sendall(b"x")
            if s.recv(1) == b"":
                raise ConnectionResetError

    def test_who_has_none_or_a_wrong_one_is_refused(self):
        d = self.up(workers=1, tls={"client_ca": self.certs.ca,
                                    "verify": "required"})
        self.refused(d, self.client())
        self.certs.make_ca("stranger")
        wrong = self.client()
        wrong.load_cert_chain(*self.certs.make("bad", ca="stranger"))
        self.refused(d, wrong)
        wait_until(lambda: d.listener("pos")["handshake_failures"] == 2,
                   "both are counted")
        wait_until(lambda: d.listener("pos")["ends"]["tls_error"] == 2,
                   "and so are their ends")
        reasons = {r["reason"] for r in
                   wait_rows(d, "connection.handshake_failed", count=2)}
        self.assertEqual(reasons, {"no_certificate", "bad_certificate"})

    def test_an_update_keeps_what_it_does_not_name(self):
        """Another certificate must not let in who has none."""
        d = self.started(listener("other"))
        added = d.ctl("add-listener", "pos", "port=0", "protocol=echo",
                      "transport=tls", f"tls.cert={self.cert}",
                      f"tls.key={self.key}", f"tls.client_ca={self.certs.ca}",
                      "tls.verify=required", "--save")
        self.assertEqual(added.code, 0, added)
        cert, key = self.certs.make("newer")
        r = d.ctl("update-listener", "pos", f"tls.cert={cert}",
                  f"tls.key={key}", "--save")
        self.assertEqual(r.code, 0, r)
        self.refused(d, self.client())
        saved = os.path.join(d.state, "listeners", "pos.json")
        with open(saved, encoding="utf-8") as f:
            tls = json.load(f)["tls"]
        self.assertEqual((tls["cert"], tls["client_ca"], tls["verify"]),
                         (cert, self.certs.ca, "required"))
        r = d.ctl("update-listener", "pos", "tls.verify=", "tls.client_ca=")
        self.assertEqual(r.code, 0, r)
        self.echo(self.dial(d.port("pos")))
        r = d.ctl("update-listener", "pos", "tls.cert=")
        self.assertEqual(r.code, 1, r)
        self.assertIn("cert", r.err)
        r = d.ctl("update-listener", "other", f"tls.cert={cert}",
                  f"tls.key={key}")
        self.assertEqual(r.code, 1, r)
        self.assertIn("transport", r.err)

    def test_optional_takes_both(self):
        d = self.up(workers=1, tls={"client_ca": self.certs.ca,
                                    "verify": "optional"})
        self.echo(self.dial(d.port("pos")))
        context = self.client()
        context.load_cert_chain(*self.certs.make("device"))
        self.echo(self.dial(d.port("pos"), context))


class Renewing(Tls):
    def served(self, port):
        return self.dial(port).getpeercert(binary_form=True)

    def renew(self):
        """Another certificate in the same files."""
        self.certs.make("server", cn="renewed")

    def test_reload_and_restart_take_new_certificates(self):
        d = self.up(workers=2)
        port = d.port("pos")
        old = self.served(port)
        open_one = self.dial(port)
        self.echo(open_one)
        self.renew()
        self.assertEqual(self.served(port), old, "not before it is asked for")
        self.assertEqual(d.ctl("reload").code, 0)
        wait_until(lambda: self.served(port) != old, "a new one")
        self.echo(open_one, b"still there")
        newer = self.served(port)
        self.renew()
        self.assertEqual(d.ctl("restart-listener", "pos").code, 0)
        self.assertNotEqual(self.served(port), newer)
        self.echo(open_one, b"and still")

    def test_bad_files_change_nothing(self):
        d = self.up(workers=1)
        port = d.port("pos")
        old = self.served(port)
        with open(self.cert, "w", encoding="ascii") as f:
            f.write("no certificate\n")
        for command in ("reload",), ("restart-listener", "pos"):
            r = d.ctl(*command)
            self.assertEqual(r.code, 1, r)
            self.assertIn(self.cert, r.err)
        self.assertEqual(self.served(port), old)

    def test_add_at_run_time(self):
        d = self.started(listener("other"))
        r = d.ctl("add-listener", "pos", "port=0", "protocol=echo",
                  "transport=tls", f"tls.cert={self.cert}",
                  f"tls.key={self.key}", "--save")
        self.assertEqual(r.code, 0, r)
        self.echo(self.dial(d.port("pos")))
        _, other = self.certs.make("other")
        r = d.ctl("add-listener", "bad", "port=0", "protocol=echo",
                  "transport=tls", f"tls.cert={self.cert}",
                  f"tls.key={other}")
        self.assertEqual(r.code, 1, r)
        self.assertIn(other, r.err)
        port = d.port("pos")
        d.stop()
        d.start()
        self.assertEqual(d.port("pos"), port)
        self.echo(self.dial(port))

    def test_keys_stay_out_of_reach(self):
        """Workers can't read the file, and leave no core."""
        os.chmod(self.key, 0o600)
        d = self.up(workers=1)
        pid = d.workers("pos")[0]
        with open(f"/proc/{pid}/limits", encoding="ascii"):
            pass
        # Who is not dumpable belongs to root in /proc.
        if mercury.ROOT:
            self.assertEqual(os.stat(f"/proc/{pid}/mem").st_uid, 0)
        fds = os.listdir(f"/proc/{pid}/fd")
        targets = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in fds
                   if os.path.lexists(f"/proc/{pid}/fd/{fd}")]
        self.assertNotIn(self.key, targets)


    def test_one_that_failed_takes_new_certificates(self):
        d = self.up(workers=1, max_restarts=0)
        old = self.served(d.port("pos"))
        mercury.kill(d.workers("pos")[0])
        wait_until(lambda: d.listener("pos")["state"] == "failed",
                   "it is given up")
        self.renew()
        r = d.ctl("restart-listener", "pos")
        self.assertEqual(r.code, 0, r)
        self.assertNotEqual(self.served(d.port("pos")), old)

    def test_keys_are_not_for_control(self):
        """A change that is saved has it look at what runs: not at keys."""
        d = self.daemon(listener("other"))
        moods = Moods(d, "mercury-config")
        d.start()
        args = ("pos", f"tls.cert={self.cert}", f"tls.key={self.key}")
        r = d.ctl("add-listener", *args, "port=0", "protocol=echo",
                  "transport=tls", "--save")
        self.assertEqual(r.code, 0, r)
        moods.set("helper hang")
        results = []
        update = threading.Thread(
            target=lambda: results.append(
                d.ctl("update-listener", *args, "--save")))
        update.start()
        helper = wait_until(
            lambda: [pid for pid in mercury.descendants(d.pid)
                     if mercury.comm(pid) == "mercury-config"],
            "the certificates are being read")[0]
        held = b""
        control = d.child("mercury-control")
        for fd in os.listdir(f"/proc/{control}/fd"):
            path = f"/proc/{control}/fd/{fd}"
            if "mercury-value" in os.readlink(path):
                with open(path, "rb") as f:
                    held += f.read()
        moods.set()
        mercury.kill(helper)
        update.join()
        self.assertEqual(results[0].code, 1, results)
        self.assertIn(self.cert.encode(), held)
        self.assertNotIn(b"PRIVATE KEY", held)


class Bad(Tls):
    """What comes is no TLS, or comes slowly, or not at all."""

    def expect_failure(self, d, reason):
        def look():
            return [r for r in wait_rows(d, "connection.handshake_failed")
                    if r["reason"] == reason]
        wait_until(look, f"an event says {reason}")

    def test_garbage_and_http(self):
        d = self.up(workers=1)
        good = self.dial(d.port("pos"))
        s = connect(d.port("pos"))
        s.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        receive_all(s)
        s.close()
        self.expect_failure(d, "http")
        s = connect(d.port("pos"))
        s.sendall(b"\xff" * 3000)
        receive_all(s)
        s.close()
        self.expect_failure(d, "not_tls")
        self.assertEqual(d.listener("pos")["ends"]["tls_error"], 2)
        self.echo(good)

    def test_a_byte_a_time_and_the_deadline(self):
        d = self.up(workers=1, handshake_timeout="1s")
        s = connect(d.port("pos"))
        self.addCleanup(s.close)
        begun = time.monotonic()
        s.sendall(b"\x16\x03\x01\x02\x00\x01")
        s.settimeout(0.05)
        while time.monotonic() - begun < mercury.DEADLINE:
            try:
                s.sendall(b"\x00")
                if s.recv(1) == b"":
                    break
            except socket.timeout:
                continue
            except OSError:
                break
        self.assertLess(time.monotonic() - begun, 5)
        wait_until(lambda: d.listener("pos")["ends"]["handshake_timeout"]
                   == 1, "it is counted")

    def test_many_that_say_nothing_cost_little(self):
        d = self.up(workers=1, handshake_timeout="60s")
        pid = d.workers("pos")[0]
        self.echo(self.dial(d.port("pos")))
        before = mercury.anonymous_bytes(pid)
        silent = [connect(d.port("pos")) for _ in range(2000)]
        for s in silent:
            self.addCleanup(s.close)
        wait_until(lambda: d.listener("pos")["connections"] >= 2000,
                   "all are there")
        each = (mercury.anonymous_bytes(pid) - before) / len(silent)
        self.assertLess(each, 1024)
        self.echo(self.dial(d.port("pos")))

    def test_a_flood_of_handshakes_starves_nobody(self):
        """Half of a handshake is sent, more often than fit."""
        d = self.up(workers=1, handshake_timeout="30s")
        good = self.dial(d.port("pos"))
        hello = self.client_hello()
        half = [connect(d.port("pos")) for _ in range(600)]
        for s in half:
            self.addCleanup(s.close)
            s.sendall(hello)
        worst = 0
        for _ in range(200):
            begun = time.monotonic()
            self.echo(good)
            worst = max(worst, time.monotonic() - begun)
        self.assertLess(worst, 0.5)
        # Those that stand still give way to one that goes on.
        self.echo(self.dial(d.port("pos")))

    def client_hello(self):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        o = self.client().wrap_bio(incoming, outgoing,
                                   server_hostname="localhost")
        try:
            o.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return outgoing.read()

    def test_renegotiation_is_refused(self):
        d = self.up(workers=1)
        p = subprocess.Popen(
            ("openssl", "s_client", "-connect",
             f"127.0.0.1:{d.port('pos')}", "-tls1_2"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        try:
            wait_until(lambda: d.listener("pos")["connections"] == 1 and
                       d.call("connection.list", name="pos")
                       ["connections"][0]["state"] == "open", "it is open")
            out = p.communicate(b"R\n", timeout=mercury.DEADLINE)[0]
        finally:
            if p.poll() is None:
                p.kill()
                p.wait()
        self.assertIn(b"renegotiation", out.lower())

    def test_half_a_handshake_then_gone(self):
        d = self.up(workers=1)
        s = connect(d.port("pos"))
        s.sendall(self.client_hello())
        receive(s, 1)
        s.shutdown(socket.SHUT_WR)  # a reset would be a probe's
        wait_until(lambda: d.listener("pos")["handshake_failures"] == 1,
                   "it is counted")
        s.close()
        self.assertEqual(d.listener("pos")["connections"], 0)


    def test_half_an_answer_to_us(self):
        """Where we begin, who says a word and goes has failed, too."""
        d = self.up(workers=1, tls={"role": "client"})
        with connect(d.port("pos")) as s:
            receive(s, 5)
            s.sendall(b"\x16\x03\x03")
            s.shutdown(socket.SHUT_WR)
            wait_until(lambda: d.listener("pos")["connections"] == 0, "ended")
        self.assertEqual(d.listener("pos")["handshake_failures"], 1)
        self.assertEqual(d.listener("pos")["probes"], 0)


if __name__ == "__main__":
    mercury.main()
