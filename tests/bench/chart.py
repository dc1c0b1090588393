"""The chart of a run: for each figure a bar for everyone, as a ratio to the
best reference or peer. SVG by hand; its colours follow the reader's theme."""

from html import escape

WIDTH, LEFT, RIGHT, BAR, GAP, TOP = 960, 330, 140, 11, 16, 84
MOST = 1.6  # ratios beyond are cut, and say so

STYLE = """
svg { font: 12px system-ui, "Liberation Sans", sans-serif; }
.page { fill: #ffffff; }
.ink { fill: #1f2328; }
.faint { fill: #59636e; }
.label { fill: #59636e; stroke: #ffffff; stroke-width: 3;
  paint-order: stroke; }
.line { stroke: #d1d9e0; }
.one { stroke: #59636e; }
.ours { fill: #0969da; }
.peer { fill: #bc4c00; }
.ref { fill: #818b98; }
.goal { stroke: #1a7f37; stroke-width: 2; }
.bad { fill: #d1242f; font-weight: bold; }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117; }
.ink { fill: #f0f6fc; }
.faint { fill: #9198a1; }
.label { fill: #9198a1; stroke: #0d1117; }
.line { stroke: #3d444d; }
.one { stroke: #9198a1; }
.ours { fill: #4493f8; }
.peer { fill: #f0883e; }
.ref { fill: #656c76; }
.goal { stroke: #3fb950; }
.bad { fill: #f85149; }
}
"""


def x_of(ratio):
    return LEFT + min(ratio, MOST) / MOST * (WIDTH - LEFT - RIGHT)


def ratio_to(line, base, value):
    if not base or not value:
        return None
    return value / base if line["higher_is_better"] else base / value


def kind(name):
    if name == "Mercury":
        return "ours"
    return "ref" if name.startswith("reference") else "peer"


def text(x, y, words, css, anchor="start"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" class="{css}" '
            f'text-anchor="{anchor}">{escape(words)}</text>')


def medians_of(line):
    """Whom to show. The references keep next to nothing for a connection
    that is idle: beside them all others would look alike."""
    return {n: s["median"] for n, s in line["contenders"].items()
            if line["metric"] != "bytes" or kind(n) != "ref"}


def worth_a_chart(line):
    """Ratios need somebody to compare with."""
    medians = medians_of(line)
    return medians.get("Mercury") and len(medians) > 1 and all(
        v > 0 for v in medians.values())


def base_of(line):
    """The best of all others is 1."""
    others = [v for n, v in medians_of(line).items() if n != "Mercury"]
    return (max if line["higher_is_better"] else min)(others)


def bars(line, y):
    """One figure: its title, and a bar for everyone."""
    missed = any(not g["met"] for g in line["goals"])
    base = base_of(line)
    out = [text(16, y + 10, line["title"], "ink"),
           text(16, y + 24, f"{line['what']}"
                + (", goal missed" if missed else ""),
                "bad" if missed else "faint")]
    for i, (name, value) in enumerate(medians_of(line).items()):
        r = ratio_to(line, base, value)
        top = y + i * (BAR + 2)
        width = x_of(r) - LEFT
        label = f"{name} {r:.2f}" + (" →" if r > MOST else "")
        out.append(f'<rect x="{LEFT}" y="{top}" width="{width:.1f}" '
                   f'height="{BAR}" rx="2" class="{kind(name)}"/>')
        out.append(text(LEFT + width + 6, top + BAR - 1.5, label, "label"))
    return out, max(32, len(medians_of(line)) * (BAR + 2)) + GAP


def head(run, height):
    m = run["machine"]
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
           f'height="{height}" viewBox="0 0 {WIDTH} {height}" role="img" '
           'aria-label="Mercury beside its peers">',
           f"<style>{STYLE}</style>",
           f'<rect class="page" width="{WIDTH}" height="{height}"/>',
           text(16, 28, "Mercury beside its peers: longer is better, 1 is "
                "the best of the others", "ink"),
           text(16, 48, f"{m['cpus']} CPUs, {m['kernel']}, rounds: "
                f"{run['rounds']}, medians, {run['date']}", "faint")]
    x = LEFT
    for css, label in (("ours", "Mercury"), ("peer", "peer"),
                       ("ref", "reference")):
        out.append(f'<rect x="{x}" y="58" width="11" height="11" rx="2" '
                   f'class="{css}"/>')
        out.append(text(x + 16, 68, label, "ink"))
        x += 90
    return out


def chart(run):
    """The SVG as text."""
    y, body = TOP, []
    for line in filter(worth_a_chart, run["rows"]):
        part, high = bars(line, y)
        body += part
        y += high
    out = head(run, y + 8)
    for tick in (0.5, 1.0, 1.5):
        css = "one" if tick == 1.0 else "line"
        out.append(f'<line x1="{x_of(tick):.1f}" x2="{x_of(tick):.1f}" '
                   f'y1="{TOP - 4}" y2="{y - GAP + 4}" class="{css}"/>')
        out.append(text(x_of(tick), TOP - 6, f"{tick:g}", "faint", "middle"))
    return "\n".join(out + body + ["</svg>", ""])
