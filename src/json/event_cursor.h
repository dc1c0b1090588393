/*
 * event_cursor: where a query of events goes on with its next page, as a text
 * that the client gives back. Pure.
 */
#ifndef MERCURY_JSON_EVENT_CURSOR_H
#define MERCURY_JSON_EVENT_CURSOR_H

#include <stdint.h>

#include "json/cursor.h"

#define EVENT_CURSOR_NUMBERS 4
#define EVENT_CURSOR_SIZE CURSOR_SIZE(EVENT_CURSOR_NUMBERS)

struct event_cursor {
	uint64_t until_id; /* not 0: what came after the first page was asked */
	uint64_t since_ms; /* what "1h" ago was then */
	uint64_t after_ms; /* the key of the last row of the last page */
	uint64_t after_id;
};

void event_cursor_format(const struct event_cursor *,
    char out[static EVENT_CURSOR_SIZE]);

/* Returns 0, or -1 when text is none that event_cursor_format() made. */
int event_cursor_parse(const char *text, struct event_cursor *out);

#endif /* MERCURY_JSON_EVENT_CURSOR_H */
