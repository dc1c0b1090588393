#include "supervisor/group.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "supervisor/backoff.h"
#include "supervisor/intensity.h"
#include "supervisor/listener.h"
#include "supervisor/pool.h"
#include "supervisor/strategy.h"

enum group_phase { GROUP_IDLE, GROUP_HALTING, GROUP_WAITING, GROUP_STARTING };

struct group {
	TAILQ_ENTRY(group) next;
	struct group_plan plan;
	struct intensity intensity;
	enum group_phase phase;
	struct strategy_plan todo; /* unless idle */
	unsigned int at;           /* the child that is being started */
	unsigned int failures;     /* in a row */
	uint64_t last_ms;          /* of the last failure */
	struct event *timer;       /* backoff, then on with it */
};

static TAILQ_HEAD(, group) groups = TAILQ_HEAD_INITIALIZER(groups);

static void
free_group(struct group *g)
{
	if (g->timer != NULL)
		event_free(g->timer);
	intensity_free(&g->intensity);
	free(g->plan.children);
	free(g);
}

/* The pool of child n, if it is there. */
static struct pool *
pool_of(const struct group *g, unsigned int n)
{
	const struct listener *l = listener_find(g->plan.children[n]);

	return l == NULL || l->goal == GOAL_REMOVE ? NULL : l->pool;
}

/* Sets *n to the child's place in its group; NULL: it has none. */
static struct group *
find(const char *listener, unsigned int *n)
{
	struct group *g;
	unsigned int i;

	TAILQ_FOREACH (g, &groups, next) {
		for (i = 0; i < g->plan.count; i++) {
			if (strcmp(g->plan.children[i], listener) != 0)
				continue;
			*n = i;
			return g;
		}
	}
	return NULL;
}

static struct group *
find_by_pool(const struct pool *p, unsigned int *n)
{
	const struct listener *l = TAILQ_FIRST(&p->listeners);

	return l == NULL ? NULL : find(l->spec.name, n);
}

const char *
group_of(const char *listener)
{
	const struct group *g;
	unsigned int n;

	g = find(listener, &n);
	return g == NULL ? NULL : g->plan.spec.name;
}

/* Start the children from g->at on, each when the one before is ready. */
static void
go_on_starting(struct group *g)
{
	unsigned int at;
	struct pool *p;
	struct err err;

	for (; g->at <= g->todo.last; g->at++) {
		p = pool_of(g, g->at);
		if (p == NULL || p->phase == POOL_FAILED)
			continue;
		at = g->at;
		if (pool_begin(p, &err) == -1)
			pool_fail(p, err.text);
		if (g->phase != GROUP_STARTING || g->at != at)
			return; /* group_listener_changed() went on */
		if (p->phase != POOL_FAILED &&
		    !listener_is_settled(listener_find(g->plan.children[at])))
			return; /* group_listener_changed() comes */
	}
	g->phase = GROUP_IDLE;
	log_info("group", g->plan.spec.name, "restarted");
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct group *g = arg;

	(void)fd;
	(void)what;
	if (g->phase != GROUP_WAITING)
		return;
	g->phase = GROUP_STARTING;
	g->at = g->todo.first;
	go_on_starting(g);
}

/* All are halted: start them, but not at once if they keep failing. */
static void
begin_starting(struct group *g)
{
	const uint32_t ms = backoff_ms(g->failures);
	const struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	g->phase = GROUP_WAITING;
	if (event_add(g->timer, &tv) == -1)
		on_timer(-1, 0, g);
}

/* Halt the children from the last on, each when the one after is gone. */
static void
go_on_halting(struct group *g)
{
	unsigned int n = g->todo.last + 1;
	struct pool *p;

	while (n-- > g->todo.first) {
		p = pool_of(g, n);
		if (p == NULL)
			continue;
		if (p->phase == POOL_RUNNING)
			pool_halt(p);
		if (g->phase != GROUP_HALTING)
			return; /* the last one was gone at once */
		if (p->phase == POOL_HALTING)
			return; /* group_pool_halted() comes */
	}
	begin_starting(g);
}

static void
fail(struct group *g)
{
	unsigned int n;
	struct pool *p;

	log_error("group", g->plan.spec.name,
	    "more than %u restarts in %u s: given up",
	    g->intensity.max_restarts, g->intensity.max_seconds);
	g->phase = GROUP_IDLE;
	for (n = (unsigned int)g->plan.count; n-- > 0;) {
		p = pool_of(g, n);
		if (p != NULL)
			pool_fail(p, "its group has restarted too often");
	}
}

bool
group_restarts(struct pool *pool)
{
	const uint64_t now = clock_mono_ms();
	struct strategy_plan plan;
	unsigned int k;
	struct group *g = find_by_pool(pool, &k);

	if (g == NULL)
		return false;
	if (intensity_exceeded(&g->intensity, now)) {
		fail(g);
		return true;
	}
	if (g->plan.spec.strategy == STRATEGY_ONE_FOR_ONE)
		return false;
	if (now - g->last_ms >= BACKOFF_HEALTHY_MS)
		g->failures = 0;
	g->failures++;
	g->last_ms = now;
	plan = strategy_plan((enum strategy_id)g->plan.spec.strategy,
	    (unsigned int)g->plan.count, k);
	if (g->phase == GROUP_STARTING)
		g->todo.first = g->at;
	g->todo = g->phase == GROUP_IDLE ? plan : strategy_merge(g->todo, plan);
	log_warning("group", g->plan.spec.name, "%s: restarting from %s to %s",
	    strategy_name(g->plan.spec.strategy),
	    g->plan.children[g->todo.first], g->plan.children[g->todo.last]);
	g->phase = GROUP_HALTING;
	go_on_halting(g);
	return true;
}

void
group_pool_halted(struct pool *p)
{
	struct err err;
	unsigned int n;
	struct group *g = find_by_pool(p, &n);

	if (g != NULL && g->phase == GROUP_HALTING) {
		go_on_halting(g);
		return;
	}
	/* Its group is no more, or not what it was. */
	if (g == NULL || g->phase == GROUP_IDLE)
		if (pool_begin(p, &err) == -1)
			pool_fail(p, err.text);
}

void
group_pool_failed(struct pool *p)
{
	const struct listener *l;

	TAILQ_FOREACH (l, &p->listeners, in_pool)
		group_listener_changed(l->spec.name);
}

void
group_listener_changed(const char *name)
{
	unsigned int n;
	struct group *g = find(name, &n);

	if (g == NULL)
		return;
	if (g->phase == GROUP_HALTING)
		go_on_halting(g); /* its pool may be no more */
	else if (g->phase == GROUP_STARTING && g->at == n)
		go_on_starting(g);
}

/* --- the table --- */

static bool
same_plan(const struct group_plan *a, const struct group_plan *b)
{
	return memcmp(&a->spec, &b->spec, sizeof(a->spec)) == 0 &&
	    a->count == b->count &&
	    (a->count == 0 ||
		memcmp(a->children, b->children,
		    a->count * sizeof(*a->children)) == 0);
}

static struct group *
new_group(struct event_base *base, const struct group_plan *plan,
    struct err *err)
{
	struct group *g = calloc(1, sizeof(*g));

	if (g == NULL) {
		(void)err_sys(err, "a group");
		return NULL;
	}
	g->plan.spec = plan->spec;
	g->plan.count = plan->count;
	g->plan.children = calloc(plan->count + 1, sizeof(*plan->children));
	g->timer = event_new(base, -1, 0, on_timer, g);
	if (g->plan.children == NULL || g->timer == NULL ||
	    intensity_init(&g->intensity, plan->spec.max_restarts,
		plan->spec.max_seconds, err) == -1) {
		(void)err_set(err, ERR_UNAVAILABLE, "a group: out of memory");
		free_group(g);
		return NULL;
	}
	if (plan->count > 0)
		memcpy(g->plan.children, plan->children,
		    plan->count * sizeof(*plan->children));
	return g;
}

/* The group that is there and the same, taken off the table, or NULL. */
static struct group *
take_same(const struct group_plan *plan)
{
	struct group *g;

	TAILQ_FOREACH (g, &groups, next) {
		if (!same_plan(&g->plan, plan))
			continue;
		TAILQ_REMOVE(&groups, g, next);
		return g;
	}
	return NULL;
}

/*
 * What was under way in a group that is no more must still come to an end: a
 * worker that has ended left its restart to the group.
 */
static void
release(struct group *g)
{
	unsigned int n;
	struct pool *p;
	struct err err;

	for (n = 0; n < g->plan.count && g->phase != GROUP_IDLE; n++) {
		p = pool_of(g, n);
		if (p == NULL)
			continue;
		if (g->phase == GROUP_HALTING && n >= g->todo.first &&
		    n <= g->todo.last)
			pool_halt(p); /* group_pool_halted() comes */
		if (p->phase == POOL_IDLE && pool_begin(p, &err) == -1)
			pool_fail(p, err.text);
	}
	free_group(g);
}

int
groups_set(struct event_base *base, const struct group_plan *plans, size_t n,
    struct err *err)
{
	TAILQ_HEAD(, group) fresh = TAILQ_HEAD_INITIALIZER(fresh);
	struct group *g;
	size_t i;

	for (i = 0; i < n; i++) {
		g = take_same(&plans[i]);
		if (g == NULL)
			g = new_group(base, &plans[i], err);
		if (g == NULL)
			break;
		TAILQ_INSERT_TAIL(&fresh, g, next);
	}
	/* Out of memory: the groups that are kept stay, and no more come. */
	while ((g = TAILQ_FIRST(&groups)) != NULL) {
		TAILQ_REMOVE(&groups, g, next);
		release(g);
	}
	TAILQ_CONCAT(&groups, &fresh, next);
	return i == n ? 0 : -1;
}

void
groups_free(void)
{
	struct group *g;

	while ((g = TAILQ_FIRST(&groups)) != NULL) {
		TAILQ_REMOVE(&groups, g, next);
		free_group(g);
	}
}
