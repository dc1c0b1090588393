#include "supervisor/status.h"

#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/snapshot.h"
#include "supervisor/control.h"
#include "supervisor/counters.h"
#include "supervisor/exits.h"
#include "supervisor/gateway.h"
#include "supervisor/group.h"
#include "supervisor/listener.h"
#include "supervisor/pool.h"
#include "supervisor/readiness.h"
#include "supervisor/record.h"
#include "supervisor/store.h"
#include "supervisor/supervisor.h"
#include "supervisor/upstreams.h"

static void
add_daemon(struct snapshot_writer *w)
{
	struct snapshot_daemon d = {
		.pid = (uint32_t)getpid(),
		.state = supervisor_state(),
		.loop_lag_max_ms = supervisor_loop_lag_max_ms(),
		.uptime_ms = clock_mono_ms() - supervisor_started_ms(),
	};
	struct readiness r;

	supervisor_loop_lag(d.loop_lag);
	readiness_now(&r);
	d.ready = r.ready;
	d.draining = r.draining;
	memcpy(d.not_ready, r.why, sizeof(d.not_ready));
	snapshot_add(w, SNAPSHOT_DAEMON, &d, sizeof(d));
}

static uint64_t
uptime_ms(const struct child *c)
{
	return c->pid != 0 ? clock_mono_ms() - c->started_ms : 0;
}

static uint64_t
open_connections(const struct worker *w, const struct listener *l)
{
	const struct scoreboard_entry *e = worker_entry(w, l);
	uint64_t accepted, closed;

	if (e == NULL)
		return 0;
	/* closed first: it never overtakes accepted then. */
	closed = scoreboard_get(e, COUNTER_CLOSED);
	accepted = scoreboard_get(e, COUNTER_ACCEPTED);
	return accepted > closed ? accepted - closed : 0;
}

static void
add_worker(struct snapshot_writer *sw, const struct worker *w,
    const struct listener *l)
{
	const struct child *c = &w->child;
	const struct snapshot_worker row = {
		/* A listener that is bound has its workers. */
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
		.slot = w->number,
		.pid = (uint32_t)c->pid,
		.state = c->state,
		.restarts = c->restarts,
		.uptime_ms = uptime_ms(c),
		.connections = open_connections(w, l),
	};

	snapshot_add(sw, SNAPSHOT_WORKER, &row, sizeof(row));
}

static void
add_probes(struct snapshot_writer *sw, const struct listener *l)
{
	struct probe_sum sum;
	uint32_t i;

	counters_probes_of(l, &sum);
	for (i = 0; i < sum.count && i < PROBE_SOURCES; i++)
		snapshot_add(sw, SNAPSHOT_PROBES, &sum.sources[i],
		    sizeof(sum.sources[i]));
}

static void
add_exits(struct snapshot_writer *sw, const struct listener *l)
{
	struct exit_sum sum;

	if (l->spec.protocol != PROTOCOL_EXEC)
		return;
	exits_of(l, &sum);
	snapshot_add(sw, SNAPSHOT_EXITS, &sum, sizeof(sum));
}

static void
add_module(struct snapshot_writer *sw, const struct listener *l,
    const uint64_t counters[static COUNTER_COUNT])
{
	struct snapshot_module row = { .name = "" };
	size_t i;

	if (l->module[0] == '\0')
		return;
	memcpy(row.name, l->module, sizeof(row.name));
	for (i = 0; i < MODULE_COUNTERS; i++) {
		memcpy(row.counters[i].name, l->module_counters[i],
		    sizeof(row.counters[i].name));
		row.counters[i].value = counters[COUNTER_MODULE + i];
	}
	snapshot_add(sw, SNAPSHOT_MODULE, &row, sizeof(row));
}

static uint64_t
drain_left_ms(const struct listener *l)
{
	const uint64_t now = clock_mono_ms();

	return l->state == LISTENER_DRAINING && l->drain_until_ms > now
	    ? l->drain_until_ms - now
	    : 0;
}

static uint32_t
retry_in_ms(const struct listener *l)
{
	const uint64_t now = clock_mono_ms();

	if (l->phase != SOCKETS_RETRYING || l->retry_at_ms <= now)
		return 0;
	return (uint32_t)(l->retry_at_ms - now);
}

static void
add_listener(struct snapshot_writer *sw, const struct listener *l)
{
	const struct crew *crew = l->pool->crew;
	struct snapshot_listener row = {
		.spec = l->spec,
		.state = l->state,
		.origin = l->origin,
		.generation = l->pool->generation,
		.restarts = l->pool->restarts,
		.bind_attempts = l->bind_attempts,
		.retry_in_ms = retry_in_ms(l),
		.drain_left_ms = drain_left_ms(l),
		.workers = crew != NULL ? crew->workers_count : 0,
		.alarm = l->alarm,
		.port = l->sockets.port != 0 ? l->sockets.port : l->spec.port,
		.queueing = l->goal == GOAL_PAUSE && l->queueing,
		.drained = l->drained,
	};
	struct readiness r;
	unsigned int n;

	(void)readiness_of_listener(l, &r);
	row.ready = r.ready;
	memcpy(row.not_ready, r.why, sizeof(row.not_ready));
	counters_of(l, row.counters);
	(void)strlcpy(row.address, l->sockets.address, sizeof(row.address));
	(void)strlcpy(row.last_error, l->last_error, sizeof(row.last_error));
	snapshot_add(sw, SNAPSHOT_LISTENER, &row, sizeof(row));
	for (n = 0; n < row.workers; n++)
		add_worker(sw, &crew->workers[n], l);
	add_probes(sw, l);
	add_exits(sw, l);
	upstreams_add(sw, l);
	add_module(sw, l, row.counters);
}

int
status_snapshot(const char *name, struct err *err)
{
	struct snapshot_writer w = { 0 };
	struct snapshot_store store;
	struct listener *l;

	add_daemon(&w);
	if (store_status(&store))
		snapshot_add(&w, SNAPSHOT_STORE, &store, sizeof(store));
	if (name != NULL) {
		l = listener_find(name);
		if (l != NULL)
			add_listener(&w, l);
		return snapshot_seal(&w, err);
	}
	RB_FOREACH (l, listener_by_name, listeners())
		add_listener(&w, l);
	return snapshot_seal(&w, err);
}

static struct snapshot_process
process_row(const struct child *c, const char *name)
{
	struct snapshot_process row = {
		.pid = (uint32_t)c->pid,
		.state = c->state,
		.restarts = c->restarts,
		.uptime_ms = uptime_ms(c),
		.ready_ms =
		    c->up_ms > c->started_ms ? c->up_ms - c->started_ms : 0,
	};

	(void)strlcpy(row.role, role_name(c->role), sizeof(row.role));
	(void)strlcpy(row.name, name, sizeof(row.name));
	return row;
}

static void
add_crew(struct snapshot_writer *sw, const struct pool *p,
    const struct crew *crew)
{
	const struct listener *l = TAILQ_FIRST(&p->listeners);
	const char *group = l != NULL ? group_of(l->spec.name) : NULL;
	struct snapshot_process row;
	const struct worker *w;
	unsigned int i;

	for (i = 0; i < crew->workers_count; i++) {
		w = &crew->workers[i];
		if (crew->phase == CREW_LEAVING && w->gone)
			continue;
		row = process_row(&w->child, p->name);
		row.slot = i;
		row.generation = crew->generation;
		row.leaving = crew->phase == CREW_LEAVING;
		row.last_end_ms = w->last_end_ms;
		(void)strlcpy(row.last_end, w->last_end, sizeof(row.last_end));
		if (group != NULL)
			(void)strlcpy(row.group, group, sizeof(row.group));
		snapshot_add(sw, SNAPSHOT_PROCESS, &row, sizeof(row));
	}
}

int
status_tree(struct err *err)
{
	struct snapshot_writer w = { 0 };
	struct snapshot_process row;
	const struct crew *crew;
	const struct pool *p;

	add_daemon(&w);
	row = process_row(control_child(), "");
	snapshot_add(&w, SNAPSHOT_PROCESS, &row, sizeof(row));
	if (store_exists()) {
		row = process_row(store_child(), "");
		snapshot_add(&w, SNAPSHOT_PROCESS, &row, sizeof(row));
	}
	if (gateway_exists()) {
		row = process_row(gateway_child(), "");
		snapshot_add(&w, SNAPSHOT_PROCESS, &row, sizeof(row));
	}
	TAILQ_FOREACH (p, pools(), in_all)
		TAILQ_FOREACH (crew, &p->crews, next)
			add_crew(&w, p, crew);
	return snapshot_seal(&w, err);
}

/* --- history --- */

static void
add_record(struct snapshot_writer *sw, const char *listener,
    const struct history_record *r)
{
	struct snapshot_record row = { .seq = r->seq,
		.real_ms = r->real_ms,
		.type = r->type,
		.slot = r->slot,
		.pid = r->pid,
		.uptime_ms = r->uptime_ms };

	(void)strlcpy(row.listener, listener, sizeof(row.listener));
	(void)strlcpy(row.reason, r->reason, sizeof(row.reason));
	snapshot_add(sw, SNAPSHOT_RECORD, &row, sizeof(row));
}

/* The listener's own records and those of its workers, the oldest first. */
static void
add_history(struct snapshot_writer *sw, const struct listener *l)
{
	const struct history *own = &l->history, *pool = &l->pool->history;
	const struct history_record *a, *b;
	unsigned int i = 0, k = 0;

	for (;;) {
		a = history_at(own, i);
		b = history_at(pool, k);
		if (a == NULL && b == NULL)
			return;
		if (b == NULL || (a != NULL && a->seq < b->seq)) {
			add_record(sw, l->spec.name, a);
			i++;
		} else {
			add_record(sw, l->spec.name, b);
			k++;
		}
	}
}

/* Those after seq, the newest first: no more is looked at than is wanted. */
static void
add_newest(struct snapshot_writer *sw, const char *listener,
    const struct history *h, uint64_t seq)
{
	const struct history_record *r;
	unsigned int i;

	for (i = history_count(h); i > 0; i--) {
		r = history_at(h, i - 1);
		if (r == NULL || r->seq <= seq)
			return;
		add_record(sw, listener, r);
	}
}

/* The newest records of all, in no order. */
static void
add_all_history(struct snapshot_writer *sw)
{
	const uint64_t last = record_last_seq();
	const uint64_t seq = last > HISTORY_MAX ? last - HISTORY_MAX : 0;
	const struct listener *first;
	const struct pool *p;
	struct listener *l;

	RB_FOREACH (l, listener_by_name, listeners())
		add_newest(sw, l->spec.name, &l->history, seq);
	TAILQ_FOREACH (p, pools(), in_all) {
		first = TAILQ_FIRST(&p->listeners);
		if (first != NULL)
			add_newest(sw, first->spec.name, &p->history, seq);
	}
}

int
status_history(const char *name, struct err *err)
{
	struct snapshot_writer w = { 0 };
	const struct listener *l = listener_find(name);

	add_daemon(&w);
	if (name[0] == '\0')
		add_all_history(&w);
	else if (l != NULL)
		add_history(&w, l);
	return snapshot_seal(&w, err);
}

int
status_failures(const char *name, uint32_t window_ms, struct err *err)
{
	const uint64_t now = clock_mono_ms();
	const uint64_t since = now > window_ms ? now - window_ms : 0;
	struct snapshot_writer w = { 0 };
	struct snapshot_failures row;
	const struct listener *l;
	struct listener *each;

	add_daemon(&w);
	RB_FOREACH (each, listener_by_name, listeners()) {
		l = each;
		if (name[0] != '\0' && strcmp(name, l->spec.name) != 0)
			continue;
		memset(&row, 0, sizeof(row));
		(void)strlcpy(row.listener, l->spec.name, sizeof(row.listener));
		row.failures = history_failures(&l->pool->history, since);
		row.window_ms = window_ms;
		snapshot_add(&w, SNAPSHOT_FAILURES, &row, sizeof(row));
	}
	return snapshot_seal(&w, err);
}
