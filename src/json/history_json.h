/*
 * history_json: the records that the supervisor keeps, as JSON. Pure.
 *
 * Each gives a new reference, NULL when out of memory.
 */
#ifndef MERCURY_JSON_HISTORY_JSON_H
#define MERCURY_JSON_HISTORY_JSON_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct snapshot_reader;

/*
 * The result of supervisor.history: the newest records of a snapshot, at most
 * max, the oldest of these first. One that came for several listeners, which
 * share their workers, is there once.
 */
json_t *history_json_records(struct snapshot_reader *, size_t max);

/* The result of supervisor.failure_rate over so many milliseconds, not 0. */
json_t *history_json_failures(struct snapshot_reader *, uint32_t window_ms);

#endif /* MERCURY_JSON_HISTORY_JSON_H */
