/*
 * counters: the figures of a listener, added up over its workers, those that
 * are gone included. They never go back.
 */
#ifndef MERCURY_SUPERVISOR_COUNTERS_H
#define MERCURY_SUPERVISOR_COUNTERS_H

#include <stdint.h>

#include "common/scoreboard.h"

struct listener;
struct worker;

/* Totals of workers gone and alive. */
void counters_own(const struct listener *, uint64_t out[static COUNTER_COUNT]);

/* The same with those that it has replaced, and that drain still. */
void counters_of(const struct listener *, uint64_t out[static COUNTER_COUNT]);

/*
 * heir takes the place of a listener, under its name: its figures go on with
 * those of the other one, which it gets for good when that is gone: old has no
 * heir afterwards.
 */
void counters_succeed(struct listener *heir, struct listener *old);
void counters_bequeath(struct listener *old);

/* Where the last probes came from, who was seen last first. */
void counters_probes_of(const struct listener *, struct probe_sum *out);

/*
 * Keep the figures of a worker that is gone, once. Its open connections
 * ended with it, and their places in the gate are free.
 */
void counters_fold(struct listener *, const struct worker *);

#endif /* MERCURY_SUPERVISOR_COUNTERS_H */
