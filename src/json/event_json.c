#include "json/event_json.h"

#include <string.h>

#include "common/clock.h"
#include "common/ipc_msg.h"
#include "common/snapshot.h"
#include "json/depth.h"
#include "json/fields.h"

/* null for what is no JSON object. */
static json_t *
detail_json(const char *text)
{
	const size_t len = strnlen(text, EVENT_TEXT_MAX);
	json_t *o = NULL;

	if (!json_is_too_deep(text, len))
		o = json_loadb(text, len, 0, NULL);
	if (json_is_object(o))
		return o;
	json_decref(o);
	return json_null();
}

static json_t *
text_or_null(const char *text)
{
	return field_string_or_null(text, EVENT_TEXT_MAX);
}

/* A key and its value on each line. */
/* clang-format off */
static json_t *
event_json(const struct snapshot_event *e,
    const char *const texts[EVENT_TEXT_COUNT])
{
	char at[CLOCK_RFC3339_SIZE];

	clock_format(e->at_ms, at);
	return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "id", field_number(e->id),
	    "at", at,
	    "at_ms", field_number(e->at_ms),
	    "type", field_string(texts[EVENT_TEXT_TYPE], EVENT_TEXT_MAX),
	    "severity", field_string(texts[EVENT_TEXT_SEVERITY], EVENT_TEXT_MAX),
	    "listener", text_or_null(texts[EVENT_TEXT_LISTENER]),
	    "peer", text_or_null(texts[EVENT_TEXT_PEER]),
	    "reason", text_or_null(texts[EVENT_TEXT_REASON]),
	    "detail", detail_json(texts[EVENT_TEXT_DETAIL]));
}

static json_t *
cleanup_json(const struct snapshot_cleanup *c)
{
	return json_pack("{s:o, s:o, s:o, s:b}",
	    "rows", field_number(c->rows),
	    "bytes", field_number(c->bytes),
	    "duration_ms", field_number(c->duration_ms),
	    "dry_run", c->dry_run != 0);
}
/* clang-format on */

/* Add a row that there is room for. Returns 0, or -1. */
static int
take_event(struct snapshot_reader *r, const struct snapshot_event *e,
    struct event_page *out)
{
	const char *texts[EVENT_TEXT_COUNT];

	if (snapshot_event_texts(r, texts) == -1)
		return -1;
	out->last_ms = e->at_ms;
	out->last_id = e->id;
	return json_array_append_new(out->events, event_json(e, texts));
}

/* The last row: where the page ends, unless it was cut before. */
static void
take_end(const struct snapshot_page *p, bool cut, struct event_page *out)
{
	out->newest_id = p->newest_id;
	out->more = cut || p->more != 0;
	if (cut)
		return;
	out->last_ms = p->last_ms;
	out->last_id = p->last_id;
}

int
event_json_page(struct snapshot_reader *r, size_t max_bytes,
    struct event_page *out)
{
	enum snapshot_kind kind = SNAPSHOT_PAGE;
	bool ended = false, cut = false;
	size_t bytes = 0;
	const void *row;
	int failed = 0;

	memset(out, 0, sizeof(*out));
	out->events = json_array();
	while (!failed && !ended && (row = snapshot_next(r, &kind)) != NULL) {
		if (kind == SNAPSHOT_PAGE) {
			take_end(row, cut, out);
			ended = true;
		} else if (kind == SNAPSHOT_EVENT) {
			bytes += r->row_size;
			cut = cut ||
			    (bytes > max_bytes &&
				json_array_size(out->events) > 0) ||
			    json_array_size(out->events) == EVENTS_PAGE_MAX;
			failed = cut ? 0 : take_event(r, row, out);
		}
	}
	if (!failed && ended)
		return 0;
	json_decref(out->events);
	out->events = NULL;
	return -1;
}

json_t *
event_json_cleanup(struct snapshot_reader *r)
{
	enum snapshot_kind kind;
	const void *row;

	while ((row = snapshot_next(r, &kind)) != NULL)
		if (kind == SNAPSHOT_CLEANUP)
			return cleanup_json(row);
	return NULL;
}
