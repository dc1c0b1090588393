#!/bin/sh
# Do all the set-up and run all tests; the last line sums up.
#
#     sh contrib/check.sh [CONFIGURE-ARGUMENT...]
#
#     CHECK_BUILD=DIR        build folder, _build/check by default
#     CHECK_TESTS=NAMES      only these tests, as make's TESTS
#     CHECK_ONLY_BUILD=1     build all that a run needs, and run nothing
#     MERCURY_ALL_TOOLS=1    a missing tool is a failure, as in CI
set -u
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
# shellcheck source=contrib/setup.sh
. "$top/contrib/setup.sh"
build=${CHECK_BUILD:-$top/_build/check}

# shellcheck disable=SC2086 # lists of words
require_packages $packages_build $packages_test || exit 1
configure_in "$top" "$build" --enable-werror "$@" || exit 1
build=$(cd "$build" && pwd)
make -C "$build" -s -j "$(job_count)" || exit 1

if grep -q "^HAVE_CRITERION_TRUE='#'" "$build/config.log"; then
	echo "Criterion is missing: the unit tests are not run" >&2
	[ -z "${MERCURY_ALL_TOOLS:-}" ] || exit 1
fi

if [ -n "${CHECK_ONLY_BUILD:-}" ]; then
	make -C "$build" -s -j "$(job_count)" check TESTS= </dev/null
	exit
fi

# Results of tests that are no more would be counted too.
find "$build" -name '*.trs' -exec rm -f {} +
set --
[ -z "${CHECK_TESTS:-}" ] || set -- "TESTS=$CHECK_TESTS"
# Most of them wait most of the time.
make -C "$build" -s -j "$((2 * $(job_count)))" check VERBOSE=1 "$@" </dev/null
code=$?

failed() {
	find "$build" -name '*.trs' -exec \
	    grep -lE '^:global-test-result: (FAIL|ERROR)' {} + |
	    sed "s|^$build/||; s|\.trs\$||" | sort
}

# A machine that stood still for a while fails tests that are in a hurry: those
# few are run once more, alone, and it is said which they were.
first=$(failed)
if [ "$code" -ne 0 ] && [ -n "$first" ] &&
    [ "$(echo "$first" | wc -l)" -le 5 ]; then
	echo "once more, alone: $(echo "$first" | tr '\n' ' ')"
	make -C "$build" -s -j 1 recheck VERBOSE=1 "$@" </dev/null
	code=$?
	for name in $first; do
		failed | grep -qxF "$name" ||
		    echo "passed at the second try only: $name"
	done
fi

# Each test program is one .trs file with its verdict beside its .log, where
# Python's and Criterion's closing lines say how many tests it had.
count() {
	find "$build" -name '*.trs' | sort | while IFS= read -r trs; do
		verdict=$(sed -n 's/^:global-test-result: //p' "$trs")
		sed 's/\x1b\[[0-9;]*m//g' "${trs%.trs}.log" |
		awk -v verdict="$verdict" '
		/^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$/ {
			p = $1; f = $3; s = $5; known = 1
		}
		/Synthesis: Tested:/ {
			gsub(/[^0-9 ]/, ""); split($0, n, " ")
			p = n[2]; f = n[3] + n[4]; s = 0; known = 1
		}
		END {
			if (!known) {
				p = verdict == "PASS"
				s = verdict == "SKIP"
				f = !p && !s
			} else if (verdict != "PASS" && f == 0)
				f = 1
			print p + 0, f + 0, s + 0
		}'
	done
}

# What was skipped, and why.
find "$build" -name '*.log' -exec grep -hE '^(skipped: |missing: )' {} + |
    sort -u
count | awk -v code="$code" '
{ p += $1; f += $2; s += $3 }
END {
	if (code != 0 && f == 0)
		f = 1 # what did not build was not run either
	printf "%d passed, %d failed, %d skipped\n", p, f, s
}'
exit "$code"
