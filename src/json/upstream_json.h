/* upstream_json: the upstreams of a listener, as users see them. */
#ifndef MERCURY_JSON_UPSTREAM_JSON_H
#define MERCURY_JSON_UPSTREAM_JSON_H

#include <jansson.h>

struct snapshot_reader;
struct snapshot_upstream;

/*
 * {"upstreams": [...]} of the rows of a snapshot. Returns a new reference, or
 * NULL when out of memory.
 */
json_t *upstream_json_all(struct snapshot_reader *);

/*
 * Count one in the object that says of a proxy how many are up, down, not
 * checked and not ready, and how many connections wait. A new one, or NULL.
 */
json_t *upstream_json_summary(void);

/* Returns 0, or -1 when out of memory. */
int upstream_json_count(json_t *summary, const struct snapshot_upstream *);

#endif /* MERCURY_JSON_UPSTREAM_JSON_H */
