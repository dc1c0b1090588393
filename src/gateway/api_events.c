#include "gateway/api_events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "gateway/route.h"
#include "json/event_cursor.h"
#include "json/event_json.h"
#include "json/fields.h"
#include "json/when.h"

#define VALUE_SIZE 1024

/* Texts may be long: a page has fewer rows rather than more bytes. */
#define PAGE_BYTES_MAX ((size_t)1 << 20)

#define SAY(why, ...) \
	((void)snprintf((why), EVENT_PARAMS_TEXT_SIZE, __VA_ARGS__), -1)

/* Those that event_params.h reads, as JSON. Returns 0, or -1 with why. */
static int
add_words(const char *params, json_t *object,
    char why[static EVENT_PARAMS_TEXT_SIZE])
{
	static const char *const keys[] = { "type", "severity", "listener" };
	char value[VALUE_SIZE];
	enum route_found found;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		found = route_param(params, keys[i], value, sizeof(value));
		/* An empty one is what a form sends that was left alone. */
		if (found == ROUTE_BAD ||
		    (value[0] != '\0' &&
			json_object_set_new(object, keys[i],
			    json_string(value)) == -1))
			return SAY(why, "%s: its value is malformed", keys[i]);
	}
	return 0;
}

static int
read_filter(const char *params, struct event_filter *out,
    char why[static EVENT_PARAMS_TEXT_SIZE])
{
	json_t *object = json_object();
	int result = add_words(params, object, why);

	if (result == 0)
		result = event_params_filter(object, out, why);
	json_decref(object);
	return result;
}

static int
read_limit(const char *params, uint32_t *out,
    char why[static EVENT_PARAMS_TEXT_SIZE])
{
	char value[VALUE_SIZE];
	const enum route_found found =
	    route_param(params, "limit", value, sizeof(value));
	unsigned long n;

	*out = API_EVENTS_DEFAULT;
	if (found != ROUTE_BAD && value[0] == '\0')
		return 0;
	n = strtoul(value, NULL, 10);
	if (found == ROUTE_BAD || strlen(value) > 4 ||
	    value[strspn(value, "0123456789")] != '\0' || n < 1 ||
	    n > EVENTS_PAGE_MAX)
		return SAY(why, "limit: must be from 1 to %u", EVENTS_PAGE_MAX);
	*out = (uint32_t)n;
	return 0;
}

static int
read_since(const char *params, uint64_t *out_ms,
    char why[static EVENT_PARAMS_TEXT_SIZE])
{
	char value[VALUE_SIZE];
	const enum route_found found =
	    route_param(params, "since", value, sizeof(value));
	struct err err;

	if (found != ROUTE_BAD && value[0] == '\0')
		return 0;
	if (found == ROUTE_BAD)
		return SAY(why, "since: its value is malformed");
	if (when_parse(value, clock_real_ms(), out_ms, &err) == -1)
		return SAY(why, "since: %s", err.text);
	return 0;
}

/* Where a page before has ended. */
static int
read_after(const char *params, struct msg_events_query *out,
    char why[static EVENT_PARAMS_TEXT_SIZE])
{
	char value[VALUE_SIZE];
	const enum route_found found =
	    route_param(params, "after", value, sizeof(value));
	struct event_cursor from;

	if (found != ROUTE_BAD && value[0] == '\0')
		return 0;
	if (found == ROUTE_BAD || event_cursor_parse(value, &from) == -1)
		return SAY(why,
		    "after: must be what \"next\" was in the page before");
	out->newest = 0;
	out->until_id = from.until_id;
	out->filter.since_ms = from.since_ms;
	out->after_ms = from.after_ms;
	out->after_id = from.after_id;
	return 0;
}

int
api_events_query(const char *params, struct msg_events_query *out,
    char why[static EVENT_PARAMS_TEXT_SIZE])
{
	memset(out, 0, sizeof(*out));
	if (read_filter(params, &out->filter, why) == -1 ||
	    read_limit(params, &out->rows, why) == -1 ||
	    read_since(params, &out->filter.since_ms, why) == -1)
		return -1;
	out->order = EVENTS_BY_TIME;
	out->newest = out->rows;
	if (read_after(params, out, why) == -1)
		return -1;
	/* One row more tells that there is no next page. */
	if (out->newest != 0 && out->rows < EVENTS_PAGE_MAX)
		out->rows++;
	return 0;
}

/* --- the answer --- */

/* Does a page lead on from where it was asked for? */
static bool
leads_on(const struct event_page *page, const struct msg_events_query *q)
{
	if (page->last_ms != q->after_ms)
		return page->last_ms > q->after_ms;
	return page->last_id > q->after_id;
}

/* The next page begins behind this one, and knows no event that came later. */
static void
move_on(struct msg_events_query *q, const struct event_page *page)
{
	q->newest = 0;
	q->after_ms = page->last_ms;
	q->after_id = page->last_id;
}

/* Takes the events of the page. */
static json_t *
result_of(const struct event_page *page, const struct msg_events_query *q)
{
	const struct event_cursor next = { .until_id = q->until_id,
		.since_ms = q->filter.since_ms,
		.after_ms = page->last_ms,
		.after_id = page->last_id };
	char text[EVENT_CURSOR_SIZE];

	event_cursor_format(&next, text);
	return json_pack("{s:o, s:s?, s:o}", "events", page->events, "next",
	    page->more ? text : NULL, "last_id", field_number(q->until_id));
}

json_t *
api_events_result(struct snapshot_reader *r, struct msg_events_query *q,
    bool *again)
{
	struct event_page page;

	*again = false;
	if (event_json_page(r, PAGE_BYTES_MAX, &page) == -1)
		return NULL;
	if (q->until_id == 0)
		q->until_id = page.newest_id;
	if (page.more && !leads_on(&page, q)) {
		json_decref(page.events);
		return NULL;
	}
	if (!page.more || json_array_size(page.events) > 0)
		return result_of(&page, q);
	/* The store has looked for long enough, and has found none so far. */
	json_decref(page.events);
	move_on(q, &page);
	*again = true;
	return NULL;
}
