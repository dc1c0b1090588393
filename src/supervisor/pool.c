#include "supervisor/pool.h"

#include <sys/param.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/gate.h"
#include "common/log.h"
#include "supervisor/group.h"
#include "supervisor/listener.h"
#include "supervisor/pool_check.h"
#include "supervisor/pool_restart.h"
#include "supervisor/record.h"
#include "supervisor/restart.h"
#include "supervisor/upstreams.h"

static void on_sweep(void *);

static struct {
	struct pool_settings settings;
	struct pool_tree by_name;
	struct pool_list list;
	struct timer sweep; /* frees pools that have nothing left */
} all = { .list = TAILQ_HEAD_INITIALIZER(all.list),
	.sweep = { .fn = on_sweep } };

static int
compare_names(const struct pool *a, const struct pool *b)
{
	return strcmp(a->name, b->name);
}

RB_PROTOTYPE(pool_tree, pool, by_name, compare_names)
RB_GENERATE(pool_tree, pool, by_name, compare_names)

void
pool_configure(const struct pool_settings *s)
{
	all.settings = *s;
}

void
pool_unconfigure(void)
{
	timer_free(&all.sweep);
}

struct pool_list *
pools(void)
{
	return &all.list;
}

/* --- the table --- */

struct pool *
pool_find(const char *name)
{
	struct pool key;

	(void)strlcpy(key.name, name, sizeof(key.name));
	return RB_FIND(pool_tree, &all.by_name, &key);
}

static void
unlist(struct pool *p)
{
	if (p->listed)
		RB_REMOVE(pool_tree, &all.by_name, p);
	p->listed = false;
}

static void
free_pool(struct pool *p)
{
	struct listener *l;

	while ((l = TAILQ_FIRST(&p->listeners)) != NULL)
		listener_forget(l);
	unlist(p);
	TAILQ_REMOVE(&all.list, p, in_all);
	intensity_free(&p->intensity);
	history_free(&p->history);
	gates_unmap(&p->gates);
	(void)close(p->gates_fd);
	upstreams_close(p);
	free(p->records);
	free(p->entries);
	free(p);
}

/*
 * Pools go from the loop only: whoever looks at one when its last crew or
 * listener leaves can go on looking.
 */
static void
on_sweep(void *ctx)
{
	struct pool *p, *next;

	(void)ctx;
	TAILQ_FOREACH_SAFE (p, &all.list, in_all, next) {
		if (p->phase != POOL_STOPPING || !TAILQ_EMPTY(&p->crews))
			continue;
		free_pool(p);
		all.settings.pool_gone();
	}
}

static void
sweep_soon(void)
{
	timer_arm(&all.sweep, 0);
}

static unsigned int
count_of(const struct listener_spec *spec)
{
	return spec->workers == SPEC_WORKERS_AUTO ? all.settings.cpus
						  : spec->workers;
}

static int
open_gates(struct pool *p, struct err *err)
{
	p->gates_fd = gates_create(err);
	if (p->gates_fd == -1)
		return -1;
	p->gates = gates_map(p->gates_fd, err);
	if (p->gates != NULL)
		return 0;
	(void)close(p->gates_fd);
	return -1;
}

static struct pool *
new_pool(const struct listener_spec *spec, struct err *err)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		(void)err_sys(err, "a pool");
		return NULL;
	}
	(void)strlcpy(p->name, spec->pool, sizeof(p->name));
	TAILQ_INIT(&p->listeners);
	TAILQ_INIT(&p->crews);
	STAILQ_INIT(&p->waiters);
	STAILQ_INIT(&p->queued);
	p->upstreams_fd = -1;
	p->workers = count_of(spec);
	p->restart = (enum restart_id)spec->restart;
	p->hang_timeout_ms = spec->hang_timeout_ms;
	p->uid = spec->worker_uid;
	p->gid = spec->worker_gid;
	p->programs = spec->programs != 0;
	p->entries = calloc(SCOREBOARD_ENTRIES / 8, 1);
	if (p->entries == NULL ||
	    intensity_init(&p->intensity, spec->max_restarts, spec->max_seconds,
		err) == -1) {
		(void)err_set(err, ERR_UNAVAILABLE, "out of memory");
		free(p->entries);
		free(p);
		return NULL;
	}
	if (open_gates(p, err) == -1) {
		intensity_free(&p->intensity);
		free(p->entries);
		free(p);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&all.list, p, in_all);
	RB_INSERT(pool_tree, &all.by_name, p);
	p->listed = true;
	return p;
}

struct pool *
pool_for(const struct listener_spec *spec, option_set set, struct err *err)
{
	struct pool *p = pool_find(spec->pool);

	if (p == NULL)
		return pool_check_user(NULL, spec, err) == 0
		    ? new_pool(spec, err)
		    : NULL;
	if (p->phase == POOL_FAILED) {
		(void)err_set(err, ERR_UNAVAILABLE,
		    "pool %s has failed: restart one of its listeners first",
		    p->name);
		return NULL;
	}
	return pool_check(p, spec, set, count_of(spec), err) == 0 ? p : NULL;
}

unsigned int
pool_slots(const struct pool *p)
{
	return p->crew != NULL ? p->crew->workers_count : p->workers;
}

struct worker *
pool_worker(const struct pool *p, unsigned int n)
{
	return p->crew == NULL ? NULL
			       : &p->crew->workers[n % p->crew->workers_count];
}

bool
pool_has_future(const struct pool *p)
{
	return p->crew != NULL || p->phase == POOL_HALTING;
}

/* A worker that hung may have outlasted the listener that had it before. */
static bool
is_held(const struct pool *p, uint32_t entry)
{
	const struct crew *crew;

	TAILQ_FOREACH (crew, &p->crews, next)
		if (crew_holds(crew, entry))
			return true;
	return false;
}

static int
take_entry(struct pool *p, uint32_t *entry)
{
	uint32_t i;

	for (i = 0; i < SCOREBOARD_ENTRIES; i++) {
		if (p->entries[i / 8] == 0xff) {
			i |= 7;
			continue;
		}
		if ((p->entries[i / 8] & (1u << (i % 8))) || is_held(p, i))
			continue;
		p->entries[i / 8] |= (unsigned char)(1u << (i % 8));
		*entry = i;
		return 0;
	}
	return -1;
}

static void
leave_entry(struct pool *p, uint32_t entry)
{
	p->entries[entry / 8] &= (unsigned char)~(1u << (entry % 8));
}

int
pool_join(struct pool *p, struct listener *l, struct err *err)
{
	if (take_entry(p, &l->entry) == -1)
		return err_set(err, ERR_UNAVAILABLE,
		    "pool %s has %u listeners, the most that one can have",
		    p->name, SCOREBOARD_ENTRIES);
	if (upstreams_begin(l, err) == -1) {
		leave_entry(p, l->entry);
		return -1;
	}
	gate_reset(&p->gates->entries[l->entry]);
	TAILQ_INSERT_TAIL(&p->listeners, l, in_pool);
	return 0;
}

/* --- crews --- */

struct crew *
pool_add_crew(struct pool *p, enum crew_phase phase, unsigned int workers,
    struct err *err)
{
	struct crew *crew;

	crew = crew_new(p, phase, p->generation + 1, workers, err);
	if (crew == NULL)
		return NULL;
	TAILQ_INSERT_HEAD(&p->crews, crew, next);
	return crew;
}

int
pool_begin(struct pool *p, struct err *err)
{
	if (p->crew != NULL || p->phase == POOL_HALTING)
		return pool_restart_renew(p, err);
	p->crew = pool_add_crew(p, CREW_SERVING, p->workers, err);
	if (p->crew == NULL)
		return -1;
	p->generation = p->crew->generation;
	p->phase = POOL_RUNNING;
	p->programs = false; /* the crew is, from now on */
	crew_start(p->crew);
	return 0;
}

void
pool_worker_up(struct pool *p, struct worker *w)
{
	if (w->crew == p->candidate)
		pool_restart_check(p);
}

/* --- ends --- */

void
pool_fail(struct pool *p, const char *reason)
{
	const struct err err = { .code = ERR_UNAVAILABLE,
		.text = "the pool has failed" };
	struct crew *crew = p->crew;
	struct listener *l, *next;
	uint32_t longest_ms = 0;

	if (p->phase == POOL_FAILED || p->phase == POOL_STOPPING)
		return;
	p->phase = POOL_FAILED;
	pool_restart_give_up(p, &err);
	TAILQ_FOREACH_SAFE (l, &p->listeners, in_pool, next) {
		longest_ms = l->spec.drain_timeout_ms > longest_ms
		    ? l->spec.drain_timeout_ms
		    : longest_ms;
		listener_fail(l, reason);
	}
	/* Without a listener left it has begun to stop meanwhile. */
	if (p->phase == POOL_FAILED && crew != NULL) {
		p->crew = NULL;
		crew_stop(crew, longest_ms);
	}
	/* Nobody will come who empties what was left. */
	TAILQ_FOREACH_SAFE (l, &p->listeners, in_pool, next)
		listener_check(l);
	all.settings.failed(p);
}

void
pool_revive(struct pool *p)
{
	if (p->phase != POOL_FAILED)
		return;
	p->phase = POOL_IDLE;
	intensity_clear(&p->intensity);
}

void
pool_halt(struct pool *p)
{
	const struct err err = { .code = ERR_BUSY,
		.text = "the pool's group was restarted meanwhile" };
	struct crew *crew = p->crew;
	struct listener *l;

	if (p->phase != POOL_RUNNING)
		return;
	if (crew == NULL) {
		p->phase = POOL_IDLE; /* its workers are gone already */
		return;
	}
	p->phase = POOL_HALTING;
	p->halting = crew;
	pool_restart_give_up(p, &err);
	p->crew = NULL;
	/* Who waits in the queues waits for the next crew. */
	TAILQ_FOREACH (l, &p->listeners, in_pool)
		slots_clear(l);
	crew_hand_over(crew, 0);
}

/* A worker won't be replaced: its siblings take its slots, if it has any. */
static void
retire(struct pool *p, struct worker *w, const char *reason)
{
	char text[160];
	struct listener *l;

	timer_disarm(&w->late);
	child_stop(&w->child, 0);
	if (w->crew->gone + 1 < w->crew->workers_count) {
		TAILQ_FOREACH (l, &p->listeners, in_pool)
			slots_adopt(l, w);
		return;
	}
	(void)snprintf(text, sizeof(text),
	    "its last worker %s, and restart = %s", reason,
	    restart_name(p->restart));
	pool_fail(p, text);
}

/* It never came up: whoever waits for its listeners to be ready gives up. */
static void
give_up_starting(struct pool *p, const struct worker *w, const char *how)
{
	struct listener *l, *next;
	char reason[256];

	(void)snprintf(reason, sizeof(reason), "worker %s %s", w->child.title,
	    how);
	TAILQ_FOREACH_SAFE (l, &p->listeners, in_pool, next)
		listener_give_up(l, reason);
}

static void
restart_worker(struct pool *p, struct worker *w, const struct child_exit *how)
{
	struct health_event e = { .type = EVENT_WORKER_RESTART_LIMIT };
	char text[256];

	p->restarts++;
	if (intensity_exceeded(&p->intensity, clock_mono_ms())) {
		(void)snprintf(text, sizeof(text),
		    "more than %u restarts in %u s; the last: worker %s %s",
		    p->intensity.max_restarts, p->intensity.max_seconds,
		    w->child.title, how->text);
		event_add_number(&e, FACT_RESTARTS, p->restarts);
		event_add_number(&e, FACT_MAX_RESTARTS,
		    p->intensity.max_restarts);
		event_add_number(&e, FACT_MAX_SECONDS,
		    p->intensity.max_seconds);
		record_worker(w, &e, how->pid, 0, "%s", text);
		pool_fail(p, text);
		return;
	}
	if (child_is_hopeless(&w->child, how))
		give_up_starting(p, w, how->text);
	/* Its turn to be started comes when the others are halted. */
	if (p->phase == POOL_RUNNING && all.settings.group_restarts(p) &&
	    p->phase == POOL_RUNNING)
		child_stop(&w->child, 0);
}

void
pool_note_end(struct pool *p, const struct worker *w,
    const struct child_exit *how)
{
	struct worker_record *r;

	if (w->crew != p->crew)
		return; /* another one has its number by now */
	if (w->number >= p->records_count) {
		r = reallocarray(p->records, w->number + 1, sizeof(*r));
		if (r == NULL)
			return; /* it is for people only */
		memset(r + p->records_count, 0,
		    (w->number + 1 - p->records_count) * sizeof(*r));
		p->records = r;
		p->records_count = w->number + 1;
	}
	r = &p->records[w->number];
	r->restarts = w->child.restarts + !how->wanted;
	r->last_end_ms = w->last_end_ms;
	(void)strlcpy(r->last_end, w->last_end, sizeof(r->last_end));
}

void
pool_worker_ended(struct pool *p, struct worker *w,
    const struct child_exit *how)
{
	const struct restart_facts facts = { .wanted = how->wanted,
		.normal = how->normal && !w->hung };

	if (how->wanted || w->crew->phase == CREW_LEAVING)
		return;
	if (w->crew == p->candidate) {
		pool_restart_failed(p, w, how->text);
		return;
	}
	if (restart_decide(p->restart, &facts) == RESTART_YES)
		restart_worker(p, w, how);
	else
		retire(p, w, how->text);
}

void
pool_crew_gone(struct pool *p, struct crew *crew)
{
	const bool halted = p->phase == POOL_HALTING && p->halting == crew;

	TAILQ_REMOVE(&p->crews, crew, next);
	if (p->crew == crew)
		p->crew = NULL;
	crew_free(crew);
	if (p->phase == POOL_STOPPING && TAILQ_EMPTY(&p->crews)) {
		sweep_soon();
	} else if (halted) {
		/* Nobody waits for those that a hot restart has left. */
		p->phase = POOL_IDLE;
		all.settings.halted(p);
	}
}

/* Ask all its workers to drain by then, and make sure that they go. */
static void
stop(struct pool *p, uint32_t deadline_ms)
{
	const struct err err = { .code = ERR_UNAVAILABLE,
		.text = "the pool was stopped meanwhile" };
	struct crew *crew, *other;

	unlist(p);
	p->phase = POOL_STOPPING;
	pool_restart_give_up(p, &err);
	p->crew = NULL;
	if (TAILQ_EMPTY(&p->crews))
		sweep_soon();
	TAILQ_FOREACH_SAFE (crew, &p->crews, next, other)
		crew_stop(crew, deadline_ms);
}

/* Its workers end after their listener: whose were they? */
static void
note_last(struct pool *p)
{
	const char *name = pool_only_listener(p);

	(void)strlcpy(p->last_listener, name == NULL ? "" : name,
	    sizeof(p->last_listener));
}

const char *
pool_only_listener(const struct pool *p)
{
	const struct listener *l = TAILQ_FIRST(&p->listeners);

	if (l == NULL)
		return p->last_listener[0] == '\0' ? NULL : p->last_listener;
	return TAILQ_NEXT(l, in_pool) == NULL ? l->spec.name : NULL;
}

void
pool_leave(struct pool *p, struct listener *l)
{
	struct crew *crew;
	unsigned int i;

	if (l != NULL) {
		note_last(p);
		TAILQ_REMOVE(&p->listeners, l, in_pool);
		TAILQ_FOREACH (crew, &p->crews, next)
			for (i = 0; i < crew->workers_count; i++)
				worker_clear_seat(&crew->workers[i], l->entry);
		leave_entry(p, l->entry);
	}
	if (TAILQ_EMPTY(&p->listeners) && p->phase != POOL_STOPPING)
		stop(p, 0);
	else if (l != NULL)
		pool_restart_check(p);
}

int
pool_update(struct pool *p, const struct listener_spec *spec, option_set set,
    struct err *err)
{
	if (set & (OPTION_BIT(OPT_MAX_RESTARTS) | OPTION_BIT(OPT_MAX_SECONDS)))
		if (intensity_configure(&p->intensity, spec->max_restarts,
			spec->max_seconds, err) == -1)
			return -1;
	if (set & OPTION_BIT(OPT_RESTART))
		p->restart = (enum restart_id)spec->restart;
	if (set & OPTION_BIT(OPT_HANG_TIMEOUT))
		p->hang_timeout_ms = spec->hang_timeout_ms;
	return 0;
}

void
pool_set_user(struct pool *p, uint32_t uid, uint32_t gid)
{
	struct listener *l;

	p->uid = uid;
	p->gid = gid;
	TAILQ_FOREACH (l, &p->listeners, in_pool) {
		l->spec.worker_uid = uid;
		l->spec.worker_gid = gid;
	}
}

void
pools_stop(uint32_t deadline_ms)
{
	struct pool *p, *next;

	TAILQ_FOREACH_SAFE (p, &all.list, in_all, next)
		stop(p, deadline_ms);
}

uint32_t
pools_processes(void)
{
	const struct crew *crew;
	const struct pool *p;
	uint32_t n = 0;

	TAILQ_FOREACH (p, &all.list, in_all)
		TAILQ_FOREACH (crew, &p->crews, next)
			n += crew->workers_count - crew->gone;
	return n;
}

void
pools_kill(void)
{
	struct crew *crew;
	struct pool *p;

	TAILQ_FOREACH (p, &all.list, in_all)
		TAILQ_FOREACH (crew, &p->crews, next)
			crew_kill(crew);
}
