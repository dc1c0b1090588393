## Unit tests of src/control.
CONTROL_TEST_LIBS = libcontrol.a libjson.a liboption.a libcommon.a $(EVENT_LIBS) \
	$(JANSSON_LIBS) $(BSD_LIBS) $(CRITERION_LIBS)

UNIT_TESTS += test_control_access test_control_client \
	test_control_conn_query \
	test_control_follow test_control_line \
	test_control_method test_control_method_connection \
	test_control_method_events test_control_peer_filter \
	test_control_plan_json test_control_rpc

test_control_access_SOURCES = tests/unit/test_control_access.c
test_control_access_CPPFLAGS = $(UNIT_CPPFLAGS)
test_control_access_LDADD = $(CONTROL_TEST_LIBS)

test_control_client_SOURCES = tests/unit/test_control_client.c
test_control_client_CPPFLAGS = $(UNIT_CPPFLAGS)
test_control_client_LDADD = $(CONTROL_TEST_LIBS)

test_control_line_SOURCES = tests/unit/test_control_line.c
test_control_line_CPPFLAGS = $(UNIT_CPPFLAGS)
test_control_line_LDADD = $(CONTROL_TEST_LIBS)

METHOD_START = tests/unit/method_start.c tests/unit/method_start.h

test_control_method_SOURCES = tests/unit/test_control_method.c $(JSON_ROWS) \
	$(METHOD_START)
test_control_method_CPPFLAGS = $(UNIT_CPPFLAGS)
test_control_method_LDADD = $(CONTROL_TEST_LIBS)

test_control_rpc_SOURCES = tests/unit/test_control_rpc.c
test_control_rpc_CPPFLAGS = $(UNIT_CPPFLAGS)
test_control_rpc_LDADD = $(CONTROL_TEST_LIBS)

test_control_plan_json_SOURCES = tests/unit/test_control_plan_json.c \
	$(JSON_ROWS)
test_control_plan_json_CPPFLAGS = $(UNIT_CPPFLAGS)
test_control_plan_json_LDADD = $(CONTROL_TEST_LIBS)

test_control_follow_SOURCES = tests/unit/test_control_follow.c
test_control_follow_CPPFLAGS = $(UNIT_CPPFLAGS)
test_control_follow_LDADD = $(CONTROL_TEST_LIBS)

test_control_method_events_SOURCES = \
	tests/unit/test_control_method_events.c $(JSON_ROWS) \
	$(METHOD_START)
test_control_method_events_CPPFLAGS = $(UNIT_CPPFLAGS)
test_control_method_events_LDADD = $(CONTROL_TEST_LIBS)

test_control_conn_query_SOURCES = tests/unit/test_control_conn_query.c
test_control_conn_query_CPPFLAGS = $(UNIT_CPPFLAGS)
test_control_conn_query_LDADD = $(CONTROL_TEST_LIBS)

test_control_method_connection_SOURCES = \
	tests/unit/test_control_method_connection.c $(METHOD_START)
test_control_method_connection_CPPFLAGS = $(UNIT_CPPFLAGS)
test_control_method_connection_LDADD = $(CONTROL_TEST_LIBS)

test_control_peer_filter_SOURCES = tests/unit/test_control_peer_filter.c
test_control_peer_filter_CPPFLAGS = $(UNIT_CPPFLAGS)
test_control_peer_filter_LDADD = $(CONTROL_TEST_LIBS)

UNIT_TESTS += test_control_trace_json
test_control_trace_json_SOURCES = tests/unit/test_control_trace_json.c
test_control_trace_json_CPPFLAGS = $(UNIT_CPPFLAGS)
test_control_trace_json_LDADD = $(CONTROL_TEST_LIBS)

UNIT_TESTS += test_control_method_upstream
test_control_method_upstream_SOURCES = \
	tests/unit/test_control_method_upstream.c $(JSON_ROWS) \
	$(METHOD_START)
test_control_method_upstream_CPPFLAGS = $(UNIT_CPPFLAGS)
test_control_method_upstream_LDADD = $(CONTROL_TEST_LIBS)
