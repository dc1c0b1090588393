"""The tables of commands, options and methods: what the programs take, the
shell completion and the manual pages must say the same."""

import glob
import os
import re
import socket
import threading

import mercury
import unittest

COMPLETION = os.path.join(
    mercury.SOURCE_DIR, "contrib/completion/mercuryctl.bash")
COMPLETE = r"""
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_mercuryctl
printf '%s\n' "${COMPREPLY[@]}"
"""


def ctl(*args):
    return mercury.run([mercury.binary("mercuryctl"), *args])


def section(text, title):
    """The lines under a title of the help, up to an empty one."""
    body = re.search(rf"^{title}:\n((?:  .*\n)+)", text, re.MULTILINE)
    return body.group(1).splitlines()


def commands():
    """Each command with the options of its own."""
    found = {}
    for line in section(ctl("-h").out, "commands"):
        found[line.split()[0]] = set(re.findall(r"--[a-z-]+", line))
    return found


def global_options():
    return set(re.findall(r"--[a-z]+", "\n".join(
        section(ctl("-h").out, "options"))))


def listener_options():
    lines = section(ctl("add-listener", "-h").out, "listener options")
    return {line.split()[0] for line in lines}


def page(name):
    with open(os.path.join(mercury.SOURCE_DIR, "man", name)) as f:
        return f.read()


def complete(*words, env=None):
    out = mercury.run(["bash", "-c", COMPLETE, "bash", COMPLETION, *words],
                      env=env)
    return set(out.out.split())


class Help(unittest.TestCase):
    def test_the_tables_are_there(self):
        self.assertEqual(len(commands()), 22)
        self.assertEqual(len(global_options()), 6)
        self.assertEqual(listener_options() & {"port", "drain_timeout"},
                         {"port", "drain_timeout"})

    def test_every_command_has_help(self):
        for name in commands():
            result = ctl(name, "-h")
            self.assertEqual(result.code, 0)
            self.assertIn(name, result.out)
            self.assertEqual(ctl("-h", name).out, result.out)

    def test_option_list(self):
        with open(os.path.join(mercury.SOURCE_DIR,
                               "src/common/option_list.h")) as f:
            names = re.findall(r'^LISTENER_OPTION\(\w+, "(\w+)"', f.read(),
                               re.MULTILINE)
        self.assertEqual(listener_options(), set(names))

    def test_the_nearest_command_is_named(self):
        result = ctl("stauts")
        self.assertEqual(result.code, 2)
        self.assertIn("status", result.err)


class Completion(unittest.TestCase):
    def test_commands(self):
        self.assertEqual(complete("mercuryctl", ""), set(commands()))
        self.assertEqual(complete("mercuryctl", "--json", "sh"), {"shutdown"})
        self.assertEqual(complete("mercuryctl", "-s", "status", "tr"),
                         {"tree", "trace"})

    def test_options(self):
        self.assertEqual(complete("mercuryctl", "--"), global_options())
        for name, own in commands().items():
            self.assertEqual(complete("mercuryctl", name, "--"),
                             global_options() | own, name)

    def test_keys(self):
        want = {key + "=" for key in listener_options()}
        for name in ("add-listener", "update-listener"):
            self.assertEqual(complete("mercuryctl", name, "pos", ""), want)
            self.assertEqual(
                complete("mercuryctl", name, "pos", "port", "=", "1", ""),
                want)

    def test_keys_of_sections(self):
        with open(os.path.join(mercury.SOURCE_DIR,
                               "src/common/option_list.h")) as f:
            rows = re.findall(r'^(PROXY|EXEC|MODULE)_OPTION\(\w+, "(\w+)"',
                              f.read(), re.MULTILINE)
        for section in ("proxy", "exec", "module"):
            want = {f"{section}.{key}=" for owner, key in rows
                    if owner.lower() == section and key != "tls"}
            got = complete("mercuryctl", "add-listener", "pos",
                           section + ".")
            self.assertEqual({key for key in got if ".tls." not in key},
                             want)
        self.assertIn("proxy.tls.ca=",
                      complete("mercuryctl", "add-listener", "pos", "proxy."))

    def test_values(self):
        before = ("mercuryctl", "add-listener", "pos")
        self.assertEqual(complete(*before, "protocol", "="),
                         {"echo", "discard", "proxy", "exec", "module"})
        self.assertEqual(complete(*before, "protocol", "=", "d"),
                         {"discard"})
        self.assertEqual(complete(*before, "proxy.check", "="),
                         {"off", "connect", "expect"})
        self.assertEqual(complete(*before, "restart", "=", "t"),
                         {"transient", "temporary"})
        self.assertEqual(complete(*before, "required", "="),
                         {"true", "false"})
        self.assertEqual(complete(*before, "port", "=", ""), set())

    def test_nothing_where_nothing_fits(self):
        self.assertEqual(complete("mercuryctl", "reload", ""), set())
        self.assertEqual(complete("mercuryctl", "--timeout", ""), set())


class Names(mercury.TestCase):
    """The listeners' names come from the daemon: one of our own making."""

    def serve(self, listening):
        peer = listening.accept()[0]
        with peer:
            peer.recv(1000)
            peer.sendall(b'{"jsonrpc": "2.0", "id": 1, "result": '
                         b'{"listeners": [{"name": "pos", "workers": []}, '
                         b'{"name": "two words"}, {"name": "gps-1"}]}}\n')

    def test_listeners(self):
        path = os.path.join(self.scratch(), "control.sock")
        env = dict(os.environ, PATH=mercury.BUILD_DIR + ":"
                   + os.environ["PATH"])
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path)
            listening.listen()
            for name in ("status", "update-listener", "remove-listener",
                         "pause", "resume", "restart-listener", "connections",
                         "kick", "history", "failure-rate", "drain", "undrain"):
                thread = threading.Thread(target=self.serve,
                                          args=(listening,))
                thread.start()
                self.assertEqual(
                    complete("mercuryctl", "-s", path, name, "", env=env),
                    {"pos", "gps-1"})
                thread.join()


class Pages(unittest.TestCase):
    def test_commands(self):
        text = page("mercuryctl.1")
        listed = re.findall(r"^\.It (?:Xo\n\.)?Cm (\S+)", text, re.MULTILINE)
        self.assertEqual(list(dict.fromkeys(listed)), list(commands()))
        for own in commands().values():
            for option in own:
                self.assertIn("Fl -" + option[2:], text)

    def test_global_options(self):
        text = page("mercuryctl.1")
        for option in global_options():
            self.assertRegex(text, rf"(?m)^\.It .*Fl -{option[2:]}\b")

    def test_methods(self):
        with open(os.path.join(mercury.SOURCE_DIR,
                               "src/control/method.c")) as f:
            names = re.findall(r'^\t\{ "([a-z._]+)", RIGHT_(\w+),', f.read(),
                               re.MULTILINE)
        names = [(name, right.lower()) for name, right in names]
        self.assertGreater(len(names), 20)
        listed = re.findall(r"^\.It Cm (\S+) Pq (look|do)$",
                            page("mercury-control.7"), re.MULTILINE)
        self.assertEqual(listed, names)

    def test_reasons(self):
        with open(os.path.join(mercury.SOURCE_DIR, "src/common/err.h")) as f:
            words = re.findall(r'^\tX\([A-Z_]+,\s+"(\w+)"', f.read(),
                               re.MULTILINE)
        listed = re.findall(r"^\.It Li (\w+)", page("mercury-control.7"),
                            re.MULTILINE)
        self.assertEqual(listed, [w for w in words if w != "none"])

    def test_tls_options(self):
        text = page("mercury.conf.5.in")
        rows = re.findall(r'^\t\{ "(\w+)", KIND_',
                          source("src/option/tls_section.c"), re.MULTILINE)
        listed = re.findall(r"^\.It Cm ([\w ,]+?)(?: =.*| Ar .*)?$",
                            text[text.index("\n.Ss TLS\n"):
                                 text.index("\n.Ss Programs\n")],
                            re.MULTILINE)
        listed = {word for line in listed for word in line.split(" , ")}
        upstreams = {"weight No", "max_connections No", "queue No", "backup"}
        self.assertEqual(listed - upstreams, set(rows))


def source(path):
    with open(os.path.join(mercury.SOURCE_DIR, path)) as f:
        return f.read()


def names(path, pattern):
    found = set(re.findall(pattern, source(path), re.MULTILINE))
    assert len(found) > 2, pattern
    return found


class Prose(unittest.TestCase):
    """What the manual and the other texts name must exist."""

    # Of HAProxy, nginx and keepalived.
    FOREIGN = {"worker_shutdown_timeout", "connect_port", "delay_loop"}

    def setUp(self):
        self.options = names("src/common/option_list.h",
                             r'^[A-Z]+_OPTION\(\w+, "(\w+)"')
        self.options |= names("src/option/tls_section.c",
                              r'^\t\{ "(\w+)", KIND_')
        self.texts = {}
        for pattern in ("man/*.[1-9]", "man/*.in", "*.md", "NEWS",
                        "contrib/debian/mercury.README.Debian",
                        "contrib/*/mercury.c*", "contrib/*/mercuryd*"):
            found = glob.glob(os.path.join(mercury.SOURCE_DIR, pattern))
            self.assertTrue(found, pattern)
            for path in found:
                name = os.path.relpath(path, mercury.SOURCE_DIR)
                self.texts[name] = source(name)

    def each(self, pattern):
        """What matches, with the text's name."""
        found = [(name, word) for name, text in self.texts.items()
                 for word in set(re.findall(pattern, text, re.MULTILINE))]
        self.assertGreater(len(found), 10, pattern)
        return found

    def test_events_and_methods(self):
        known = names("src/common/event_list.h",
                      r'^EVENT\(\w+, "([a-z_.]+)"')
        known |= names("src/control/method.c", r'^\t\{ "([a-z._]+)", RIGHT_')
        known |= {"daemon." + name for name in self.options}
        for name, word in self.each(
                r"\b(?:daemon|listener|worker|connection|upstream|app|store"
                r"|cleanup|supervisor|events)\.[a-z_]+\b"):
            self.assertIn(word, known, name)

    def test_metrics(self):
        known = names("src/common/metric_list.h", r'^METRIC\(\w+, "(\w+)"')
        known |= names("include/mercury/protocol.h", r"\bmercury_\w+")
        for name, word in self.each(r"\bmercury_[a-z_]+\b"):
            plain = re.sub(r"_(bucket|sum|count)$", "", word)
            self.assertTrue({word, plain} & known, f"{name}: {word}")

    def test_options(self):
        literals = set()
        for path in glob.glob(os.path.join(mercury.SOURCE_DIR,
                                           "src/common/*.[ch]")):
            literals |= set(re.findall(r'"(\w+)"', source(path)))
        # What a soak prints, see CONTRIBUTING.md.
        literals |= names("tests/soak/oracle.py", r'\.worst\("(\w+)"')
        known = self.options | literals | self.FOREIGN
        for name, word in self.each(
                r"(?:^\.(?:Cm|Ic) |`)([a-z]+_[a-z_]+)\b(?!\()"):
            if name != "man/mercury-control.7":  # fields of objects
                self.assertIn(word, known, name)

    def test_commands(self):
        known = set(commands())
        for name, word in self.each(
                r"(?:`|\.Ql |\$ |^    )mercuryctl (?:--json )?([a-z][a-z-]+)"):
            self.assertIn(word, known, name)


if __name__ == "__main__":
    mercury.main()
