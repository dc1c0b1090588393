/*
 * status_json: a snapshot of the supervisor as the JSON that users see. Pure,
 * but for the clock in daemon.status.
 *
 * Each gives a new reference, NULL when out of memory or when the snapshot
 * has no such row.
 */
#ifndef MERCURY_JSON_STATUS_JSON_H
#define MERCURY_JSON_STATUS_JSON_H

#include <jansson.h>

struct snapshot_reader;

/* The result of daemon.status. */
json_t *status_json_daemon(struct snapshot_reader *);

/* The first listener, as in the result of daemon.status. */
json_t *status_json_listener(struct snapshot_reader *);

/* The result of listener.list. */
json_t *status_json_list(struct snapshot_reader *);

#endif /* MERCURY_JSON_STATUS_JSON_H */
