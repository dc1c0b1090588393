## The JSON that users see: control and gateway make it.
noinst_LIBRARIES += libjson.a
libjson_a_SOURCES = \
	src/json/cursor.c src/json/cursor.h \
	src/json/depth.c src/json/depth.h \
	src/json/event_cursor.c src/json/event_cursor.h \
	src/json/event_json.c src/json/event_json.h \
	src/json/event_params.c src/json/event_params.h \
	src/json/fields.c src/json/fields.h \
	src/json/history_json.c src/json/history_json.h \
	src/json/stats_json.c src/json/stats_json.h \
	src/json/status_json.c src/json/status_json.h \
	src/json/store_json.c src/json/store_json.h \
	src/json/tree_json.c src/json/tree_json.h \
	src/json/upstream_json.c src/json/upstream_json.h \
	src/json/usage.c src/json/usage.h \
	src/json/when.c src/json/when.h
