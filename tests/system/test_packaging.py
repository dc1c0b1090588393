"""What distributions get: packaging, container, log rotation, the unit, and
the manual as HTML. Building the package is contrib/debian/check.sh's."""

import html.parser
import os
import re
import shutil
import subprocess
import unittest
import urllib.parse

import mercury
from mercury import answers, wait_until

# Where manual pages are that are not ours.
ELSEWHERE = "https://manpages.debian.org/"

# What systemd-analyze may say of the unit, 0 being all safe and 10 none.
EXPOSURE = 3.2


def source(path):
    return os.path.join(mercury.SOURCE_DIR, path)


def read(path):
    with open(source(path)) as f:
        return f.read()


def setup_list(name):
    """A list of packages in contrib/setup.sh."""
    return set(re.search(rf'^{name}="([^"]*)"', read("contrib/setup.sh"),
                         re.MULTILINE).group(1).split())


class LogFile(mercury.TestCase):
    """contrib/logrotate with a daemon that appends to a file."""

    def rotate(self, d, logs):
        """Once, whatever the time is."""
        program = mercury.need_tool(self, "logrotate")
        text = read("contrib/logrotate/mercury")
        self.assertEqual(text.count("/var/log/mercury/"), 2)
        config = os.path.join(d.dir, "logrotate.conf")
        with open(config, "w") as f:
            f.write(text.replace("/var/log/mercury/*.log {", f"{logs} {{"))
        result = mercury.run([program, "-f", "-s",
                              os.path.join(d.dir, "rotated"), config])
        self.assertEqual(result.code, 0, result)
        self.assertEqual(result.err, "")

    def test_lines_before_and_after(self):
        logs = self.scratch()
        os.chmod(logs, 0o755)
        path = os.path.join(logs, "mercuryd.log")
        d = self.daemon(mercury.listener("a"))
        with open(path, "ab") as log:
            d.start(stderr=log)
        d.add("before")
        self.rotate(d, path)
        d.add("after")
        d.kill_worker("a")

        def text(name):
            with open(os.path.join(logs, name), errors="replace") as f:
                return f.read()
        wait_until(lambda: "listener=after" in text("mercuryd.log"),
                   "it goes on in the file")
        self.assertIn("listener=before", text("mercuryd.log.1"))
        self.assertNotIn("listener=before", text("mercuryd.log"))
        self.assertNotIn("\0", text("mercuryd.log"), "a hole")
        self.assertTrue(answers(d.port("a")))

    def test_nothing_to_rotate(self):
        d = self.daemon()
        self.rotate(d, os.path.join(d.dir, "none", "*.log"))


class Unit(mercury.TestCase):
    def test_exposure(self):
        program = shutil.which("systemd-analyze")
        if not program:
            raise unittest.SkipTest("systemd-analyze is not here")
        result = mercury.run(
            [program, "security", "--offline=true", "--no-pager",
             source("contrib/systemd/mercuryd.service")])
        found = re.search(r"exposure level for \S+: ([0-9.]+)", result.out)
        self.assertIsNotNone(found, result)
        self.assertLessEqual(float(found.group(1)), EXPOSURE)


class Container(mercury.TestCase):
    """contrib/docker; there is no engine here that could build it."""

    def test_the_same_packages_as_everywhere(self):
        first, last = read("contrib/docker/Dockerfile").split("\nFROM ")[1:]

        def packages(stage):
            words = re.search(r"--no-install-recommends \\\n(.*?) && \\\n",
                              stage, re.DOTALL).group(1)
            return set(words.replace("\\\n", " ").split())
        self.assertEqual(packages("FROM " + first),
                         setup_list("packages_build"))
        for name in packages(last):
            self.assertRegex(name, r"^lib[a-z]+[a-z0-9.-]*[0-9]$",
                             "libraries only")

    def test_what_it_copies_is_there(self):
        for words in re.findall(r"^COPY (?!--from)(?:--\S+ )?(\S+) ",
                                read("contrib/docker/Dockerfile"),
                                re.MULTILINE):
            self.assertTrue(os.path.exists(source(words)), words)

    def test_its_configuration(self):
        d = self.daemon(as_root=False)
        text = read("contrib/docker/mercury.conf")
        self.assertIn("daemon {\n", text)
        with open(d.config, "w") as f:
            f.write(text.replace("daemon {\n", f"""daemon {{
  control_socket = "{d.control}"
  state_dir = "{d.state}"
"""))
        result = d.run("-t")
        self.assertEqual(result.code, 0, result)
        self.assertEqual(result.err, "")

    def health(self, port):
        result = mercury.run(
            ["bash", source("contrib/docker/healthcheck")],
            env=dict(os.environ, MERCURY_HEALTH_PORT=str(port)))
        return result.code

    def test_health_check(self):
        port = mercury.free_port()
        self.assertEqual(self.health(port), 1, "nobody answers")
        d = self.started(mercury.gateway(port))
        wait_until(lambda: self.health(port) == 0, "it lives")
        other = d.add("a")["port"]
        self.assertEqual(self.health(other), 1, "that is no gateway")


class Debian(mercury.TestCase):
    def test_builds_with_what_is_listed(self):
        wanted = re.search(r"^Build-Depends:\n((?: .*\n)*)",
                           read("contrib/debian/control"),
                           re.MULTILINE).group(1)
        names = {line.split()[0].rstrip(",") for line in wanted.splitlines()}
        # What every build on Debian has, and what debhelper brings.
        here = setup_list("packages_build") - {
            "gcc", "libc6-dev", "make", "autoconf", "automake"}
        self.assertEqual(names - {"debhelper-compat", "libcriterion-dev"},
                         here)

    def test_the_version(self):
        version = re.search(r"^AC_INIT\(\[mercury\],\[([^]]*)\]",
                            read("configure.ac"), re.MULTILINE).group(1)
        self.assertTrue(read("contrib/debian/changelog").startswith(
            f"mercury ({version}-"))
        self.assertTrue(read("NEWS").startswith(f"Mercury {version}\n"))

    def test_every_override_has_a_reason(self):
        for name in ("mercury.lintian-overrides",
                     "mercury-dev.lintian-overrides",
                     "source/lintian-overrides"):
            before = ""
            for line in read("contrib/debian/" + name).splitlines():
                self.assertTrue(line.startswith("#") or before, name)
                before = line

    def test_all_is_in_the_release(self):
        listed = set(re.findall(r"contrib/\S+",
                                read("contrib/local.mk")))
        for top in ("contrib/debian", "contrib/docker", "contrib/nginx",
                    "contrib/logrotate"):
            for folder, _, names in os.walk(source(top)):
                for name in names:
                    path = os.path.relpath(os.path.join(folder, name),
                                           mercury.SOURCE_DIR)
                    self.assertIn(path, listed)


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.links = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if "id" in attrs:
            self.ids.append(attrs["id"])
        for key in ("href", "src"):
            if key in attrs:
                self.links.append(attrs[key])


class Html(mercury.TestCase):
    """make html"""

    def setUp(self):
        super().setUp()
        program = mercury.need_tool(self, "mandoc")
        self.sources = {}
        for folder in (source("man"), os.path.join(mercury.BUILD_DIR, "man")):
            for name in os.listdir(folder):
                if re.search(r"\.[1-9]$", name):
                    self.sources[name] = os.path.join(folder, name)
        self.folder = os.path.join(self.scratch(), "html")
        subprocess.run(["sh", source("man/html.sh"), program, self.folder,
                        source("man/mercury.css"), *self.sources.values()],
                       check=True)
        self.pages = {}
        for name in os.listdir(self.folder):
            with open(os.path.join(self.folder, name)) as f:
                if name.endswith(".html"):
                    self.pages[name] = Page(f.read())

    def test_all_pages_are_there(self):
        self.assertGreater(len(self.sources), 5)
        wanted = {f"{name}.html" for name in self.sources} | {"index.html"}
        self.assertEqual(set(self.pages), wanted)
        self.assertLessEqual(wanted - {"index.html"},
                             set(self.pages["index.html"].links))

    def test_all_links_lead_somewhere(self):
        for name, page in self.pages.items():
            for link in page.links:
                with self.subTest(page=name, link=link):
                    self.check(name, link)

    def check(self, name, link):
        where = urllib.parse.urlparse(link)
        if where.scheme:
            self.assertEqual(where.scheme, "https")
            # A page of ours is not looked for elsewhere.
            if link.startswith(ELSEWHERE):
                self.assertNotIn("mercury", where.path)
            return
        target = where.path or name
        self.assertTrue(os.path.exists(os.path.join(self.folder, target)))
        if where.fragment:
            self.assertIn(urllib.parse.unquote(where.fragment),
                          self.pages[target].ids)

    def test_references_are_links(self):
        for name, path in self.sources.items():
            with open(path) as f:
                for other in re.findall(r"^\.Xr (mercur\S+ [1-9])", f.read(),
                                        re.MULTILINE):
                    self.assertIn(other.replace(" ", ".") + ".html",
                                  self.pages[f"{name}.html"].links)


if __name__ == "__main__":
    mercury.main()
