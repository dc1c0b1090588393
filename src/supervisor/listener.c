#include "supervisor/listener.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "supervisor/bind.h"
#include "supervisor/pool.h"

/* After the drain deadline workers get this long to say that they did it. */
#define REMOVE_GRACE_MS 250

RB_HEAD(listener_by_id, listener);
RB_PROTOTYPE(listener_by_id, listener, by_id, )

static struct {
	struct event_base *base;
	const struct listener_waiter *waiter;
	struct listener_by_name by_name;
	struct listener_by_id by_id;
	uint64_t last_id;
} table;

static int
compare_names(const struct listener *a, const struct listener *b)
{
	return strcmp(a->spec.name, b->spec.name);
}

static int
compare_ids(const struct listener *a, const struct listener *b)
{
	return a->id < b->id ? -1 : a->id > b->id;
}

RB_GENERATE(listener_by_name, listener, by_name, compare_names)
RB_GENERATE(listener_by_id, listener, by_id, compare_ids)

void
listener_configure(struct event_base *base,
    const struct listener_waiter *waiter)
{
	table.base = base;
	table.waiter = waiter;
}

struct listener_by_name *
listeners(void)
{
	return &table.by_name;
}

struct listener *
listener_find(const char *name)
{
	struct listener key;

	(void)strlcpy(key.spec.name, name, sizeof(key.spec.name));
	return RB_FIND(listener_by_name, &table.by_name, &key);
}

struct listener *
listener_find_id(uint64_t id)
{
	struct listener key;

	key.id = id;
	return RB_FIND(listener_by_id, &table.by_id, &key);
}

static bool
is_unix(const struct listener *l)
{
	return l->spec.transport == TRANSPORT_UNIX;
}

/* --- state --- */

static void
arm(struct listener *l, uint32_t ms)
{
	const struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	if (l->deadline == NULL || event_add(l->deadline, &tv) == -1)
		log_error("listener", l->spec.name, "no timer: out of memory");
}

static void
enter(struct listener *l, enum listener_state state)
{
	char place[SPEC_PLACE_SIZE];

	if (l->state == state)
		return;
	l->state = state;
	if (state == LISTENER_LISTENING) {
		spec_place(&l->spec, l->port, place);
		log_info("listener", l->spec.name, "listening on %s", place);
	} else {
		log_info("listener", l->spec.name, "%s",
		    listener_state_name(state));
	}
}

static unsigned int
live_slots(const struct listener *l)
{
	unsigned int n, live = 0;

	for (n = 0; n < l->slots_count; n++)
		live += l->slots[n].live;
	return live;
}

bool
listener_serves(const struct listener *l)
{
	return live_slots(l) > 0;
}

/* Look at who serves the slots, and say what that makes of the listener. */
static void
compute_state(struct listener *l)
{
	if (l->state == LISTENER_DRAINING)
		return;
	if (live_slots(l) < l->slots_count) {
		if (l->state != LISTENER_STARTING)
			enter(l, LISTENER_DEGRADED);
		return;
	}
	if (l->state == LISTENER_STARTING) {
		(void)event_del(l->deadline);
		enter(l, LISTENER_LISTENING);
		table.waiter->ready(l, NULL);
		return;
	}
	enter(l, LISTENER_LISTENING);
}

/* --- counters --- */

/* Add one worker's counters to sums; what is open there stays open. */
static void
add_counters(const struct scoreboard_entry *e, uint64_t sums[COUNTER_COUNT])
{
	unsigned int i;

	for (i = 0; i < COUNTER_COUNT; i++)
		sums[i] += scoreboard_get(e, i);
}

/*
 * Keep the figures of a worker that is gone, once. Its open connections
 * ended with it.
 */
static void
fold_counters(struct listener *l, const struct worker *w)
{
	const struct scoreboard_entry *e = worker_entry(w, l);
	uint64_t sums[COUNTER_COUNT] = { 0 };
	unsigned int i;

	if (e == NULL)
		return;
	add_counters(e, sums);
	/* They were to finish, and did not. */
	if (l->state == LISTENER_DRAINING)
		sums[COUNTER_CUT] +=
		    sums[COUNTER_ACCEPTED] - sums[COUNTER_CLOSED];
	sums[COUNTER_CLOSED] = sums[COUNTER_ACCEPTED];
	for (i = 0; i < COUNTER_COUNT; i++)
		l->totals[i] += sums[i];
}

void
listener_counters(const struct listener *l, uint64_t out[static COUNTER_COUNT])
{
	const struct scoreboard_entry *e;
	unsigned int n;

	memcpy(out, l->totals, sizeof(l->totals));
	for (n = 0; n < l->slots_count; n++) {
		e = worker_entry(&l->pool->workers[n], l);
		if (e != NULL)
			add_counters(e, out);
	}
}

/* --- sockets --- */

/* Is it we who have the place that l wants? Say so then. */
static void
name_holder(const struct listener *l, struct err *err)
{
	struct listener *o;
	char place[SPEC_PLACE_SIZE];

	RB_FOREACH (o, listener_by_id, &table.by_id) {
		if (o == l || o->slots[0].fd == -1 || is_unix(o) != is_unix(l))
			continue;
		if (is_unix(l) ? strcmp(o->spec.path, l->spec.path) != 0
			       : o->port != l->spec.port)
			continue;
		spec_place(&l->spec, l->spec.port, place);
		(void)err_set(err, ERR_PORT_IN_USE,
		    "%s is in use by listener %s", place, o->spec.name);
		return;
	}
}

static int
open_sockets(struct listener *l, struct err *err)
{
	int fds[SPEC_WORKERS_MAX];
	unsigned int n;
	int fd;

	if (is_unix(l)) {
		fd = unix_path_bind(&l->spec, &l->unix_path, err);
		if (fd == -1)
			goto out;
		for (n = 0; n < l->slots_count; n++)
			l->slots[n].fd = fd;
		return 0;
	}
	if (bind_tcp(&l->spec, l->slots_count, fds, &l->port, l->address,
		err) == -1)
		goto out;
	for (n = 0; n < l->slots_count; n++)
		l->slots[n].fd = fds[n];
	return 0;
out:
	if (err->code == ERR_PORT_IN_USE)
		name_holder(l, err);
	return -1;
}

/* Close the socket of slot n, unless another slot still uses the same. */
static void
close_slot(struct listener *l, unsigned int n)
{
	const int fd = l->slots[n].fd;
	unsigned int i;

	l->slots[n].fd = -1;
	for (i = 0; i < l->slots_count; i++)
		if (l->slots[i].fd == fd)
			return;
	if (fd != -1)
		(void)close(fd);
}

static void
close_slots(struct listener *l)
{
	unsigned int n;

	for (n = 0; n < l->slots_count; n++)
		close_slot(l, n);
	unix_path_remove(&l->unix_path);
}

/* Nobody new may queue: the sockets are to be emptied and closed. */
static void
stop_new(struct listener *l)
{
	unsigned int n;

	unix_path_remove(&l->unix_path);
	for (n = 0; n < l->slots_count && !is_unix(l); n++)
		if (l->slots[n].fd != -1)
			bind_stop_new(l->slots[n].fd);
}

/* --- the end --- */

/* Its name is free from now on. */
static void
unlist(struct listener *l)
{
	if (l->listed)
		RB_REMOVE(listener_by_name, &table.by_name, l);
	l->listed = false;
}

static void
list(struct listener *l)
{
	RB_INSERT(listener_by_name, &table.by_name, l);
	l->listed = true;
}

static void
free_listener(struct listener *l)
{
	unlist(l);
	RB_REMOVE(listener_by_id, &table.by_id, l);
	if (l->deadline != NULL)
		event_free(l->deadline);
	free(l);
}

void
listener_forget(struct listener *l)
{
	uint64_t counters[COUNTER_COUNT];

	listener_counters(l, counters);
	/* What is open at a worker that does not answer any more. */
	counters[COUNTER_CUT] +=
	    counters[COUNTER_ACCEPTED] - counters[COUNTER_CLOSED];
	close_slots(l);
	pool_leave(l->pool, l);
	unlist(l);
	log_info("listener", l->spec.name,
	    "removed: %llu connections finished, %llu were cut",
	    (unsigned long long)counters[COUNTER_DRAINED],
	    (unsigned long long)counters[COUNTER_CUT]);
	table.waiter->removed(l, counters[COUNTER_DRAINED],
	    counters[COUNTER_CUT]);
	free_listener(l);
}

/* Is its removal complete? Forget it then. */
static void
check_removed(struct listener *l)
{
	const struct slot *s;
	unsigned int n;

	if (l->state != LISTENER_DRAINING)
		return;
	for (n = 0; n < l->slots_count; n++) {
		s = &l->slots[n];
		if (s->fd != -1 || (s->told && !s->drained))
			return;
	}
	listener_forget(l);
}

static void
send_close(struct listener *l, struct worker *w)
{
	const struct msg_close m = { .listener_id = l->id,
		.deadline_ms = l->drain_until_ms };

	child_send(&w->child, IPC_CLOSE, &m, -1);
}

static void
enter_draining(struct listener *l, uint64_t until_ms)
{
	const struct err err = { .code = ERR_UNAVAILABLE,
		.text = "the listener was removed before it was ready" };
	const bool starting = l->state == LISTENER_STARTING;

	enter(l, LISTENER_DRAINING);
	l->drain_until_ms = until_ms;
	if (starting)
		table.waiter->ready(l, &err);
	stop_new(l);
}

static void
close_at_workers(struct listener *l)
{
	unsigned int n;

	for (n = 0; n < l->slots_count; n++)
		if (worker_reachable(&l->pool->workers[n]))
			send_close(l, &l->pool->workers[n]);
}

void
listener_shut(struct listener *l, uint64_t drain_until_ms)
{
	(void)event_del(l->deadline);
	enter_draining(l, drain_until_ms);
	close_at_workers(l);
}

void
listener_remove(struct listener *l, uint32_t deadline_ms)
{
	unsigned int n;

	enter_draining(l, clock_mono_ms() + deadline_ms);
	arm(l, deadline_ms + REMOVE_GRACE_MS);
	for (n = 0; n < l->slots_count; n++)
		if (!l->slots[n].live)
			listener_adopt(l, n);
	close_at_workers(l);
	check_removed(l);
}

void
listener_give_up(struct listener *l, const char *reason)
{
	struct err err;

	if (l->state != LISTENER_STARTING)
		return;
	(void)err_set(&err, ERR_INTERNAL, "%s", reason);
	log_error("listener", l->spec.name, "given up: %s", reason);
	l->state = LISTENER_DRAINING;
	table.waiter->ready(l, &err);
	listener_remove(l, 0);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd;
	(void)what;
	if (l->state == LISTENER_DRAINING)
		listener_forget(l);
	else
		listener_give_up(l, "its workers did not answer in time");
}

/* --- workers --- */

static void
send_listen(struct listener *l, struct worker *w, unsigned int slot)
{
	struct msg_listen m = { .listener_id = l->id,
		.entry = l->entry,
		.slot = slot };

	m.spec = l->spec;
	child_send(&w->child, IPC_LISTEN, &m, l->slots[slot].fd);
}

void
listener_tell(struct listener *l, struct worker *w)
{
	struct slot *s = &l->slots[w->number];

	if (s->fd == -1)
		return;
	s->told = true;
	s->drained = false;
	send_listen(l, w, w->number);
	if (l->state == LISTENER_DRAINING)
		send_close(l, w);
}

/* A sibling that can serve slot n: the next one that serves its own. */
static struct worker *
find_adopter(struct listener *l, unsigned int n)
{
	unsigned int i, k;

	for (i = 1; i < l->slots_count; i++) {
		k = (n + i) % l->slots_count;
		if (l->slots[k].live && worker_reachable(&l->pool->workers[k]))
			return &l->pool->workers[k];
	}
	return NULL;
}

void
listener_adopt(struct listener *l, unsigned int n)
{
	struct slot *s = &l->slots[n];
	struct worker *w;

	if (s->fd == -1 || s->live || s->adopter != -1)
		return;
	w = find_adopter(l, n);
	if (w == NULL)
		return;
	s->adopter = (int)w->number;
	/* The workers of a Unix listener share one socket anyway. */
	s->adopter_live = is_unix(l);
	if (!is_unix(l))
		send_listen(l, w, n);
	log_info("listener", l->spec.name, "worker %u serves slot %u too",
	    w->number, n);
}

/* The worker of slot n serves it again. */
static void
release(struct listener *l, unsigned int n)
{
	const struct msg_slot m = { .listener_id = l->id, .slot = n };
	struct slot *s = &l->slots[n];

	if (s->adopter == -1)
		return;
	if (!is_unix(l))
		child_send(&l->pool->workers[s->adopter].child, IPC_RELEASE, &m,
		    -1);
	s->adopter = -1;
	s->adopter_live = false;
}

/* A worker serves its slot: it may help those that found nobody before. */
static void
adopt_orphans(struct listener *l)
{
	unsigned int n;

	for (n = 0; n < l->slots_count; n++)
		if (worker_is_late(&l->pool->workers[n]))
			listener_adopt(l, n);
}

void
listener_heard_listening(struct listener *l, unsigned int n, unsigned int slot)
{
	struct slot *s;

	if (slot >= l->slots_count)
		return;
	s = &l->slots[slot];
	if (slot == n && s->told) {
		s->live = true;
		release(l, n);
		adopt_orphans(l);
		compute_state(l);
	} else if (s->adopter == (int)n) {
		s->adopter_live = true;
	}
}

void
listener_heard_closed(struct listener *l, unsigned int n)
{
	unsigned int i;

	if (l->state != LISTENER_DRAINING)
		return;
	for (i = 0; i < l->slots_count; i++)
		if (i == n || (l->slots[i].adopter == (int)n && !is_unix(l)))
			close_slot(l, i);
	check_removed(l);
}

void
listener_heard_drained(struct listener *l, unsigned int n)
{
	l->slots[n].drained = true;
	check_removed(l);
}

void
listener_worker_lost(struct listener *l, struct worker *w, const char *reason)
{
	struct slot *own = &l->slots[w->number];
	unsigned int n;

	fold_counters(l, w);
	own->told = own->live = own->drained = false;
	if (reason != NULL)
		(void)snprintf(l->last_error, sizeof(l->last_error),
		    "worker %u %s", w->number, reason);
	for (n = 0; n < l->slots_count; n++) {
		if (l->slots[n].adopter != (int)w->number)
			continue;
		l->slots[n].adopter = -1;
		l->slots[n].adopter_live = false;
		listener_adopt(l, n);
	}
	compute_state(l);
	check_removed(l);
}

/* --- add and update --- */

static struct listener *
new_listener(const struct listener_spec *spec, option_set set,
    enum spec_origin origin, struct pool *pool)
{
	struct listener *l;
	unsigned int n;

	l = calloc(1, sizeof(*l) + pool->workers_count * sizeof(l->slots[0]));
	if (l == NULL)
		return NULL;
	l->id = ++table.last_id;
	l->spec = *spec;
	l->set = set;
	l->origin = origin;
	l->pool = pool;
	l->slots_count = pool->workers_count;
	l->unix_path.lock_fd = -1;
	(void)strlcpy(l->address, spec->address, sizeof(l->address));
	for (n = 0; n < l->slots_count; n++) {
		l->slots[n].fd = -1;
		l->slots[n].adopter = -1;
	}
	l->deadline = event_new(table.base, -1, 0, on_deadline, l);
	if (l->deadline == NULL) {
		free(l);
		return NULL;
	}
	RB_INSERT(listener_by_id, &table.by_id, l);
	return l;
}

struct listener *
listener_add_successor(const struct listener_spec *spec, option_set set,
    enum spec_origin origin, struct err *err)
{
	struct listener *l = NULL;
	struct pool *pool;

	pool = pool_for(spec, set, err);
	if (pool == NULL)
		return NULL;
	l = new_listener(spec, set, origin, pool);
	if (l == NULL) {
		(void)err_set(err, ERR_UNAVAILABLE, "out of memory");
		goto out;
	}
	if (open_sockets(l, err) == 0 && pool_join(pool, l, err) == 0)
		return l;
	close_slots(l);
	free_listener(l);
out:
	pool_leave(pool, NULL);
	return NULL;
}

struct listener *
listener_add(const struct listener_spec *spec, option_set set,
    enum spec_origin origin, struct err *err)
{
	struct listener *l;

	l = listener_find(spec->name);
	if (l != NULL && l->state == LISTENER_DRAINING)
		(void)err_set(err, ERR_BUSY, "%s is being removed", spec->name);
	else if (l != NULL)
		(void)err_set(err, ERR_EXISTS,
		    "a listener named %s exists already", spec->name);
	if (l != NULL)
		return NULL;
	l = listener_add_successor(spec, set, origin, err);
	if (l != NULL)
		list(l);
	return l;
}

void
listener_succeed(struct listener *l)
{
	struct listener *old = listener_find(l->spec.name);

	if (old != NULL)
		unlist(old);
	list(l);
	if (old != NULL)
		listener_remove(old, old->spec.drain_timeout_ms);
}

void
listener_set_start_deadline(struct listener *l, uint32_t ms)
{
	if (l->state == LISTENER_STARTING)
		arm(l, ms);
}

static int
apply_to_sockets(const struct listener *l, const struct listener_spec *spec,
    struct err *err)
{
	unsigned int n;

	for (n = 0; n < l->slots_count; n++)
		if (l->slots[n].fd != -1 &&
		    bind_apply(spec, l->slots[n].fd, err) == -1)
			return -1;
	return 0;
}

int
listener_update(struct listener *l, const struct listener_spec *spec,
    option_set set, struct err *err)
{
	struct msg_update m = { .listener_id = l->id };
	struct err ignored;
	unsigned int n;

	m.spec = l->spec;
	if (l->state == LISTENER_DRAINING)
		return err_set(err, ERR_BUSY, "%s is being removed",
		    l->spec.name);
	/* On 0 it keeps the port that the kernel chose: no change. */
	if (l->port != 0 && spec->port == l->port)
		set &= ~OPTION_BIT(OPT_PORT);
	if (spec_merge(&m.spec, spec, set, err) == -1 ||
	    spec_check(&m.spec, err) == -1)
		return -1;
	if (apply_to_sockets(l, &m.spec, err) == -1) {
		(void)apply_to_sockets(l, &l->spec, &ignored);
		return -1;
	}
	l->spec = m.spec;
	l->set |= set;
	for (n = 0; n < l->slots_count; n++)
		if (l->slots[n].told)
			child_send(&l->pool->workers[n].child, IPC_UPDATE, &m,
			    -1);
	log_info("listener", l->spec.name, "updated");
	return 0;
}
