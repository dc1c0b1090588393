#include "supervisor/pool.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "supervisor/listener.h"

/* A replacement that is not up by then is late: siblings adopt its slots. */
#define ADOPT_AFTER_MS 50

/* A worker that should drain is killed so long after its deadline. */
#define KILL_GRACE_MS 100

static struct {
	struct pool_settings settings;
	struct pool_list list;
} all = { .list = TAILQ_HEAD_INITIALIZER(all.list) };

static void on_started(struct child *);
static void on_up(struct child *);
static void on_message(struct child *, struct ipc_message *);
static void on_ended(struct child *, const struct child_exit *);
static void on_gone(struct child *);

static const struct child_owner worker_owner = { on_started, on_up, on_message,
	on_ended, on_gone };

void
pool_configure(const struct pool_settings *s)
{
	all.settings = *s;
}

struct pool_list *
pools(void)
{
	return &all.list;
}

/* --- workers --- */

bool
worker_reachable(const struct worker *w)
{
	return w->child.channel != NULL;
}

bool
worker_is_late(const struct worker *w)
{
	return w->child.restarts > 0 && !worker_reachable(w) &&
	    !event_pending(w->adoption, EV_TIMEOUT, NULL);
}

const struct scoreboard_entry *
worker_entry(const struct worker *w, const struct listener *l)
{
	const struct scoreboard_entry *e;

	if (w->board == NULL)
		return NULL;
	e = &w->board->entries[l->entry];
	return atomic_load(&e->listener_id) == l->id ? e : NULL;
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	struct listener *l;

	(void)fd;
	(void)what;
	TAILQ_FOREACH (l, &w->pool->listeners, in_pool)
		listener_adopt(l, w->number);
}

static void
send_hello(struct worker *w, int board_fd)
{
	struct msg_pool_hello m = { .log = all.settings.log,
		.slot = w->number,
		.orphan_drain_ms = all.settings.orphan_drain_ms,
		.uid = all.settings.uid,
		.gid = all.settings.gid };

	(void)strlcpy(m.pool, w->pool->name, sizeof(m.pool));
	child_send(&w->child, IPC_POOL_HELLO, &m, board_fd);
}

static void
on_started(struct child *c)
{
	struct worker *w = c->owner_ctx;
	struct listener *l;
	struct err err;
	int fd;

	fd = scoreboard_create(&err);
	if (fd != -1)
		w->board = scoreboard_map_read(fd, &err);
	if (w->board == NULL) {
		child_kill(c, err.text);
	} else {
		send_hello(w, fd);
		TAILQ_FOREACH (l, &w->pool->listeners, in_pool)
			listener_tell(l, w);
	}
	if (fd != -1)
		(void)close(fd);
}

static void
on_up(struct child *c)
{
	struct worker *w = c->owner_ctx;

	(void)event_del(w->adoption);
	log_debug("worker", c->title, "pid %d is up after %llu ms", (int)c->pid,
	    (unsigned long long)(c->up_ms - c->started_ms));
}

/* What a worker says is about a listener; one that is gone is no error. */
static void
on_message(struct child *c, struct ipc_message *msg)
{
	const struct worker *w = c->owner_ctx;
	struct listener *l;

	switch (msg->kind) {
	case IPC_LISTENING:
		l = listener_find_id(msg->payload.LISTENING.listener_id);
		if (l != NULL && l->pool == w->pool)
			listener_heard_listening(l, w->number,
			    msg->payload.LISTENING.slot);
		break;
	case IPC_CLOSED:
		l = listener_find_id(msg->payload.CLOSED.listener_id);
		if (l != NULL && l->pool == w->pool)
			listener_heard_closed(l, w->number);
		break;
	case IPC_DRAINED:
		l = listener_find_id(msg->payload.DRAINED.listener_id);
		if (l != NULL && l->pool == w->pool)
			listener_heard_drained(l, w->number);
		break;
	default:
		child_kill(c, "sent a message that it may not send");
		break;
	}
}

static void
on_ended(struct child *c, const struct child_exit *how)
{
	static const struct timeval late = { .tv_usec = ADOPT_AFTER_MS * 1000 };
	struct worker *w = c->owner_ctx;
	struct listener *l, *next;
	char reason[256];

	(void)snprintf(reason, sizeof(reason), "worker %s %s", c->title,
	    how->text);
	TAILQ_FOREACH_SAFE (l, &w->pool->listeners, in_pool, next)
		listener_worker_lost(l, w, how->wanted ? NULL : how->text);
	scoreboard_unmap(&w->board);
	if (how->wanted)
		return;
	(void)event_add(w->adoption, &late);
	if (!child_is_hopeless(c, how))
		return;
	TAILQ_FOREACH_SAFE (l, &w->pool->listeners, in_pool, next)
		listener_give_up(l, reason);
}

/* --- pools --- */

static void
free_pool(struct pool *p)
{
	struct listener *l;
	unsigned int i;

	while ((l = TAILQ_FIRST(&p->listeners)) != NULL)
		listener_forget(l);
	TAILQ_REMOVE(&all.list, p, next);
	for (i = 0; i < p->workers_count; i++)
		if (p->workers[i].adoption != NULL)
			event_free(p->workers[i].adoption);
	free(p->entries);
	free(p);
}

static void
on_gone(struct child *c)
{
	const struct worker *w = c->owner_ctx;
	struct pool *p = w->pool;

	if (++p->gone < p->workers_count)
		return;
	free_pool(p);
	all.settings.pool_gone();
}

static struct pool *
new_pool(const char *name, unsigned int count)
{
	struct pool *p;
	unsigned int i;
	char title[sizeof(((struct child *)0)->title)];

	p = calloc(1, sizeof(*p) + count * sizeof(p->workers[0]));
	if (p == NULL)
		return NULL;
	(void)strlcpy(p->name, name, sizeof(p->name));
	TAILQ_INIT(&p->listeners);
	p->generation = 1;
	p->workers_count = count;
	TAILQ_INSERT_TAIL(&all.list, p, next);
	p->entries = calloc(SCOREBOARD_ENTRIES / 8, 1);
	for (i = 0; i < count; i++) {
		(void)snprintf(title, sizeof(title), "%s/%u", name, i);
		child_init(&p->workers[i].child, ROLE_POOL, title,
		    &worker_owner, &p->workers[i]);
		p->workers[i].pool = p;
		p->workers[i].number = i;
		p->workers[i].adoption = event_new(all.settings.base, -1, 0,
		    on_late, &p->workers[i]);
		if (p->workers[i].adoption == NULL || p->entries == NULL) {
			free_pool(p);
			return NULL;
		}
	}
	return p;
}

static struct pool *
find_pool(const char *name)
{
	struct pool *p;

	TAILQ_FOREACH (p, &all.list, next)
		if (!p->stopping && strcmp(p->name, name) == 0)
			return p;
	return NULL;
}

struct pool *
pool_for(const struct listener_spec *spec, option_set set, struct err *err)
{
	const unsigned int count = spec->workers == SPEC_WORKERS_AUTO
	    ? all.settings.cpus
	    : spec->workers;
	struct pool *p = find_pool(spec->pool);

	if (p != NULL) {
		if ((set & OPTION_BIT(OPT_WORKERS)) &&
		    count != p->workers_count) {
			(void)err_set(err, ERR_INVALID,
			    "workers: pool %s has %u workers, not %u: leave "
			    "workers out or name another pool",
			    p->name, p->workers_count, count);
			return NULL;
		}
		return p;
	}
	p = new_pool(spec->pool, count);
	if (p == NULL)
		(void)err_set(err, ERR_UNAVAILABLE, "out of memory");
	return p;
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
		if (p->entries[i / 8] & (1u << (i % 8)))
			continue;
		p->entries[i / 8] |= (unsigned char)(1u << (i % 8));
		*entry = i;
		return 0;
	}
	return -1;
}

int
pool_join(struct pool *p, struct listener *l, struct err *err)
{
	unsigned int i;

	if (take_entry(p, &l->entry) == -1)
		return err_set(err, ERR_UNAVAILABLE,
		    "pool %s has %u listeners, the most that one can have",
		    p->name, SCOREBOARD_ENTRIES);
	TAILQ_INSERT_TAIL(&p->listeners, l, in_pool);
	for (i = 0; i < p->workers_count; i++) {
		if (worker_reachable(&p->workers[i]))
			listener_tell(l, &p->workers[i]);
		else if (p->workers[i].child.state == CHILD_DOWN)
			child_start(&p->workers[i].child);
	}
	return 0;
}

/* Ask all workers to drain by then, and make sure that they go. */
static void
stop_workers(struct pool *p, uint32_t deadline_ms)
{
	const struct msg_drain m = { .deadline_ms =
					 clock_mono_ms() + deadline_ms };
	const bool again = p->stopping;
	unsigned int i, left = p->workers_count - p->gone;

	p->stopping = true;
	for (i = 0; i < p->workers_count; i++) {
		(void)event_del(p->workers[i].adoption);
		child_send(&p->workers[i].child, IPC_DRAIN, &m, -1);
	}
	/* The last that is left may free the pool. */
	for (i = 0; left > 0; i++) {
		if (again && p->workers[i].child.state == CHILD_DOWN)
			continue; /* gone, and counted, before */
		left--;
		child_stop(&p->workers[i].child, deadline_ms + KILL_GRACE_MS);
	}
}

void
pool_leave(struct pool *p, struct listener *l)
{
	if (l != NULL) {
		TAILQ_REMOVE(&p->listeners, l, in_pool);
		p->entries[l->entry / 8] &=
		    (unsigned char)~(1u << (l->entry % 8));
	}
	if (TAILQ_EMPTY(&p->listeners) && !p->stopping)
		stop_workers(p, 0);
}

uint32_t
pool_restarts(const struct pool *p)
{
	uint32_t sum = 0;
	unsigned int i;

	for (i = 0; i < p->workers_count; i++)
		sum += p->workers[i].child.restarts;
	return sum;
}

void
pools_stop(uint32_t deadline_ms)
{
	struct pool *p, *next;

	TAILQ_FOREACH_SAFE (p, &all.list, next, next)
		stop_workers(p, deadline_ms);
}

void
pools_kill(void)
{
	struct pool *p;
	unsigned int i;

	TAILQ_FOREACH (p, &all.list, next)
		for (i = 0; i < p->workers_count; i++)
			child_kill(&p->workers[i].child, NULL);
}
