#include "supervisor/status.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/snapshot.h"
#include "supervisor/control.h"
#include "supervisor/listener.h"
#include "supervisor/pool.h"
#include "supervisor/supervisor.h"

static void
add_daemon(struct snapshot_writer *w)
{
	struct snapshot_daemon d = {
		.pid = (uint32_t)getpid(),
		.state = supervisor_state(),
		.ready = supervisor_state() == DAEMON_RUNNING,
		.loop_lag_max_ms = supervisor_loop_lag_max_ms(),
		.uptime_ms = clock_mono_ms() - supervisor_started_ms(),
	};
	struct listener *l;

	/* One that is just being added takes nothing away from the others. */
	RB_FOREACH (l, listener_by_name, listeners())
		if (l->state == LISTENER_DEGRADED && !listener_serves(l))
			d.ready = false;
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
add_listener(struct snapshot_writer *sw, const struct listener *l)
{
	struct snapshot_listener row = {
		.spec = l->spec,
		.state = l->state,
		.origin = l->origin,
		.generation = l->pool->generation,
		.restarts = pool_restarts(l->pool),
		.bind_attempts = 1,
		.workers = l->slots_count,
		.port = l->port,
	};
	unsigned int n;

	listener_counters(l, row.counters);
	(void)strlcpy(row.address, l->address, sizeof(row.address));
	(void)strlcpy(row.last_error, l->last_error, sizeof(row.last_error));
	snapshot_add(sw, SNAPSHOT_LISTENER, &row, sizeof(row));
	for (n = 0; n < l->slots_count; n++)
		add_worker(sw, &l->pool->workers[n], l);
}

int
status_snapshot(const char *name, struct err *err)
{
	struct snapshot_writer w = { 0 };
	struct listener *l;

	add_daemon(&w);
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

static void
add_process(struct snapshot_writer *w, const struct child *c, const char *name,
    unsigned int slot)
{
	struct snapshot_process row = {
		.slot = slot,
		.pid = (uint32_t)c->pid,
		.state = c->state,
		.restarts = c->restarts,
		.uptime_ms = uptime_ms(c),
	};

	(void)strlcpy(row.role, role_name(c->role), sizeof(row.role));
	(void)strlcpy(row.name, name, sizeof(row.name));
	snapshot_add(w, SNAPSHOT_PROCESS, &row, sizeof(row));
}

int
status_tree(struct err *err)
{
	struct snapshot_writer w = { 0 };
	const struct pool *p;
	unsigned int i;

	add_daemon(&w);
	add_process(&w, control_child(), "", 0);
	TAILQ_FOREACH (p, pools(), next)
		for (i = 0; i < p->workers_count; i++)
			add_process(&w, &p->workers[i].child, p->name, i);
	return snapshot_seal(&w, err);
}
