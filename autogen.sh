#!/bin/sh
# Make ./configure and the Makefile templates from configure.ac, Makefile.am.
set -eu
cd "$(dirname "$0")"
exec autoreconf --install --force --warnings=all
