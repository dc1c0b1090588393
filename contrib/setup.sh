# shellcheck shell=sh
# shellcheck disable=SC2034 # the lists are for those who source this
#
# What quickstart.sh, check.sh, fuzz.sh, analyze.sh and coverage.sh share: the
# packages that have to be there on Debian 12, listed once, and a build out of
# the tree. apt-get is called only when something is missing.

packages_build="gcc libc6-dev make autoconf automake pkg-config libevent-dev
libssl-dev libjansson-dev libsqlite3-dev libbsd-dev libconfuse-dev
libseccomp-dev"

packages_demo="netcat-openbsd openssl curl"

packages_test="libcriterion-dev python3 faketime socat netcat-openbsd binutils iproute2
xz-utils tshark haproxy nginx-light libnginx-mod-stream curl openssl testssl.sh
prometheus postgresql redis-server redis-tools ucspi-tcp ucspi-unix mailfront
fingerd finger micro-httpd mbpoll logrotate valgrind bsdextrautils shellcheck
mandoc clang clang-format-14 chromium fonts-liberation"
# Node that is not Debian's brings an npm of its own.
command -v npm >/dev/null 2>&1 || packages_test="$packages_test nodejs npm"

packages_package="build-essential debhelper dpkg-dev lintian libcriterion-dev"

packages_fuzz="clang libclang-rt-14-dev"

packages_analyze="clang clang-tidy-14 cppcheck"

packages_coverage="lcov"

# missing_packages NAME...: those that are not installed.
missing_packages() {
	for name in "$@"; do
		case $(dpkg-query -W -f='${db:Status-Status}' "$name" \
		    2>/dev/null) in
		installed) ;;
		*) echo "$name" ;;
		esac
	done
}

# as_root COMMAND...: run it with the rights that apt-get needs.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		return 1
	fi
}

# require_packages NAME...: install what is missing, or say what to install.
require_packages() {
	if ! command -v dpkg-query >/dev/null 2>&1; then
		echo "This is no Debian; what is needed is what Debian calls:" \
		    "$@" >&2
		return 0
	fi
	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	# One line, for people and for apt-get.
	missing=$(echo "$missing" | tr '\n' ' ')
	echo "Installing: $missing"
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086 # a list of words
	if ! as_root apt-get -q update ||
	    ! as_root apt-get -q -y install --no-install-recommends \
	    $missing </dev/null; then
		echo "Please install these packages as root, then try again:" \
		    "$missing" >&2
		return 1
	fi
}

# configure_in SOURCE BUILD ARGUMENT...: configure once, and again when the
# arguments or the configure script have changed.
configure_in() {
	source=$1
	build=$2
	shift 2
	if [ ! -f "$source/configure" ] || [ ! -f "$source/Makefile.in" ]; then
		(cd "$source" && ./autogen.sh) || return 1
	fi
	mkdir -p "$build" || return 1
	source=$(cd "$source" && pwd)
	if [ -f "$build/Makefile" ] &&
	    [ -n "$(find "$build/config.status" -newer "$source/configure" \
	    2>/dev/null)" ] &&
	    [ "$(cat "$build/configured" 2>/dev/null)" = "$source $*" ]; then
		return 0
	fi
	(cd "$build" && "$source/configure" -q "$@") || return 1
	echo "$source $*" >"$build/configured"
}

# How many jobs make may run.
job_count() {
	getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2
}
