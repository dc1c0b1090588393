#!/bin/sh
# Run fuzz targets; "make fuzz" does it. In the build directory:
#
#     run.sh SECONDS JOBS TARGET...
#
# Each works on a copy of its seeds in fuzz-work/, so that nothing in the
# sources changes. Fails if one finds something, and says where the input is.
set -u
sources=$(cd "$(dirname "$0")" && pwd) || exit 1

# run_one SECONDS TARGET
run_one() {
	name=${2##*/fuzz_}
	work=fuzz-work/$name
	rm -rf "$work/corpus"
	mkdir -p "$work/corpus" || return 1
	cp "$sources/seeds/$name"/* "$work/corpus/" || return 1
	dict=
	[ ! -f "$sources/dict/$name" ] || dict=-dict=$sources/dict/$name
	if "./$2" -max_total_time="$1" -timeout=10 -rss_limit_mb=1024 \
	    ${dict:+"$dict"} \
	    -use_value_profile=1 -print_final_stats=1 \
	    -artifact_prefix="$work/" "$work/corpus" \
	    >"$work/log" 2>&1 </dev/null; then
		awk -v name="$name" '
		/^stat::number_of_executed_units:/ { runs = $2 }
		/^#.* cov: / { for (i = 1; i < NF; i++)
			if ($i == "cov:") cov = $(i + 1) }
		END { printf "%s: nothing found in %d runs, %d edges seen\n",
			name, runs, cov }' "$work/log"
		return 0
	fi
	{
		echo "$name: FOUND SOMETHING"
		tail -n 60 "$work/log"
		sed -n "s|^artifact_prefix=.*Test unit written to |$name: the \
input is $PWD/|p" "$work/log"
	} >&2
	return 1
}

if [ "$1" = --one ]; then
	run_one "$2" "$3"
	exit
fi
seconds=$1
jobs=$2
shift 2
printf '%s\n' "$@" | xargs -n 1 -P "$jobs" sh "$0" --one "$seconds"
