#!/bin/sh
# Do all the set-up, run the tests in a build with gcov, and tell which lines
# they ran: a table, and pages in BUILD/coverage. Fails below the floors of
# tests/coverage.floors, or when a test fails.
#
#     sh contrib/coverage.sh
#
#     COVERAGE_BUILD=DIR      build folder, _build/coverage by default
#     COVERAGE_TESTS=NAMES    only these tests, as make's TESTS; no floors
#
# A process writes its counters as it ends. What the tests kill, and what dies
# of a signal, does not count.
set -u
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
# shellcheck source=contrib/setup.sh
. "$top/contrib/setup.sh"
build=${COVERAGE_BUILD:-$top/_build/coverage}

# shellcheck disable=SC2086 # lists of words
require_packages $packages_build $packages_test $packages_coverage || exit 1
configure_in "$top" "$build" --enable-coverage CFLAGS=-g1 || exit 1
build=$(cd "$build" && pwd)
make -C "$build" -s -j "$(job_count)" &&
    make -C "$build" -s -j "$(job_count)" check TESTS= </dev/null || exit 1

# Workers run as nobody, who may not be able to make a file there, nor to enter
# the folders above: all is made for them here, empty.
counters=$(mktemp -d /tmp/mercury-coverage-XXXXXX) || exit 1
trap 'rm -rf "$counters"' EXIT
chmod 755 "$counters"
find "$build" -name '*.gcda' -exec rm -f {} +
find "$build" -name '*.gcno' | while IFS= read -r notes; do
	file=$counters${notes%.gcno}.gcda
	(umask 022 && mkdir -p "${file%/*}") && : >"$file" && chmod 666 "$file"
done || exit 1

# shellcheck disable=SC2016 # make expands it
tests=${COVERAGE_TESTS:-'$(UNIT_TESTS) $(filter-out $(PEER_TESTS),$(SYSTEM_TESTS))'}
GCOV_PREFIX=$counters make -C "$build" -s -j "$((2 * $(job_count)))" check \
    VERBOSE=1 "TESTS=$tests" </dev/null
code=$?

cp -r "$counters$build/." "$build" || exit 1
info=$build/coverage.info
# The page, and what runs in the build only, don't count.
find "$build/src" \( -name 'page*.gc??' -o -name '*filter_maker*.gc??' \) \
    -exec rm -f {} +
find "$build/src" -name '*.gcda' -size 0 -exec rm -f {} +
# What it says of itself, in Perl, is of no use where it does well.
info() {
	lcov -q "$@" 2>"$build/lcov.log" || {
		cat "$build/lcov.log" >&2
		return 1
	}
}

# What never ran is in the first of them.
info -c -i -d "$build/src" -b "$build" -o "$info.none" &&
    info -c -d "$build/src" -b "$build" -o "$info.run" &&
    info -a "$info.none" -a "$info.run" -o "$info.all" &&
    info -e "$info.all" "$top/src/*" -o "$info" &&
    genhtml -q -p "$top" -t mercury -o "$build/coverage" "$info" || exit 1
set --
[ -z "${COVERAGE_TESTS:-}" ] || set -- --no-floors
python3 -B "$top/tests/coverage.py" "$@" "$info" || code=1
echo "the pages: $build/coverage/index.html"
exit "$code"
