## Benchmarks: what make bench builds and runs. None of it is installed, and
## none of it is built by make all or make check.
BENCH_TOOLS = \
	tests/bench/load \
	tests/bench/reference \
	tests/bench/under_callgrind
EXTRA_PROGRAMS = $(BENCH_TOOLS)
CLEANFILES += $(BENCH_TOOLS) bench-results/benchmarks.json \
	bench-results/benchmarks.svg

tests_bench_load_SOURCES = tests/bench/load.c tests/bench/load.h \
	tests/bench/load_client.c tests/bench/load_client.h \
	tests/bench/load_worker.c tests/bench/spread.c tests/bench/spread.h
tests_bench_load_LDADD = $(OPENSSL_LIBS) $(BSD_LIBS)
tests_bench_reference_SOURCES = tests/bench/reference.c \
	tests/bench/reference.h tests/bench/reference_echo.c \
	tests/bench/reference_proxy.c
tests_bench_under_callgrind_SOURCES = tests/bench/under_callgrind.c

EXTRA_DIST += BENCHMARKS.md doc/benchmarks.json doc/benchmarks.svg \
	tests/bench/bench.py \
	tests/bench/chart.py \
	tests/bench/crash.py \
	tests/bench/hot_restart.py \
	tests/bench/instructions.json \
	tests/bench/instructions.py \
	tests/bench/machine.py \
	tests/bench/profile.py \
	tests/bench/ranch_echo.escript \
	tests/bench/report.py \
	tests/bench/run.py \
	tests/bench/scenarios.py \
	tests/bench/servers.py \
	tests/bench/shutdown.py

## What run.py is told: see run.py --help.
BENCH_FLAGS =
BENCH_NEEDS = all $(BENCH_TOOLS) tests/system/storm tests/system/store_driver
BENCH_RUN = MERCURY_BUILDDIR='$(abs_top_builddir)' $(PYTHON3) -B

bench: $(BENCH_NEEDS)
	$(BENCH_RUN) $(srcdir)/tests/bench/run.py $(BENCH_FLAGS)

## Instructions per message and per connection, against the recorded ones.
bench-instructions: $(BENCH_NEEDS)
	$(BENCH_RUN) $(srcdir)/tests/bench/instructions.py $(BENCH_FLAGS)
.PHONY: bench bench-instructions

## Built for their test only, and by make bench.
tests/system/test_bench_load.log: tests/bench/load tests/bench/reference
