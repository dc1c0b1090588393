## Soak: what make soak runs, see CONTRIBUTING.md. None of it is installed; of
## make check is only the test of what it judges by.
SOAK_TESTS = tests/soak/test_soak.py
TESTS += $(SOAK_TESTS)
EXTRA_DIST += $(SOAK_TESTS) \
	tests/soak/clients.py \
	tests/soak/excuses.py \
	tests/soak/follower.py \
	tests/soak/leaks.py \
	tests/soak/ledger.py \
	tests/soak/load.py \
	tests/soak/mischief.py \
	tests/soak/oracle.py \
	tests/soak/orders.py \
	tests/soak/quiet.py \
	tests/soak/refusals.py \
	tests/soak/report.py \
	tests/soak/soak.py \
	tests/soak/upstream.py \
	tests/soak/world.py

SOAK_SECONDS = 3600
SOAK_SEED = 0

soak: all tests/system/storm
	MERCURY_BUILDDIR='$(abs_top_builddir)' SOAK_SECONDS='$(SOAK_SECONDS)' \
		SOAK_SEED='$(SOAK_SEED)' $(PYTHON3) -B \
		$(srcdir)/tests/soak/soak.py
.PHONY: soak
