/*
 * tree_json: the supervision tree of a snapshot as JSON. Pure, but for what a
 * process takes of the machine, which the caller looks up.
 */
#ifndef MERCURY_JSON_TREE_JSON_H
#define MERCURY_JSON_TREE_JSON_H

#include <jansson.h>

#include "json/usage.h"

struct snapshot_reader;

/*
 * The result of daemon.tree. Gives a new reference; NULL when out of memory
 * or when the snapshot is none.
 */
json_t *tree_json(struct snapshot_reader *, usage_fn);

#endif /* MERCURY_JSON_TREE_JSON_H */
