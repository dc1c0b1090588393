#include "gateway/metric_values.h"

#include "common/upstream_board.h"

/* --- of a listener --- */

uint64_t
metric_value_is_ready(const struct snapshot_listener *l)
{
	return l->ready != 0;
}

uint64_t
metric_value_is_drained(const struct snapshot_listener *l)
{
	return l->drained != 0;
}

uint64_t
metric_value_is_required(const struct snapshot_listener *l)
{
	return l->spec.required != 0;
}

uint64_t
metric_value_is_queueing(const struct snapshot_listener *l)
{
	return l->queueing != 0;
}

uint64_t
metric_value_connections(const struct snapshot_listener *l)
{
	const uint64_t accepted = l->counters[COUNTER_ACCEPTED];
	const uint64_t closed = l->counters[COUNTER_CLOSED];

	return closed > accepted ? 0 : accepted - closed;
}

uint64_t
metric_value_connections_limit(const struct snapshot_listener *l)
{
	return l->spec.max_connections;
}

uint64_t
metric_value_alarm(const struct snapshot_listener *l)
{
	return l->alarm;
}

uint64_t
metric_value_generation(const struct snapshot_listener *l)
{
	return l->generation;
}

uint64_t
metric_value_workers(const struct snapshot_listener *l)
{
	return l->workers;
}

uint64_t
metric_value_restarts(const struct snapshot_listener *l)
{
	return l->restarts;
}

uint64_t
metric_value_bind_attempts(const struct snapshot_listener *l)
{
	return l->bind_attempts;
}

uint64_t
metric_value_retry_in(const struct snapshot_listener *l)
{
	return l->retry_in_ms;
}

uint64_t
metric_value_drain_left(const struct snapshot_listener *l)
{
	return l->drain_left_ms;
}

/* --- of the programs of one --- */

uint64_t
metric_value_started(const struct exit_sum *e)
{
	return e->started;
}

uint64_t
metric_value_not_started(const struct exit_sum *e)
{
	return e->failed;
}

/* --- of an upstream --- */

uint64_t
metric_value_upstream_is_up(const struct snapshot_upstream *u)
{
	return u->health != UPSTREAM_DOWN;
}

uint64_t
metric_value_upstream_connections(const struct snapshot_upstream *u)
{
	return u->connections;
}

uint64_t
metric_value_upstream_limit(const struct snapshot_upstream *u)
{
	return u->max_connections;
}

uint64_t
metric_value_upstream_waiting(const struct snapshot_upstream *u)
{
	return u->waiting;
}

uint64_t
metric_value_upstream_connected(const struct snapshot_upstream *u)
{
	return u->connected;
}

uint64_t
metric_value_upstream_failures(const struct snapshot_upstream *u)
{
	return u->failed;
}

uint64_t
metric_value_upstream_checks(const struct snapshot_upstream *u)
{
	return u->checks;
}

uint64_t
metric_value_upstream_check_failures(const struct snapshot_upstream *u)
{
	return u->checks_failed;
}

/* --- of a worker --- */

uint64_t
metric_value_worker_is_up(const struct snapshot_worker *w)
{
	return w->state == CHILD_UP;
}

uint64_t
metric_value_worker_connections(const struct snapshot_worker *w)
{
	return w->connections;
}

uint64_t
metric_value_worker_restarts(const struct snapshot_worker *w)
{
	return w->restarts;
}

uint64_t
metric_value_worker_uptime(const struct snapshot_worker *w)
{
	return w->uptime_ms;
}
