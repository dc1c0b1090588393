#!/bin/sh
# Build the Debian package and hold it against lintian and against what it should
# contain; then, as root and with debootstrap, install it in a chroot of Debian,
# start, upgrade, remove and purge it there.
#
#     sh contrib/debian/check.sh [quick]      quick: without the chroot
#
#     CHECK_BUILD=DIR        a build folder, _build/package by default
#     PACKAGE_OUT=DIR        leave the packages there
#     PACKAGE_CHROOT=DIR     Debian as debootstrap made it, made and kept if it is
#                            not there; otherwise it is made anew each time
#     DEB_BUILD_OPTIONS=     nocheck by default
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=contrib/setup.sh
. "$top/contrib/setup.sh"
build=${CHECK_BUILD:-$top/_build/package}
mirror=http://deb.debian.org/debian
scratch=

die() {
	echo "$*" >&2
	exit 1
}

step() {
	printf '\n--- %s\n' "$*"
}

# Nothing is mounted here: what chroot.sh mounts goes with its namespace.
# shellcheck disable=SC2317 # the trap calls it
clean() {
	[ -z "$scratch" ] || rm -rf "$scratch"
}
trap clean EXIT
trap 'exit 1' INT TERM HUP

# The release as strangers get it, with the packaging beside it.
unpack() {
	configure_in "$top" "$build"
	make -C "$build" -s dist
	tarball=$(find "$build" -maxdepth 1 -name 'mercury-*.tar.xz')
	version=${tarball##*/mercury-}
	version=${version%.tar.xz}
	mv "$tarball" "$scratch/mercury_$version.orig.tar.xz"
	tar -xJf "$scratch/mercury_$version.orig.tar.xz" -C "$scratch"
	source=$scratch/mercury-$version
	cp -R "$source/contrib/debian" "$source/debian"
	packaged=$(cd "$source" && dpkg-parsechangelog -S Version)
	[ "${packaged%-*}" = "$version" ] ||
	    die "the changelog has version $packaged, configure.ac $version"
}

build_packages() {
	DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS:-nocheck} parallel=$(job_count)"
	export DEB_BUILD_OPTIONS
	if ! (cd "$source" && dpkg-buildpackage -us -uc) \
	    >"$scratch/build.log" 2>&1 </dev/null; then
		tail -n 50 "$scratch/build.log" >&2
		die "dpkg-buildpackage failed"
	fi
	if grep -E '^dpkg-[a-z]+: warning|dh_.*: warning' "$scratch/build.log"; then
		die "the build has warnings"
	fi
	changes=$(find "$scratch" -maxdepth 1 -name '*.changes')
	daemon=$(find "$scratch" -maxdepth 1 -name 'mercury_*.deb')
	headers=$(find "$scratch" -maxdepth 1 -name 'mercury-dev_*.deb')
}

# Is this in the package, with this mode and owner? has DEB MODE PATH...
has() {
	package=$1
	mode=$2
	shift 2
	for path in "$@"; do
		grep -qE "^$mode root/root .* \\./$path( -> .*)?\$" \
		    "$package.contents" ||
		    die "${package##*/}: $path is missing, or is not $mode"
	done
}

check_contents() {
	for package in "$daemon" "$headers"; do
		dpkg-deb --contents "$package" >"$package.contents"
	done
	has "$daemon" -rwxr-xr-x usr/sbin/mercuryd usr/bin/mercuryctl \
	    usr/libexec/mercury/mercury-config usr/libexec/mercury/mercury-control \
	    usr/libexec/mercury/mercury-gateway usr/libexec/mercury/mercury-pool \
	    usr/libexec/mercury/mercury-store etc/init.d/mercuryd
	has "$daemon" -rw.r-.r-. usr/libexec/mercury/mercury-tls.so \
	    usr/libexec/mercury/mercury-dns.so
	has "$daemon" -rw-r--r-- etc/mercury/mercury.conf \
	    etc/logrotate.d/mercury etc/needrestart/conf.d/mercury.conf \
	    lib/systemd/system/mercuryd.service \
	    usr/share/bash-completion/completions/mercuryctl \
	    usr/share/man/man1/mercuryctl.1.gz \
	    usr/share/man/man5/mercury.conf.5.gz \
	    usr/share/man/man7/mercury-control.7.gz \
	    usr/share/man/man8/mercuryd.8.gz \
	    usr/share/man/man8/mercury-gateway.8.gz \
	    usr/share/man/man8/mercury-store.8.gz \
	    usr/share/doc/mercury/examples/haproxy/mercury.cfg \
	    usr/share/doc/mercury/examples/nginx/mercury.conf
	has "$headers" -rw-r--r-- usr/include/mercury/protocol.h \
	    usr/share/man/man3/mercury-protocol.3.gz \
	    usr/share/doc/mercury-dev/examples/modules/line-time/line_time.c \
	    'usr/lib/[^/]*/pkgconfig/mercury-protocol.pc'
	conffiles=$(dpkg-deb --info "$daemon" conffiles | sort | tr '\n' ' ')
	wanted="/etc/init.d/mercuryd /etc/logrotate.d/mercury \
/etc/mercury/mercury.conf /etc/needrestart/conf.d/mercury.conf "
	[ "$conffiles" = "$wanted" ] || die "the conffiles are: $conffiles"
	if grep -E '\.ci/|/tests?/|\.(o|a|la)$' "$daemon.contents"; then
		die "that is not for a package"
	fi
}

# Debian with what the packages need, in $scratch/root: a copy that we may spoil.
make_root() {
	base=${PACKAGE_CHROOT:-$scratch/base}
	if [ ! -e "$base/etc/debian_version" ]; then
		debootstrap --variant=minbase bookworm "$base" "$mirror" \
		    >"$scratch/debootstrap.log" ||
		    { tail "$scratch/debootstrap.log" >&2; return 1; }
	fi
	cp -a "$base" "$scratch/root"
	cp /etc/resolv.conf "$scratch/root/etc/resolv.conf"
	mkdir "$scratch/root/packages"
	cp "$daemon" "$headers" "$scratch/root/packages"
	# The same again as the next version.
	dpkg-deb -R "$daemon" "$scratch/next"
	sed -i 's/^Version: .*/&+next/' "$scratch/next/DEBIAN/control"
	dpkg-deb --root-owner-group -b "$scratch/next" \
	    "$scratch/root/packages/next.deb" >/dev/null
	cp "$top/contrib/debian/chroot.sh" "$scratch/root/chroot.sh"
	cp -R "$top/contrib/debian/tests" "$scratch/root/tests"
	chroot "$scratch/root" bash /chroot.sh fetch
}

# A network and processes of its own: what it starts ends with it.
try_out() {
	unshare --mount --net --uts --ipc --pid --fork --kill-child \
	    chroot "$scratch/root" bash /chroot.sh try
}

# shellcheck disable=SC2086 # lists of words
require_packages $packages_build $packages_package
case ${1:-} in
'' | quick) ;;
*) die "usage: $0 [quick]" ;;
esac
scratch=$(mktemp -d "${TMPDIR:-/tmp}/mercury-package.XXXXXX")
step "build"
unpack
build_packages
step "lintian"
lintian --allow-root -I -E --pedantic \
    --fail-on error,warning,info,pedantic "$changes"
step "contents"
check_contents
if [ "${1:-}" != quick ]; then
	[ "$(id -u)" = 0 ] || die "the chroot needs root; or: $0 quick"
	step "a chroot of Debian"
	require_packages debootstrap
	make_root
	try_out
fi
if [ -n "${PACKAGE_OUT:-}" ]; then
	mkdir -p "$PACKAGE_OUT"
	find "$scratch" -maxdepth 1 -type f ! -name '*.log' ! -name '*.contents' \
	    -exec cp {} "$PACKAGE_OUT" \;
fi
step "the package is good"
