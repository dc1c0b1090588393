#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/event.h"
#include "unit/json_rows.h"
#include "json/history_json.h"

static void
add(struct snapshot_writer *w, uint64_t seq, const char *listener,
    unsigned int type)
{
	struct snapshot_record row = { .seq = seq,
		.real_ms = 1767225600123,
		.type = (uint8_t)type,
		.slot = 3,
		.uptime_ms = 77 };

	(void)snprintf(row.listener, sizeof(row.listener), "%s", listener);
	if (event_type_name(type) != NULL && event_type_name(type)[0] == 'w') {
		row.pid = 4250;
		(void)snprintf(row.reason, sizeof(row.reason), "why");
	}
	snapshot_add(w, SNAPSHOT_RECORD, &row, sizeof(row));
}

static json_t *
records(struct snapshot_writer *w, size_t max)
{
	struct snapshot_reader r;
	json_t *o;

	json_rows_seal(w, &r);
	o = history_json_records(&r, max);
	cr_assert_not_null(o);
	snapshot_close(&r);
	return o;
}

static void
expect(json_t *got, const char *want)
{
	char *text = json_dumps(got, JSON_REAL_PRECISION(15));

	cr_assert_not_null(text);
	cr_expect_str_eq(text, want, "%s", text);
	free(text);
	json_decref(got);
}

Test(history_json, what_makes_no_sense_is_null)
{
	struct snapshot_writer w = { 0 };

	add(&w, 1, "pos", EVENT_LISTENER_ADDED);
	add(&w, 2, "pos", EVENT_WORKER_STARTED);
	add(&w, 3, "pos", EVENT_WORKER_CRASHED);
	add(&w, 4, "pos", EVENT_WORKER_RESTART_LIMIT);
	expect(records(&w, 10),
	    "{\"records\": ["
	    "{\"seq\": 1, \"at\": \"2026-01-01T00:00:00.123Z\", "
	    "\"listener\": \"pos\", \"type\": \"listener.added\", "
	    "\"slot\": null, \"pid\": null, \"uptime_ms\": null, "
	    "\"reason\": null}, "
	    "{\"seq\": 2, \"at\": \"2026-01-01T00:00:00.123Z\", "
	    "\"listener\": \"pos\", \"type\": \"worker.started\", "
	    "\"slot\": 3, \"pid\": 4250, \"uptime_ms\": null, "
	    "\"reason\": \"why\"}, "
	    "{\"seq\": 3, \"at\": \"2026-01-01T00:00:00.123Z\", "
	    "\"listener\": \"pos\", \"type\": \"worker.crashed\", "
	    "\"slot\": 3, \"pid\": 4250, \"uptime_ms\": 77, "
	    "\"reason\": \"why\"}, "
	    "{\"seq\": 4, \"at\": \"2026-01-01T00:00:00.123Z\", "
	    "\"listener\": \"pos\", \"type\": \"worker.restart_limit\", "
	    "\"slot\": 3, \"pid\": 4250, \"uptime_ms\": null, "
	    "\"reason\": \"why\"}]}");
}

/* The numbers of the records and whose they are: "1a 2b". */
static void
expect_order(json_t *o, const char *want)
{
	char got[128] = "";
	const json_t *r;
	size_t i, used = 0;

	json_array_foreach (json_object_get(o, "records"), i, r)
		used += (size_t)snprintf(got + used, sizeof(got) - used,
		    "%s%d%s", i == 0 ? "" : " ",
		    (int)json_integer_value(json_object_get(r, "seq")),
		    json_string_value(json_object_get(r, "listener")));
	cr_expect_str_eq(got, want, "%s", got);
	json_decref(o);
}

Test(history_json, of_all_in_order)
{
	struct snapshot_writer w = { 0 };

	add(&w, 1, "a", EVENT_LISTENER_ADDED);
	add(&w, 4, "a", EVENT_WORKER_CRASHED);
	add(&w, 2, "b", EVENT_LISTENER_ADDED);
	add(&w, 3, "b", EVENT_WORKER_CRASHED);
	expect_order(records(&w, 10), "1a 2b 3b 4a");
}

Test(history_json, a_shared_pool_is_there_once)
{
	struct snapshot_writer w = { 0 };

	add(&w, 1, "a", EVENT_LISTENER_ADDED);
	add(&w, 3, "a", EVENT_WORKER_CRASHED);
	add(&w, 2, "b", EVENT_LISTENER_ADDED);
	add(&w, 3, "b", EVENT_WORKER_CRASHED);
	expect_order(records(&w, 10), "1a 2b 3a");
}

Test(history_json, the_newest_are_kept)
{
	struct snapshot_writer w = { 0 };
	uint64_t seq;

	for (seq = 1; seq <= 2000; seq++)
		add(&w, seq, "a", EVENT_WORKER_CRASHED);
	expect_order(records(&w, 3), "1998a 1999a 2000a");
}

Test(history_json, without_rows)
{
	struct snapshot_reader r = { 0 };

	expect(history_json_records(&r, 10), "{\"records\": []}");
	expect(history_json_failures(&r, 60000),
	    "{\"window_ms\": 60000, \"listeners\": []}");
}

Test(history_json, an_event_that_there_is_not)
{
	struct snapshot_writer w = { 0 };
	json_t *o;

	add(&w, 1, "a", 200);
	o = records(&w, 10);
	cr_expect_str_eq(
	    json_string_value(json_object_get(
		json_array_get(json_object_get(o, "records"), 0), "type")),
	    "unknown");
	json_decref(o);
}

Test(history_json, failures)
{
	struct snapshot_writer w = { 0 };
	struct snapshot_failures f = { .listener = "pos", .failures = 1 };
	struct snapshot_reader r;

	snapshot_add(&w, SNAPSHOT_FAILURES, &f, sizeof(f));
	f = (struct snapshot_failures){ .listener = "gps" };
	snapshot_add(&w, SNAPSHOT_FAILURES, &f, sizeof(f));
	json_rows_seal(&w, &r);
	expect(history_json_failures(&r, 180000),
	    "{\"window_ms\": 180000, \"listeners\": ["
	    "{\"name\": \"pos\", \"failures\": 1, "
	    "\"per_minute\": 0.333333333333333}, "
	    "{\"name\": \"gps\", \"failures\": 0, \"per_minute\": 0.0}]}");
	snapshot_close(&r);
}
