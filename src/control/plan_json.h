/* plan_json: what a reload would do, as JSON. Pure. */
#ifndef MERCURY_CONTROL_PLAN_JSON_H
#define MERCURY_CONTROL_PLAN_JSON_H

#include <jansson.h>

struct snapshot_reader;

/*
 * The result of daemon.reload with dry_run: what would change, and how many
 * listeners would not. Gives a new reference; NULL when out of memory.
 */
json_t *plan_json(struct snapshot_reader *);

#endif /* MERCURY_CONTROL_PLAN_JSON_H */
