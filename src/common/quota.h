/*
 * quota: how often something may be done in a second, where one process does
 * work for another, or for strangers. Pure; owned by who counts. All 0: none
 * of it is used.
 */
#ifndef MERCURY_COMMON_QUOTA_H
#define MERCURY_COMMON_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

struct quota {
	uint64_t since_ms; /* when its second began; CLOCK_MONOTONIC */
	uint32_t used;     /* since then */
};

/* Once more, at now_ms? Returns false when per_s are used up. */
bool quota_take(struct quota *, uint32_t per_s, uint64_t now_ms);

#endif /* MERCURY_COMMON_QUOTA_H */
