"""A browser that shows the dashboard, and a gateway to show it without one.

The browser is the system's Chromium, driven by tests/browser/driver.js; one
serves all tests of a program.
"""

import ctypes
import http.server
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from email.utils import formatdate
from urllib.parse import parse_qs, urlsplit

import mercury
from mercury import DEADLINE, wait_until

DRIVER = os.path.join(mercury.SOURCE_DIR, "tests/browser")
PAGE_SOURCE = os.path.join(mercury.BUILD_DIR, "src/gateway/page.c")
NPM_SECONDS = 120  # for one small package


def page_source():
    """The page as it was built in: its bytes and its policy."""
    with open(PAGE_SOURCE) as f:
        source = f.read()
    policy = re.search(r'page_csp\[\] = "([^"]*)"', source).group(1)
    numbers = re.search(r"page_html\[\] = \{([^}]*)\}", source).group(1)
    return bytes(int(n) for n in numbers.replace("\n", "").split(",")
                 if n.strip()), policy


def quiet_port():
    """A port that no connection of a browser's can have got by chance."""
    while True:
        port = random.randrange(15000, 32000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


# --- a gateway that is none -----------------------------------------------


class Answer(Exception):
    """An answer that is not 200."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code, self.text = code, text


WHAT = ("status", "tree", "history", "events")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Gateway:
    """Serves the page, and what answer(what, params) returns below /api/.

    For what a real daemon can't easily show: answer may be any function, and
    may raise Answer.
    """

    def __init__(self, answer, clock=time.time, port=0):
        self.answer, self.clock = answer, clock
        self.asked = []
        self.page, self.policy = page_source()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer._get(self)

            def log_message(self, *_args):
                pass

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       kwargs={"poll_interval": 0.05})
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def _get(self, handler):
        url = urlsplit(handler.path)
        if url.path == "/":
            self._send(handler, 200, "text/html; charset=utf-8", self.page)
        elif url.path.removeprefix("/api/") in WHAT:
            self._api(handler, url)
        else:
            self._send(handler, 404, "text/plain", b"nothing here")

    def _api(self, handler, url):
        what = url.path.removeprefix("/api/")
        params = {k: v[-1] for k, v in parse_qs(url.query).items()}
        if "limit" in params:
            params["limit"] = int(params["limit"])
        self.asked.append(what)
        try:
            body = json.dumps(self.answer(what, params)).encode()
            self._send(handler, 200, "application/json", body)
        except Answer as e:
            body = json.dumps({"error": {"message": e.text}}).encode()
            self._send(handler, e.code, "application/json", body)

    def _send(self, handler, code, kind, body):
        handler.send_response_only(code)
        handler.send_header("Date", formatdate(self.clock(), usegmt=True))
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        if kind.startswith("text/html"):
            handler.send_header("Content-Security-Policy", self.policy)
        handler.end_headers()
        handler.wfile.write(body)


# --- the browser ------------------------------------------------------------


def install_modules(npm="npm"):
    """Install what package-lock.json names, below the build folder; where."""
    folder = os.path.join(mercury.BUILD_DIR, "browser-modules")
    done = os.path.join(folder, "installed")
    with open(os.path.join(DRIVER, "package-lock.json")) as f:
        wanted = f.read()
    try:
        with open(done) as f:
            if f.read() == wanted:
                return folder
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(os.path.join(DRIVER, name),
                        os.path.join(folder, name))
    result = mercury.run(
        [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=folder, timeout=NPM_SECONDS)
    if result.code != 0:
        raise unittest.SkipTest(f"npm ci: {result!r}")
    with open(done, "w") as f:
        f.write(wanted)
    return folder


def adopt_orphans():
    """What Chromium leaves to be adopted is the driver's, not ours."""
    ctypes.CDLL(None).prctl(mercury.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class Browser:
    """Node and Chromium, until close()."""

    def __init__(self, modules, chromium="/usr/bin/chromium", node="node"):
        self.dir = tempfile.mkdtemp(prefix="mercury-test-", dir="/tmp")
        env = dict(os.environ, TMPDIR=self.dir, HOME=self.dir,
                   XDG_CONFIG_HOME=self.dir, XDG_CACHE_HOME=self.dir)
        self.node = subprocess.Popen(
            [node, os.path.join(DRIVER, "driver.js"),
             os.path.join(modules, "node_modules"), chromium],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env,
            preexec_fn=adopt_orphans)
        mercury.kept_pids.add(self.node.pid)
        self.version = self._answer()

    def _answer(self):
        line = self.node.stdout.readline()
        if not line:
            raise AssertionError("the browser's driver has ended")
        answer = json.loads(line)
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["result"]

    def ask(self, **request):
        self.node.stdin.write(json.dumps(request).encode() + b"\n")
        self.node.stdin.flush()
        return self._answer()

    def close(self):
        self.node.stdin.close()
        try:
            self.node.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            for pid in mercury.descendants(self.node.pid):
                mercury.kill(pid)
            self.node.kill()
            self.node.wait()
        self.node.stdout.close()
        mercury.kept_pids.discard(self.node.pid)
        # A process of the browser's may still write for a moment.
        wait_until(self._remove, "the browser's folder is gone")

    def _remove(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        return not os.path.exists(self.dir)


class Page:
    """One page of the browser, with cookies and storage of its own."""

    def __init__(self, browser, width=1440, height=900, **how):
        self.browser = browser
        self.id = browser.ask(open={
            "width": width, "height": height, "scheme": "light",
            "motion": "reduce", "scale": 1, "touch": False,
            "timeout": DEADLINE * 1000, **how})

    def call(self, name, *args):
        return self.browser.ask(page=self.id, call=name, args=args)

    def goto(self, url):
        self.call("goto", url, {"waitUntil": "domcontentloaded"})
        return self

    def click(self, selector):
        self.call("click", selector)

    def fill(self, selector, value):
        self.call("fill", selector, value)

    def press(self, key):
        self.call("keyboard.press", key)

    def evaluate(self, expression):
        return self.call("evaluate", expression)

    def text(self, selector):
        """What a person can read there; empty when it is not shown."""
        return self.evaluate(
            "[...document.querySelectorAll(%s)].filter(e => "
            "e.checkVisibility()).map(e => e.innerText).join('\\n')"
            % json.dumps(selector))

    def wait(self, expression, deadline=DEADLINE):
        """Wait until the page finds this true; its value."""
        return wait_until(lambda: self.evaluate(expression), expression,
                          deadline)

    def wait_text(self, selector, part, deadline=DEADLINE):
        wait_until(lambda: part in self.text(selector),
                   f"{part!r} in {selector}", deadline)

    def screenshot(self, path, full=False):
        self.call("screenshot", {"path": path, "fullPage": full})

    def complaints(self):
        return self.browser.ask(page=self.id, complaints=True)

    def close(self):
        self.browser.ask(page=self.id, close=True)


class TestCase(mercury.TestCase):
    """A test with pages; each must have kept to its policy."""

    browser = None  # shared by all
    timeout = 2 * mercury.TEST_TIMEOUT

    def setUp(self):
        super().setUp()
        if TestCase.browser is None:
            TestCase.browser = self._start_browser()

    def _start_browser(self):
        chromium, node, npm = (mercury.need_tool(self, name)
                               for name in ("chromium", "node", "npm"))
        try:
            modules = install_modules(npm)
        except unittest.SkipTest as e:
            if os.environ.get("MERCURY_ALL_TOOLS"):
                self.fail(str(e))
            raise
        return Browser(modules, chromium, node)

    def page(self, url, **how):
        page = Page(TestCase.browser, **how)
        self.addCleanup(self._close_page, page)
        return page.goto(url)

    def _close_page(self, page):
        complaints = page.complaints()
        page.close()
        self.assertEqual(complaints, [])

    def gateway(self, answer):
        gateway = Gateway(answer)
        self.addCleanup(gateway.close)
        return gateway


def close_browser():
    """For tearDownModule()."""
    if TestCase.browser is not None:
        TestCase.browser.close()
        TestCase.browser = None
