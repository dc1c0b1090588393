#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "common/event.h"
#include "gateway/api_events.h"
#include "unit/json_rows.h"

Test(api_events, all_that_can_be_asked_for)
{
	struct msg_events_query q;
	char why[EVENT_PARAMS_TEXT_SIZE];

	cr_assert_eq(api_events_query("", &q, why), 0);
	cr_expect_eq(q.newest, API_EVENTS_DEFAULT);
	cr_expect_eq(q.rows, API_EVENTS_DEFAULT + 1);
	cr_expect_eq(q.order, EVENTS_BY_TIME);
	cr_expect_eq(q.filter.types, 0);
	cr_assert_eq(api_events_query("since=2026-01-01&listener=my%20pos&type="
				      "worker.crashed,daemon.ready&severity="
				      "error&limit=7",
			 &q, why),
	    0, "%s", why);
	cr_expect_eq(q.filter.since_ms, 1767225600000);
	cr_expect_str_eq(q.filter.listener, "my pos");
	cr_expect_eq(q.filter.types,
	    (uint64_t)1 << EVENT_WORKER_CRASHED |
		(uint64_t)1 << EVENT_DAEMON_READY);
	cr_expect_eq(q.filter.severities, 1u << EVENT_SEVERITY_ERROR);
	cr_expect_eq(q.newest, 7);
	cr_assert_eq(api_events_query("limit=1000&type=&listener=", &q, why),
	    0);
	cr_expect_eq(q.newest, 1000);
	cr_expect_eq(q.rows, EVENTS_PAGE_MAX);
	cr_assert_eq(api_events_query("after=9.5.7.8&limit=3", &q, why), 0);
	cr_expect_eq(q.newest, 0);
	cr_expect_eq(q.rows, 3);
	cr_expect_eq(q.until_id, 9);
	cr_expect_eq(q.filter.since_ms, 5);
	cr_expect_eq(q.after_ms, 7);
	cr_expect_eq(q.after_id, 8);
}

struct bad_case {
	char params[32];
	char says[32];
};

ParameterizedTestParameters(api_events, bad)
{
	static struct bad_case cases[] = {
		{ "limit=0", "from 1 to 1000" },
		{ "limit=1001", "from 1 to 1000" },
		{ "limit=-1", "from 1 to 1000" },
		{ "limit=1x", "from 1 to 1000" },
		{ "limit=00001", "from 1 to 1000" },
		{ "limit=%", "from 1 to 1000" },
		{ "since=x", "since: \"x\" is neither" },
		{ "since=%ff", "since: " },
		{ "type=x", "type: there is no \"x\"" },
		{ "type=%0a", "type: " },
		{ "severity=bad", "severity: " },
		{ "listener=a/b", "listener" },
		{ "after=1", "after: " },
	};

	return cr_make_param_array(struct bad_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct bad_case *k, api_events, bad)
{
	struct msg_events_query q;
	char why[EVENT_PARAMS_TEXT_SIZE] = "";

	cr_assert_eq(api_events_query(k->params, &q, why), -1, "%s", k->params);
	cr_expect_not_null(strstr(why, k->says), "%s: %s", k->params, why);
}

/* --- answers --- */

static const struct snapshot_page page = { .last_ms = 20,
	.last_id = 2,
	.newest_id = 3 };

static json_t *
result(const struct snapshot_page *p, size_t events, struct msg_events_query *q,
    bool *again)
{
	const char *texts[EVENT_TEXT_COUNT] = { NULL };
	const struct snapshot_event e = { .id = 2, .at_ms = 20 };
	struct snapshot_writer w = { 0 };
	struct snapshot_reader r;
	json_t *root;

	for (; events > 0; events--)
		snapshot_add_event(&w, &e, texts);
	if (p != NULL)
		snapshot_add(&w, SNAPSHOT_PAGE, p, sizeof(*p));
	json_rows_seal(&w, &r);
	root = api_events_result(&r, q, again);
	snapshot_close(&r);
	return root;
}

Test(api_events, the_last_page)
{
	struct msg_events_query q = { .newest = 10 };
	bool again;
	json_t *root = result(&page, 2, &q, &again);

	cr_assert_not_null(root);
	cr_expect_eq(json_array_size(json_object_get(root, "events")), 2);
	cr_expect(json_is_null(json_object_get(root, "next")));
	cr_expect_eq(json_integer_value(json_object_get(root, "last_id")), 3);
	json_decref(root);
}

Test(api_events, a_page_before_others)
{
	struct msg_events_query q = { .filter.since_ms = 5 };
	struct snapshot_page more = page;
	char params[64] = "after=", why[EVENT_PARAMS_TEXT_SIZE];
	bool again;
	json_t *root;

	more.more = 1;
	root = result(&more, 1, &q, &again);
	cr_assert_not_null(root);
	(void)strncat(params, json_string_value(json_object_get(root, "next")),
	    sizeof(params) - 7);
	json_decref(root);
	cr_assert_eq(api_events_query(params, &q, why), 0, "%s", why);
	cr_expect_eq(q.after_ms, 20);
	cr_expect_eq(q.after_id, 2);
	cr_expect_eq(q.until_id, 3);
	cr_expect_eq(q.filter.since_ms, 5);
}

Test(api_events, the_store_needs_more_time)
{
	struct msg_events_query q = { .newest = 10 };
	struct snapshot_page more = page;
	bool again = false;

	more.more = 1;
	cr_expect_null(result(&more, 0, &q, &again));
	cr_expect(again);
	cr_expect_eq(q.newest, 0);
	cr_expect_eq(q.after_ms, 20);
	cr_expect_eq(q.after_id, 2);
	cr_expect_eq(q.until_id, 3);
	/* It gets nowhere. */
	cr_expect_null(result(&more, 0, &q, &again));
	cr_expect_not(again);
}

Test(api_events, no_page)
{
	struct msg_events_query q = { 0 };
	bool again;

	cr_expect_null(result(NULL, 1, &q, &again));
	cr_expect_not(again);
}
