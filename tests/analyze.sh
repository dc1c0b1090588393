#!/bin/sh
# Hold the C files against clang-tidy and cppcheck: any finding is a failure.
# make analyze runs it, in the build folder:
#
#     tests/analyze.sh SOURCE-FOLDER COMPILER-FLAG...
#
#     ANALYZE_FILES=NAMES    only these, from the source folder
#     ANALYZE_JOBS=N         so many at a time; one for each processor by default
#
# What is not held against them, and why, is in .clang-tidy and in
# tests/cppcheck.suppressions. scan-build would be the engine of clang-tidy's
# clang-analyzer-* once more, with fewer checkers, and build all of it anew. The
# unit tests are left out: half of what they are is Criterion's macros.
set -u
top=$1
shift
jobs=${ANALYZE_JOBS:-$(getconf _NPROCESSORS_ONLN)}

tool() {
	for name in "$@"; do
		if command -v "$name" >/dev/null 2>&1; then
			echo "$name"
			return 0
		fi
	done
	echo "missing: $1" >&2
	return 1
}

files() {
	if [ -n "${ANALYZE_FILES:-}" ]; then
		# shellcheck disable=SC2086 # a list of words
		printf '%s\n' $ANALYZE_FILES
	else
		(cd "$top" &&
		    find src contrib/modules tests/bench -name '*.c' | sort)
	fi | sed "s|^|$top/|"
}

# A fifth of the steps that the analyzer may take is enough for functions as short
# as ours, and needs a quarter of the time.
tidy() {
	tidy=$(tool clang-tidy-14 clang-tidy) || return 1
	# What one of them says comes in one piece.
	# shellcheck disable=SC2016 # the inner shell expands it
	files | xargs -P "$jobs" -I '{}' sh -c '
		file=$1
		tidy=$2
		shift 2
		found=$("$tidy" --quiet "$file" -- "$@" 2>&1) && exit
		printf "%s\n" "$found" |
		    grep -vE " (warnings? generated|warnings? treated as errors?)"
		exit 1' sh '{}' "$tidy" "$@" \
	    -Xclang -analyzer-config -Xclang max-nodes=40000
}

# Of the systems headers it needs the lists and trees only.
check() {
	cppcheck=$(tool cppcheck) || return 1
	files | "$cppcheck" --file-list=- -j "$jobs" --quiet --std=c11 \
	    --enable=warning,style,performance,portability --inline-suppr \
	    --library=posix,gnu,bsd,openssl,sqlite3 --error-exitcode=1 \
	    --suppressions-list="$top/tests/cppcheck.suppressions" \
	    --template='{file}:{line}: {severity}: {message} [{id}]' \
	    -I/usr/include/bsd -I"$top/include" -I"$top/src" -I"$top/tests" \
	    -I. --include=config.h -DROLE_DIR='""' -DSYSCONF_DIR='""'
}

count=$(files | wc -l)
[ "$count" -gt 0 ] || exit 1
echo "clang-tidy and cppcheck of $count files"
failed=0
tidy "$@" || failed=1
check || failed=1
exit "$failed"
