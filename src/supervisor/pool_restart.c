#include "supervisor/pool_restart.h"

#include <stdbool.h>
#include <stdlib.h>

#include "supervisor/listener.h"
#include "supervisor/listener_workers.h"
#include "supervisor/pool.h"
#include "supervisor/pool_check.h"
#include "supervisor/record_listener.h"

static int
add_waiter(struct pool_waiters *waiters,
    void (*done)(void *, const struct err *), void *ctx, struct err *err)
{
	struct pool_waiter *w = malloc(sizeof(*w));

	if (w == NULL)
		return err_sys(err, "a hot restart");
	w->done = done;
	w->ctx = ctx;
	STAILQ_INSERT_TAIL(waiters, w, next);
	return 0;
}

static void
tell_waiters(struct pool_waiters *waiters, const struct err *err)
{
	struct pool_waiter *w;

	while ((w = STAILQ_FIRST(waiters)) != NULL) {
		STAILQ_REMOVE_HEAD(waiters, next);
		w->done(w->ctx, err);
		free(w);
	}
}

/* The candidate is not to be; err tells who waits for it why. */
static void
drop_candidate(struct pool *p, const struct err *err)
{
	struct crew *crew = p->candidate;
	struct listener *l;

	if (crew == NULL)
		return;
	p->candidate = NULL;
	TAILQ_FOREACH (l, &p->listeners, in_pool)
		slots_drop_candidate(l);
	/* What it has accepted by now may finish. */
	crew_hand_over(crew, UINT32_MAX);
	tell_waiters(&p->waiters, err);
}

void
pool_restart_give_up(struct pool *p, const struct err *err)
{
	drop_candidate(p, err);
	tell_waiters(&p->queued, err);
}

/* Another crew for it, which takes over when all of it is up. */
static int
start_candidate(struct pool *p, unsigned int workers, uint32_t deadline_ms,
    struct err *err)
{
	p->candidate = pool_add_crew(p, CREW_CANDIDATE, workers, err);
	if (p->candidate == NULL)
		return -1;
	p->told = false;
	p->hand_over_ms = deadline_ms;
	crew_start(p->candidate);
	return 0;
}

/* For those who could not join the candidate that was there. */
static void
start_next(struct pool *p)
{
	struct err err;

	if (STAILQ_EMPTY(&p->queued) || p->candidate != NULL)
		return;
	STAILQ_CONCAT(&p->waiters, &p->queued);
	if (start_candidate(p,
		p->next_workers == 0 ? p->workers : p->next_workers,
		p->next_hand_over_ms, &err) == -1)
		tell_waiters(&p->waiters, &err);
}

/* Nothing changes, but for those who want another one. */
static void
fail_candidate(struct pool *p, const struct err *err)
{
	drop_candidate(p, err);
	start_next(p);
}

int
pool_restart_renew(struct pool *p, struct err *err)
{
	const struct err why = { .code = ERR_BUSY,
		.text =
		    "its workers are replaced by some that start programs" };

	if (p->crew == NULL || !pool_wants_programs(p) ||
	    crew_starts_programs(p->crew) ||
	    (p->candidate != NULL && crew_starts_programs(p->candidate)))
		return 0;
	drop_candidate(p, &why);
	if (start_candidate(p, p->workers, UINT32_MAX, err) == 0)
		return 0;
	tell_waiters(&p->queued, err);
	return -1;
}

static void
tell_crew(struct listener *l, struct crew *crew)
{
	unsigned int i;

	for (i = 0; i < crew->workers_count; i++)
		listener_tell(l, &crew->workers[i]);
}

/* All of the candidate is up: it gets the sockets, beside the other crew. */
static void
tell_candidate(struct pool *p)
{
	struct listener *l;
	struct err err;

	p->told = true;
	TAILQ_FOREACH (l, &p->listeners, in_pool) {
		if (slots_prepare(l, p->candidate->workers_count, &err) == -1) {
			fail_candidate(p, &err);
			return;
		}
	}
	TAILQ_FOREACH (l, &p->listeners, in_pool)
		tell_crew(l, p->candidate);
	pool_restart_check(p);
}

/* Every socket is served by the candidate: the crew before may go. */
static void
switch_crews(struct pool *p)
{
	struct crew *old = p->crew;
	struct listener *l;

	p->crew = p->candidate;
	p->candidate = NULL;
	p->crew->phase = CREW_SERVING;
	p->generation = p->crew->generation;
	p->workers = p->crew->workers_count;
	TAILQ_FOREACH (l, &p->listeners, in_pool)
		slots_switch(l);
	if (old != NULL)
		crew_hand_over(old, p->hand_over_ms);
	TAILQ_FOREACH (l, &p->listeners, in_pool) {
		/* The old one may not have emptied what it was to empty. */
		if (l->phase == SOCKETS_CLOSING)
			tell_crew(l, p->crew);
		record_restarted(l);
		listener_changed(l);
		if (l->after_drain)
			listener_check(l);
	}
	tell_waiters(&p->waiters, NULL);
	start_next(p);
}

void
pool_restart_check(struct pool *p)
{
	const struct listener *l;

	if (p->candidate == NULL)
		return;
	if (!p->told) {
		if (crew_is_up(p->candidate))
			tell_candidate(p);
		return;
	}
	TAILQ_FOREACH (l, &p->listeners, in_pool)
		if (!slots_candidate_serves(l))
			return;
	switch_crews(p);
}

/*
 * Is the candidate what a restart of now would start? Its workers must not know
 * yet what to serve, for that may have changed: a certificate, say.
 */
static bool
can_join(const struct pool *p, unsigned int workers)
{
	const struct crew *crew = p->candidate;

	return !p->told && crew->uid == p->uid && crew->gid == p->gid &&
	    (workers == 0 || workers == crew->workers_count) &&
	    (crew_starts_programs(crew) || !pool_wants_programs(p));
}

int
pool_restart(struct pool *p, unsigned int workers, uint32_t deadline_ms,
    void (*done)(void *, const struct err *), void *ctx, struct err *err)
{
	const bool first = STAILQ_EMPTY(&p->queued);

	if (p->phase == POOL_HALTING || p->phase == POOL_STOPPING)
		return err_set(err, ERR_BUSY, "pool %s is being %s", p->name,
		    p->phase == POOL_HALTING ? "restarted" : "stopped");
	if (p->crew == NULL) {
		/* Nothing runs: the next crew will be as wanted. */
		if (workers != 0)
			p->workers = workers;
		done(ctx, NULL);
		return 0;
	}
	if (p->candidate != NULL && can_join(p, workers))
		return add_waiter(&p->waiters, done, ctx, err);
	if (add_waiter(&p->queued, done, ctx, err) == -1)
		return -1;
	if (first || workers != 0)
		p->next_workers = workers;
	if (first || deadline_ms < p->next_hand_over_ms)
		p->next_hand_over_ms = deadline_ms;
	start_next(p);
	return 0;
}

void
pool_restart_failed(struct pool *p, const struct worker *w, const char *how)
{
	struct err err;

	(void)err_set(&err, ERR_UNAVAILABLE,
	    "nothing was changed: new worker %s %s", w->child.title, how);
	fail_candidate(p, &err);
}

void
pool_restart_refused(struct pool *p, const struct worker *w, const char *why)
{
	struct err err;

	(void)err_set(&err, ERR_INVALID,
	    "nothing was changed: new worker %s: %s", w->child.title, why);
	fail_candidate(p, &err);
}
