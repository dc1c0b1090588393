"""What the tests of modules share: modules that are built as an outsider
would, with what make install has put there, and listeners that use them."""

import os
import shutil
import subprocess
import tempfile

import mercury

EXAMPLES = ("line-time", "iso8583-echo", "modbus-sim")
WORDS = os.path.join(mercury.SOURCE_DIR, "tests/system/words.c")

# Not what a make that runs the tests tells those below it.
OUTSIDE = {k: v for k, v in os.environ.items()
           if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}


def checked(argv, **kwargs):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, **kwargs)
    if done.returncode != 0:
        raise AssertionError(f"{argv}: {done.stdout}")
    return done.stdout


class Kit:
    """What make install puts there for outsiders, in a folder of its own."""

    def __init__(self, folder):
        self.root = os.path.join(folder, "installed")
        self.out = os.path.join(folder, "modules")
        os.makedirs(self.out)
        checked(["make", "-s", "-C", mercury.BUILD_DIR, f"DESTDIR={self.root}",
                 "install-mercuryincludeHEADERS", "install-pkgconfigDATA"],
                env=OUTSIDE)
        self.env = dict(OUTSIDE, PKG_CONFIG_SYSROOT_DIR=self.root,
                        PKG_CONFIG_LIBDIR=self._pkgconfig())

    def _pkgconfig(self):
        for folder, _, files in os.walk(self.root):
            if "mercury-protocol.pc" in files:
                return folder
        raise AssertionError("mercury-protocol.pc is not installed")

    def flags(self, what="--cflags"):
        return checked(["pkg-config", what, "mercury-protocol"],
                       env=self.env).split()

    def example(self, name, *flags, cc="cc"):
        """Build a module of contrib/modules with its own Makefile."""
        source = os.path.join(mercury.SOURCE_DIR, "contrib/modules", name)
        folder = os.path.join(self.out, f"{name}-{cc}")
        if not os.path.exists(folder):
            shutil.copytree(source, folder)
            os.chmod(folder, 0o755)
            checked(["make", "-s", "-C", folder, f"CC={cc}",
                     f"CPPFLAGS={' '.join(flags)}"], env=self.env)
        return os.path.join(folder, name + ".so")

    def build(self, source, name, *flags):
        """Build a source file as a module of that name."""
        path = os.path.join(self.out, name + ".so")
        checked(["cc", "-g", "-Wall", "-Wextra", "-Werror", *flags,
                 *self.flags(), "-fPIC", "-fvisibility=hidden", "-shared",
                 "-o", path + ".new", source])
        os.rename(path + ".new", path)
        return path

    def words(self, *flags, name="words"):
        """tests/system/words.c, with flags such as -DSAVES."""
        return self.build(WORDS, name, "-Wno-unused",
                          "-Wno-unused-parameter", *flags)


def section(path, check_state=False, **options):
    """A section module of the config file."""
    lines = [f'    path = "{path}"']
    if options:
        words = ", ".join(f'"{k}={v}"' for k, v in options.items())
        lines.append(f"    options = {{{words}}}")
    if check_state:
        lines.append("    check_state = true")
    return "\n".join(lines)


def listener(name, path, check_state=False, module=None, **options):
    """A listener section that uses a module; module: its options."""
    text = mercury.listener(name, protocol="module", **options)
    return (text[:-2] + "  module {\n" +
            section(path, check_state, **(module or {})) + "\n  }\n}\n")


class TestCase(mercury.TestCase):
    """A test with modules; one kit is enough for all of a class."""

    kit = None
    kit_folder = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.kit_folder = tempfile.mkdtemp(prefix="mercury-test-", dir="/tmp")
        os.chmod(cls.kit_folder, 0o755)
        cls.kit = Kit(cls.kit_folder)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.kit_folder)
        super().tearDownClass()
