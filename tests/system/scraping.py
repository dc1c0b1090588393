"""What Prometheus would see: the table of metrics, a scrape and its samples,
and the selectors of expressions that use them."""

import os
import re
import urllib.request

import mercury

LIST = os.path.join(mercury.SOURCE_DIR, "src/common/metric_list.h")
ROW = re.compile(
    r'^METRIC\((\w+), "(\w+)", (\w+)(?:\((\w+)\))?, "([\w ]*)",\s+"(.*)"\)$',
    re.MULTILINE)
SAMPLE = re.compile(r'(\w+)(?:\{(.*)\})? (\S+)')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)",?')
OWN = re.compile(r"\bmercury_\w+")
SELECTOR = re.compile(r"\b(mercury_\w+|up)\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
SUFFIXES = ("_bucket", "_sum", "_count")
GIVEN = {"instance", "job"}  # by Prometheus itself


class Metric:
    def __init__(self, row):
        self.name, self.type, self.histogram = row[1], row[2].lower(), row[3]
        self.labels = set(row[4].split())
        self.help = row[5]


def table():
    """Each metric of the list by its name."""
    with open(LIST) as f:
        rows = ROW.findall(f.read())
    return {row[1]: Metric(row) for row in rows}


def metric_of(name, metrics):
    """The metric that a series belongs to, and the labels that it may have;
    None if there is none."""
    if name in metrics and metrics[name].type != "histogram":
        return metrics[name], metrics[name].labels
    for suffix in SUFFIXES:
        base = name[:-len(suffix)]
        if (name.endswith(suffix) and base in metrics
                and metrics[base].type == "histogram"):
            more = {"le"} if suffix == "_bucket" else set()
            return metrics[base], metrics[base].labels | more
    return None


def unescape(value):
    return re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), value)


class Samples:
    """A scrape that was read; its order is kept."""

    def __init__(self, text):
        self.text = text
        self.types, self.helps, self.all = {}, {}, []
        for line in text.splitlines():
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                self.types[name] = kind
            elif line.startswith("# HELP "):
                _, _, name, words = line.split(" ", 3)
                self.helps[name] = words
            else:
                name, labels, value = SAMPLE.fullmatch(line).groups()
                pairs = {key: unescape(text)
                         for key, text in LABEL.findall(labels or "")}
                self.all.append((name, pairs, float(value)))

    def find(self, name, **labels):
        """The values of all samples of that name with these labels."""
        return [value for found, pairs, value in self.all
                if found == name and labels.items() <= pairs.items()]

    def value(self, name, **labels):
        found = self.find(name, **labels)
        assert len(found) == 1, f"{name} {labels}: {found}"
        return found[0]

    def matches(self, name, matchers):
        """Is there a sample that the matchers of a selector let pass?"""
        def passes(pairs):
            return all(
                re.fullmatch(value, pairs.get(label, ""))
                if operator == "=~" else pairs.get(label) == value
                for label, operator, value in matchers if label not in GIVEN)
        return any(found == name and passes(pairs)
                   for found, pairs, _ in self.all)


class Endpoint:
    """The gateway of a daemon."""

    def __init__(self):
        self.port = mercury.free_port()
        self.section = (f'gateway {{ listen = "127.0.0.1:{self.port}" }}\n')

    def get(self, path="/metrics"):
        """The answer, with its text read."""
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(url, timeout=mercury.DEADLINE) as answer:
            return answer, answer.read().decode()

    def scrape(self):
        """The samples of now; they may not be older than what was before."""
        def answered():
            try:
                return self.get()[1]
            except OSError:
                return None
        return Samples(mercury.wait_until(answered, "metrics are answered"))
