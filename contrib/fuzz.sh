#!/bin/sh
# Do all the set-up and run the fuzz targets of tests/fuzz.
#
#     sh contrib/fuzz.sh [SECONDS]      each; 30 by default
#
#     FUZZ_BUILD=DIR    build folder, _build/fuzz by default
#     FUZZ_JOBS=N       so many at a time; one for each processor by default
set -u
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
# shellcheck source=contrib/setup.sh
. "$top/contrib/setup.sh"
build=${FUZZ_BUILD:-$top/_build/fuzz}

# shellcheck disable=SC2086 # lists of words
require_packages $packages_build $packages_fuzz || exit 1
configure_in "$top" "$build" --enable-werror --enable-fuzzers || exit 1
# First all that they need: fuzzing shares the processors with nobody.
make -C "$build" -s -j "$(job_count)" fuzz-targets &&
    make -C "$build" -s fuzz FUZZ_SECONDS="${1:-30}" FUZZ_JOBS="${FUZZ_JOBS:-$(job_count)}"
