## Unit tests of src/json.
JSON_TEST_LIBS = libjson.a liboption.a libcommon.a $(JANSSON_LIBS) \
	$(BSD_LIBS) $(CRITERION_LIBS)
JSON_ROWS = tests/unit/json_rows.c tests/unit/json_rows.h

UNIT_TESTS += test_json_event_cursor \
	test_json_event_json \
	test_json_event_params \
	test_json_history_json \
	test_json_stats_json \
	test_json_status_json \
	test_json_store_json \
	test_json_tree_json \
	test_json_usage \
	test_json_when

test_json_status_json_SOURCES = tests/unit/test_json_status_json.c \
	$(JSON_ROWS)
test_json_status_json_CPPFLAGS = $(UNIT_CPPFLAGS)
test_json_status_json_LDADD = $(JSON_TEST_LIBS)

test_json_tree_json_SOURCES = tests/unit/test_json_tree_json.c \
	$(JSON_ROWS)
test_json_tree_json_CPPFLAGS = $(UNIT_CPPFLAGS)
test_json_tree_json_LDADD = $(JSON_TEST_LIBS)

test_json_history_json_SOURCES = tests/unit/test_json_history_json.c \
	$(JSON_ROWS)
test_json_history_json_CPPFLAGS = $(UNIT_CPPFLAGS)
test_json_history_json_LDADD = $(JSON_TEST_LIBS)

test_json_event_json_SOURCES = tests/unit/test_json_event_json.c $(JSON_ROWS)
test_json_event_json_CPPFLAGS = $(UNIT_CPPFLAGS)
test_json_event_json_LDADD = $(JSON_TEST_LIBS)

test_json_stats_json_SOURCES = tests/unit/test_json_stats_json.c \
	$(JSON_ROWS)
test_json_stats_json_CPPFLAGS = $(UNIT_CPPFLAGS)
test_json_stats_json_LDADD = $(JSON_TEST_LIBS)

test_json_store_json_SOURCES = tests/unit/test_json_store_json.c $(JSON_ROWS)
test_json_store_json_CPPFLAGS = $(UNIT_CPPFLAGS)
test_json_store_json_LDADD = $(JSON_TEST_LIBS)

test_json_usage_SOURCES = tests/unit/test_json_usage.c
test_json_usage_CPPFLAGS = $(UNIT_CPPFLAGS)
test_json_usage_LDADD = $(JSON_TEST_LIBS)

test_json_event_cursor_SOURCES = tests/unit/test_json_event_cursor.c
test_json_event_cursor_CPPFLAGS = $(UNIT_CPPFLAGS)
test_json_event_cursor_LDADD = $(JSON_TEST_LIBS)

test_json_event_params_SOURCES = tests/unit/test_json_event_params.c
test_json_event_params_CPPFLAGS = $(UNIT_CPPFLAGS)
test_json_event_params_LDADD = $(JSON_TEST_LIBS)

test_json_when_SOURCES = tests/unit/test_json_when.c
test_json_when_CPPFLAGS = $(UNIT_CPPFLAGS)
test_json_when_LDADD = $(JSON_TEST_LIBS)

UNIT_TESTS += test_json_upstream_json
test_json_upstream_json_SOURCES = tests/unit/test_json_upstream_json.c \
	$(JSON_ROWS)
test_json_upstream_json_CPPFLAGS = $(UNIT_CPPFLAGS)
test_json_upstream_json_LDADD = $(JSON_TEST_LIBS)
