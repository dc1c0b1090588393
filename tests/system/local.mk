## System tests: python3 unittest, against the real daemon. Each file is one
## test program; they may run at the same time.
SYSTEM_TESTS = \
	tests/system/test_access.py \
	tests/system/test_bad_input.py \
	tests/system/test_bench_load.py \
	tests/system/test_balancers.py \
	tests/system/test_bind.py \
	tests/system/test_busy.py \
	tests/system/test_chaos.py \
	tests/system/test_config.py \
	tests/system/test_connections.py \
	tests/system/test_control_connections.py \
	tests/system/test_control_events.py \
	tests/system/test_control_process.py \
	tests/system/test_control_traces.py \
	tests/system/test_crash.py \
	tests/system/test_dashboard.py \
	tests/system/test_drain.py \
	tests/system/test_exec.py \
	tests/system/test_exec_old.py \
	tests/system/test_faults.py \
	tests/system/test_gateway_http.py \
	tests/system/test_gateway_life.py \
	tests/system/test_gateway_load.py \
	tests/system/test_gateway_checks.py \
	tests/system/test_groups.py \
	tests/system/test_hostile.py \
	tests/system/test_hot_restart.py \
	tests/system/test_lifecycle.py \
	tests/system/test_limits.py \
	tests/system/test_listeners.py \
	tests/system/test_log.py \
	tests/system/test_mercuryctl.py \
	tests/system/test_mercuryctl_connections.py \
	tests/system/test_mercuryctl_events.py \
	tests/system/test_mercuryctl_terminal.py \
	tests/system/test_mercuryctl_watch.py \
	tests/system/test_metrics.py \
	tests/system/test_module.py \
	tests/system/test_orphans.py \
	tests/system/test_packaging.py \
	tests/system/test_pause.py \
	tests/system/test_pools.py \
	tests/system/test_probes.py \
	tests/system/test_processes.py \
	tests/system/test_proxy.py \
	tests/system/test_proxy_protocol.py \
	tests/system/test_proxy_servers.py \
	tests/system/test_reload.py \
	tests/system/test_reload_random.py \
	tests/system/test_restart.py \
	tests/system/test_retry.py \
	tests/system/test_scripts.py \
	tests/system/test_sections.py \
	tests/system/test_sandbox.py \
	tests/system/test_shutdown.py \
	tests/system/test_store_alone.py \
	tests/system/test_store_alone_trouble.py \
	tests/system/test_store_cleanup.py \
	tests/system/test_store_events.py \
	tests/system/test_store_manual.py \
	tests/system/test_store_trouble.py \
	tests/system/test_stream.py \
	tests/system/test_supervise_ctl.py \
	tests/system/test_tables.py \
	tests/system/test_testssl.py \
	tests/system/test_timeouts.py \
	tests/system/test_tls.py \
	tests/system/test_tour.py \
	tests/system/test_trace.py \
	tests/system/test_update.py \
	tests/system/test_upstreams.py
SCRIPT_TESTS = \
	tests/layers.sh \
	tests/style.sh

## Those that show how we get on with other programs, or are about scripts: of
## our own code they run what others run as well.
PEER_TESTS = \
	tests/system/test_balancers.py \
	tests/system/test_bench_load.py \
	tests/system/test_dashboard.py \
	tests/system/test_exec_old.py \
	tests/system/test_packaging.py \
	tests/system/test_proxy_servers.py \
	tests/system/test_scripts.py
TESTS += $(SCRIPT_TESTS) $(SYSTEM_TESTS)
EXTRA_DIST += $(SCRIPT_TESTS) $(SYSTEM_TESTS) tests/system/faketime.py \
	tests/system/fronting.py \
	tests/system/browsing.py tests/system/certs.py tests/system/faults.py \
	tests/system/fleet.py \
	tests/system/gateway_alone.py \
	tests/system/mercury.py tests/system/modules.py \
	tests/system/pcapng.py tests/system/words.c tests/system/forbidden.c \
	tests/system/scraping.py \
	tests/system/terminal.py \
	tests/system/proxying.py tests/system/serving.py \
	tests/system/programs.py \
	tests/system/store_alone.py tests/system/storing.py \
	tests/system/supervising.py \
	tests/system/web.py

check_PROGRAMS += \
	tests/system/idle \
	tests/system/stand_in \
	tests/system/store_driver \
	tests/system/storm
tests_system_idle_SOURCES = tests/system/idle.c
tests_system_stand_in_SOURCES = tests/system/stand_in.c
tests_system_stand_in_LDADD = libcommon.a $(EVENT_LIBS) $(BSD_LIBS)
tests_system_store_driver_SOURCES = tests/system/store_driver.c
tests_system_store_driver_LDADD = libcommon.a $(EVENT_LIBS) $(BSD_LIBS)
tests_system_storm_SOURCES = tests/system/storm.c
if !SANITIZED
## Preloaded: a sanitizer has an allocator of its own.
check_PROGRAMS += tests/system/fault.so
tests_system_fault_so_SOURCES = tests/system/fault.c
tests_system_fault_so_CFLAGS = $(WARN_CFLAGS) -fPIC
tests_system_fault_so_LDFLAGS = -shared
endif
tests_system_storm_LDADD = $(BSD_LIBS)

TEST_EXTENSIONS = .py .sh
PY_LOG_COMPILER = $(PYTHON3)
AM_PY_LOG_FLAGS = -B
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = \
	MERCURY_BUILDDIR='$(abs_top_builddir)'; export MERCURY_BUILDDIR; \
	CLANG_FORMAT='$(CLANG_FORMAT)'; export CLANG_FORMAT; \
	SHELLCHECK='$(SHELLCHECK)'; export SHELLCHECK; \
	MANDOC='$(MANDOC)'; export MANDOC;
