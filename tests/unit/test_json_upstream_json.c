#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/snapshot.h"
#include "common/upstream_board.h"
#include "unit/json_rows.h"
#include "json/upstream_json.h"

static struct snapshot_upstream
sample(void)
{
	return (struct snapshot_upstream){ .name = "10.0.0.5:8583",
		.mode = UPSTREAM_MODE_DRAIN,
		.health = UPSTREAM_DOWN,
		.backup = 1,
		.weight = 3,
		.connections = 4,
		.max_connections = 100,
		.waiting = 2,
		.queue = 50,
		.connected = 1200,
		.failed = 7,
		.checks = 60,
		.checks_failed = 3,
		.checked_ms_ago = 250,
		.since_ms = 1767225600000,
		.trouble =
		    (uint64_t)ECONNREFUSED << 32 | UPSTREAM_TROUBLE_CONNECT };
}

static void
expect(json_t *got, const char *want)
{
	char *text = json_dumps(got, JSON_ENCODE_ANY);

	cr_assert_not_null(text);
	cr_expect_str_eq(text, want, "%s", text);
	free(text);
	json_decref(got);
}

static json_t *
all_of(const struct snapshot_upstream *rows, size_t count)
{
	struct snapshot_writer w = { 0 };
	struct snapshot_reader r;
	json_t *o;
	size_t i;

	for (i = 0; i < count; i++)
		snapshot_add(&w, SNAPSHOT_UPSTREAM, &rows[i], sizeof(rows[i]));
	json_rows_seal(&w, &r);
	o = upstream_json_all(&r);
	snapshot_close(&r);
	return o;
}

Test(upstream_json, all_members)
{
	const struct snapshot_upstream row = sample();

	expect(all_of(&row, 1),
	    "{\"upstreams\": [{\"name\": \"10.0.0.5:8583\", "
	    "\"mode\": \"drain\", \"state\": \"down\", "
	    "\"since\": \"2026-01-01T00:00:00.000Z\", \"backup\": true, "
	    "\"weight\": 3, \"connections\": 4, \"max_connections\": 100, "
	    "\"waiting\": 2, \"queue\": 50, \"connected\": 1200, "
	    "\"failed\": 7, \"checks\": 60, \"checks_failed\": 3, "
	    "\"last_check_ms_ago\": 250, "
	    "\"last_error\": \"connect: Connection refused\"}]}");
}

Test(upstream_json, what_is_not_known)
{
	struct snapshot_upstream row = sample();
	json_t *all, *o;

	row.mode = row.health = 99;
	row.trouble = UINT64_MAX;
	row.checked_ms_ago = UPSTREAM_NEVER;
	memset(row.name, 0xff, sizeof(row.name));
	all = all_of(&row, 1);
	o = json_array_get(json_object_get(all, "upstreams"), 0);
	expect(json_pack("[O, O, O, O]", json_object_get(o, "mode"),
		   json_object_get(o, "state"),
		   json_object_get(o, "last_check_ms_ago"),
		   json_object_get(o, "last_error")),
	    "[\"unknown\", \"unknown\", null, null]");
	json_decref(all);
}

Test(upstream_json, a_summary_of_several)
{
	struct snapshot_upstream row = sample();
	json_t *sum = upstream_json_summary();

	cr_expect_eq(upstream_json_count(sum, &row), 0);
	row.health = UPSTREAM_UP;
	row.mode = UPSTREAM_MODE_READY;
	cr_expect_eq(upstream_json_count(sum, &row), 0);
	row.health = UPSTREAM_UNCHECKED;
	cr_expect_eq(upstream_json_count(sum, &row), 0);
	expect(sum,
	    "{\"up\": 1, \"down\": 1, \"unchecked\": 1, \"not_ready\": 1, "
	    "\"waiting\": 6}");
}
