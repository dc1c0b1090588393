"""Load balancers in front of a listener: real ones, run for one test, and
what they would send."""

import csv
import os
import socket
import ssl
import struct
import subprocess

import mercury
from mercury import connect, wait_until

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL, PROXY = 0, 1

HAPROXY_CONFIG = """
global
  {more}
  maxconn 200
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
"""

NGINX_CONFIG = """
daemon off;
master_process off;
pid {dir}/nginx.pid;
error_log {dir}/nginx.log;
{module}
events {{ worker_connections 200; }}
{body}
"""

NGINX_STREAM = """
stream {
%s
}
"""

NGINX_PROXY = """
  server {{
    listen 127.0.0.1:{port};
    proxy_pass 127.0.0.1:{to};
    proxy_protocol on;
  }}
"""

NGINX_UPSTREAMS = """
  upstream pos {{
{servers}
  }}
  server {{
    listen 127.0.0.1:{port};
    proxy_pass pos;
    proxy_connect_timeout 5s;
  }}
"""

NGINX_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"


def tlv(kind, value):
    return struct.pack("!BH", kind, len(value)) + value


def tls_tlv(verified=True, **texts):
    """PP2_TYPE_SSL with its sub-TLVs: version, cn, cipher."""
    kinds = {"version": 0x21, "cn": 0x22, "cipher": 0x23}
    inner = b"".join(tlv(kinds[k], v.encode()) for k, v in texts.items())
    return tlv(0x20, struct.pack("!BI", 7, 0 if verified else 1) + inner)


def v2(source="192.0.2.7", destination="192.0.2.1", ports=(4321, 443),
       tlvs=b"", command=PROXY, crc=False):
    """A header of version 2; source None: no address is told."""
    if source is None:
        family, addresses = 0, b""
    else:
        six = ":" in source
        kind = socket.AF_INET6 if six else socket.AF_INET
        family = 0x21 if six else 0x11
        addresses = (socket.inet_pton(kind, source)
                     + socket.inet_pton(kind, destination)
                     + struct.pack("!HH", *ports))

    def header(body):
        return (SIGNATURE + bytes([0x20 | command, family])
                + struct.pack("!H", len(body)) + body)
    if not crc:
        return header(addresses + tlvs)
    blank = header(addresses + tlvs + tlv(3, bytes(4)))
    return header(addresses + tlvs
                  + tlv(3, struct.pack("!I", crc32c(blank))))


def crc32c(data):
    value = 0xffffffff
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82f63b78 if value & 1 else 0)
    return value ^ 0xffffffff


def v1(source="192.0.2.7", destination="192.0.2.1", ports=(4321, 443)):
    family = "TCP6" if ":" in source else "TCP4"
    return (f"PROXY {family} {source} {destination} {ports[0]} {ports[1]}"
            "\r\n").encode()


class Front:
    """A load balancer that runs in the foreground."""

    def __init__(self, test, argv, directory, port):
        self.log_path = os.path.join(directory, "front.log")
        self.port = port
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        mercury.Daemon.started_pids.add(self.process.pid)
        test.addCleanup(self.stop)
        if port is not None:
            wait_until(self._answers, "the load balancer listens")

    def _answers(self):
        if self.process.poll() is not None:
            raise AssertionError("the load balancer ended: " + self.log())
        return mercury.is_listening(self.port)

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def haproxy(test, body, port=None, more=""):
    """HAProxy with this configuration behind the defaults."""
    program = mercury.need_tool(test, "haproxy")
    directory = test.scratch()
    path = os.path.join(directory, "haproxy.cfg")
    with open(path, "w") as f:
        f.write(HAPROXY_CONFIG.format(more=more) + body)
    return Front(test, [program, "-db", "-f", path], directory, port)


def show_stat(path):
    """What HAProxy's stats socket shows: a row for each (proxy, server)."""
    with connect(path) as s:
        s.sendall(b"show stat\n")
        table = mercury.receive_all(s).decode().splitlines()
    names = table[0].lstrip("# ").split(",")
    rows = [dict(zip(names, row)) for row in csv.reader(table[1:]) if row]
    return {(row["pxname"], row["svname"]): row for row in rows}


def nginx_whole(test, port, body):
    """nginx that listens on port, with this body outside of all sections."""
    program = mercury.need_tool(test, "nginx", NGINX_MODULE)
    directory = test.scratch()
    path = os.path.join(directory, "nginx.conf")
    module = f"load_module {NGINX_MODULE};"
    with open(path, "w") as f:
        f.write(NGINX_CONFIG.format(dir=directory, body=body, module=module))
    return Front(test, [program, "-e", os.path.join(directory, "nginx.log"),
                        "-p", directory, "-c", path], directory, port)


def nginx(test, to):
    """nginx that sends a header of version 1 to the port; see its port."""
    port = mercury.free_port()
    return nginx_whole(test, port, NGINX_STREAM % NGINX_PROXY.format(
        port=port, to=to))


def nginx_stream(test, ports):
    """nginx before several; it learns from failures only."""
    port = mercury.free_port()
    servers = "\n".join(
        f"    server 127.0.0.1:{to} max_fails=1 fail_timeout=1s;"
        for to in ports)
    return nginx_whole(test, port, NGINX_STREAM % NGINX_UPSTREAMS.format(
        port=port, servers=servers))


def certificate(folder):
    """A certificate for localhost that signs itself, and its key."""
    cert, key = (os.path.join(folder, name) for name in ("cert", "key"))
    made = mercury.run([
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
        "/CN=localhost", "-keyout", key, "-out", cert])
    if made.code != 0:
        raise AssertionError(f"openssl: {made!r}")
    return cert, key


def tls_client(cert=None, key=None):
    """A client that takes any certificate, and may have one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if cert is not None:
        context.load_cert_chain(cert, key)
    return context


def reset(s):
    """Close a connection with RST."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                 struct.pack("ii", 1, 0))
    s.close()


def probe(where, end=socket.socket.close):
    """Connect and end it, as a checker does."""
    end(connect(where))
