"""Protocol exec with programs that were written for others: those of Debian's
ucspi-tcp, ucspi-unix and ipsvd, and of inetd; they run unchanged."""

import os
import subprocess

import mercury
from fronting import v1
from mercury import (connect, need_tool, receive, receive_all,
                     wait_until)
from programs import output, program


class Old(mercury.TestCase):
    def serve(self, *command, **options):
        d = self.started()
        where = d.add("old", **program(*command, **options))
        return d, where["port"]

    def talk(self, port, *lines, before=b""):
        """Say lines as people at a terminal would; all that was answered."""
        with connect(port) as s:
            s.sendall(before + "".join(f"{l}\r\n" for l in lines).encode())
            return receive_all(s).decode()


class UcspiTcp(Old):
    def tool(self, name):
        return need_tool(self, name)

    def test_recordio(self):
        """It becomes the program, and its child, which passes the bytes on
        and tells stderr of them, ends after that."""
        d, port = self.serve(self.tool("recordio"), "/bin/cat")
        for _ in range(20):
            self.assertEqual(output(port, b"hello\n"), "hello\n")
        wait_until(lambda: "> hello" in d.log(), "both ways are told")
        self.assertIn("< hello", d.log())

    def test_fixcrio(self):
        d, port = self.serve(self.tool("fixcrio"), "/bin/cat")
        with connect(port) as s:
            s.sendall(b"a\nb\n")
            # It ends with its input, whatever is under way.
            self.assertEqual(receive(s, 6), b"a\r\nb\r\n")
        wait_until(lambda: d.listener("old")["ends"]["program_ended"] == 1,
                   "it has ended")

    def test_rblsmtpd_reads_the_environment(self):
        """Without TCPREMOTEIP it would let everybody pass."""
        d, port = self.serve(
            self.tool("rblsmtpd"), "/bin/cat", environment=["RBLSMTPD=no mail"],
            proxy_protocol="any", proxy_trusted=["127.0.0.1"])
        got = self.talk(port, "HELO x", "MAIL FROM:<a@b>", "RCPT TO:<c@d>",
                        "QUIT", before=v1())
        self.assertRegex(got, r"^220 rblsmtpd\.local\r\n")
        self.assertIn("451 no mail", got)
        wait_until(lambda: "rblsmtpd: 192.0.2.7 pid" in d.log(),
                   "it tells whom it has seen")

    def test_its_clients(self):
        d, port = self.serve("/bin/sh", "-c",
                             "echo from $TCPREMOTEIP; read x; echo $x")
        done = subprocess.run(
            (self.tool("tcpclient"), "-RHl0", "127.0.0.1", str(port),
             "/bin/sh", "-c", "head -1 <&6; echo to >&7; cat <&6"),
            capture_output=True, timeout=mercury.DEADLINE, check=True)
        self.assertEqual(done.stdout, b"from 127.0.0.1\nto\n")
        done = subprocess.run(
            (self.tool("mconnect"), "127.0.0.1", str(port)), input=b"hi\n",
            capture_output=True, timeout=mercury.DEADLINE, check=True)
        self.assertEqual(done.stdout, b"from 127.0.0.1\nhi\r\n")


class UcspiUnix(Old):
    def test_unixclient(self):
        d = self.started()
        path = os.path.join(d.dir, "old.sock")
        d.add("old", **program("/bin/sh", "-c",
                               "echo $UNIXREMOTEPID $UNIXLOCALPATH",
                               path=path))
        done = subprocess.run(
            (need_tool(self, "unixclient"), path, "/bin/sh", "-c",
             "echo $$; cat <&6"),
            capture_output=True, timeout=mercury.DEADLINE, check=True)
        own, told = done.stdout.decode().splitlines()
        self.assertEqual(told, f"{own} {path}")


class Ipsvd(Old):
    """mailfront speaks mail for ipsvd and ucspi-tcp."""

    def test_smtpfront(self):
        d, port = self.serve(
            need_tool(self, "smtpfront-echo"),
            environment=["TCPLOCALHOST=mail.example", "PLUGINS="
                         "accept-sender:accept-recipient:add-received"])
        got = self.talk(port, "EHLO me", "MAIL FROM:<a@example>",
                        "RCPT TO:<b@example>", "DATA", "Subject: x", "",
                        "text", ".", "QUIT")
        self.assertTrue(got.startswith("220 mail.example "), got)
        self.assertRegex(got, r"250 Received \d+ bytes\.\r\n")
        self.assertTrue(got.endswith("221 2.0.0 Good bye.\r\n"), got)
        wait_until(lambda: "Received: from me ([127.0.0.1])  by mail.example"
                   " ([127.0.0.1])" in d.log(), "it tells what it was told")


class Inetd(Old):
    """Programs that read their socket, and know no environment."""

    def test_a_web_server(self):
        folder = self.scratch()
        with open(os.path.join(folder, "index.html"), "w",
                  encoding="ascii") as f:
            f.write("a page\n")
        d, port = self.serve(need_tool(self, "micro-httpd"), folder)
        got = self.talk(port, "GET / HTTP/1.0", "")
        self.assertTrue(got.startswith("HTTP/1.0 200 Ok"), got)
        self.assertTrue(got.endswith("\na page\n"), got)

    def test_fingerd(self):
        """It asks its socket for the peer, and starts finger."""
        need_tool(self, "finger")
        d, port = self.serve(need_tool(self, "in.fingerd"), "-w")
        with connect(port) as s:
            s.sendall(b"nobody\r\n")
            self.assertIn("Login: nobody", receive_all(s).decode())
        wait_until(lambda: d.listener("old")["exec"]["running"] == 0,
                   "it has ended")


if __name__ == "__main__":
    mercury.main()
