"""What came of a run: medians and spread, ratios against goals, a table for
people, JSON for programs, and the generated part of BENCHMARKS.md."""

import json
import statistics

import scenarios

QUIET = 0.2  # a larger part for others than that, and ratios say little
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"

DISTURBED = """**This run was disturbed: others used the machine too. What it says about
memory and about lost connections holds; its rates, times and ratios don't.**
"""


def summary(values):
    return {"median": statistics.median(values), "min": min(values),
            "max": max(values), "values": values}


def is_reference(name):
    return name.startswith("reference")


def better(metric, a, b):
    """How many times better a is than b; None where that can't be said."""
    over, under = (a, b) if metric.higher else (b, a)
    return over / under if under else None


def ratio(metric, ours, theirs):
    """How many times better we are: the median of each round's ratio, which
    doesn't mind when the machine is slower in some rounds than in others; and
    the range of the middle half of them. None where that can't be said."""
    each = [better(metric, a, b)
            for a, b in zip(ours["values"], theirs["values"])]
    if not each or None in each:
        return None
    middle = each if len(each) == 1 else \
        statistics.quantiles(each, n=4, method="inclusive")
    return {"ratio": statistics.median(each), "from": middle[0],
            "to": middle[-1]}


def opponents(versus, measured):
    others = [n for n in measured if n != "Mercury"]
    if versus == scenarios.REFERENCE:
        return [n for n in others if is_reference(n)]
    if versus == scenarios.PEER:
        return [n for n in others if not is_reference(n)]
    return [n for n in others if n == versus]


def against(versus, metric, measured):
    """The ratio to the strongest of them, with its name; None: to nobody."""
    ours = measured.get("Mercury")
    if ours is None:
        return None
    found = [{"name": name, **r} for name in opponents(versus, measured)
             if (r := ratio(metric, ours, measured[name])) is not None]
    return min(found, key=lambda r: r["ratio"], default=None)


def goals_of(metric, measured):
    """[(text, met)]; what can't be compared here isn't among them."""
    found = []
    if "Mercury" not in measured:
        return found
    for versus, wanted in metric.goals:
        r = against(versus, metric, measured)
        if r is not None:
            found.append((f"{wanted:g} of {r['name']}", r["ratio"] >= wanted))
    if metric.at_most is not None:
        most = metric.at_most
        found.append((f"at most {most:g} {metric.unit}".rstrip(),
                      measured["Mercury"]["median"] <= most))
    return found


def row(scenario, name, metric, measured):
    """A line of the table: measured is contender: summary."""
    ratios = {versus: against(versus, metric, measured)
              for versus in (scenarios.PEER, scenarios.REFERENCE)}
    return {"scenario": scenario.key, "title": scenario.title,
            "metric": name, "what": metric.title, "unit": metric.unit,
            "higher_is_better": metric.higher, "contenders": measured,
            "ratios": {versus: r for versus, r in ratios.items() if r},
            "goals": [{"goal": text, "met": met}
                      for text, met in goals_of(metric, measured)]}


def rows(results, judged=True):
    """results: (scenario, {contender: {metric: [values]}}), in order."""
    lines = []
    for scenario, measured in results:
        for name, metric in scenario.metrics.items():
            found = {c: summary(m[name]) for c, m in measured.items()
                     if m.get(name)}
            if found:
                line = row(scenario, name, metric, found)
                lines.append(line if judged else {**line, "goals": []})
    return lines


def number(value):
    if value is None:
        return "-"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def with_spread(s):
    if len(s["values"]) < 2:
        return number(s["median"])
    return f"{number(s['median'])} ({number(s['min'])}..{number(s['max'])})"


def figure(line):
    """What is measured, with its unit, if it has one."""
    return f"{line['what']}, {line['unit']}".rstrip(", ")


def cells(line):
    """The table's columns of one line."""
    ours = line["contenders"].get("Mercury")

    def to(versus):
        r = line["ratios"].get(versus)
        if r is None:
            return ""
        spread = f" ({r['from']:.2f}..{r['to']:.2f})" if len(
            ours["values"]) > 1 else ""
        return f"{r['ratio']:.2f}{spread} {r['name']}"
    goals = "; ".join(
        ("met: " if g["met"] else "MISSED: ") + g["goal"]
        for g in line["goals"])
    return [line["title"], figure(line),
            with_spread(ours) if ours else "not measured",
            to(scenarios.PEER), to(scenarios.REFERENCE), goals]


HEADS = ["what", "figure", "Mercury: median (min..max)", "to the best peer",
         "to the best reference", "goal"]


def plain(lines):
    """The table for a terminal."""
    table = [HEADS] + [cells(line) for line in lines]
    widths = [max(len(r[i]) for r in table) for i in range(len(HEADS))]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(r, widths)).rstrip()
                     for r in table)


def markdown(lines):
    table = [HEADS, ["---"] * len(HEADS)] + [cells(line) for line in lines]
    return "\n".join("| " + " | ".join(r) + " |" for r in table)


def everyone(lines):
    """Every contender's figures, so that nobody has to trust a ratio."""
    out = ["| what | figure | contender: median (min..max) |",
           "| --- | --- | --- |"]
    for line in lines:
        all_ = "; ".join(f"{name}: {with_spread(s)}"
                         for name, s in line["contenders"].items())
        out.append(f"| {line['title']} | {figure(line)} | {all_} |")
    return "\n".join(out)


def missed(lines):
    return [f"{line['title']}, {line['what']}: {g['goal']}"
            for line in lines for g in line["goals"] if not g["met"]]


def conditions(run):
    m, v = run["machine"], run["versions"]
    parts = [f"{m['cpus']} CPUs ({m['cpu']}), {m['memory_mb']:,} MB, "
             f"{m['kernel']}, {m['system']}"]
    parts.append(", ".join(f"{name} {version}" for name, version in v.items()
                           if version and name not in ("CFLAGS",)))
    parts.append(f"CFLAGS {v['CFLAGS']}")
    parts.append(f"rounds: {run['rounds']}, {run['date']}; other "
                 f"processes and the host's other guests took "
                 f"{100 * run['others']:.0f}% of the CPUs")
    return parts


def generated(run):
    """What stands between the markers of BENCHMARKS.md."""
    lines = run["rows"]
    bad = missed(lines)
    text = ["", *("- " + part for part in conditions(run)), "",
            DISTURBED if run["others"] > QUIET else None,
            "![ratios](doc/benchmarks.svg)", "", markdown(lines), "",
            "Missed:" if bad else "No goal was missed.", "",
            *("- " + b for b in bad), "" if bad else None]
    if run["not_measured"]:
        text += ["Not measured:", "",
                 *("- " + n for n in run["not_measured"]), ""]
    text += ["Everybody's figures:", "", everyone(lines), ""]
    return "\n".join(t for t in text if t is not None)


def rewrite(path, run):
    """Put the figures between the markers."""
    with open(path, encoding="utf-8") as f:
        text = f.read()
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise AssertionError(f"{path} has no markers for the figures")
    with open(path, "w", encoding="utf-8") as f:
        f.write(head + begin + "\n" + generated(run) + "\n" + end + tail)


def write_json(path, run):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(run, f, indent=1, ensure_ascii=False)
        f.write("\n")
