/* store_json: the store in daemon.status. Pure. */
#ifndef MERCURY_JSON_STORE_JSON_H
#define MERCURY_JSON_STORE_JSON_H

#include <jansson.h>
#include <stdint.h>

struct snapshot_store;

/*
 * Gives a new reference, null without a store (NULL); NULL when out of
 * memory. now_ms is CLOCK_MONOTONIC.
 */
json_t *store_json(const struct snapshot_store *, uint64_t now_ms);

#endif /* MERCURY_JSON_STORE_JSON_H */
