#include "json/status_json.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/cidr.h"
#include "common/clock.h"
#include "common/snapshot.h"
#include "json/fields.h"
#include "json/store_json.h"
#include "json/upstream_json.h"

static uint64_t
connections(const struct snapshot_listener *l)
{
	const uint64_t accepted = l->counters[COUNTER_ACCEPTED];
	const uint64_t closed = l->counters[COUNTER_CLOSED];

	return closed > accepted ? 0 : accepted - closed;
}

static uint64_t
probes(const struct snapshot_listener *l)
{
	return l->counters[COUNTER_PROBES_FIN] +
	    l->counters[COUNTER_PROBES_RST] +
	    l->counters[COUNTER_PROBES_LOCAL] + l->counters[COUNTER_PROBES_TLS];
}

/* A key and its value on each line. */
/* clang-format off */
static json_t *
worker_json(const struct snapshot_worker *w)
{
	return json_pack("{s:o, s:o, s:s, s:o, s:o, s:o}",
	    "slot", field_number(w->slot),
	    "pid", field_number_or_null(w->pid),
	    "state", field_word(child_state_name(w->state)),
	    "connections", field_number(w->connections),
	    "uptime_ms", field_number(w->uptime_ms),
	    "restarts", field_number(w->restarts));
}

static json_t *
identity_json(const struct snapshot_listener *l)
{
	return json_pack("{s:o, s:s, s:b, s:b, s:o, s:b, s:o, s:o}",
	    "name", field_string(l->spec.name, sizeof(l->spec.name)),
	    "state", field_word(listener_state_name(l->state)),
	    "required", l->spec.required != 0,
	    "ready", l->ready != 0,
	    "not_ready",
		field_string_or_null(l->not_ready, sizeof(l->not_ready)),
	    "drain", l->drained != 0,
	    "pool", field_string(l->spec.pool, sizeof(l->spec.pool)),
	    "generation", field_number(l->generation));
}

static json_t *
place_json(const struct snapshot_listener *l)
{
	const bool is_unix = l->spec.transport == TRANSPORT_UNIX;

	return json_pack("{s:o, s:o, s:o, s:s, s:s}",
	    "address", is_unix ? json_null() :
		field_string(l->address, sizeof(l->address)),
	    "port", is_unix ? json_null() : field_number(l->port),
	    "path", is_unix ?
		field_string(l->spec.path, sizeof(l->spec.path)) : json_null(),
	    "transport", field_word(transport_name(l->spec.transport)),
	    "protocol", field_word(protocol_name(l->spec.protocol)));
}

static json_t *
counters_json(const struct snapshot_listener *l)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
	    "connections", field_number(connections(l)),
	    "max_connections", field_number(l->spec.max_connections),
	    "accepted", field_number(l->counters[COUNTER_ACCEPTED]),
	    "rejected", field_number(l->counters[COUNTER_REJECTED]),
	    "denied", field_number(l->counters[COUNTER_DENIED]),
	    "probes", field_number(probes(l)),
	    "handshake_failures",
	    field_number(l->counters[COUNTER_HANDSHAKE_FAILURES]),
	    "bytes_in", field_number(l->counters[COUNTER_BYTES_IN]),
	    "bytes_out", field_number(l->counters[COUNTER_BYTES_OUT]),
	    "accept_errors", field_number(l->counters[COUNTER_ACCEPT_ERRORS]));
}

static json_t *
probes_json(const struct snapshot_listener *l)
{
	return json_pack("{s:{s:o, s:o, s:o, s:o}, s:[]}",
	    "probe_kinds",
	    "fin", field_number(l->counters[COUNTER_PROBES_FIN]),
	    "rst", field_number(l->counters[COUNTER_PROBES_RST]),
	    "local", field_number(l->counters[COUNTER_PROBES_LOCAL]),
	    "tls", field_number(l->counters[COUNTER_PROBES_TLS]),
	    "probe_sources");
}

static json_t *
probe_source_json(const struct probe_source *p)
{
	char address[CIDR_TEXT_SIZE], seen[CLOCK_RFC3339_SIZE];
	struct cidr host = { .bits = 128 };

	memcpy(host.address, p->address, sizeof(host.address));
	cidr_format(&host, address);
	clock_format(p->seen_ms, seen);
	return json_pack("{s:s, s:o, s:s}",
	    "address", address,
	    "count", field_number(p->count),
	    "last_seen", seen);
}

/* "0": how many, for those that there were. */
static json_t *
numbered_json(const uint64_t *counts, unsigned int size)
{
	json_t *all = json_object();
	char key[12];
	unsigned int i;
	int failed = 0;

	for (i = 0; i < size; i++) {
		if (counts[i] == 0)
			continue;
		(void)snprintf(key, sizeof(key), "%u", i);
		failed |=
		    json_object_set_new(all, key, field_number(counts[i]));
	}
	if (failed == 0)
		return all;
	json_decref(all);
	return NULL;
}

static json_t *
exits_json(const struct exit_sum *e)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o}",
	    "running", field_number(exit_sum_running(e)),
	    "started", field_number(e->started),
	    "failed", field_number(e->failed),
	    "exits", numbered_json(e->codes, EXIT_CODES),
	    "signals", numbered_json(e->signals, EXIT_SIGNALS));
}

static json_t *
module_json(const struct snapshot_module *m)
{
	json_t *counters = json_object();
	int failed = counters == NULL;
	size_t i;

	for (i = 0; !failed && i < MODULE_COUNTERS; i++)
		if (m->counters[i].name[0] != '\0')
			failed = json_object_set_new(counters,
			    m->counters[i].name,
			    field_number(m->counters[i].value));
	if (!failed)
		return json_pack("{s:o, s:o}",
		    "name", field_string(m->name, sizeof(m->name)),
		    "counters", counters);
	json_decref(counters);
	return NULL;
}

/* How many connections ended for each reason. */
static json_t *
ends_json(const struct snapshot_listener *l)
{
	json_t *all = json_object();
	unsigned int end;
	int failed = 0;

	for (end = 0; end < CONN_END_COUNT; end++)
		failed |= json_object_set_new(all, conn_end_name(end),
		    field_number(l->counters[COUNTER_ENDS + end]));
	if (failed == 0)
		return json_pack("{s:o}", "ends", all);
	json_decref(all);
	return NULL;
}

/* What goes with some states only is null in the others. */
static json_t *
health_json(const struct snapshot_listener *l)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:[]}",
	    "restarts", field_number(l->restarts),
	    "bind_attempts", field_number(l->bind_attempts),
	    "retry_in_ms", l->state == LISTENER_RETRYING ?
		field_number(l->retry_in_ms) : json_null(),
	    "drain_left_ms", l->state == LISTENER_DRAINING ?
		field_number(l->drain_left_ms) : json_null(),
	    "queueing", l->state == LISTENER_PAUSED ?
		json_boolean(l->queueing) : json_null(),
	    "last_error",
		field_string_or_null(l->last_error, sizeof(l->last_error)),
	    "workers");
}

/* Takes listeners and store. */
static json_t *
daemon_json(const struct snapshot_daemon *d, json_t *listeners, json_t *store)
{
	return json_pack("{s:s, s:o, s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:o}",
	    "version", PACKAGE_VERSION,
	    "pid", field_number(d->pid),
	    "state", field_word(daemon_state_name(d->state)),
	    "ready", d->ready != 0,
	    "draining", d->draining != 0,
	    "not_ready",
		field_string_or_null(d->not_ready, sizeof(d->not_ready)),
	    "uptime_ms", field_number(d->uptime_ms),
	    "loop_lag_max_ms", field_number(d->loop_lag_max_ms),
	    "listeners", listeners,
	    "store", store);
}
/* clang-format on */

/* Add the members of part (taken) to *whole; frees *whole on failure. */
static void
merge(json_t **whole, json_t *part)
{
	if (*whole != NULL &&
	    (part == NULL || json_object_update(*whole, part) == -1)) {
		json_decref(*whole);
		*whole = NULL;
	}
	json_decref(part);
}

static json_t *
listener_json(const struct snapshot_listener *l)
{
	json_t *o = identity_json(l);

	merge(&o, place_json(l));
	merge(&o, counters_json(l));
	merge(&o, ends_json(l));
	merge(&o, probes_json(l));
	merge(&o, health_json(l));
	return o;
}

/* Returns 0, or -1. */
static int
count_upstream(json_t *listener, const struct snapshot_upstream *row)
{
	json_t *proxy = json_object_get(listener, "proxy");

	if (proxy == NULL) {
		proxy = upstream_json_summary();
		if (json_object_set_new(listener, "proxy", proxy) == -1)
			return -1;
	}
	return upstream_json_count(proxy, row);
}

/*
 * Add a row to the listeners, or to the last of them what belongs to it.
 * Returns 0, or -1.
 */
static int
add_row(json_t *all, enum snapshot_kind kind, const void *row)
{
	json_t *last = json_array_get(all, json_array_size(all) - 1);

	if (kind == SNAPSHOT_LISTENER)
		return json_array_append_new(all, listener_json(row));
	if (last == NULL)
		return 0;
	if (kind == SNAPSHOT_WORKER)
		return json_array_append_new(json_object_get(last, "workers"),
		    worker_json(row));
	if (kind == SNAPSHOT_MODULE)
		return json_object_set_new(last, "module", module_json(row));
	if (kind == SNAPSHOT_PROBES)
		return json_array_append_new(
		    json_object_get(last, "probe_sources"),
		    probe_source_json(row));
	if (kind == SNAPSHOT_UPSTREAM)
		return count_upstream(last, row);
	if (kind == SNAPSHOT_EXITS)
		return json_object_set_new(last, "exec", exits_json(row));
	return 0;
}

/* All listeners with their workers. */
static json_t *
listeners_json(struct snapshot_reader *r)
{
	json_t *all = json_array();
	enum snapshot_kind kind;
	const void *row;
	int failed = 0;

	while (!failed && (row = snapshot_next(r, &kind)) != NULL)
		failed = add_row(all, kind, row);
	if (failed) {
		json_decref(all);
		return NULL;
	}
	return all;
}

/* The row that every snapshot starts with; NULL where it does not. */
static const struct snapshot_daemon *
daemon_row(struct snapshot_reader *r)
{
	enum snapshot_kind kind;
	const void *row = snapshot_next(r, &kind);

	return row != NULL && kind == SNAPSHOT_DAEMON ? row : NULL;
}

/* The row behind it, which there is when there is a store; or NULL. */
static const struct snapshot_store *
store_row(struct snapshot_reader *r)
{
	const size_t at = r->at;
	enum snapshot_kind kind;
	const void *row = snapshot_next(r, &kind);

	if (row != NULL && kind == SNAPSHOT_STORE)
		return row;
	r->at = at;
	return NULL;
}

json_t *
status_json_daemon(struct snapshot_reader *r)
{
	const struct snapshot_daemon *d = daemon_row(r);
	json_t *store;

	if (d == NULL)
		return NULL;
	store = store_json(store_row(r), clock_mono_ms());
	return daemon_json(d, listeners_json(r), store);
}

json_t *
status_json_listener(struct snapshot_reader *r)
{
	json_t *all = listeners_json(r);
	json_t *first = json_incref(json_array_get(all, 0));

	json_decref(all);
	return first;
}

static json_t *
list_row_json(const struct snapshot_listener *l)
{
	return json_pack("{s:o, s:s}", "name",
	    field_string(l->spec.name, sizeof(l->spec.name)), "state",
	    field_word(listener_state_name(l->state)));
}

json_t *
status_json_list(struct snapshot_reader *r)
{
	json_t *all = json_array();
	enum snapshot_kind kind;
	const void *row;

	while ((row = snapshot_next(r, &kind)) != NULL) {
		if (kind != SNAPSHOT_LISTENER)
			continue;
		if (json_array_append_new(all, list_row_json(row)) == -1) {
			json_decref(all);
			return NULL;
		}
	}
	return all;
}
