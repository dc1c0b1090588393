## Unit tests: tests/unit/test_<dir>_<file>.c, listed by directory. Each links
## only the layer that it tests.
UNIT_TESTS =
UNIT_CPPFLAGS = $(AM_CPPFLAGS) $(CRITERION_CFLAGS) -I$(top_srcdir)/tests

include tests/unit/common.mk
include tests/unit/option.mk
include tests/unit/config.mk
include tests/unit/json.mk
include tests/unit/gateway.mk
include tests/unit/control.mk
include tests/unit/ctl.mk
include tests/unit/pool.mk
include tests/unit/proxy.mk
include tests/unit/exec.mk
include tests/unit/store.mk
include tests/unit/contrib.mk
include tests/unit/module.mk
include tests/unit/supervisor.mk
include tests/unit/tls.mk
include tests/system/local.mk
include tests/bench/local.mk
include tests/browser/local.mk
include tests/fuzz/local.mk
include tests/soak/local.mk

## What the C files are held against, see contrib/analyze.sh.
EXTRA_DIST += .clang-tidy tests/analyze.sh tests/cppcheck.suppressions
ANALYZE_FILES =
analyze:
	ANALYZE_FILES='$(ANALYZE_FILES)' $(SHELL) $(srcdir)/tests/analyze.sh \
		'$(srcdir)' $(DEFS) $(DEFAULT_INCLUDES) -I$(srcdir)/tests \
		$(AM_CPPFLAGS) $(CPPFLAGS) -U_FORTIFY_SOURCE

## Which lines the tests run: a build of its own.
EXTRA_DIST += tests/coverage.floors tests/coverage.h tests/coverage.py \
	tests/coverage.unreached
coverage:
	COVERAGE_BUILD='$(abs_top_builddir)/coverage-build' \
		$(SHELL) $(srcdir)/contrib/coverage.sh
.PHONY: analyze coverage

if HAVE_CRITERION
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
endif
