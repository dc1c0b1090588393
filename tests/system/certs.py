"""Certificates for tests, made with openssl(1) as an operator would; and how
to talk over TLS both ways at once."""

import os
import select
import ssl
import subprocess
import time

import mercury

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")


def openssl(*args, data=None):
    done = subprocess.run(("openssl",) + args, input=data,
                          capture_output=True, timeout=60, check=False)
    if done.returncode != 0:
        raise AssertionError(f"openssl {' '.join(args)}: "
                             f"{done.stderr.decode(errors='replace')}")
    return done.stdout.decode(errors="replace")


class Certificates:
    """A folder with a CA and what it has signed; names are file names."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.ca = self.make_ca("ca")

    def path(self, name):
        return os.path.join(self.folder, name)

    def make_ca(self, name):
        openssl("req", "-x509", *EC, "-nodes", "-days", "30", "-subj",
                f"/CN=Mercury test {name}", "-keyout",
                self.path(name + ".key"), "-out", self.path(name + ".pem"),
                "-addext", "basicConstraints=critical,CA:TRUE", "-addext",
                "keyUsage=critical,keyCertSign,cRLSign")
        return self.path(name + ".pem")

    def make(self, name, cn=None, sans="DNS:localhost,IP:127.0.0.1",
             ca="ca", days="30", more=""):
        """A certificate and its key; their paths."""
        request = self.path(name + ".csr")
        openssl("req", "-new", *EC, "-nodes", "-subj", f"/O=Fleet/CN={cn or name}",
                "-keyout", self.path(name + ".key"), "-out", request)
        extensions = self.path(name + ".ext")
        with open(extensions, "w", encoding="ascii") as f:
            f.write(f"subjectAltName={sans}\n{more}")
        openssl("x509", "-req", "-in", request, "-CA",
                self.path(ca + ".pem"), "-CAkey", self.path(ca + ".key"),
                "-CAcreateserial", "-days", days, "-extfile", extensions,
                "-out", self.path(name + ".pem"))
        return self.path(name + ".pem"), self.path(name + ".key")

    def fingerprint(self, name):
        return openssl("x509", "-in", self.path(name + ".pem"), "-noout",
                       "-fingerprint", "-sha256").strip()


def exchange(s, data):
    """Send and receive at the same time: an SSL object bears one thread."""
    s.setblocking(False)
    sent, back = 0, bytearray()
    end = time.monotonic() + mercury.DEADLINE * 3
    while len(back) < len(data) and time.monotonic() < end:
        select.select([s], [s] if sent < len(data) else [], [], 0.1)
        try:
            sent += s.send(data[sent:sent + 65536]) if sent < len(data) else 0
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        try:
            part = s.recv(1 << 20)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            continue
        if not part:
            break
        back += part
    return bytes(back)
