/*
 * upstreams: the supervisor's part in what workers agree on about upstreams
 * (upstream_board.h): rows for the names of a plan, what an operator wants of
 * each, and what a worker had that is dead.
 *
 * The board belongs to the pool, which has one from its first listener of
 * protocol proxy on. For listeners of other protocols nothing is done.
 */
#ifndef MERCURY_SUPERVISOR_UPSTREAMS_H
#define MERCURY_SUPERVISOR_UPSTREAMS_H

#include <stdbool.h>

#include "common/err.h"
#include "common/proxy_plan.h"
#include "common/snapshot.h"

struct bulks;
struct listener;
struct listener_spec;
struct pool;
struct worker;

/* l is new in its pool: give rows to its names. Returns 0, or -1 with *err. */
int upstreams_begin(struct listener *l, struct err *err);

/*
 * The same for a spec that l is about to have, and its values. Returns 0, or
 * -1 with *err, and nothing has changed.
 */
int upstreams_assign(struct listener *l, const struct listener_spec *,
    const struct bulks *values, struct err *err);

/* What was wanted of those of old is wanted of those of heir. */
void upstreams_succeed(struct listener *heir, const struct listener *old);

/*
 * Is any of them a name, which a worker has to resolve? True, too, if that
 * can't be told.
 */
bool upstreams_have_names(const struct listener *l);

/* The worker is about to hear of l: it needs the board. */
void upstreams_send(const struct listener *l, struct worker *);

/* A worker is gone: what it had is free. Its scoreboard is mapped still. */
void upstreams_reclaim(struct listener *l, const struct worker *);

/* The pool is gone. */
void upstreams_close(struct pool *);

/*
 * From now on mode is wanted of one upstream. Returns 0, or -1 with *err that
 * names those that there are.
 */
int upstreams_set(struct listener *l, const char *name, enum upstream_mode mode,
    struct err *err);

/* Add an UPSTREAM row for each. */
void upstreams_add(struct snapshot_writer *, const struct listener *l);

/* The rows of one listener alone. Returns a descriptor, or -1 with *err. */
int upstreams_snapshot(const struct listener *l, struct err *err);

#endif /* MERCURY_SUPERVISOR_UPSTREAMS_H */
