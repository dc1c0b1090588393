/*
 * group: listeners that are restarted together, as strategy.h has it.
 *
 * When a worker of one of them has to be restarted, the crews of those that
 * the strategy names are sent away one by one from the last to the first,
 * and started again from the first to the last, each before the next. Their
 * sockets stay open: clients wait in the queues.
 */
#ifndef MERCURY_SUPERVISOR_GROUP_H
#define MERCURY_SUPERVISOR_GROUP_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/spec.h"

struct event_base;
struct pool;

/* A group as the config file has it. */
struct group_plan {
	struct group_spec spec;
	char (*children)[SPEC_NAME_SIZE]; /* names of listeners, in order */
	size_t count;
};

/*
 * From now on these are the groups. What is under way in a group that stays
 * as it is goes on. The plans are copied. Returns 0, or -1 with *err: then
 * there are only those for which there was memory.
 */
int groups_set(struct event_base *base, const struct group_plan *, size_t n,
    struct err *err);
void groups_free(void);

/*
 * A worker of the pool has to be restarted. Returns true if the group of its
 * listener does that, or has failed because of it.
 */
bool group_restarts(struct pool *);

/* The crew of the pool has gone (pool_halt()), or its pool has failed. */
void group_pool_halted(struct pool *);
void group_pool_failed(struct pool *);

/* A listener is settled, or is no more: the next may follow. */
void group_listener_changed(const char *name);

/* The name of the listener's group, or NULL. */
const char *group_of(const char *listener);

#endif /* MERCURY_SUPERVISOR_GROUP_H */
