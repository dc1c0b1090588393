#include "control/method_events.h"

#include <string.h>

#include "common/clock.h"
#include "option/value.h"
#include "json/event_cursor.h"
#include "json/event_json.h"
#include "json/event_params.h"
#include "json/fields.h"
#include "json/when.h"

/* Texts may be long: a page has fewer rows rather than more bytes. */
#define PAGE_BYTES_MAX ((size_t)1 << 20)

static const uint64_t limit_range[2] = { 1, UINT32_MAX };
static const uint64_t id_range[2] = { 0, INT64_MAX };

static enum method_step
fail(struct call *call, const char *key, const struct err *err)
{
	(void)rpc_fail(&call->error, RPC_SERVER, "%s: %s", key, err->text);
	return METHOD_FAILED;
}

/* Read a page, however it is ordered. Returns 0, or -1. */
static int
read_page(const struct method_answer *a, struct event_page *page)
{
	if (a->snapshot == NULL)
		return -1;
	return event_json_page(a->snapshot, PAGE_BYTES_MAX, page);
}

/* Ask for nothing but the number of the newest event. */
static enum method_step
ask_newest(struct call *call)
{
	struct msg_events_query *m = &call->ask.EVENTS_QUERY;

	m->request = call->request;
	m->rows = 1;
	m->order = EVENTS_BY_ID;
	m->after_id = EVENTS_FROM_NOW;
	call->kind = IPC_EVENTS_QUERY;
	return METHOD_ASK_STORE;
}

/* Ask for a page of those up to until_id. */
static enum method_step
ask_page(struct call *call, const struct event_cursor *from)
{
	struct msg_events_query *m = &call->ask.EVENTS_QUERY;

	m->request = call->request;
	m->rows = EVENTS_PAGE_MAX;
	m->order = EVENTS_BY_TIME;
	m->newest =
	    from->after_id == 0 && from->after_ms == 0 ? call->limit : 0;
	m->filter.since_ms = from->since_ms;
	m->after_ms = from->after_ms;
	m->after_id = from->after_id;
	m->until_id = from->until_id;
	call->kind = IPC_EVENTS_QUERY;
	call->looked = true;
	return METHOD_ASK_STORE;
}

/* Read the filter, and a number if key is among the params; or fail. */
static int
read_params(struct call *call, const json_t *params, const char *key,
    const uint64_t range[static 2], uint64_t *number)
{
	char why[EVENT_PARAMS_TEXT_SIZE];

	if (event_params_filter(params, &call->ask.EVENTS_QUERY.filter, why) ==
		-1 ||
	    event_params_number(params, key, range, number, why) == -1)
		return rpc_fail(&call->error, RPC_SERVER, "%s", why);
	return 0;
}

enum method_step
events_query_start(struct call *call, const json_t *params)
{
	struct msg_events_query *m = &call->ask.EVENTS_QUERY;
	const char *since = json_string_value(json_object_get(params, "since"));
	const char *after = json_string_value(json_object_get(params, "after"));
	struct event_cursor cursor;
	uint64_t limit = 0;
	struct err err;

	memset(m, 0, sizeof(*m));
	if (read_params(call, params, "limit", limit_range, &limit) == -1)
		return METHOD_FAILED;
	if (since != NULL &&
	    when_parse(since, clock_real_ms(), &m->filter.since_ms, &err) == -1)
		return fail(call, "since", &err);
	call->limit = (uint32_t)limit;
	if (after == NULL)
		return ask_newest(call);
	if (event_cursor_parse(after, &cursor) == 0)
		return ask_page(call, &cursor);
	(void)rpc_fail(&call->error, RPC_SERVER,
	    "after: must be what \"next\" was in the page before");
	return METHOD_FAILED;
}

/* Events (taken) and the cursor of what follows them; NULL: nothing does. */
static enum method_step
query_done(struct call *call, json_t *events, const struct event_cursor *next,
    uint64_t last_id)
{
	char text[EVENT_CURSOR_SIZE];

	if (next != NULL)
		event_cursor_format(next, text);
	return method_done(call,
	    json_pack("{s:o, s:s?, s:o}", "events", events, "next",
		next == NULL ? NULL : text, "last_id", field_number(last_id)));
}

/* All that there is by now is asked for, and what comes later is not. */
static enum method_step
query_first(struct call *call, const struct event_page *page)
{
	const struct event_cursor from = {
		.until_id = page->newest_id,
		.since_ms = call->ask.EVENTS_QUERY.filter.since_ms,
	};

	if (page->newest_id == 0)
		return query_done(call, json_array(), NULL, 0);
	return ask_page(call, &from);
}

/* Does a page lead on from where it was asked for? */
static bool
leads_on(const struct event_page *page, const struct msg_events_query *m)
{
	if (page->last_ms != m->after_ms)
		return page->last_ms > m->after_ms;
	return page->last_id > m->after_id;
}

enum method_step
events_query_answered(struct call *call, const struct method_answer *a)
{
	const struct msg_events_query *m = &call->ask.EVENTS_QUERY;
	struct event_cursor next;
	struct event_page page;

	if (read_page(a, &page) == -1)
		return method_done(call, NULL);
	if (!call->looked) {
		json_decref(page.events);
		return query_first(call, &page);
	}
	next = (struct event_cursor){ .until_id = m->until_id,
		.since_ms = m->filter.since_ms,
		.after_ms = page.last_ms,
		.after_id = page.last_id };
	if (page.more && !leads_on(&page, m)) {
		json_decref(page.events);
		return method_done(call, NULL);
	}
	if (page.more && json_array_size(page.events) == 0) {
		json_decref(page.events);
		return ask_page(call, &next);
	}
	return query_done(call, page.events, page.more ? &next : NULL,
	    next.until_id);
}

enum method_step
events_follow_start(struct call *call, const json_t *params)
{
	struct msg_events_query *m = &call->ask.EVENTS_QUERY;

	memset(m, 0, sizeof(*m));
	call->after_id = EVENTS_FROM_NOW;
	if (read_params(call, params, "after_id", id_range, &call->after_id) ==
	    -1)
		return METHOD_FAILED;
	return ask_newest(call);
}

enum method_step
events_follow_answered(struct call *call, const struct method_answer *a)
{
	struct event_page page;

	if (read_page(a, &page) == -1)
		return method_done(call, NULL);
	json_decref(page.events);
	if (call->after_id > page.newest_id)
		call->after_id = page.newest_id;
	return method_done(call,
	    json_pack("{s:b, s:o}", "following", 1, "last_id",
		field_number(call->after_id)));
}

enum method_step
events_cleanup_start(struct call *call, const json_t *params)
{
	struct msg_events_cleanup *m = &call->ask.EVENTS_CLEANUP;
	const char *text =
	    json_string_value(json_object_get(params, "older_than"));
	struct err err;

	*m = (struct msg_events_cleanup){
		.request = call->request,
		.dry_run = json_is_true(json_object_get(params, "dry_run")),
	};
	if (text != NULL &&
	    value_duration(text, 0, WHEN_AGO_MAX_MS, &m->older_than_ms, &err) ==
		-1)
		return fail(call, "older_than", &err);
	/* 0 would leave it to the settings. */
	if (text != NULL && m->older_than_ms == 0)
		m->older_than_ms = 1;
	call->kind = IPC_EVENTS_CLEANUP;
	return METHOD_ASK_STORE;
}

enum method_step
events_cleanup_answered(struct call *call, const struct method_answer *a)
{
	return method_done(call,
	    a->snapshot == NULL ? NULL : event_json_cleanup(a->snapshot));
}
