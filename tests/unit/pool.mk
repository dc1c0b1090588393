## Unit tests of src/pool.
UNIT_TESTS += test_pool_accept_error
test_pool_accept_error_SOURCES = tests/unit/test_pool_accept_error.c
test_pool_accept_error_CPPFLAGS = $(UNIT_CPPFLAGS)
test_pool_accept_error_LDADD = libpool.a $(CRITERION_LIBS)

UNIT_TESTS += test_pool_access
test_pool_access_SOURCES = tests/unit/test_pool_access.c
test_pool_access_CPPFLAGS = $(UNIT_CPPFLAGS)
test_pool_access_LDADD = libpool.a libcommon.a $(CRITERION_LIBS)

UNIT_TESTS += test_pool_crc32c
test_pool_crc32c_SOURCES = tests/unit/test_pool_crc32c.c
test_pool_crc32c_CPPFLAGS = $(UNIT_CPPFLAGS)
test_pool_crc32c_LDADD = libpool.a $(CRITERION_LIBS)

UNIT_TESTS += test_pool_printable
test_pool_printable_SOURCES = tests/unit/test_pool_printable.c
test_pool_printable_CPPFLAGS = $(UNIT_CPPFLAGS)
test_pool_printable_LDADD = libpool.a libcommon.a $(CRITERION_LIBS)

UNIT_TESTS += test_pool_proxy_header
test_pool_proxy_header_SOURCES = tests/unit/test_pool_proxy_header.c \
	tests/unit/proxy_bytes.c tests/unit/proxy_bytes.h
test_pool_proxy_header_CPPFLAGS = $(UNIT_CPPFLAGS)
test_pool_proxy_header_LDADD = libpool.a libcommon.a $(CRITERION_LIBS)

UNIT_TESTS += test_pool_proxy_tlv
test_pool_proxy_tlv_SOURCES = tests/unit/test_pool_proxy_tlv.c \
	tests/unit/proxy_bytes.c tests/unit/proxy_bytes.h
test_pool_proxy_tlv_CPPFLAGS = $(UNIT_CPPFLAGS)
test_pool_proxy_tlv_LDADD = libpool.a libcommon.a $(CRITERION_LIBS)

UNIT_TESTS += test_pool_probe
test_pool_probe_SOURCES = tests/unit/test_pool_probe.c
test_pool_probe_CPPFLAGS = $(UNIT_CPPFLAGS)
test_pool_probe_LDADD = libpool.a libcommon.a \
	$(EVENT_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += test_pool_folds
test_pool_folds_SOURCES = tests/unit/test_pool_folds.c
test_pool_folds_CPPFLAGS = $(UNIT_CPPFLAGS)
test_pool_folds_LDADD = libpool.a libcommon.a \
	$(EVENT_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += test_pool_handshakes
test_pool_handshakes_SOURCES = tests/unit/test_pool_handshakes.c
test_pool_handshakes_CPPFLAGS = $(UNIT_CPPFLAGS)
test_pool_handshakes_LDADD = libpool.a libcommon.a \
	$(EVENT_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += test_pool_slab
test_pool_slab_SOURCES = tests/unit/test_pool_slab.c
test_pool_slab_CPPFLAGS = $(UNIT_CPPFLAGS)
test_pool_slab_LDADD = libpool.a $(CRITERION_LIBS)

UNIT_TESTS += test_pool_wheel
test_pool_wheel_SOURCES = tests/unit/test_pool_wheel.c
test_pool_wheel_CPPFLAGS = $(UNIT_CPPFLAGS)
test_pool_wheel_LDADD = libpool.a $(CRITERION_LIBS)

UNIT_TESTS += test_pool_conn
test_pool_conn_SOURCES = tests/unit/test_pool_conn.c
test_pool_conn_CPPFLAGS = $(UNIT_CPPFLAGS)
test_pool_conn_LDADD = libpool.a libcommon.a $(EVENT_LIBS) \
	$(CRITERION_LIBS)

UNIT_TESTS += test_pool_stream
test_pool_stream_SOURCES = tests/unit/test_pool_stream.c
test_pool_stream_CPPFLAGS = $(UNIT_CPPFLAGS)
test_pool_stream_LDADD = libpool.a libcommon.a $(EVENT_LIBS) \
	$(CRITERION_LIBS)

## These run the real executable; the test plays the supervisor.
POOL_HARNESS = tests/unit/pool_harness.c tests/unit/pool_harness.h
POOL_CPPFLAGS = $(UNIT_CPPFLAGS) \
	-DPOOL_EXECUTABLE='"$(abs_top_builddir)/mercury-pool$(EXEEXT)"'

UNIT_TESTS += test_pool_worker
test_pool_worker_SOURCES = tests/unit/test_pool_worker.c $(POOL_HARNESS)
test_pool_worker_CPPFLAGS = $(POOL_CPPFLAGS)
test_pool_worker_LDADD = libcommon.a $(CRITERION_LIBS)
EXTRA_test_pool_worker_DEPENDENCIES = mercury-pool$(EXEEXT)

UNIT_TESTS += test_pool_traffic
test_pool_traffic_SOURCES = tests/unit/test_pool_traffic.c $(POOL_HARNESS)
test_pool_traffic_CPPFLAGS = $(POOL_CPPFLAGS)
test_pool_traffic_LDADD = libcommon.a $(CRITERION_LIBS)
EXTRA_test_pool_traffic_DEPENDENCIES = mercury-pool$(EXEEXT)

UNIT_TESTS += test_pool_pause
test_pool_pause_SOURCES = tests/unit/test_pool_pause.c $(POOL_HARNESS)
test_pool_pause_CPPFLAGS = $(POOL_CPPFLAGS)
test_pool_pause_LDADD = libcommon.a $(CRITERION_LIBS)
EXTRA_test_pool_pause_DEPENDENCIES = mercury-pool$(EXEEXT)

UNIT_TESTS += test_pool_hand_over
test_pool_hand_over_SOURCES = tests/unit/test_pool_hand_over.c $(POOL_HARNESS)
test_pool_hand_over_CPPFLAGS = $(POOL_CPPFLAGS)
test_pool_hand_over_LDADD = libcommon.a $(CRITERION_LIBS)
EXTRA_test_pool_hand_over_DEPENDENCIES = mercury-pool$(EXEEXT)

UNIT_TESTS += test_pool_orphan
test_pool_orphan_SOURCES = tests/unit/test_pool_orphan.c $(POOL_HARNESS)
test_pool_orphan_CPPFLAGS = $(POOL_CPPFLAGS)
test_pool_orphan_LDADD = libcommon.a $(BSD_LIBS) $(CRITERION_LIBS)
EXTRA_test_pool_orphan_DEPENDENCIES = mercury-pool$(EXEEXT)

UNIT_TESTS += test_pool_conn_record
test_pool_conn_record_SOURCES = tests/unit/test_pool_conn_record.c
test_pool_conn_record_CPPFLAGS = $(UNIT_CPPFLAGS)
test_pool_conn_record_LDADD = libpool.a libcommon.a \
	$(EVENT_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += test_pool_rules
test_pool_rules_SOURCES = tests/unit/test_pool_rules.c
test_pool_rules_CPPFLAGS = $(UNIT_CPPFLAGS)
test_pool_rules_LDADD = libpool.a libcommon.a $(CRITERION_LIBS)

UNIT_TESTS += test_pool_trace
test_pool_trace_SOURCES = tests/unit/test_pool_trace.c
test_pool_trace_CPPFLAGS = $(UNIT_CPPFLAGS)
test_pool_trace_LDADD = libpool.a libcommon.a $(EVENT_LIBS) \
	$(CRITERION_LIBS)

UNIT_TESTS += test_pool_trace_sink
test_pool_trace_sink_SOURCES = tests/unit/test_pool_trace_sink.c
test_pool_trace_sink_CPPFLAGS = $(UNIT_CPPFLAGS)
test_pool_trace_sink_LDADD = libpool.a libcommon.a $(EVENT_LIBS) \
	$(CRITERION_LIBS)
