#!/bin/sh
# Try Mercury: install what is missing, build, and run mercuryd in the
# foreground as an ordinary user with an echo listener on 127.0.0.1:7007 and
# the dashboard on port 7008. Everything but the build lives in a scratch folder
# that goes at the end.
#
#     QUICKSTART_PORT=8007     other ports: this one and the next
#     QUICKSTART_HTTP=8080     another one than the next
#     QUICKSTART_BUILD=DIR     a build folder that is there already
set -u
top=$(cd "$(dirname "$0")/.." && pwd) || exit 1
# shellcheck source=contrib/setup.sh
. "$top/contrib/setup.sh"
port=${QUICKSTART_PORT:-7007}
http=${QUICKSTART_HTTP:-$((port + 1))}
scratch=
pid=

die() {
	echo "quickstart: $*" >&2
	exit 1
}

# shellcheck disable=SC2317 # the trap calls it
clean() {
	[ -z "$scratch" ] || rm -rf "$scratch"
}
trap clean EXIT
trap 'exit 1' INT TERM HUP

# Build out of the tree; in the scratch folder when we may not write here.
build() {
	if [ -n "${QUICKSTART_BUILD:-}" ]; then
		build=$QUICKSTART_BUILD
		return
	fi
	build=$top/_build/quickstart
	mkdir -p "$build" 2>/dev/null && [ -w "$build" ] ||
	    build=$scratch/build
	log=$scratch/build.log
	echo "Building in $build"
	if ! { configure_in "$top" "$build" &&
	    make -C "$build" -s -j "$(job_count)"; } >"$log" 2>&1; then
		cat "$log" >&2
		die "the build failed"
	fi
}

# A certificate for the tour in README.md, with its key in the same file.
make_certificate() {
	(umask 077 && openssl req -x509 -newkey ec \
	    -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 7 \
	    -subj /CN=localhost -addext subjectAltName=DNS:localhost \
	    -keyout "$scratch/key.pem" -out "$scratch/cert.pem" 2>&1 &&
	    cat "$scratch/key.pem" "$scratch/cert.pem" >"$scratch/demo.pem" &&
	    rm "$scratch/key.pem" "$scratch/cert.pem") >"$scratch/openssl.log" ||
	    { cat "$scratch/openssl.log" >&2; die "no certificate"; }
}

# What the commands of the tour need, to be sourced by a shell.
write_env() {
	cat >"$scratch/env" <<END
PATH="$home/bin:\$PATH"
MERCURY_SOCKET="$scratch/control.sock"
DEMO="$scratch"
export PATH MERCURY_SOCKET DEMO
END
}

# Where and as whom the daemon runs: never as root.
prepare() {
	owner=$(id -un)
	if [ "$owner" = root ]; then
		owner=${SUDO_USER:-nobody}
		[ "$owner" != root ] || owner=nobody
	fi
	make -C "$build" -s install DESTDIR="$scratch" prefix=/mercury \
	    exec_prefix=/mercury >"$scratch/install.log" 2>&1 ||
	    { cat "$scratch/install.log" >&2; die "the installation failed"; }
	home=$scratch/mercury
	cat >"$scratch/mercury.conf" <<END
daemon {
  control_socket = "$scratch/control.sock"
  control_group = ""
  state_dir = "$scratch/state"
  log = "stderr"
  shutdown_deadline = "1s"
}
gateway {
  listen = "127.0.0.1:$http"
}
listener "echo" {
  address = "127.0.0.1"
  port = $port
  protocol = "echo"
  workers = 2
  bind_attempts = 1
}
END
	make_certificate
	write_env
	if [ "$(id -u)" = 0 ]; then
		chown "$owner" "$scratch" "$scratch/demo.pem" ||
		    die "chown $owner $scratch"
		group=$(id -g "$owner")
		set -- --reuid "$(id -u "$owner")" --regid "$group" \
		    --clear-groups
	else
		set --
	fi
	# A session of its own: Ctrl-C comes to us, and we pass on one signal.
	MERCURY_LIBEXECDIR=$home/libexec/mercury setsid \
	    setpriv "$@" --pdeathsig TERM \
	    "$home/sbin/mercuryd" -f -c "$scratch/mercury.conf" &
	pid=$!
}

# Does the daemon answer, and not only that it is still starting?
is_running() {
	"$home/bin/mercuryctl" -s "$scratch/control.sock" --json status \
	    2>/dev/null | grep -q '^[^[]*"state": *"running"'
}

# Wait until it does; its own message is on stderr if it fails.
wait_ready() {
	tries=0
	until is_running; do
		if ! kill -0 "$pid" 2>/dev/null; then
			wait "$pid"
			case $? in
			0) exit 0 ;; # Ctrl-C came first
			69) die "port $port or $http is in use; try:" \
			    "QUICKSTART_PORT=8007 sh contrib/quickstart.sh" ;;
			*) die "mercuryd did not start" ;;
			esac
		fi
		tries=$((tries + 1))
		[ "$tries" -lt 200 ] || die "mercuryd does not answer"
		sleep 0.1
	done
}

explain() {
	cat <<END

mercuryd runs as $owner and echoes on 127.0.0.1:$port; its dashboard is
http://127.0.0.1:$http/. In another terminal:

    . $scratch/env
    echo hello | nc -N 127.0.0.1 $port
    mercuryctl status

and so on, as the tour in README.md goes. 'mercuryctl -h' lists the commands.
Ctrl-C here ends it and removes $scratch.

END
}

# shellcheck disable=SC2086 # lists of words
require_packages $packages_build $packages_demo || exit 1
scratch=$(mktemp -d "${TMPDIR:-/tmp}/mercury-demo.XXXXXX") || exit 1
chmod 755 "$scratch"
build
prepare
trap 'kill -TERM "$pid" 2>/dev/null' INT TERM HUP
wait_ready
explain
# A signal ends wait, not mercuryd: wait again until it is gone.
code=0
while kill -0 "$pid" 2>/dev/null; do
	wait "$pid"
	code=$?
done
exit "$code"
