/*
 * tree_json: the supervision tree of a snapshot as JSON. Pure, but for the
 * memory of a process, which the caller looks up.
 */
#ifndef MERCURY_CONTROL_TREE_JSON_H
#define MERCURY_CONTROL_TREE_JSON_H

#include <jansson.h>
#include <stdint.h>

struct snapshot_reader;

/* Resident memory of a process in bytes; -1 where that can't be known. */
typedef int64_t (*tree_memory_fn)(uint32_t pid);

/*
 * The result of daemon.tree. Gives a new reference; NULL when out of memory
 * or when the snapshot is none.
 */
json_t *tree_json(struct snapshot_reader *, tree_memory_fn);

#endif /* MERCURY_CONTROL_TREE_JSON_H */
