#!/bin/sh
# Do all the set-up and hold the C files against clang-tidy and cppcheck.
#
#     sh contrib/analyze.sh [FILE...]   of the source folder; all by default
#
#     ANALYZE_BUILD=DIR    build folder, _build/analyze by default
#     ANALYZE_JOBS=N       so many at a time; one for each processor by default
set -u
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
# shellcheck source=contrib/setup.sh
. "$top/contrib/setup.sh"
build=${ANALYZE_BUILD:-$top/_build/analyze}

# shellcheck disable=SC2086 # lists of words
require_packages $packages_build $packages_analyze || exit 1
configure_in "$top" "$build" || exit 1
make -C "$build" -s analyze ANALYZE_FILES="$*"
