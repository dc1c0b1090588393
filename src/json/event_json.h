/*
 * event_json: what the store answers as JSON. Pure.
 *
 * Its rows come from a file in which anybody may have written anything.
 */
#ifndef MERCURY_JSON_EVENT_JSON_H
#define MERCURY_JSON_EVENT_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct snapshot_reader;

struct event_page {
	json_t *events; /* an array, oldest first; json_decref() it */
	bool more;      /* there may be more, behind these: */
	uint64_t last_ms;
	uint64_t last_id;
	uint64_t newest_id; /* that the store has */
};

/*
 * Read EVENT rows and the PAGE row behind them. Rows from the one on that
 * would make more than max_bytes of text are left for the next page, but the
 * first is always taken. Returns 0, or -1 when out of memory or when that is
 * no page.
 */
int event_json_page(struct snapshot_reader *, size_t max_bytes,
    struct event_page *out);

/*
 * The result of events.cleanup. Gives a new reference; NULL when out of
 * memory or when there is no CLEANUP row.
 */
json_t *event_json_cleanup(struct snapshot_reader *);

#endif /* MERCURY_JSON_EVENT_JSON_H */
