"""The store section of the config file."""

import os
import stat

import mercury
from mercury import answers, wait_until


def store(*lines):
    return "store {\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


def roles(d):
    """The names of the daemon's processes."""
    return {mercury.comm(pid) for pid in mercury.descendants(d.pid)}


def sample(**options):
    return mercury.listener("a", **options)


class Refused(mercury.TestCase):
    """What is wrong is told with file and line, and nothing starts."""

    def refused(self, body, line, *words):
        d = self.daemon()
        with open(d.config) as f:
            before = f.read()
        with open(d.config, "a") as f:
            f.write(body)
        line += before.count("\n")
        for args in (("-t",), ("-f",)):
            result = d.run(*args)
            self.assertEqual(result.code, 78, result)
            self.assertIn(f"mercury.conf:{line}:", result.err)
            for word in words:
                self.assertIn(word, result.err)
        self.assertFalse(os.path.exists(d.state), "a directory was made")

    def test_wrong_units_and_ranges(self):
        for line, words in (
                ('retention = "30"', ("retention", '"30"', "unit")),
                ("retention = 30", ("retention", '"30"', "unit")),
                ('retention = "4000d"', ("retention", "1s to 3650d")),
                ('retention = "0s"', ("retention", "1s to 3650d")),
                ('cleanup_every = "30d"', ("cleanup_every", "1s to 7d")),
                ('max_events = "1m"', ("max_events", "whole number")),
                ("max_events = 0", ("max_events", "1 to 1000000000")),
                ("database = health.db", ("database", "absolute")),
                (f'database = "/{"x" * 220}"', ("database", "220"))):
            with self.subTest(line=line):
                self.refused(store("", line), 3, *words)

    def test_unknown_and_twice(self):
        self.refused(store('retentoin = "30d"'), 2, '"retentoin"',
                     'did you mean "retention"')
        self.refused(store("port = 9100"), 2, '"port"', "store section",
                     "database, retention, max_events or cleanup_every")
        self.refused(store("max_events = 1", "max_events = 2"), 3,
                     "max_events", "twice", "line")
        self.refused(store() + "\n" + store(), 4, "store", "twice")

    def test_a_truncated_section(self):
        self.refused("store {\n  max_events = 1\n", 1, "no end")


class Store(mercury.TestCase):
    def test_without_a_section_there_is_one(self):
        d = self.started(sample())
        wait_until(lambda: "mercury-store" in roles(d), "the store runs")

    def test_an_empty_database_is_none(self):
        d = self.started(sample() + store('database = ""'))
        self.assertTrue(answers(d.port("a")))
        self.assertNotIn("mercury-store", roles(d))
        self.assertIsNone(d.status().get("store"))
        self.assertEqual([name for name in os.listdir(d.state)
                          if name.startswith("health.db")], [])

    def test_its_directory_is_made(self):
        d = self.daemon(sample())
        folder = os.path.join(d.dir, "events")
        path = os.path.join(folder, "h.db")
        d.write(sample() + store(f'database = "{path}"'))
        self.assertEqual(d.run("-t").code, 0)
        self.assertFalse(os.path.exists(folder), "-t makes nothing")
        d.start()
        found = os.stat(folder)
        self.assertEqual(stat.S_IMODE(found.st_mode), 0o750)
        self.assertEqual(found.st_uid, mercury.NOBODY.pw_uid
                         if mercury.ROOT else os.geteuid())
        wait_until(lambda: os.path.exists(path), "the database is there")

    def test_a_directory_that_can_not_be_made_is_a_warning(self):
        d = self.daemon()
        path = os.path.join(d.dir, "no", "such", "h.db")
        d.write(sample() + store(f'database = "{path}"'))
        d.start()
        self.assertTrue(answers(d.port("a")))
        self.assertIn("can't make directory", d.log())
        self.assertIn("no/such", d.log())
        self.assertFalse(os.path.exists(os.path.join(d.dir, "no")))
        os.makedirs(os.path.dirname(path))
        os.chmod(os.path.dirname(path), 0o777)
        wait_until(lambda: os.path.exists(path),
                   "the database is made as soon as it can be")


if __name__ == "__main__":
    mercury.main()
