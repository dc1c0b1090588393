/*
 * metric_values: the numbers behind metrics: each takes a row of a snapshot
 * (borrowed) and gives what the metric of its name is to show. Times are
 * milliseconds; 0 or 1 stand for no and yes.
 */
#ifndef MERCURY_GATEWAY_METRIC_VALUES_H
#define MERCURY_GATEWAY_METRIC_VALUES_H

#include <stdint.h>

#include "common/snapshot.h"

/* --- of a listener --- */

uint64_t metric_value_is_ready(const struct snapshot_listener *);
uint64_t metric_value_is_drained(const struct snapshot_listener *);
uint64_t metric_value_is_required(const struct snapshot_listener *);
uint64_t metric_value_is_queueing(const struct snapshot_listener *);
uint64_t metric_value_connections(const struct snapshot_listener *);
uint64_t metric_value_connections_limit(const struct snapshot_listener *);
uint64_t metric_value_alarm(const struct snapshot_listener *);
uint64_t metric_value_generation(const struct snapshot_listener *);
uint64_t metric_value_workers(const struct snapshot_listener *);
uint64_t metric_value_restarts(const struct snapshot_listener *);
uint64_t metric_value_bind_attempts(const struct snapshot_listener *);
uint64_t metric_value_retry_in(const struct snapshot_listener *);
uint64_t metric_value_drain_left(const struct snapshot_listener *);

/* --- of the programs of one --- */

uint64_t metric_value_started(const struct exit_sum *);
uint64_t metric_value_not_started(const struct exit_sum *);

/* --- of an upstream --- */

uint64_t metric_value_upstream_is_up(const struct snapshot_upstream *);
uint64_t metric_value_upstream_connections(const struct snapshot_upstream *);
uint64_t metric_value_upstream_limit(const struct snapshot_upstream *);
uint64_t metric_value_upstream_waiting(const struct snapshot_upstream *);
uint64_t metric_value_upstream_connected(const struct snapshot_upstream *);
uint64_t metric_value_upstream_failures(const struct snapshot_upstream *);
uint64_t metric_value_upstream_checks(const struct snapshot_upstream *);
uint64_t metric_value_upstream_check_failures(const struct snapshot_upstream *);

/* --- of a worker --- */

uint64_t metric_value_worker_is_up(const struct snapshot_worker *);
uint64_t metric_value_worker_connections(const struct snapshot_worker *);
uint64_t metric_value_worker_restarts(const struct snapshot_worker *);
uint64_t metric_value_worker_uptime(const struct snapshot_worker *);

#endif /* MERCURY_GATEWAY_METRIC_VALUES_H */
