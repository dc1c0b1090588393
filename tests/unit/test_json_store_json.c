#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ipc_msg.h"
#include "common/snapshot.h"
#include "unit/json_rows.h"
#include "json/status_json.h"
#include "json/store_json.h"

static struct snapshot_store
sample(void)
{
	struct snapshot_store s = { .pid = 4300,
		.state = CHILD_UP,
		.restarts = 2,
		.database = "/var/lib/mercury/health.db",
		.dropped = 5,
		.figures = {
		    [STORE_EVENTS] = 120,
		    [STORE_DROPPED] = 3,
		    [STORE_PRUNED] = 7,
		    [STORE_LAST_CLEANUP_MS] = 1767225600000,
		    [STORE_DATABASE_BYTES] = 65536,
		    [STORE_WAL_BYTES] = 4096,
		    [STORE_WAL_HELD_MS] = 1000,
		} };

	return s;
}

static const char healthy[] =
    "{\"state\": \"running\", \"pid\": 4300, \"restarts\": 2, "
    "\"database\": \"/var/lib/mercury/health.db\", \"events\": 120, "
    "\"dropped\": 5, \"pruned\": 7, "
    "\"last_cleanup\": \"2026-01-01T00:00:00.000Z\", "
    "\"database_bytes\": 65536, \"wal_bytes\": 4096, "
    "\"wal_held_ms\": 4000, \"trouble\": null, \"error\": null}";

static void
expect(json_t *got, const char *want)
{
	char *text = json_dumps(got, JSON_ENCODE_ANY);

	cr_assert_not_null(text);
	cr_expect_str_eq(text, want, "%s", text);
	free(text);
	json_decref(got);
}

Test(store_json, all_members)
{
	const struct snapshot_store s = sample();

	expect(store_json(&s, 5000), healthy);
}

Test(store_json, none)
{
	expect(store_json(NULL, 5000), "null");
}

struct store_case {
	uint32_t state;
	uint32_t trouble;
	char want[80];
};

ParameterizedTestParameters(store_json, states_and_troubles)
{
	static struct store_case cases[] = {
		{ CHILD_UP, STORE_TROUBLE_NONE, "[\"running\", null]" },
		{ CHILD_UP, STORE_TROUBLE_DISK_FULL,
		    "[\"degraded\", \"disk_full\"]" },
		{ CHILD_UP, STORE_TROUBLE_LOCKED,
		    "[\"degraded\", \"locked\"]" },
		{ CHILD_BACKOFF, STORE_TROUBLE_LOCKED,
		    "[\"backoff\", \"locked\"]" },
		{ CHILD_DOWN, STORE_TROUBLE_NONE, "[\"down\", null]" },
		{ 99, 99, "[\"unknown\", \"unknown\"]" },
	};

	return cr_make_param_array(struct store_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct store_case *k, store_json, states_and_troubles)
{
	struct snapshot_store s = sample();
	json_t *o;

	s.state = k->state;
	s.trouble = k->trouble;
	o = store_json(&s, 0);
	expect(json_pack("[O, O]", json_object_get(o, "state"),
		   json_object_get(o, "trouble")),
	    k->want);
	json_decref(o);
}

/* The board is the store's: it may say anything. */
Test(store_json, figures_that_make_no_sense)
{
	struct snapshot_store s = sample();
	json_t *o;

	memset(s.text, 0xff, sizeof(s.text));
	memset(s.database, 'x', sizeof(s.database));
	s.figures[STORE_WAL_HELD_MS] = 5001;
	s.figures[STORE_LAST_CLEANUP_MS] = UINT64_MAX;
	o = store_json(&s, 5000);
	cr_assert_not_null(o);
	cr_expect_eq(json_integer_value(json_object_get(o, "wal_held_ms")), 0);
	cr_expect_eq(json_string_length(json_object_get(o, "database")),
	    sizeof(s.database));
	json_decref(o);
}

Test(store_json, in_the_status)
{
	const struct snapshot_daemon d = { .pid = 1 };
	const struct snapshot_listener l = { .state = LISTENER_LISTENING };
	struct snapshot_store s = sample();
	struct snapshot_writer w = { 0 };
	struct snapshot_reader r;
	json_t *o;

	s.figures[STORE_WAL_HELD_MS] = 0;
	(void)snprintf(s.text, sizeof(s.text), "it is locked");
	snapshot_add(&w, SNAPSHOT_DAEMON, &d, sizeof(d));
	snapshot_add(&w, SNAPSHOT_STORE, &s, sizeof(s));
	snapshot_add(&w, SNAPSHOT_LISTENER, &l, sizeof(l));
	json_rows_seal(&w, &r);
	o = status_json_daemon(&r);
	expect(json_pack("[O, O, i]",
		   json_object_get(json_object_get(o, "store"), "error"),
		   json_object_get(json_object_get(o, "store"), "wal_held_ms"),
		   (int)json_array_size(json_object_get(o, "listeners"))),
	    "[\"it is locked\", 0, 1]");
	json_decref(o);
	snapshot_close(&r);
}
