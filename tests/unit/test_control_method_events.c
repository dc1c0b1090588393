#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/snapshot.h"
#include "control/method.h"
#include "unit/json_rows.h"
#include "unit/method_start.h"

static struct call call;

static enum method_step
start(const char *name, const char *params)
{
	return method_start(&call, NULL, name, params);
}

/* The store answers with so many rows of ids up to last_id. */
static enum method_step
answer(uint64_t rows, uint64_t last_id, bool more, uint64_t newest_id)
{
	const char *const texts[EVENT_TEXT_COUNT] = { "daemon.ready", "info" };
	const struct snapshot_page p = { .last_ms = last_id * 1000,
		.last_id = last_id,
		.newest_id = newest_id,
		.more = more };
	struct snapshot_writer w = { 0 };
	struct snapshot_event e;
	struct snapshot_reader r;
	const struct method_answer a = { .snapshot = &r };
	enum method_step step;
	uint64_t i;

	for (i = last_id - rows + 1; rows > 0 && i <= last_id; i++) {
		e = (struct snapshot_event){ .id = i, .at_ms = i * 1000 };
		snapshot_add_event(&w, &e, texts);
	}
	snapshot_add(&w, SNAPSHOT_PAGE, &p, sizeof(p));
	json_rows_seal(&w, &r);
	step = call.method->answered(&call, &a);
	snapshot_close(&r);
	return step;
}

static const struct msg_events_query *
asked(void)
{
	cr_assert_eq(call.kind, IPC_EVENTS_QUERY);
	cr_expect_eq(call.ask.EVENTS_QUERY.request, 7);
	return &call.ask.EVENTS_QUERY;
}

static void
expect_result(size_t events, bool next, json_int_t last_id)
{
	cr_expect_eq(json_array_size(json_object_get(call.result, "events")),
	    events);
	cr_expect_eq(json_is_string(json_object_get(call.result, "next")),
	    next);
	cr_expect_eq(
	    json_integer_value(json_object_get(call.result, "last_id")),
	    last_id);
}

Test(method_events, a_query_from_page_to_page)
{
	char params[256];

	cr_assert_eq(start("events.query",
			 "{\"limit\": 1500, \"listener\": \"pos\","
			 " \"since\": \"2026-01-01\"}"),
	    METHOD_ASK_STORE);
	cr_expect_eq(asked()->order, EVENTS_BY_ID);
	cr_expect_eq(asked()->after_id, EVENTS_FROM_NOW);
	cr_assert_eq(answer(0, 0, false, 5000), METHOD_ASK_STORE);
	cr_expect_eq(asked()->order, EVENTS_BY_TIME);
	cr_expect_eq(asked()->after_id, 0);
	cr_expect_eq(asked()->until_id, 5000);
	cr_expect_eq(asked()->newest, 1500);
	cr_expect_eq(asked()->filter.since_ms, 1767225600000u);
	cr_expect_str_eq(asked()->filter.listener, "pos");
	/* Nothing among those that it looked at: on with the next. */
	cr_assert_eq(answer(0, 2000, true, 5001), METHOD_ASK_STORE);
	cr_expect_eq(asked()->after_id, 2000);
	cr_expect_eq(asked()->after_ms, 2000000);
	cr_expect_eq(asked()->newest, 0);
	cr_assert_eq(answer(10, 3000, true, 5001), METHOD_DONE);
	expect_result(10, true, 5000);
	(void)snprintf(params, sizeof(params),
	    "{\"limit\": 1500, \"listener\": \"pos\", \"after\": \"%s\"}",
	    json_string_value(json_object_get(call.result, "next")));
	method_end(&call);

	cr_assert_eq(start("events.query", params), METHOD_ASK_STORE);
	cr_expect_eq(asked()->order, EVENTS_BY_TIME);
	cr_expect_eq(asked()->after_id, 3000);
	cr_expect_eq(asked()->after_ms, 3000000);
	cr_expect_eq(asked()->until_id, 5000);
	cr_expect_eq(asked()->newest, 0);
	cr_expect_eq(asked()->filter.since_ms, 1767225600000u, "as at first");
	cr_assert_eq(answer(3, 5000, false, 5001), METHOD_DONE);
	expect_result(3, false, 5000);
	method_end(&call);
}

Test(method_events, an_empty_table_needs_no_page)
{
	cr_assert_eq(start("events.query", "{}"), METHOD_ASK_STORE);
	cr_assert_eq(answer(0, 0, false, 0), METHOD_DONE);
	expect_result(0, false, 0);
	method_end(&call);
}

Test(method_events, since_is_a_while_ago)
{
	const uint64_t before_ms = clock_real_ms();

	cr_assert_eq(start("events.query", "{\"since\": \"1h\"}"),
	    METHOD_ASK_STORE);
	cr_assert_eq(answer(0, 0, false, 1), METHOD_ASK_STORE);
	cr_expect_geq(asked()->filter.since_ms + 3600000, before_ms);
	cr_expect_leq(asked()->filter.since_ms + 3600000, clock_real_ms());
}

Test(method_events, a_page_that_leads_nowhere_is_an_error)
{
	cr_assert_eq(start("events.query", "{\"after\": \"9.0.7d0.2\"}"),
	    METHOD_ASK_STORE);
	cr_expect_eq(asked()->after_ms, 2000);
	cr_assert_eq(answer(0, 2, true, 9), METHOD_FAILED);
	cr_expect_eq(call.error.reason, ERR_INTERNAL);
}

Test(method_events, a_reply_is_no_page)
{
	const struct msg_reply reply = { .request = 7 };
	const struct method_answer a = { .reply = &reply };
	static const char *const names[] = { "events.query", "events.follow",
		"events.cleanup" };
	size_t i;

	for (i = 0; i < 3; i++) {
		cr_assert_eq(start(names[i], "{}"), METHOD_ASK_STORE);
		cr_expect_eq(call.method->answered(&call, &a), METHOD_FAILED);
		cr_expect_eq(call.error.reason, ERR_INTERNAL);
	}
}

Test(method_events, follow_begins_at_the_end_or_after_an_id)
{
	static const struct {
		const char *params;
		uint64_t newest, want;
	} cases[] = {
		{ "{}", 50, 50 },
		{ "{}", 0, 0 },
		{ "{\"after_id\": 20}", 50, 20 },
		{ "{\"after_id\": 0}", 50, 0 },
		{ "{\"after_id\": 51}", 50, 50 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert_eq(start("events.follow", cases[i].params),
		    METHOD_ASK_STORE);
		cr_expect(call.method->traits & METHOD_FOLLOWS);
		cr_expect_eq(asked()->after_id, EVENTS_FROM_NOW);
		cr_assert_eq(answer(0, 0, false, cases[i].newest), METHOD_DONE);
		cr_expect_eq(call.after_id, cases[i].want);
		cr_expect_eq(
		    json_integer_value(json_object_get(call.result, "last_id")),
		    (json_int_t)cases[i].want);
		method_end(&call);
	}
}

Test(method_events, cleanup)
{
	static const struct {
		const char *params;
		uint64_t older_than_ms;
		uint32_t dry_run;
	} cases[] = {
		{ "{}", 0, 0 },
		{ "{\"older_than\": \"0s\"}", 1, 0 },
		{ "{\"older_than\": \"7d\", \"dry_run\": true}", 604800000, 1 },
	};
	const struct msg_events_cleanup *m = &call.ask.EVENTS_CLEANUP;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert_eq(start("events.cleanup", cases[i].params),
		    METHOD_ASK_STORE);
		cr_expect_eq(call.kind, IPC_EVENTS_CLEANUP);
		cr_expect_eq(m->request, 7);
		cr_expect_eq(m->older_than_ms, cases[i].older_than_ms);
		cr_expect_eq(m->dry_run, cases[i].dry_run);
	}
}
