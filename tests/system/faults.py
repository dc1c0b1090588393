"""Has system calls and allocations of a daemon's processes fail: fault.c."""

import errno
import mmap
import os
import struct

import mercury

SHAPE = struct.Struct("32s32sIIiI")


class Faults:
    """What is to fail in a daemon that has not been started yet."""

    def __init__(self, d, program="mercuryd"):
        self.program = program
        path = os.path.join(d.dir, "fault")
        with open(path, "w+b") as f:
            f.truncate(SHAPE.size)
            self.map = mmap.mmap(f.fileno(), SHAPE.size)
        os.chmod(path, 0o666)
        self.none()
        d.env["MERCURY_FAULT"] = path
        d.env["LD_PRELOAD"] = mercury.binary("tests/system/fault.so")

    def _write(self, *fields):
        self.map[:] = SHAPE.pack(self.program.encode(), *fields)

    def fail(self, function, spare=0, error=errno.ENOMEM, times=1):
        """From now on so many calls of it do well, and the next ones fail."""
        self._write(function.encode(), spare, times, error, 0)

    def none(self):
        """Nothing is to fail any more."""
        self._write(b"", 0, 0, 0, 0)

    def failed(self):
        """How many calls have failed since fail()."""
        return SHAPE.unpack(self.map[:])[-1]
