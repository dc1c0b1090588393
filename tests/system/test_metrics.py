"""Metrics: what is scraped is right and goes on over crashes, and alerts and
dashboard use what there is. Checked by Prometheus' own tools, and scraped by
Prometheus itself."""

import json
import os
import re
import signal
import subprocess
import time
import urllib.parse
import urllib.request

import mercury
import scraping
from fronting import v2
from mercury import ask, connect, listener, receive, wait_until
from scraping import GIVEN, Endpoint

PROMETHEUS = os.path.join(mercury.SOURCE_DIR, "contrib/prometheus")
RULES = os.path.join(PROMETHEUS, "mercury.rules.yml")
DASHBOARD = os.path.join(mercury.SOURCE_DIR, "contrib/grafana/mercury.json")
ODD_NAME = 'a "b" \\c é'
LABELS = {"listener", "slot", "reason", "state", "kind", "role", "version",
          "upstream", "mode", "code", "signal", "counter"}
# Of listeners of one protocol only.
OF_PROTOCOLS = ("mercury_upstream_", "mercury_exec_",
                "mercury_listener_module_")


def rule_expressions():
    """The expressions of the alerts; folded lines become one."""
    with open(RULES) as f:
        found = re.findall(r"^ +expr: (?:>-\n((?: {10}.*\n)+)|(.*)\n)",
                           f.read(), re.MULTILINE)
    return [" ".join((folded or line).split()) for folded, line in found]


def rule_labels():
    """The labels that summaries and descriptions speak of."""
    with open(RULES) as f:
        return set(re.findall(r"\$labels\.(\w+)", f.read()))


def objects(tree):
    """Every object in a JSON document."""
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    for part in tree if isinstance(tree, list) else []:
        yield from objects(part)


def dashboard_texts(key):
    with open(DASHBOARD) as f:
        return [o[key] for o in objects(json.load(f))
                if isinstance(o.get(key), str)]


def dashboard_expressions():
    return dashboard_texts("expr") + dashboard_texts("definition")


class Table(mercury.TestCase):
    def test_names_follow_the_conventions(self):
        metrics = scraping.table()
        self.assertGreater(len(metrics), 40)
        for name, m in metrics.items():
            with self.subTest(name):
                self.assertEqual(name.endswith("_total"), m.type == "counter")
                self.assertLessEqual(m.labels, LABELS)
                self.assertRegex(m.help, r"\.$")

    def test_each_row_was_read(self):
        with open(scraping.LIST) as f:
            rows = re.findall(r"^METRIC\(", f.read(), re.MULTILINE)
        self.assertEqual(len(scraping.table()), len(rows))

    def test_the_manual_lists_them_all(self):
        page = os.path.join(mercury.BUILD_DIR, "man/mercury-gateway.8")
        with open(page) as f:
            listed = re.findall(r"^\.It Li (\w+) Pq (\w+)", f.read(),
                                re.MULTILINE)
        self.assertEqual(
            listed, [(m.name, m.type) for m in scraping.table().values()])


class Files(mercury.TestCase):
    def promtool(self, *args):
        tool = mercury.need_tool(self, "promtool")
        result = mercury.run([tool, *args])
        self.assertEqual(result.code, 0, result)

    def test_rules(self):
        self.promtool("check", "rules", RULES)

    def test_rules_fire(self):
        self.promtool("test", "rules",
                      os.path.join(PROMETHEUS, "mercury.rules_test.yml"))

    def test_each_alert_is_tested(self):
        with open(RULES) as f:
            alerts = re.findall(r"- alert: (\w+)", f.read())
        self.assertGreater(len(alerts), 20)
        self.assertEqual(len(alerts), len(rule_expressions()))
        with open(os.path.join(PROMETHEUS, "mercury.rules_test.yml")) as f:
            tested = re.findall(r'alertname="(\w+)"', f.read())
        self.assertEqual(sorted(alerts), sorted(tested))

    def test_scrape_configuration(self):
        self.promtool("check", "config",
                      os.path.join(PROMETHEUS, "prometheus.yml"))

    def check_expression(self, expression):
        """Each metric is in the table, and has each label that is used."""
        metrics = scraping.table()
        usable = set(GIVEN)
        for name, matchers in scraping.SELECTOR.findall(expression):
            if name == "up":
                labels = set()
            else:
                found = scraping.metric_of(name, metrics)
                self.assertIsNotNone(found, f"{name} in {expression}")
                labels = found[1]
            usable |= labels
            for label, _, _ in scraping.MATCHER.findall(matchers):
                self.assertIn(label, labels | GIVEN, expression)
        for group in scraping.GROUPING.findall(expression):
            self.assertLessEqual(set(re.findall(r"\w+", group)), usable,
                                 expression)
        return usable

    def test_alerts_use_what_there_is(self):
        usable = set()
        for expression in rule_expressions():
            usable |= self.check_expression(expression)
        self.assertLessEqual(rule_labels(), usable)

    def test_the_dashboard_uses_what_there_is(self):
        expressions = dashboard_expressions()
        self.assertGreater(len(expressions), 30)
        for expression in expressions:
            self.check_expression(expression)

    def test_legends_of_the_dashboard(self):
        with open(DASHBOARD) as f:
            targets = [o for o in objects(json.load(f)) if "expr" in o]
        for target in targets:
            usable = self.check_expression(target["expr"])
            used = re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])
            self.assertLessEqual(set(used), usable, target)

    def test_panels_of_the_dashboard(self):
        with open(DASHBOARD) as f:
            panels = json.load(f)["panels"]
        self.assertEqual(len({p["id"] for p in panels}), len(panels))
        places = set()
        for p in panels:
            g = p["gridPos"]
            self.assertLessEqual(g["x"] + g["w"], 24)
            cells = {(x, y) for x in range(g["x"], g["x"] + g["w"])
                     for y in range(g["y"], g["y"] + g["h"])}
            self.assertFalse(cells & places, f"{p['title']} is on another")
            places |= cells


class Scrape(mercury.TestCase):
    def served(self, *listeners, store=True):
        """A daemon with a gateway and these listeners."""
        self.endpoint = Endpoint()
        self.sections = self.endpoint.section
        d = self.daemon()
        if store:
            self.sections += f'store {{ database = "{d.dir}/state/h.db" }}\n'
        d.write(self.sections + "".join(listeners))
        return d.start()

    def scrape(self):
        return self.endpoint.scrape()

    def wait_value(self, want, name, **labels):
        """Wait until a sample has a value; returns its scrape."""
        def seen():
            samples = self.scrape()
            return samples if samples.find(name, **labels) == [want] else None
        return wait_until(seen, f"{name} {labels} is {want}")

    def use(self, d, name, header=b"", count=1):
        """So many connections, each a few bytes long."""
        for _ in range(count):
            with connect(d.port(name)) as s:
                s.sendall(header)
                self.assertEqual(ask(s, b"hello"), b"hello")

    def test_each_family_is_there_in_one_piece(self):
        self.served(listener("pos")).add(ODD_NAME)
        samples, metrics = self.scrape(), scraping.table()
        self.assertEqual(list(samples.types), list(metrics))
        self.assertEqual(list(samples.helps), list(metrics))
        order = []
        for name, pairs, _ in samples.all:
            metric, labels = scraping.metric_of(name, metrics)
            self.assertEqual(set(pairs), labels, name)
            if order[-1:] != [metric.name]:
                order.append(metric.name)
        without = {"mercury_listener_handshake_seconds"}  # it is plain TCP
        self.assertEqual(order, [m for m in metrics if m not in without and
                                 not m.startswith(OF_PROTOCOLS)])
        self.assertEqual(
            samples.value("mercury_listener_workers", listener=ODD_NAME), 1)

    def test_type_of_content(self):
        self.served(listener("pos"))
        wait_until(lambda: self.scrape(), "it is there")
        answer, _ = self.endpoint.get()
        self.assertEqual(answer.headers["Content-Type"],
                         "text/plain; version=0.0.4; charset=utf-8")

    def test_promtool_finds_nothing(self):
        tool = mercury.need_tool(self, "promtool")
        d = self.served(listener("pos"))
        d.add(ODD_NAME, proxy_protocol="any", proxy_trusted=["127.0.0.1"])
        self.use(d, "pos")
        self.use(d, ODD_NAME, v2())
        result = mercury.run([tool, "check", "metrics"],
                             data=self.scrape().text.encode())
        self.assertEqual((result.code, result.out, result.err), (0, "", ""))

    def test_figures_of_status(self):
        d = self.served(listener("pos", max_connections=100))
        self.use(d, "pos", count=3)
        with connect(d.port("pos")) as s:
            self.assertEqual(ask(s, b"x"), b"x")
            samples = self.wait_value(
                1, "mercury_listener_connections", listener="pos")
            status = d.listener("pos")
        for name, want in (("accepted_total", "accepted"),
                           ("received_bytes_total", "bytes_in"),
                           ("sent_bytes_total", "bytes_out"),
                           ("connections_limit", "max_connections"),
                           ("bind_attempts", "bind_attempts"),
                           ("generation", "generation")):
            self.assertEqual(samples.value(
                f"mercury_listener_{name}", listener="pos"), status[want])
        self.assertEqual(samples.value("mercury_listener_ended_total",
                                       listener="pos", reason="peer_closed"),
                         3)
        self.assertEqual(samples.value("mercury_listener_state",
                                       listener="pos", state="listening"), 1)
        self.assertEqual(
            sum(samples.find("mercury_listener_state", listener="pos")), 1)
        self.assertEqual(samples.value("mercury_ready"), 1)

    def test_readiness(self):
        d = self.served(listener("pos"), listener("lab", required=False))
        # Nobody has waited for lab yet.
        samples = self.wait_value(1, "mercury_listener_ready", listener="lab")
        for name, required in (("pos", 1), ("lab", 0)):
            self.assertEqual(
                samples.value("mercury_listener_ready", listener=name), 1)
            self.assertEqual(samples.value(
                "mercury_listener_required", listener=name), required)
        d.call("daemon.drain", name="lab")
        samples = self.wait_value(
            1, "mercury_listener_draining", listener="lab")
        self.assertEqual(
            samples.value("mercury_listener_ready", listener="lab"), 0)
        self.assertEqual(
            samples.value("mercury_listener_draining", listener="pos"), 0)
        self.assertEqual(samples.value("mercury_ready"), 1)
        d.call("daemon.drain")
        samples = self.wait_value(1, "mercury_draining")
        self.assertEqual(samples.value("mercury_ready"), 0)

    def test_roles(self):
        d = self.served(listener("pos", workers=2))
        samples = self.scrape()
        running = {role: samples.value("mercury_processes", role=role)
                   for role in ("supervisor", "control", "store", "gateway")}
        self.assertEqual(set(running.values()), {1})
        self.assertEqual(samples.value("mercury_processes", role="pool"), 2)
        for name in ("resident_memory_bytes", "cpu_seconds_total"):
            found = samples.find(f"mercury_process_{name}")
            self.assertEqual(len(found), 5)
        self.assertGreater(samples.value(
            "mercury_process_resident_memory_bytes", role="pool"),
            mercury.anonymous_bytes(d.workers("pos")[0]))

    def life(self, samples, part="_count"):
        return samples.value("mercury_listener_connection_seconds" + part,
                             listener="pos")

    def test_handshakes_and_lives_are_counted(self):
        d = self.served(listener("pos", proxy_protocol="any",
                                 proxy_trusted="127.0.0.1"))
        begun = time.monotonic()
        with connect(d.port("pos")) as s:
            s.sendall(v2())
            self.assertEqual(ask(s, b"hello"), b"hello")
            self.use(d, "pos", v2(), count=2)
            with connect(d.port("pos")) as bad:
                bad.sendall(b"GET / HTTP/1.0\r\n\r\n")
                receive(bad, 1)
            samples = self.wait_value(
                3, "mercury_listener_handshake_seconds_count", listener="pos")
            self.assertEqual(samples.value(
                "mercury_listener_handshake_failures_total",
                listener="pos"), 1)
            wait_until(lambda: time.monotonic() - begun > 0.25, "a while")
        samples = self.wait_value(
            3, "mercury_listener_connection_seconds_count", listener="pos")
        self.assertLessEqual(0.2, self.life(samples, "_sum"))
        self.assertLessEqual(self.life(samples, "_sum"),
                             3 * (time.monotonic() - begun))
        buckets = samples.find("mercury_listener_connection_seconds_bucket",
                               listener="pos")
        self.assertEqual(buckets, sorted(buckets))
        self.assertEqual(buckets[-1], 3)

    def test_the_lag_of_the_supervisor_is_observed(self):
        d = self.served(listener("pos"))
        name = "mercury_supervisor_loop_lag_seconds"
        wait_until(lambda: self.scrape().value(name + "_count") >= 1,
                   "an observation")
        d.signal(signal.SIGSTOP)
        try:
            end = time.monotonic() + 2.5
            wait_until(lambda: time.monotonic() > end, "it lags")
        finally:
            d.signal(signal.SIGCONT)
        samples = wait_until(
            lambda: (lambda s: s if s.value(name + "_sum") > 1 else None)(
                self.scrape()), "the lag is counted")
        self.assertGreater(samples.value(name + "_count"),
                           samples.value(name + "_bucket", le="0.25"))
        self.assertGreater(
            samples.value("mercury_supervisor_loop_lag_max_seconds"), 1)

    def totals(self, samples):
        """All counters and histograms that belong to the listener."""
        metrics = scraping.table()
        return {(name, *sorted(pairs.items())): value
                for name, pairs, value in samples.all
                if pairs.get("listener") == "pos" and "slot" not in pairs
                and scraping.metric_of(name, metrics)[0].type != "gauge"}

    def check_goes_on(self, before, after):
        for key, value in before.items():
            self.assertGreaterEqual(after[key], value, key)

    def test_counters_survive(self):
        d = self.served(listener("pos", proxy_protocol="any",
                                 proxy_trusted="127.0.0.1"))
        used = 0

        def use():
            """Some more connections, and nothing was forgotten."""
            nonlocal used
            before = self.totals(self.scrape())
            self.use(d, "pos", v2(), count=2)
            used += 2
            after = self.totals(self.wait_value(
                used, "mercury_listener_connection_seconds_count",
                listener="pos"))
            self.check_goes_on(before, after)
            self.assertEqual(
                after["mercury_listener_handshake_seconds_count",
                      ("listener", "pos")], used)

        use()
        d.kill_worker("pos")
        use()
        d.call("listener.restart", name="pos")
        use()
        for change in ({"idle_timeout": "1h"}, {"workers": 2},
                       {"port": mercury.free_port()}):
            d.write(self.sections + listener(
                "pos", proxy_protocol="any", proxy_trusted="127.0.0.1",
                **change))
            d.call("daemon.reload")
            use()
        mercury.kill(d.child("mercury-gateway"))
        samples = self.wait_value(
            1, "mercury_process_restarts_total", role="gateway")
        use()
        self.assertEqual(samples.value(
            "mercury_listener_worker_restarts_total", listener="pos"), 1)

    def test_expressions_match_something(self):
        """Also the values of labels are such as there are."""
        d = self.served(listener("pos", proxy_protocol="any",
                                 proxy_trusted="127.0.0.1"), one_way())
        self.use(d, "pos", v2())
        samples = self.scrape()
        for expression in rule_expressions() + dashboard_expressions():
            found = scraping.SELECTOR.findall(
                expression.replace("$instance", ".*")
                .replace("$listener", ".*"))
            for name, text in found:
                matchers = scraping.MATCHER.findall(text)
                if name != "up":
                    self.assertTrue(samples.matches(name, matchers),
                                    f"{name}{{{text}}}")


def one_way():
    """A listener with an upstream that is not there."""
    text = listener("way", protocol="proxy")
    return (text[:-2] + "  proxy { upstreams = "
            f'{{"127.0.0.1:{mercury.free_port()}"}} }}\n}}\n')


class Prometheus(mercury.TestCase):
    def configure(self, folder, target):
        """The configuration that we give to people, but for the target."""
        with open(os.path.join(PROMETHEUS, "prometheus.yml")) as f:
            text = f.read()
        for old, new in (("127.0.0.1:9180", f"127.0.0.1:{target}"),
                         ("15s", "1s"), ("mercury.rules.yml", RULES)):
            self.assertIn(old, text)
            text = text.replace(old, new)
        path = os.path.join(folder, "prometheus.yml")
        with open(path, "w") as f:
            f.write(text)
        return path

    def start(self, target):
        """Run it with a database of its own; returns its port."""
        tool = mercury.need_tool(self, "prometheus")
        folder, port = self.scratch(), mercury.free_port()
        with open(os.path.join(folder, "log"), "w") as log:
            process = subprocess.Popen(
                [tool, f"--config.file={self.configure(folder, target)}",
                 f"--storage.tsdb.path={folder}/data",
                 f"--web.listen-address=127.0.0.1:{port}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        return port

    def query(self, port, path, **params):
        url = (f"http://127.0.0.1:{port}/api/v1/{path}?"
               + urllib.parse.urlencode(params))
        try:
            with urllib.request.urlopen(url, timeout=mercury.DEADLINE) as a:
                return json.load(a)["data"]
        except OSError:
            return None

    def value(self, port, expression):
        data = self.query(port, "query", query=expression)
        rows = data["result"] if data else []
        return float(rows[0]["value"][1]) if rows else None

    def wait_value(self, port, expression, want):
        wait_until(lambda: self.value(port, expression) == want,
                   f"{expression} is {want}", mercury.DEADLINE * 3)

    def test_scraped_by_the_real_one(self):
        endpoint = Endpoint()
        d = self.started(endpoint.section + listener("pos"))
        port = self.start(endpoint.port)
        self.wait_value(port, "up", 1)
        for _ in range(5):
            with connect(d.port("pos")) as s:
                self.assertEqual(ask(s, b"hello"), b"hello")
        self.wait_value(
            port, 'mercury_listener_accepted_total{listener="pos"}', 5)
        self.wait_value(
            port, "mercury_listener_connection_seconds_count", 5)
        rules = self.query(port, "rules")
        states = {(rule["name"], rule["health"])
                  for group in rules["groups"] for rule in group["rules"]}
        self.assertGreater(len(states), 20)
        self.assertEqual({health for _, health in states} - {"unknown"},
                         {"ok"} & {health for _, health in states})
        d.call("listener.pause", name="pos")
        self.wait_value(
            port, 'mercury_listener_state{listener="pos",state="paused"}', 1)


if __name__ == "__main__":
    mercury.main()
