#include <criterion/criterion.h>
#include <string.h>

#include "control/method.h"
#include "control/workers.h"
#include "unit/method_start.h"

static const struct worker workers[] = { { 0, 1, 900 }, { 1, 1, 901 } };
static struct call call;

static enum method_step
start(const char *name, const char *params)
{
	return method_start(&call, NULL, name, params);
}

/* The supervisor says that these are all workers. */
static enum method_step
linked(unsigned int count)
{
	const struct msg_reply reply = { .request = 7 };
	const struct method_answer a = { .reply = &reply };

	cr_expect_eq(call.kind, IPC_REQ_WORKERS);
	cr_expect_eq(call.ask.REQ_WORKERS.request, 7);
	cr_expect_str_eq(call.ask.REQ_WORKERS.name, "pos");
	call.workers = workers;
	call.worker_count = count;
	return call.method->answered(&call, &a);
}

static enum method_step
answered(const struct worker_answer *worker)
{
	const struct method_answer a = { .worker = worker };

	return call.method->answered(&call, &a);
}

static enum method_step
page(unsigned int index, uint64_t first, size_t count, bool more)
{
	struct msg_conn_row rows[CONN_PAGE_MAX] = { { 0 } };
	size_t i;

	for (i = 0; i < count; i++)
		rows[i].id = first + i;
	return answered(&(struct worker_answer){ .index = index,
	    .more = more,
	    .last_id = first + count - 1,
	    .rows = rows,
	    .count = count });
}

static void
expect_asked(unsigned int index, uint64_t after_id)
{
	const struct msg_conn_list *m = &call.ask.CONN_LIST;

	cr_expect_eq(call.asked, index);
	cr_expect_eq(call.kind, IPC_CONN_LIST);
	cr_expect_eq(m->request, 7);
	cr_expect_eq(m->rows, CONN_PAGE_MAX);
	cr_expect_eq(m->after_id, after_id);
}

static void
expect_result(size_t rows, bool next, size_t missing)
{
	cr_expect_eq(
	    json_array_size(json_object_get(call.result, "connections")), rows);
	cr_expect_eq(json_is_string(json_object_get(call.result, "next")),
	    next);
	cr_expect_eq(json_array_size(json_object_get(call.result, "missing")),
	    missing);
	method_end(&call);
}

Test(method_connection, a_list_of_all)
{
	cr_assert_eq(start("connection.list", "{\"name\": \"pos\"}"),
	    METHOD_ASK);
	cr_assert_eq(linked(2), METHOD_ASK_WORKER);
	expect_asked(0, 0);
	cr_assert_eq(page(0, 5, 64, true), METHOD_ASK_WORKER);
	expect_asked(0, 68);
	cr_assert_eq(page(0, 100, 1, false), METHOD_ASK_WORKER);
	expect_asked(1, 0);
	cr_assert_eq(page(1, 1, 1, false), METHOD_DONE);
	expect_result(66, false, 0);
}

Test(method_connection, a_list_without_workers)
{
	cr_assert_eq(start("connection.list", "{\"name\": \"pos\"}"),
	    METHOD_ASK);
	cr_assert_eq(linked(0), METHOD_DONE);
	expect_result(0, false, 0);
}

Test(method_connection, a_list_to_its_limit)
{
	cr_assert_eq(
	    start("connection.list", "{\"name\": \"pos\", \"limit\": 2}"),
	    METHOD_ASK);
	cr_assert_eq(linked(2), METHOD_ASK_WORKER);
	cr_assert_eq(page(0, 1, 2, false), METHOD_DONE);
	expect_result(2, true, 0);
	cr_assert_eq(
	    start("connection.list", "{\"name\": \"pos\", \"limit\": 2}"),
	    METHOD_ASK);
	cr_assert_eq(linked(1), METHOD_ASK_WORKER);
	cr_assert_eq(page(0, 1, 2, false), METHOD_DONE);
	expect_result(2, false, 0);
}

Test(method_connection, a_list_leaves_out_who_is_lost)
{
	cr_assert_eq(start("connection.list", "{\"name\": \"pos\"}"),
	    METHOD_ASK);
	cr_assert_eq(linked(2), METHOD_ASK_WORKER);
	cr_assert_eq(
	    answered(&(struct worker_answer){ .index = 0, .lost = true }),
	    METHOD_ASK_WORKER);
	expect_asked(1, 0);
	cr_assert_eq(page(1, 1, 3, false), METHOD_DONE);
	expect_result(3, false, 1);
}

Test(method_connection, a_list_that_takes_long_ends_early)
{
	cr_assert_eq(start("connection.list", "{\"name\": \"pos\"}"),
	    METHOD_ASK);
	cr_assert_eq(linked(2), METHOD_ASK_WORKER);
	call.until_ms = 0;
	cr_assert_eq(page(0, 1, 3, false), METHOD_DONE);
	expect_result(3, true, 0);
}

Test(method_connection, a_snapshot_is_no_answer)
{
	const struct method_answer a = { .reply = NULL };

	cr_assert_eq(start("connection.list", "{\"name\": \"pos\"}"),
	    METHOD_ASK);
	cr_expect_eq(call.method->answered(&call, &a), METHOD_FAILED);
	method_end(&call);
	cr_assert_eq(start("connection.kick",
			 "{\"name\": \"pos\", \"id\": \"b13cfa44-17\"}"),
	    METHOD_ASK);
	cr_expect_eq(call.method->answered(&call, &a), METHOD_FAILED);
	method_end(&call);
}

static void
begin_kick(unsigned int count, enum method_step want)
{
	cr_assert_eq(start("connection.kick",
			 "{\"name\": \"pos\", \"id\": \"b13cfa44-17\"}"),
	    METHOD_ASK);
	cr_assert_eq(linked(count), want);
	if (want != METHOD_ASK_WORKERS)
		return;
	cr_expect_eq(call.kind, IPC_CONN_KICK);
	cr_expect_eq(call.ask.CONN_KICK.request, 7);
	cr_expect_eq(call.ask.CONN_KICK.id, 0xb13cfa4400000011);
}

Test(method_connection, a_kick)
{
	begin_kick(2, METHOD_ASK_WORKERS);
	cr_assert_eq(page(1, 0, 0, false), METHOD_WAIT);
	cr_assert_eq(page(0, 0, 0, true), METHOD_DONE);
	cr_expect_str_eq(json_string_value(json_object_get(call.result, "id")),
	    "b13cfa44-17");
	cr_expect(json_is_true(json_object_get(call.result, "kicked")));
	method_end(&call);
}

Test(method_connection, a_kick_of_nobody)
{
	begin_kick(0, METHOD_FAILED);
	cr_expect_eq(call.error.reason, ERR_NOT_FOUND);
	begin_kick(2, METHOD_ASK_WORKERS);
	cr_assert_eq(page(0, 0, 0, false), METHOD_WAIT);
	cr_assert_eq(page(1, 0, 0, false), METHOD_FAILED);
	cr_expect_eq(call.error.reason, ERR_NOT_FOUND);
	cr_expect_str_eq(call.error.text,
	    "pos has no connection b13cfa44-17: it has ended, or there never "
	    "was one");
}

Test(method_connection, a_kick_that_not_all_have_answered)
{
	begin_kick(2, METHOD_ASK_WORKERS);
	cr_assert_eq(
	    answered(&(struct worker_answer){ .index = 1, .lost = true }),
	    METHOD_WAIT);
	cr_assert_eq(page(0, 0, 0, false), METHOD_FAILED);
	cr_expect_eq(call.error.reason, ERR_TIMEOUT);
}

Test(method_connection, params)
{
	static const char *const bad[][2] = {
		{ "connection.list", "{}" },
		{ "connection.list", "{\"name\": \"a/b\"}" },
		{ "connection.list", "{\"name\": \"pos\", \"limit\": 1001}" },
		{ "connection.list", "{\"name\": \"pos\", \"limit\": \"5\"}" },
		{ "connection.list", "{\"name\": \"pos\", \"id\": \"x\"}" },
		{ "connection.kick", "{\"name\": \"pos\"}" },
		{ "connection.kick", "{\"name\": \"pos\", \"id\": 17}" },
		{ "connection.kick", "{\"name\": \"pos\", \"id\": \"17\"}" },
		{ "connection.kick",
		    "{\"name\": \"a/b\","
		    " \"id\": \"b13cfa44-17\"}" },
		{ "connection.kick",
		    "{\"name\": \"pos\","
		    " \"id\": \"b13cfa44-017\"}" },
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_expect_eq(start(bad[i][0], bad[i][1]), METHOD_FAILED, "%s",
		    bad[i][1]);
		method_end(&call);
	}
}
