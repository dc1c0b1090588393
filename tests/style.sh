#!/bin/sh
# Hold the sources against the formatter, the scripts against shellcheck and
# the manual pages against mandoc. A tool that is missing is a skip (77), and
# a failure where MERCURY_ALL_TOOLS is set, as in CI.
set -u
cd "$(dirname "$0")/.." || exit 1
failed=0
missing=

# tool VARIABLE NAME...: the first of these commands that is there.
tool() {
	for name in "$@"; do
		if [ -n "$name" ] && [ "$name" != no ] &&
		    command -v "$name" >/dev/null 2>&1; then
			echo "$name"
			return 0
		fi
	done
	return 1
}

sources() {
	find src include tests man contrib/modules -name '*.[ch]' | sort
}

scripts() {
	echo autogen.sh
	[ ! -d .ci ] || find .ci -type f | sort
	find tests contrib man -name '*.sh' | sort
	echo contrib/debian/mercury.postinst contrib/debian/mercury.postrm
	echo contrib/debian/tests/module contrib/debian/tests/smoke
	echo contrib/docker/healthcheck
	echo contrib/init.d/mercuryd
	find contrib/completion -type f | sort
}

# Also those that are made of a template.
pages() {
	find man ${MERCURY_BUILDDIR:+"$MERCURY_BUILDDIR/man"} -name '*.[1-9]' |
	    sort
}

format() {
	sources | while read -r file; do
		"$1" --dry-run -Werror "$file" >/dev/null 2>&1 || echo "$file"
	done
}

if command=$(tool "${CLANG_FORMAT:-}" clang-format-14 clang-format); then
	bad=$(format "$command")
	if [ -n "$bad" ]; then
		echo "not formatted as .clang-format says:" "$bad"
		failed=1
	fi
else
	missing="$missing clang-format"
fi

if command=$(tool "${SHELLCHECK:-}" shellcheck); then
	# shellcheck disable=SC2046 # no name has a space
	"$command" -x $(scripts) || failed=1
else
	missing="$missing shellcheck"
fi

if command=$(tool "${MANDOC:-}" mandoc); then
	# shellcheck disable=SC2046
	"$command" -T lint -W warning $(pages) || failed=1
else
	missing="$missing mandoc"
fi

# A test waits for a condition; a file of the project names none of these.
# That a program which a test starts may sleep is no wait of the test.
if grep -nE '(^|[^"])\btime\.sleep\(' tests/system/*.py; then
	echo "a fixed sleep"
	failed=1
fi
long=$(find src -name '*.c' -exec awk 'END { if (NR > 800) print FILENAME }' \
    {} \;)
if [ -n "$long" ]; then
	echo "more than 800 lines:" "$long"
	failed=1
fi

[ "$failed" = 0 ] || exit 1
if [ -n "$missing" ]; then
	echo "missing:$missing"
	[ -z "${MERCURY_ALL_TOOLS:-}" ] || exit 1
	exit 77
fi
