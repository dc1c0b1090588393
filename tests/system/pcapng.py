"""Reads capture files as tests need them: pcapng with raw IP packets, each
checked byte by byte, and the TCP streams in them."""

import struct
from collections import namedtuple

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

Packet = namedtuple("Packet", "at_us source target seq ack flags data comment")


class Bad(Exception):
    """This is no capture file."""


def need(condition, what):
    if not condition:
        raise Bad(what)


def blocks(data):
    """(type, body) of each block, little endian."""
    at = 0
    while at < len(data):
        need(len(data) - at >= 12, "half a block")
        kind, size = struct.unpack_from("<II", data, at)
        need(size % 4 == 0 and 12 <= size <= len(data) - at, "a block's size")
        need(struct.unpack_from("<I", data, at + size - 4)[0] == size,
             "the size at its end")
        yield kind, data[at + 8:at + size - 4]
        at += size


def options(data):
    """The options at the end of a block as {code: value}."""
    found, at = {}, 0
    while at < len(data):
        code, size = struct.unpack_from("<HH", data, at)
        if code == 0:
            need(size == 0 and at + 4 == len(data), "the end of options")
            return found
        found[code] = data[at + 4:at + 4 + size]
        at += 4 + (size + 3) // 4 * 4
    need(not data, "options have an end")
    return found


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def dotted(raw):
    if len(raw) == 4:
        return ".".join(str(b) for b in raw)
    return ":".join(f"{a:x}" for a in struct.unpack(">8H", raw))


def ip(raw):
    """(source, target, TCP segment) of a packet."""
    if raw[0] >> 4 == 4:
        need(raw[0] == 0x45 and raw[9] == 6, "IPv4 with TCP")
        need(struct.unpack_from(">H", raw, 2)[0] == len(raw), "its length")
        need(checksum(raw[:20]) == 0xffff, "the sum of its header")
        return raw[12:16], raw[16:20], raw[20:]
    need(raw[0] == 0x60 and raw[6] == 6, "IPv6 with TCP")
    need(struct.unpack_from(">H", raw, 4)[0] == len(raw) - 40, "its length")
    return raw[8:24], raw[24:40], raw[40:]


def packet(at_us, raw, comment):
    source, target, tcp = ip(raw)
    need(checksum(source + target + struct.pack(">II", 6, len(tcp)) + tcp)
         == 0xffff, "the sum of a segment")
    ports = struct.unpack_from(">HH", tcp)
    seq, ack, offset, flags = struct.unpack_from(">IIBB", tcp, 4)
    return Packet(at_us, (dotted(source), ports[0]), (dotted(target),
                  ports[1]), seq, ack, flags, tcp[(offset >> 4) * 4:],
                  comment)


class Capture:
    """A file: its packets, and what its other blocks say."""

    def __init__(self, data):
        self.packets, self.statistics, self.interface = [], None, None
        for i, (kind, body) in enumerate(blocks(data)):
            need((kind == 0x0a0d0d0a) == (i == 0), "one section, first")
            if kind == 0x0a0d0d0a:
                need(body[:8] == struct.pack("<IHH", 0x1a2b3c4d, 1, 0),
                     "version 1.0")
                self.application = options(body[16:])[4].decode()
            elif kind == 1:
                need(i == 1 and struct.unpack_from("<H", body)[0] == 101,
                     "an interface of raw packets")
                self.interface = options(body[8:])[2].decode()
            elif kind == 6:
                self._packet(body)
            elif kind == 5:
                found = options(body[12:])
                self.statistics = tuple(
                    struct.unpack("<Q", found[code])[0] for code in (4, 5))
            else:
                need(False, f"a block of type {kind}")

    def _packet(self, body):
        need(self.interface is not None, "the interface comes first")
        _, high, low, size, whole = struct.unpack_from("<IIIII", body)
        need(size == whole, "packets are whole")
        padded = 20 + (size + 3) // 4 * 4
        comment = options(body[padded:]).get(1)
        self.packets.append(packet(high << 32 | low, body[20:20 + size],
                                   comment and comment.decode()))

    def streams(self):
        """{(source, target): bytes} of both directions, without a gap."""
        found = {}
        for p in self.packets:
            key = (p.source, p.target)
            if p.flags & SYN:
                found[key] = bytearray(), (p.seq + 1) & 0xffffffff
                continue
            data, first = found[key]
            need(p.seq == (first + len(data)) & 0xffffffff
                 or not p.data, f"a gap before {p.seq}")
            data += p.data
        return {key: bytes(data) for key, (data, _) in found.items()}
