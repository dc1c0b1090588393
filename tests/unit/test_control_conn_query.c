#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/ipc_msg.h"
#include "control/conn_query.h"
#include "control/workers.h"

#define NOW_MS 1767225600000u

static const struct worker workers[] = {
	{ 0, 1, 900 }, /* it drains */
	{ 0, 2, 1000 },
	{ 1, 2, 1001 },
};
#define WORKER_COUNT 3u

static struct conn_query q;

static int
begin(const char *text)
{
	json_t *params = json_loads(text, 0, NULL);
	struct rpc_error e;
	int r;

	cr_assert_not_null(params, "%s", text);
	r = conn_query_begin(&q, params, &e);
	json_decref(params);
	return r;
}

/* A worker answers with so many rows, from this id on. */
static void
take(unsigned int worker, uint64_t first, size_t count, bool more)
{
	struct msg_conn_row rows[CONN_PAGE_MAX];
	const struct worker_answer a = { .index = worker,
		.more = more,
		.last_id = first + count - 1,
		.rows = rows,
		.count = count };
	size_t i;

	memset(rows, 0, sizeof(rows));
	for (i = 0; i < count; i++) {
		rows[i].id = first + i;
		rows[i].state = CONN_OPEN;
		rows[i].age_ms = 60000;
		rows[i].idle_ms = 1000 * (rows[i].id & 0xff);
		(void)snprintf(rows[i].peer, sizeof(rows[i].peer),
		    "10.0.0.%u:5555", (unsigned int)rows[i].id);
	}
	cr_assert_eq(conn_query_take(&q, &workers[worker], &a, NOW_MS), 0);
}

static void
lose(unsigned int worker)
{
	const struct worker_answer a = { .index = worker, .lost = true };

	cr_assert_eq(conn_query_take(&q, &workers[worker], &a, NOW_MS), 0);
}

static void
expect_next(unsigned int worker, uint64_t after_id)
{
	uint64_t after;

	cr_expect_eq(conn_query_next(&q, workers, WORKER_COUNT, &after),
	    worker);
	cr_expect_eq(after, after_id, "%llu", (unsigned long long)after);
}

Test(conn_query, a_cursor_comes_back_as_it_was)
{
	static const struct conn_cursor cursors[] = {
		{ 0, 0, 0, 0 },
		{ 1, 2, 4242, 0xb13cfa4400000011 },
		{ UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT64_MAX },
	};
	struct conn_cursor got;
	char text[CONN_CURSOR_SIZE];
	size_t i;

	for (i = 0; i < sizeof(cursors) / sizeof(cursors[0]); i++) {
		conn_cursor_format(&cursors[i], text);
		cr_assert_eq(conn_cursor_parse(text, &got), 0, "%s", text);
		cr_expect_eq(got.slot, cursors[i].slot);
		cr_expect_eq(got.generation, cursors[i].generation);
		cr_expect_eq(got.pid, cursors[i].pid);
		cr_expect_eq(got.after_id, cursors[i].after_id);
	}
}

Test(conn_query, nothing_else_is_a_cursor)
{
	static const char *const texts[] = { "", "1", "1.2.3", "1.2.3.4.5",
		"1.2..4", "1.2.3.4 ", "A.2.3.4", "-1.2.3.4", "0x1.2.3.4",
		"100000000.2.3.4", "1.2.100000000.4",
		"1.2.3.11111111111111111" };
	struct conn_cursor got;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_eq(conn_cursor_parse(texts[i], &got), -1, "%s",
		    texts[i]);
}

Test(conn_query, params_that_make_no_sense)
{
	static const char *const texts[] = { "{\"limit\": 0}",
		"{\"limit\": 1001}", "{\"limit\": -1}", "{\"after\": \"x\"}",
		"{\"peer\": \"x\"}", "{\"min_idle\": \"x\"}",
		"{\"min_idle\": \"10\"}" };
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_eq(begin(texts[i]), -1, "%s", texts[i]);
	cr_expect_eq(begin("{\"limit\": 1000, \"peer\": \"::1\","
			   " \"min_idle\": \"10m\"}"),
	    0);
	cr_expect_eq(q.limit, 1000);
	cr_expect_eq(q.min_idle_ms, 600000);
	conn_query_end(&q);
}

Test(conn_query, goes_from_worker_to_worker)
{
	cr_assert_eq(begin("{}"), 0);
	expect_next(0, 0);
	take(0, 1, 64, true);
	expect_next(0, 64);
	take(0, 70, 5, false);
	expect_next(1, 0);
	take(1, 1, 0, false);
	expect_next(2, 0);
	take(2, 1, 1, false);
	expect_next(WORKER_COUNT, 0);
	cr_expect_not(conn_query_is_full(&q));
	cr_expect_eq(json_array_size(q.rows), 70);
	conn_query_end(&q);
}

Test(conn_query, goes_on_where_the_worker_has_gone)
{
	cr_assert_eq(begin("{\"after\": \"0.1.385.5\"}"), 0);
	expect_next(1, 0); /* 0.1 with pid 900 is before pid 901 */
	conn_query_end(&q);
	cr_assert_eq(begin("{\"after\": \"0.1.383.5\"}"), 0);
	expect_next(0, 0);
	conn_query_end(&q);
	cr_assert_eq(begin("{\"after\": \"0.1.384.5\"}"), 0);
	expect_next(0, 5);
	conn_query_end(&q);
	cr_assert_eq(begin("{\"after\": \"7.0.0.0\"}"), 0);
	expect_next(WORKER_COUNT, 0);
	conn_query_end(&q);
}

Test(conn_query, a_full_page_leaves_the_rest_for_the_next)
{
	cr_assert_eq(begin("{\"limit\": 10}"), 0);
	take(0, 1, 10, false);
	cr_expect(conn_query_is_full(&q));
	expect_next(1, 0);
	conn_query_end(&q);
	cr_assert_eq(begin("{\"limit\": 10}"), 0);
	take(0, 1, 11, false);
	cr_expect(conn_query_is_full(&q));
	expect_next(0, 10);
	conn_query_end(&q);
}

Test(conn_query, takes_what_is_wanted)
{
	cr_assert_eq(begin("{\"peer\": \"10.0.0.32/28\","
			   " \"min_idle\": \"40s\"}"),
	    0);
	take(0, 1, 64, false);
	cr_expect_eq(json_array_size(q.rows), 8, "32 to 47, from 40 on");
	expect_next(1, 0);
	conn_query_end(&q);
}

Test(conn_query, names_a_slot_that_is_missing_once)
{
	json_t *result;
	char *text;

	cr_assert_eq(begin("{}"), 0);
	lose(0);
	expect_next(1, 0);
	lose(1);
	expect_next(2, 0);
	take(2, 0xb13cfa4400000011, 1, false);
	result = conn_query_result(&q, true);
	text = json_dumps(result, JSON_COMPACT);
	cr_expect_str_eq(text,
	    "{\"connections\":[{\"id\":\"b13cfa44-17\",\"slot\":1,"
	    "\"generation\":2,\"pid\":1001,\"peer\":\"10.0.0.17:5555\","
	    "\"peer_pid\":null,\"state\":\"open\","
	    "\"since\":\"2025-12-31T23:59:00.000Z\",\"age_ms\":60000,"
	    "\"idle_ms\":17000,\"bytes_in\":0,\"bytes_out\":0,\"unsent\":0,"
	    "\"rtt_us\":null,\"proxy\":null,\"tls\":null}],\"next\":null,"
	    "\"missing\":[0]}",
	    "%s", text);
	free(text);
	json_decref(result);
	conn_query_end(&q);
}

Test(conn_query, next_is_where_it_was)
{
	json_t *result;
	struct conn_cursor at;

	cr_assert_eq(begin("{}"), 0);
	take(1, 1, 64, true);
	result = conn_query_result(&q, false);
	cr_assert_eq(
	    conn_cursor_parse(
		json_string_value(json_object_get(result, "next")), &at),
	    0);
	cr_expect_eq(at.slot, 0);
	cr_expect_eq(at.generation, 2);
	cr_expect_eq(at.pid, 1000);
	cr_expect_eq(at.after_id, 64);
	json_decref(result);
}

Test(conn_query, a_hostile_row_is_harmless)
{
	struct msg_conn_row row = { .id = 1,
		.state = CONN_WAITING,
		.age_ms = UINT64_MAX,
		.bytes_in = UINT64_MAX,
		.peer_pid = UINT32_MAX,
		.rtt_us = 12,
		.peer = "\xff\x1b[2J" };
	const struct worker_answer a = { .rows = &row, .count = 1 };
	json_t *o;

	cr_assert_eq(begin("{}"), 0);
	cr_assert_eq(conn_query_take(&q, &workers[0], &a, NOW_MS), 0);
	o = json_array_get(q.rows, 0);
	cr_expect(json_is_null(json_object_get(o, "since")));
	cr_expect_eq(json_integer_value(json_object_get(o, "bytes_in")),
	    INT64_MAX);
	cr_expect_str_eq(json_string_value(json_object_get(o, "peer")),
	    "?\x1b[2J");
	cr_expect_str_eq(json_string_value(json_object_get(o, "state")),
	    "waiting");
	conn_query_end(&q);
}
