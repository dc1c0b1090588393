#!/bin/sh
# The layers: a directory of src/ includes common/ and itself; the crossings
# that are allowed beyond that are listed here, and so is what may never be
# used where. Run from anywhere; prints each line that breaks a rule.
set -u
cd "$(dirname "$0")/.." || exit 1
failed=0

# May a file of directory $1 include a header of directory $2?
allowed() {
	[ "$1" = "$2" ] && return 0
	case "$1/$2" in
	protocol/common) return 1 ;;
	*/common) return 0 ;;
	config/option | control/option | ctl/option | control/json) return 0 ;;
	json/option) return 0 ;;
	pool/protocol | pool/tls | config/tls) return 0 ;;
	proxy/pool | exec/pool | module/pool) return 0 ;;
	proxy/tls | exec/tls) return 0 ;;
	pool/dns | proxy/dns) return 0 ;;
	gateway/json | gateway/option | gateway/tls) return 0 ;;
	config/sandbox | control/sandbox | gateway/sandbox) return 0 ;;
	pool/sandbox | store/sandbox | supervisor/sandbox) return 0 ;;
	esac
	return 1
}

complain() {
	echo "$1"
	failed=1
}

# forbid WHY PATTERN FILE...: no line may match the extended expression.
forbid() {
	why=$1
	pattern=$2
	shift 2
	found=$(grep -nE "$pattern" "$@" /dev/null) || return 0
	complain "$why:
$found"
}

# Every #include "dir/file.h" against the table above.
includes=$(grep -rnE '^#[[:space:]]*include "' src --include='*.[ch]')
[ -n "$includes" ] || complain "no include was found: is this test blind?"
while IFS= read -r line; do
	file=${line%%:*}
	from=${file#src/}
	from=${from%%/*}
	header=${line#*\"}
	header=${header%%\"*}
	case $header in
	*/*) to=${header%%/*} ;;
	*)
		complain "$file: include \"$header\" by its path from src/"
		continue
		;;
	esac
	# Where a worker is put together, from all that it can do.
	case $file:$to in
	src/pool/main.c:proxy | src/pool/main.c:exec | src/pool/main.c:module)
		continue
		;;
	esac
	allowed "$from" "$to" || complain "$file: may not include $header"
done <<END
$includes
END

in_dirs() {
	find "$@" -name '*.[ch]'
}

heavy='^#[[:space:]]*include[[:space:]]*[<"](openssl/|sqlite3|jansson|confuse|evhttp|event2/http)'
# shellcheck disable=SC2046 # no name has a space
forbid "parses nothing from outside" "$heavy" \
    $(in_dirs src/common src/supervisor src/pool src/protocol)
# shellcheck disable=SC2046
forbid "knows of no event loop" \
    '^#[[:space:]]*include[[:space:]]*<(event|event2/.*)\.h>' \
    $(in_dirs src/option src/config src/protocol src/ctl)
# shellcheck disable=SC2046
forbid "the supervisor never blocks" \
    '[^_[:alnum:]](sleep|usleep|nanosleep|getpwnam|getgrnam|gethostbyname|syslog|system|popen|pthread_create|waitpid|wait|wait4)[[:space:]]*\(' \
    $(in_dirs src/supervisor)
# A port of checks is closed for all that have it; that is what it is for.
# shellcheck disable=SC2046
forbid "shutdown(2) of a listening socket acts on every holder" \
    '[^_[:alnum:]]shutdown[[:space:]]*\(' \
    $(in_dirs src/common src/supervisor src/control |
	grep -v '/check_port\.c$')
# shellcheck disable=SC2046
forbid "calls with a safer form" \
    '[^_[:alnum:]](strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|strtok)[[:space:]]*\(' \
    $(in_dirs src)

# Each header has its own guard: MERCURY_<DIR>_<FILE>_H.
headers=$(find src -name '*.h' ! -name '*_list.h')
for header in $headers; do
	guard=$(echo "${header#src/}" | tr '[:lower:]/.' '[:upper:]__')
	grep -q "^#ifndef MERCURY_$guard\$" "$header" ||
	    complain "$header: its guard should be MERCURY_$guard"
done

exit "$failed"
