## Unit tests of src/common.
SCRATCH = tests/unit/scratch.c tests/unit/scratch.h
COMMON_TEST_LIBS = libcommon.a $(BSD_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += test_common_check_port
test_common_check_port_SOURCES = tests/unit/test_common_check_port.c
test_common_check_port_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_check_port_LDADD = libcommon.a $(CRITERION_LIBS)

UNIT_TESTS += test_common_addr test_common_bulk test_common_channel \
	test_common_clock \
	test_common_cidr test_common_cidr_set test_common_err \
	test_common_event test_common_event_sink \
	test_common_event_wire test_common_fd test_common_ipc test_common_log \
	test_common_probe_sources test_common_role test_common_scoreboard test_common_snapshot \
	test_common_spec

test_common_addr_SOURCES = tests/unit/test_common_addr.c
test_common_addr_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_addr_LDADD = $(COMMON_TEST_LIBS)

test_common_bulk_SOURCES = tests/unit/test_common_bulk.c $(SCRATCH)
test_common_bulk_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_bulk_LDADD = $(COMMON_TEST_LIBS)

test_common_channel_SOURCES = tests/unit/test_common_channel.c $(SCRATCH)
test_common_channel_CPPFLAGS = $(UNIT_CPPFLAGS)
## So that the test can have the kernel run short of memory.
test_common_channel_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=recvmsg \
	-Wl,--wrap=sendmsg
test_common_channel_LDADD = libcommon.a $(EVENT_LIBS) $(BSD_LIBS) \
	$(CRITERION_LIBS)

test_common_cidr_SOURCES = tests/unit/test_common_cidr.c
test_common_cidr_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_cidr_LDADD = $(COMMON_TEST_LIBS)

test_common_cidr_set_SOURCES = tests/unit/test_common_cidr_set.c
test_common_cidr_set_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_cidr_set_LDADD = $(COMMON_TEST_LIBS)

test_common_clock_SOURCES = tests/unit/test_common_clock.c
test_common_clock_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_clock_LDADD = $(COMMON_TEST_LIBS)

test_common_err_SOURCES = tests/unit/test_common_err.c
test_common_err_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_err_LDADD = $(COMMON_TEST_LIBS)

test_common_event_SOURCES = tests/unit/test_common_event.c
test_common_event_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_event_LDADD = $(COMMON_TEST_LIBS)

test_common_event_sink_SOURCES = tests/unit/test_common_event_sink.c $(SCRATCH)
test_common_event_sink_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_event_sink_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=send
test_common_event_sink_LDADD = libcommon.a $(EVENT_LIBS) $(BSD_LIBS) \
	$(CRITERION_LIBS)

test_common_event_wire_SOURCES = tests/unit/test_common_event_wire.c
test_common_event_wire_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_event_wire_LDADD = $(COMMON_TEST_LIBS)

test_common_fd_SOURCES = tests/unit/test_common_fd.c
test_common_fd_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_fd_LDADD = $(COMMON_TEST_LIBS)

test_common_ipc_SOURCES = tests/unit/test_common_ipc.c $(SCRATCH)
test_common_ipc_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_ipc_LDADD = $(COMMON_TEST_LIBS)

test_common_log_SOURCES = tests/unit/test_common_log.c
test_common_log_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_log_LDADD = $(COMMON_TEST_LIBS)

test_common_probe_sources_SOURCES = tests/unit/test_common_probe_sources.c
test_common_probe_sources_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_probe_sources_LDADD = $(COMMON_TEST_LIBS)

test_common_role_SOURCES = tests/unit/test_common_role.c
test_common_role_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_role_LDADD = $(COMMON_TEST_LIBS)

test_common_scoreboard_SOURCES = tests/unit/test_common_scoreboard.c \
	$(SCRATCH)
test_common_scoreboard_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_scoreboard_LDADD = $(COMMON_TEST_LIBS)

test_common_snapshot_SOURCES = tests/unit/test_common_snapshot.c $(SCRATCH)
test_common_snapshot_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_snapshot_LDADD = $(COMMON_TEST_LIBS)

test_common_spec_SOURCES = tests/unit/test_common_spec.c
test_common_spec_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_spec_LDADD = $(COMMON_TEST_LIBS)

UNIT_TESTS += test_common_gate
test_common_gate_SOURCES = tests/unit/test_common_gate.c
test_common_gate_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_gate_LDADD = libcommon.a $(CRITERION_LIBS)

UNIT_TESTS += test_common_base64 test_common_trace_wire

test_common_base64_SOURCES = tests/unit/test_common_base64.c
test_common_base64_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_base64_LDADD = $(COMMON_TEST_LIBS)

test_common_trace_wire_SOURCES = tests/unit/test_common_trace_wire.c
test_common_trace_wire_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_trace_wire_LDADD = $(COMMON_TEST_LIBS)

UNIT_TESTS += test_common_health_board
test_common_health_board_SOURCES = tests/unit/test_common_health_board.c
test_common_health_board_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_health_board_LDADD = $(COMMON_TEST_LIBS)

UNIT_TESTS += test_common_gateway_settings
test_common_gateway_settings_SOURCES = tests/unit/test_common_gateway_settings.c
test_common_gateway_settings_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_gateway_settings_LDADD = $(COMMON_TEST_LIBS)

UNIT_TESTS += test_common_histogram
test_common_histogram_SOURCES = tests/unit/test_common_histogram.c
test_common_histogram_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_histogram_LDADD = $(COMMON_TEST_LIBS)

UNIT_TESTS += test_common_quota
test_common_quota_SOURCES = tests/unit/test_common_quota.c
test_common_quota_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_quota_LDADD = $(COMMON_TEST_LIBS)

UNIT_TESTS += test_common_upstream_board
test_common_upstream_board_SOURCES = tests/unit/test_common_upstream_board.c
test_common_upstream_board_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_upstream_board_LDADD = libcommon.a $(CRITERION_LIBS)

UNIT_TESTS += test_common_exit_table
test_common_exit_table_SOURCES = tests/unit/test_common_exit_table.c
test_common_exit_table_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_exit_table_LDADD = libcommon.a $(CRITERION_LIBS)
UNIT_TESTS += test_common_plans
test_common_plans_SOURCES = tests/unit/test_common_plans.c
test_common_plans_CPPFLAGS = $(UNIT_CPPFLAGS)
test_common_plans_LDADD = $(COMMON_TEST_LIBS)
