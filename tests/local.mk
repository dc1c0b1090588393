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
include tests/unit/store.mk
include tests/unit/supervisor.mk
include tests/unit/tls.mk
include tests/system/local.mk
include tests/browser/local.mk
include tests/fuzz/local.mk

if HAVE_CRITERION
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
endif
