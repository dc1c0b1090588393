"""Which lines the tests ran: a table of lcov's file, and what is too little.

    coverage.py [--no-floors] [--missed] FILE.info

Beside this file, coverage.floors has the least share of a folder or a file, and
coverage.unreached the lines that no test can reach, which don't count.
"""

import argparse
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)


def read_info(path):
    """{source file, from the top folder: {line: how often it was run}}"""
    files, lines = {}, None
    with open(path) as f:
        for row in f:
            key, _, value = row.strip().partition(":")
            if key == "SF":
                name = os.path.relpath(os.path.realpath(value),
                                       os.path.realpath(TOP))
                lines = files.setdefault(name, {})
            elif key == "DA":
                number, count = value.split(",")[:2]
                lines[int(number)] = lines.get(int(number), 0) + int(count)
    return files


def rows(name):
    """The lines of a file of ours, without comments and empty ones."""
    with open(os.path.join(HERE, name)) as f:
        for row in f:
            if row.strip() and not row.startswith("#"):
                yield row.rstrip("\n")


def excuse(files):
    """Take out what can't be reached; returns what is wrong with the list.

    A row is FILE: TEXT, where TEXT is that of the line, and stands for all
    lines of the file with that text.
    """
    wrong = []
    for row in rows("coverage.unreached"):
        name, _, wanted = row.partition(": ")
        lines = files.get(name, {})
        with open(os.path.join(TOP, name)) as f:
            source = f.read().split("\n")
        found = [n for n in lines if source[n - 1].strip() == wanted.strip()]
        if not found:
            wrong.append(f"coverage.unreached: no such line: {row}")
        elif all(lines[n] for n in found):
            wrong.append(f"coverage.unreached: it was reached: {row}")
        for n in found:
            if not lines[n]:
                del lines[n]
    return wrong


def share(files, prefix):
    """How many lines below a folder, or of a file, were run, of how many."""
    mine = [lines for name, lines in files.items()
            if name == prefix or name.startswith(prefix + "/")]
    return (sum(1 for lines in mine for n in lines.values() if n),
            sum(len(lines) for lines in mine))


def percent(run, of):
    return 100.0 * run / of if of else 100.0


def print_table(files):
    folders = sorted({os.path.dirname(name) for name in files})
    for folder in folders + ["src"]:
        run, of = share(files, folder)
        print(f"{folder:<16} {run:>6} of {of:>6} lines {percent(run, of):6.1f}%")


def below_floors(files):
    wrong = []
    for row in rows("coverage.floors"):
        prefix, floor = row.split()
        run, of = share(files, prefix)
        if of == 0:
            wrong.append(f"coverage.floors: nothing is in {prefix}")
        elif percent(run, of) < float(floor):
            wrong.append(f"{prefix}: {percent(run, of):.1f}%, "
                         f"must be at least {floor}%")
    return wrong


def print_missed(files):
    for name, lines in sorted(files.items()):
        with open(os.path.join(TOP, name)) as f:
            source = f.read().split("\n")
        for number, count in sorted(lines.items()):
            if not count:
                print(f"{name}:{number}: {source[number - 1].strip()}")


def main():
    parser = argparse.ArgumentParser(description="What lcov has found.")
    parser.add_argument("--no-floors", action="store_true",
                        help="say nothing about what is too little")
    parser.add_argument("--missed", action="store_true",
                        help="print the lines that were not run, too")
    parser.add_argument("info")
    args = parser.parse_args()
    files = read_info(args.info)
    if not files:
        sys.exit(f"{args.info}: nothing in it")
    wrong = excuse(files)
    if args.missed:
        print_missed(files)
    print_table(files)
    if not args.no_floors:
        wrong += below_floors(files)
        print("\n".join(wrong))
        sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
