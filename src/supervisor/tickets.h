/*
 * tickets: the keys that the workers of a TLS listener encrypt session tickets
 * with: the same for all of them, so that a device resumes with any worker,
 * and after a restart of one. Made here, kept in memory only, and new ones
 * twice a day; a ticket is good for a day then.
 */
#ifndef MERCURY_SUPERVISOR_TICKETS_H
#define MERCURY_SUPERVISOR_TICKETS_H

#include <stdint.h>

#include "common/err.h"
#include "common/ticket_keys.h"

struct event_base;

#define TICKETS_LIFE_MS (12u * 3600u * 1000u)

/*
 * A listener's keys; zeroed, it has none. Those of tickets_new() are left out
 * of a core dump, and a child of ours has no copy of them.
 */
struct tickets {
	struct ticket_keys keys;
	uint64_t made_ms; /* the newest; CLOCK_MONOTONIC */
};

/*
 * Have keys that are fresh at now_ms: there is a new one when the newest is
 * TICKETS_LIFE_MS old, and the oldest goes then. Returns whether there is one.
 */
int tickets_renew(struct tickets *, uint64_t now_ms);

/* Make them, with a first key. Returns NULL when out of memory. */
struct tickets *tickets_new(uint64_t now_ms);

/* Forget them, so that nobody finds them in our memory. Nulls *t. */
void tickets_free(struct tickets **t);

/* From now on renew those of all listeners, and tell their workers. */
int tickets_start(struct event_base *, struct err *err);
void tickets_stop(void);

#endif /* MERCURY_SUPERVISOR_TICKETS_H */
