/* pool_check: may a listener join a pool, and say this of it? */
#ifndef MERCURY_SUPERVISOR_POOL_CHECK_H
#define MERCURY_SUPERVISOR_POOL_CHECK_H

#include <stdbool.h>

#include "common/err.h"
#include "common/spec.h"

/* What listeners say of their pool. */
#define POOL_OPTIONS                                                 \
	(OPTION_BIT(OPT_WORKERS) | OPTION_BIT(OPT_USER) |            \
	    OPTION_BIT(OPT_RESTART) | OPTION_BIT(OPT_MAX_RESTARTS) | \
	    OPTION_BIT(OPT_MAX_SECONDS) | OPTION_BIT(OPT_HANG_TIMEOUT))

struct pool;

/*
 * Can workers be who the spec wants them to be? Only root can make them
 * somebody else. With a pool, that must be who they are. Returns 0, or -1 with
 * *err.
 */
int pool_check_user(const struct pool *, const struct listener_spec *,
    struct err *err);

/*
 * Has it a listener whose connections are given to programs, or is it to have
 * one?
 */
bool pool_wants_programs(const struct pool *);

/*
 * Which of the POOL_OPTIONS are not of the pool as the spec has them; workers
 * is how many that asks for.
 */
option_set pool_differs(const struct pool *, const struct listener_spec *,
    unsigned int workers);

/*
 * What a listener that joins says of the pool (set) must be true of it;
 * workers is how many its spec asks for. Workers that may not start programs
 * can't learn it: where others have them, a listener with programs is refused,
 * and the next workers of the pool may. Returns 0, or -1 with *err.
 */
int pool_check(struct pool *, const struct listener_spec *, option_set set,
    unsigned int workers, struct err *err);

/*
 * A listener that is in a group has its pool for itself. In the config file
 * nothing else can be said: for what is added at runtime. Returns 0, or -1 with
 * *err.
 */
int pool_check_group(const char *pool, struct err *err);

#endif /* MERCURY_SUPERVISOR_POOL_CHECK_H */
