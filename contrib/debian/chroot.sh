#!/bin/bash
# What check.sh runs in a chroot of Debian, with the packages in /packages:
#
#     chroot.sh fetch     all that the rest wants from the network
#     chroot.sh try       install, upgrade, remove and purge, in namespaces of
#                         its own, where nobody else has a port or a process
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
apt="apt-get -q -y --no-install-recommends -o Dpkg::Use-Pty=0"
config=/etc/mercury/mercury.conf

die() {
	echo "chroot: $*" >&2
	exit 1
}

say() {
	printf -- '- %s\n' "$*"
}

# until_true SECONDS COMMAND...
until_true() {
	local tries=$(($1 * 20))
	shift
	until "$@"; do
		((tries-- > 0)) || die "this did not become true: $*"
		sleep 0.05
	done
}

fetch() {
	rm -f /usr/sbin/policy-rc.d
	$apt update
	# Without an init nothing would be started.
	$apt install gcc iproute2 libc6-dev make netcat-openbsd pkg-config procps \
	    sysvinit-core
	printf '#!/bin/sh\necho N 2\n' >/sbin/runlevel
	# What they depend on, and not they themselves.
	depends=$(dpkg-deb -f /packages/mercury_*.deb Depends |
	    sed 's/([^)]*)//g; s/|[^,]*//g; s/,/ /g')
	# shellcheck disable=SC2086 # a list of words
	$apt install $depends
}

# echoes [PORT]
echoes() {
	[ "$(echo hello | nc -N -w 10 127.0.0.1 "${1:-7007}" 2>/dev/null)" = hello ]
}

# Does the gateway say that the daemon lives?
lives() {
	printf 'GET /livez HTTP/1.0\r\n\r\n' |
	    nc -w 10 127.0.0.1 9180 2>/dev/null | head -n 1 | grep -q ' 200 '
}

not() {
	! "$@"
}

pid_of_daemon() {
	cat /run/mercury/mercuryd.pid
}

# The first worker of the listener echo.
pid_of_worker() {
	pgrep -o -x mercury-pool
}

# All files but what dpkg, apt and adduser note for themselves, and accounts.
files() {
	find / -xdev \( -path /proc -o -path /run -o -path /tmp -o -path /var/log \
	    -o -path /var/cache -o -path /var/lib/apt -o -path /var/lib/dpkg \
	    -o -path /var/backups -o -path /files \) -prune -o -print |
	    grep -vE '^/etc/(passwd|shadow|group|gshadow|subuid|subgid|\.pwd\.lock)-?$' |
	    sort
}

first_installation() {
	say "installation"
	$apt install /packages/mercury_*.deb /packages/mercury-dev_*.deb
	getent passwd mercury | grep -q ':/var/lib/mercury:/usr/sbin/nologin$' ||
	    die "the user: $(getent passwd mercury)"
	[ "$(stat -c '%U %G %a' /var/lib/mercury)" = "mercury mercury 750" ] ||
	    die "the state folder"
	/etc/init.d/mercuryd status
	mercuryctl status
	say "smoke test"
	sh /tests/smoke
	say "a module"
	sh /tests/module
}

# The operator's part: a change of the configuration, and a saved listener.
settle() {
	sed -i 's/#shutdown_deadline = "15s"/shutdown_deadline = "2s"/' $config
	sed -i '/^#gateway {/,/^#}/s/^#\([g}]\)/\1/' $config
	/etc/init.d/mercuryd reload
	until_true 10 lives
	mercuryctl add-listener saved port=7078 address=127.0.0.1 \
	    protocol=echo --save
	/etc/init.d/mercuryd restart
	echoes 7078 || die "a saved listener is gone after a restart"
}

# Does the connection that is descriptor 3 still carry bytes?
holds() {
	local answer=
	echo "$1" >&3 && read -r -t 10 answer <&3 && [ "$answer" = "$1" ]
}

upgrade() {
	say "upgrade, while a connection is held"
	local before begun
	before=$(pid_of_daemon)
	exec 3<>/dev/tcp/127.0.0.1/7007
	holds one || die "no echo"
	dpkg --unpack /packages/next.deb
	say "unpacked: the old version serves on"
	holds two || die "the connection was lost when the package was unpacked"
	mercuryctl status >/dev/null
	kill -9 "$(pgrep -n -x mercury-store)"
	until_true 10 pgrep -x mercury-store >/dev/null
	holds three || die "the connection was lost with the store"
	begun=$EPOCHREALTIME
	dpkg --configure mercury
	echoes || die "it does not serve after the upgrade"
	say "restarted in $(awk "BEGIN { print $EPOCHREALTIME - $begun }") s"
	not holds four 2>/dev/null || die "the connection is older than its daemon"
	exec 3>&-
	[ "$(pid_of_daemon)" != "$before" ] || die "it was not restarted"
	grep -q '^	shutdown_deadline = "2s"' $config ||
	    die "the operator's configuration was replaced"
	echoes 7078 || die "the saved listener is gone"
	lives || die "the gateway does not answer"
	mercuryctl events --limit 100 | grep -q daemon.stopped ||
	    die "the events of before are gone"
}

upgrade_with_an_error() {
	say "upgrade with a configuration that has an error"
	local before
	before=$(pid_of_daemon)
	cp $config /tmp/good
	echo nonsense >>$config
	not /etc/init.d/mercuryd restart || die "it restarts with an error"
	dpkg -i /packages/next.deb 2>&1 | tee /tmp/out
	grep -q '^mercury: not restarted' /tmp/out || die "it was not said"
	[ "$(pid_of_daemon)" = "$before" ] || die "it was restarted"
	echoes || die "it does not serve on"
	cp /tmp/good $config
	rm /tmp/good /tmp/out
}

nobody_is_left() {
	not pgrep '^mercury' >/dev/null
}

removal() {
	say "removal"
	$apt remove mercury
	nobody_is_left || die "processes are left: $(pgrep -l '^mercury')"
	if [ ! -e $config ] || [ ! -d /var/lib/mercury ]; then
		die "too much is gone"
	fi
	getent passwd mercury >/dev/null || die "the user is gone"
	say "installed again"
	$apt install /packages/mercury_*.deb
	echoes 7078 || die "what was saved is gone"
}

purge() {
	say "purge"
	$apt purge mercury mercury-dev
	nobody_is_left || die "processes are left: $(pgrep -l '^mercury')"
	files | diff /files - || die "this is left, or gone (<)"
	[ -z "$(ls /run/mercury 2>/dev/null)" ] || die "files are left in /run"
	getent passwd mercury >/dev/null || die "the user is gone"
}

taken_port() {
	say "installation where the port is taken"
	nc -lk 127.0.0.1 7007 &
	until_true 10 nc -z 127.0.0.1 7007
	$apt install /packages/mercury_*.deb
	mercuryctl status
	kill %1
	until_true 60 echoes
	$apt purge mercury
}

try() {
	mount -t proc proc /proc
	mount -t tmpfs tmpfs /run
	ip link set lo up
	files >/files
	first_installation
	settle
	upgrade
	upgrade_with_an_error
	removal
	purge
	taken_port
}

case ${1:-} in
fetch | try) "$1" ;;
*) die "usage: chroot.sh fetch|try, in a chroot that may be spoilt" ;;
esac
