#!/bin/sh
# Take what long runs have found into the corpora. In the build directory,
# after "make fuzz":
#
#     sh SOURCES/tests/fuzz/merge.sh [TARGET...]
#
# Of each target (all that have run, by default) the inputs in fuzz-work/ that
# reach something which no seed reaches are copied beside the seeds, as few as
# will do. Look at them before they are committed: they should be small.
set -u
seeds=$(cd "$(dirname "$0")/seeds" && pwd) || exit 1

if [ "$#" = 0 ]; then
	for folder in fuzz-work/*/; do
		set -- "$@" "tests/fuzz/fuzz_$(basename "$folder")"
	done
fi
for target; do
	name=${target##*/fuzz_}
	"./$target" -set_cover_merge=1 -use_counters=0 -timeout=25 \
	    "$seeds/$name" "fuzz-work/$name/corpus" \
	    >"fuzz-work/$name/merge.log" 2>&1 </dev/null || {
		tail -n 20 "fuzz-work/$name/merge.log" >&2
		exit 1
	}
	find "$seeds/$name" -type f -exec cat {} + | wc -c | {
		read -r bytes
		echo "$name: $(find "$seeds/$name" -type f | wc -l) inputs," \
		    "$bytes bytes"
	}
done
