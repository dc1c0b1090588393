/*
 * pool_restart: hot restart of a pool.
 *
 * A new crew, the candidate, is started beside the one that serves. When all
 * of it is up it gets the sockets too; when each socket is served by it the
 * crew before may go. If any of its workers fails nothing changes. A restart
 * that is asked for meanwhile joins it, or follows if it needs other workers.
 */
#ifndef MERCURY_SUPERVISOR_POOL_RESTART_H
#define MERCURY_SUPERVISOR_POOL_RESTART_H

#include <stdint.h>

#include "common/err.h"

struct pool;
struct worker;

/*
 * Hot restart with so many workers (0: as many as it has): a new crew takes
 * over, or nothing changes. What the old one has open may go on for the
 * drain_timeout of each listener, but not longer than deadline_ms. done(ctx)
 * hears when the new one serves, unless this returns -1 with *err.
 */
int pool_restart(struct pool *, unsigned int workers, uint32_t deadline_ms,
    void (*done)(void *ctx, const struct err *), void *ctx, struct err *err);

/*
 * A listener with programs may have joined workers that start none: replace
 * those. Returns 0, or -1 with *err.
 */
int pool_restart_renew(struct pool *, struct err *err);

/* There is to be no restart, now or next; err tells the waiters why. */
void pool_restart_give_up(struct pool *, const struct err *err);

/*
 * Something has changed that the candidate may have waited for: a worker of it
 * is up or serves a slot, or a listener is to be served no more.
 */
void pool_restart_check(struct pool *);

/* w, of the candidate, has ended; or it can't serve what it was told to. */
void pool_restart_failed(struct pool *, const struct worker *w,
    const char *how);
void pool_restart_refused(struct pool *, const struct worker *w,
    const char *why);

#endif /* MERCURY_SUPERVISOR_POOL_RESTART_H */
