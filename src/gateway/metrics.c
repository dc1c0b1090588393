#include "gateway/metrics.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/ipc_msg.h"
#include "common/snapshot.h"
#include "common/upstream_board.h"
#include "gateway/metric_values.h"
#include "gateway/process_meter.h"

enum metric_id {
#define METRIC(ID, NAME, TYPE, LABELS, HELP) METRIC_##ID,
#include "common/metric_list.h"
	METRIC_COUNT
};

static const struct {
	const char *name;
	const char *type;
	const char *help;
} metrics[METRIC_COUNT] = {
#define COUNTER "counter"
#define GAUGE "gauge"
#define HISTOGRAM(ID) "histogram"
#define METRIC(ID, NAME, TYPE, LABELS, HELP) { NAME, TYPE, HELP },
#include "common/metric_list.h"
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
};

struct listener_view {
	const struct snapshot_listener *row;
	const struct snapshot_module *module; /* NULL: it has none */
	struct exposition_labels labels;
	unsigned int workers_up;
	const struct exit_sum *exits; /* NULL: it is not of protocol exec */
};

struct worker_view {
	const struct snapshot_worker *row;
	struct exposition_labels labels;
};

struct upstream_view {
	const struct snapshot_upstream *row;
	const struct listener_view *listener;
};

struct scrape {
	struct exposition *out;
	const struct metrics_from *from;
	const struct snapshot_daemon *daemon;
	const struct snapshot_store *store; /* NULL: there is none */
	struct listener_view *listeners;
	struct worker_view *workers;
	struct upstream_view *upstreams;
	size_t listeners_count;
	size_t workers_count;
	size_t upstreams_count;
};

/* Where the samples of a metric come from: what write needs of the rest. */
struct source {
	void (*write)(const struct scrape *, const struct source *);
	void (*write_one)(struct exposition *, const struct listener_view *,
	    const struct source *);
	uint64_t (*of_daemon)(const struct snapshot_daemon *);
	uint64_t (*of_listener)(const struct snapshot_listener *);
	uint64_t (*of_exits)(const struct exit_sum *);
	uint64_t (*of_upstream)(const struct snapshot_upstream *);
	uint64_t (*of_worker)(const struct snapshot_worker *);
	uint64_t (*of_store)(const struct scrape *);
	uint64_t (*of_role)(const struct process_role *);
	unsigned int index; /* of a counter, a cell or a figure */
	enum histogram_id histogram;
	enum exposition_unit unit;
};

/* --- the daemon --- */

static void
write_info(const struct scrape *s, const struct source *from)
{
	(void)from;
	exposition_sample_of(s->out, NULL, "version", PACKAGE_VERSION, 1);
}

static void
write_state(const struct scrape *s, const struct source *from)
{
	unsigned int i;

	(void)from;
	for (i = 0; i < DAEMON_STATE_COUNT; i++)
		exposition_sample_of(s->out, NULL, "state",
		    daemon_state_name(i), s->daemon->state == i);
}

static void
write_daemon(const struct scrape *s, const struct source *from)
{
	exposition_sample(s->out, NULL, from->of_daemon(s->daemon), from->unit);
}

static uint64_t
is_ready(const struct snapshot_daemon *d)
{
	return d->ready != 0;
}

static uint64_t
is_draining(const struct snapshot_daemon *d)
{
	return d->draining != 0;
}

static uint64_t
uptime(const struct snapshot_daemon *d)
{
	return d->uptime_ms;
}

static uint64_t
lag_max(const struct snapshot_daemon *d)
{
	return d->loop_lag_max_ms;
}

static void
write_lag(const struct scrape *s, const struct source *from)
{
	exposition_histogram(s->out, NULL, histogram_shape(from->histogram),
	    s->daemon->loop_lag);
}

/* --- listeners --- */

static void
write_sums(const struct scrape *s, const struct source *from)
{
	uint64_t sums[LISTENER_STATE_COUNT] = { 0 };
	unsigned int state;
	size_t i;

	(void)from;
	for (i = 0; i < s->listeners_count; i++) {
		state = s->listeners[i].row->state;
		if (state < LISTENER_STATE_COUNT)
			sums[state]++;
	}
	for (state = 0; state < LISTENER_STATE_COUNT; state++)
		exposition_sample_of(s->out, NULL, "state",
		    listener_state_name(state), sums[state]);
}

static void
write_listeners(const struct scrape *s, const struct source *from)
{
	size_t i;

	for (i = 0; i < s->listeners_count; i++)
		from->write_one(s->out, &s->listeners[i], from);
}

static void
write_states(struct exposition *out, const struct listener_view *l,
    const struct source *from)
{
	unsigned int state;

	(void)from;
	for (state = 0; state < LISTENER_STATE_COUNT; state++)
		exposition_sample_of(out, &l->labels, "state",
		    listener_state_name(state), l->row->state == state);
}

static void
write_value(struct exposition *out, const struct listener_view *l,
    const struct source *from)
{
	exposition_sample(out, &l->labels, from->of_listener(l->row),
	    from->unit);
}

static void
write_counter(struct exposition *out, const struct listener_view *l,
    const struct source *from)
{
	exposition_sample(out, &l->labels, l->row->counters[from->index],
	    UNIT_NUMBER);
}

static void
write_ends(struct exposition *out, const struct listener_view *l,
    const struct source *from)
{
	unsigned int i;

	for (i = 0; i < CONN_END_COUNT; i++)
		exposition_sample_of(out, &l->labels, "reason",
		    conn_end_name(i), l->row->counters[from->index + i]);
}

static void
write_probes(struct exposition *out, const struct listener_view *l,
    const struct source *from)
{
	static const struct {
		const char *kind;
		enum counter_id id;
	} kinds[] = {
		{ "fin", COUNTER_PROBES_FIN },
		{ "rst", COUNTER_PROBES_RST },
		{ "local", COUNTER_PROBES_LOCAL },
		{ "tls", COUNTER_PROBES_TLS },
	};
	size_t i;

	(void)from;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		exposition_sample_of(out, &l->labels, "kind", kinds[i].kind,
		    l->row->counters[kinds[i].id]);
}

static void
write_module(struct exposition *out, const struct listener_view *l,
    const struct source *from)
{
	const struct snapshot_module *m = l->module;
	size_t i;

	(void)from;
	for (i = 0; m != NULL && i < MODULE_COUNTERS; i++)
		if (m->counters[i].name[0] != '\0')
			exposition_sample_of(out, &l->labels, "counter",
			    m->counters[i].name, m->counters[i].value);
}

static void
write_histogram(struct exposition *out, const struct listener_view *l,
    const struct source *from)
{
	exposition_histogram(out, &l->labels, histogram_shape(from->histogram),
	    l->row->counters + from->index);
}

/* Has it a handshake, or had it one? */
static bool
shakes_hands(const struct snapshot_listener *l)
{
	unsigned int i;

	if (l->spec.transport == TRANSPORT_TLS ||
	    l->spec.proxy_protocol != PROXY_PROTOCOL_OFF)
		return true;
	for (i = 0; i < HANDSHAKE_CELLS; i++)
		if (l->counters[COUNTER_HANDSHAKE + i] != 0)
			return true;
	return false;
}

static void
write_handshakes(struct exposition *out, const struct listener_view *l,
    const struct source *from)
{
	if (shakes_hands(l->row))
		write_histogram(out, l, from);
}

static void
write_workers_up(struct exposition *out, const struct listener_view *l,
    const struct source *from)
{
	(void)from;
	exposition_sample(out, &l->labels, l->workers_up, UNIT_NUMBER);
}

/* --- listeners of protocol exec --- */

static void
write_exec(struct exposition *out, const struct listener_view *l,
    const struct source *from)
{
	if (l->exits != NULL)
		exposition_sample(out, &l->labels, from->of_exits(l->exits),
		    UNIT_NUMBER);
}

/* Those that there were; they never go back, so none goes away again. */
static void
write_numbered(struct exposition *out, const struct listener_view *l,
    const char *label, const uint64_t *counts, unsigned int size)
{
	char number[12];
	unsigned int i;

	for (i = 0; i < size; i++) {
		if (counts[i] == 0)
			continue;
		(void)snprintf(number, sizeof(number), "%u", i);
		exposition_sample_of(out, &l->labels, label, number, counts[i]);
	}
}

static void
write_codes(struct exposition *out, const struct listener_view *l,
    const struct source *from)
{
	(void)from;
	if (l->exits != NULL)
		write_numbered(out, l, "code", l->exits->codes, EXIT_CODES);
}

static void
write_signals(struct exposition *out, const struct listener_view *l,
    const struct source *from)
{
	(void)from;
	if (l->exits != NULL)
		write_numbered(out, l, "signal", l->exits->signals,
		    EXIT_SIGNALS);
}

/* --- upstreams --- */

static struct exposition_labels
upstream_labels(const struct upstream_view *u)
{
	struct exposition_labels labels = u->listener->labels;

	exposition_label(&labels, "upstream", u->row->name,
	    sizeof(u->row->name));
	return labels;
}

static void
write_upstreams(const struct scrape *s, const struct source *from)
{
	struct exposition_labels labels;
	size_t i;

	for (i = 0; i < s->upstreams_count; i++) {
		labels = upstream_labels(&s->upstreams[i]);
		exposition_sample(s->out, &labels,
		    from->of_upstream(s->upstreams[i].row), UNIT_NUMBER);
	}
}

static void
write_modes(const struct scrape *s, const struct source *from)
{
	struct exposition_labels labels;
	unsigned int mode;
	size_t i;

	(void)from;
	for (i = 0; i < s->upstreams_count; i++) {
		labels = upstream_labels(&s->upstreams[i]);
		for (mode = 0; mode < UPSTREAM_MODE_COUNT; mode++)
			exposition_sample_of(s->out, &labels, "mode",
			    upstream_mode_words[mode],
			    s->upstreams[i].row->mode == mode);
	}
}

/* --- workers --- */

static void
write_workers(const struct scrape *s, const struct source *from)
{
	size_t i;

	for (i = 0; i < s->workers_count; i++)
		exposition_sample(s->out, &s->workers[i].labels,
		    from->of_worker(s->workers[i].row), from->unit);
}

/* --- the store --- */

static void
write_store(const struct scrape *s, const struct source *from)
{
	if (s->store != NULL)
		exposition_sample(s->out, NULL, from->of_store(s), from->unit);
}

static void
write_figure(const struct scrape *s, const struct source *from)
{
	if (s->store != NULL)
		exposition_sample(s->out, NULL, s->store->figures[from->index],
		    from->unit);
}

static void
write_trouble(const struct scrape *s, const struct source *from)
{
	static const char *const words[] = {
#define X(NAME, WORD) WORD,
		STORE_TROUBLES(X)
#undef X
	};
	unsigned int i;

	(void)from;
	for (i = STORE_TROUBLE_NONE + 1;
	     s->store != NULL && i < STORE_TROUBLE_COUNT; i++)
		exposition_sample_of(s->out, NULL, "kind", words[i],
		    s->store->trouble == i);
}

static uint64_t
store_is_up(const struct scrape *s)
{
	return s->store->state == CHILD_UP;
}

static uint64_t
dropped(const struct scrape *s)
{
	return s->store->dropped;
}

static uint64_t
wal_held(const struct scrape *s)
{
	const uint64_t since_ms = s->store->figures[STORE_WAL_HELD_MS];
	const uint64_t now_ms = s->from->now_ms;

	return since_ms == 0 || since_ms > now_ms ? 0 : now_ms - since_ms;
}

/* --- processes --- */

static void
write_roles(const struct scrape *s, const struct source *from)
{
	const struct process_role *r = s->from->meter->roles;
	const struct process_role *end = r + PROCESS_METER_ROLES;
	struct exposition_labels labels;

	for (; s->from->tree != NULL && r < end && r->name[0] != '\0'; r++) {
		labels.len = 0;
		exposition_label(&labels, "role", r->name, sizeof(r->name));
		exposition_sample(s->out, &labels, from->of_role(r),
		    from->unit);
	}
}

/* Of many processes a sum would go back when one is removed. */
static void
write_role_restarts(const struct scrape *s, const struct source *from)
{
	const struct process_role *r = s->from->meter->roles;
	const struct process_role *end = r + PROCESS_METER_ROLES;

	(void)from;
	for (; s->from->tree != NULL && r < end && r->name[0] != '\0'; r++)
		if (strcmp(r->name, "pool") != 0 &&
		    strcmp(r->name, "supervisor") != 0)
			exposition_sample_of(s->out, NULL, "role", r->name,
			    r->restarts);
}

static uint64_t
running(const struct process_role *r)
{
	return r->running;
}

static uint64_t
memory(const struct process_role *r)
{
	return r->memory_bytes;
}

static uint64_t
cpu(const struct process_role *r)
{
	return r->cpu_ms;
}

/* --- all of them --- */

/* clang-format off */
static const struct source sources[METRIC_COUNT] = {
#define DAEMON(GET, UNIT)						\
	{ .write = write_daemon, .of_daemon = GET, .unit = UNIT_##UNIT }
#define LISTENER(GET, UNIT)						\
	{ .write = write_listeners, .write_one = write_value,		\
	  .of_listener = GET, .unit = UNIT_##UNIT }
#define EACH(WRITE) .write = write_listeners, .write_one = WRITE
#define EXEC(GET) { EACH(write_exec), .of_exits = GET }
#define UPSTREAM(GET) { .write = write_upstreams, .of_upstream = GET }
#define WORKER(GET, UNIT)						\
	{ .write = write_workers, .of_worker = GET, .unit = UNIT_##UNIT }
#define STORE(GET, UNIT)						\
	{ .write = write_store, .of_store = GET, .unit = UNIT_##UNIT }
#define ROLE(GET, UNIT)							\
	{ .write = write_roles, .of_role = GET, .unit = UNIT_##UNIT }
#define COUNTED(ID) { EACH(write_counter), .index = COUNTER_##ID }
#define FIGURE(ID, UNIT)						\
	{ .write = write_figure, .index = STORE_##ID, .unit = UNIT_##UNIT }
	[METRIC_INFO] = { .write = write_info },
	[METRIC_STATE] = { .write = write_state },
	[METRIC_READY] = DAEMON(is_ready, NUMBER),
	[METRIC_DRAINING] = DAEMON(is_draining, NUMBER),
	[METRIC_UPTIME] = DAEMON(uptime, MS),
	[METRIC_LISTENERS] = { .write = write_sums },
	[METRIC_LOOP_LAG] = { .write = write_lag,
	    .histogram = HISTOGRAM_LOOP_LAG },
	[METRIC_LOOP_LAG_MAX] = DAEMON(lag_max, MS),
	[METRIC_LISTENER_STATE] = { EACH(write_states) },
	[METRIC_LISTENER_READY] = LISTENER(metric_value_is_ready, NUMBER),
	[METRIC_LISTENER_DRAINING] = LISTENER(metric_value_is_drained, NUMBER),
	[METRIC_LISTENER_REQUIRED] = LISTENER(metric_value_is_required, NUMBER),
	[METRIC_LISTENER_QUEUEING] = LISTENER(metric_value_is_queueing, NUMBER),
	[METRIC_LISTENER_CONNECTIONS] = LISTENER(metric_value_connections, NUMBER),
	[METRIC_LISTENER_CONNECTIONS_LIMIT] =
	    LISTENER(metric_value_connections_limit, NUMBER),
	[METRIC_LISTENER_ALARM] = LISTENER(metric_value_alarm, PERCENT),
	[METRIC_LISTENER_ACCEPTED] = COUNTED(ACCEPTED),
	[METRIC_LISTENER_ENDED] = { EACH(write_ends),
	    .index = COUNTER_ENDS },
	[METRIC_LISTENER_REJECTED] = COUNTED(REJECTED),
	[METRIC_LISTENER_DENIED] = COUNTED(DENIED),
	[METRIC_LISTENER_PROBES] = { EACH(write_probes) },
	[METRIC_LISTENER_HANDSHAKE_FAILURES] = COUNTED(HANDSHAKE_FAILURES),
	[METRIC_LISTENER_HANDSHAKE] = { EACH(write_handshakes),
	    .index = COUNTER_HANDSHAKE, .histogram = HISTOGRAM_HANDSHAKE },
	[METRIC_LISTENER_LIFE] = { EACH(write_histogram),
	    .index = COUNTER_LIFE, .histogram = HISTOGRAM_LIFE },
	[METRIC_LISTENER_RECEIVED] = COUNTED(BYTES_IN),
	[METRIC_LISTENER_SENT] = COUNTED(BYTES_OUT),
	[METRIC_LISTENER_ACCEPT_ERRORS] = COUNTED(ACCEPT_ERRORS),
	[METRIC_LISTENER_DRAINED] = COUNTED(DRAINED),
	[METRIC_LISTENER_CUT] = COUNTED(CUT),
	[METRIC_LISTENER_MODULE] = { EACH(write_module) },
	[METRIC_LISTENER_GENERATION] = LISTENER(metric_value_generation, NUMBER),
	[METRIC_LISTENER_WORKERS] = LISTENER(metric_value_workers, NUMBER),
	[METRIC_LISTENER_WORKERS_UP] = { EACH(write_workers_up) },
	[METRIC_LISTENER_RESTARTS] = LISTENER(metric_value_restarts, NUMBER),
	[METRIC_LISTENER_BIND_ATTEMPTS] = LISTENER(metric_value_bind_attempts, NUMBER),
	[METRIC_LISTENER_RETRY] = LISTENER(metric_value_retry_in, MS),
	[METRIC_LISTENER_DRAIN_LEFT] = LISTENER(metric_value_drain_left, MS),
	[METRIC_EXEC_RUNNING] = EXEC(exit_sum_running),
	[METRIC_EXEC_STARTED] = EXEC(metric_value_started),
	[METRIC_EXEC_FAILED] = EXEC(metric_value_not_started),
	[METRIC_EXEC_EXITS] = { EACH(write_codes) },
	[METRIC_EXEC_SIGNALS] = { EACH(write_signals) },
	[METRIC_UPSTREAM_UP] = UPSTREAM(metric_value_upstream_is_up),
	[METRIC_UPSTREAM_MODE] = { .write = write_modes },
	[METRIC_UPSTREAM_CONNECTIONS] = UPSTREAM(metric_value_upstream_connections),
	[METRIC_UPSTREAM_CONNECTIONS_LIMIT] = UPSTREAM(metric_value_upstream_limit),
	[METRIC_UPSTREAM_WAITING] = UPSTREAM(metric_value_upstream_waiting),
	[METRIC_UPSTREAM_CONNECTED] = UPSTREAM(metric_value_upstream_connected),
	[METRIC_UPSTREAM_FAILURES] = UPSTREAM(metric_value_upstream_failures),
	[METRIC_UPSTREAM_CHECKS] = UPSTREAM(metric_value_upstream_checks),
	[METRIC_UPSTREAM_CHECK_FAILURES] = UPSTREAM(metric_value_upstream_check_failures),
	[METRIC_WORKER_UP] = WORKER(metric_value_worker_is_up, NUMBER),
	[METRIC_WORKER_CONNECTIONS] = WORKER(metric_value_worker_connections, NUMBER),
	[METRIC_WORKER_RESTARTS] = WORKER(metric_value_worker_restarts, NUMBER),
	[METRIC_WORKER_UPTIME] = WORKER(metric_value_worker_uptime, MS),
	[METRIC_STORE_UP] = STORE(store_is_up, NUMBER),
	[METRIC_STORE_TROUBLE] = { .write = write_trouble },
	[METRIC_STORE_EVENTS] = FIGURE(EVENTS, NUMBER),
	[METRIC_STORE_DROPPED] = STORE(dropped, NUMBER),
	[METRIC_STORE_PRUNED] = FIGURE(PRUNED, NUMBER),
	[METRIC_STORE_LAST_CLEANUP] = FIGURE(LAST_CLEANUP_MS, MS),
	[METRIC_STORE_DATABASE] = FIGURE(DATABASE_BYTES, NUMBER),
	[METRIC_STORE_WAL] = FIGURE(WAL_BYTES, NUMBER),
	[METRIC_STORE_WAL_HELD] = STORE(wal_held, MS),
	[METRIC_PROCESSES] = ROLE(running, NUMBER),
	[METRIC_PROCESS_RESTARTS] = { .write = write_role_restarts },
	[METRIC_PROCESS_MEMORY] = ROLE(memory, NUMBER),
	[METRIC_PROCESS_CPU] = ROLE(cpu, MS),
};
/* clang-format on */

static void
write_all(const struct scrape *s)
{
	unsigned int id;

	for (id = 0; id < METRIC_COUNT; id++) {
		exposition_family(s->out, metrics[id].name, metrics[id].type,
		    metrics[id].help);
		sources[id].write(s, &sources[id]);
	}
}

/* --- what they are made from --- */

static void
take_listener(struct scrape *s, const struct snapshot_listener *row)
{
	struct listener_view *l = &s->listeners[s->listeners_count++];

	l->row = row;
	exposition_label(&l->labels, "listener", row->spec.name,
	    sizeof(row->spec.name));
}

/* A row that stands behind that of its listener. */
static void
take_worker(struct scrape *s, const struct snapshot_worker *row)
{
	struct worker_view *w = &s->workers[s->workers_count++];
	struct listener_view *l;
	char slot[16];

	w->row = row;
	if (s->listeners_count > 0) {
		l = &s->listeners[s->listeners_count - 1];
		l->workers_up += metric_value_worker_is_up(row) != 0;
		w->labels = l->labels;
	}
	(void)snprintf(slot, sizeof(slot), "%" PRIu32, row->slot);
	exposition_label(&w->labels, "slot", slot, sizeof(slot));
}

/* The same. */
static void
take_upstream(struct scrape *s, const struct snapshot_upstream *row)
{
	if (s->listeners_count > 0)
		s->upstreams[s->upstreams_count++] =
		    (struct upstream_view){ .row = row,
			    .listener = &s->listeners[s->listeners_count - 1] };
}

/* Room for the rows that follow. Returns 0, or -1. */
static int
make_room(struct scrape *s)
{
	struct snapshot_reader r = *s->from->status;
	size_t listeners = 1, workers = 1, upstreams = 1;
	enum snapshot_kind kind;

	while (snapshot_next(&r, &kind) != NULL) {
		listeners += kind == SNAPSHOT_LISTENER;
		workers += kind == SNAPSHOT_WORKER;
		upstreams += kind == SNAPSHOT_UPSTREAM;
	}
	s->listeners = calloc(listeners, sizeof(*s->listeners));
	s->workers = calloc(workers, sizeof(*s->workers));
	s->upstreams = calloc(upstreams, sizeof(*s->upstreams));
	return s->listeners == NULL || s->workers == NULL ||
		s->upstreams == NULL
	    ? -1
	    : 0;
}

static int
take_status(struct scrape *s)
{
	enum snapshot_kind kind;
	const void *row;

	if (make_room(s) == -1)
		return -1;
	while ((row = snapshot_next(s->from->status, &kind)) != NULL) {
		if (kind == SNAPSHOT_DAEMON)
			s->daemon = row;
		else if (kind == SNAPSHOT_STORE)
			s->store = row;
		else if (kind == SNAPSHOT_LISTENER)
			take_listener(s, row);
		else if (kind == SNAPSHOT_WORKER)
			take_worker(s, row);
		else if (kind == SNAPSHOT_UPSTREAM)
			take_upstream(s, row);
		else if (kind == SNAPSHOT_EXITS && s->listeners_count > 0)
			s->listeners[s->listeners_count - 1].exits = row;
		else if (kind == SNAPSHOT_MODULE && s->listeners_count > 0)
			s->listeners[s->listeners_count - 1].module = row;
	}
	return s->daemon == NULL ? -1 : 0;
}

static void
take_processes(const struct scrape *s)
{
	struct process_meter *m = s->from->meter;
	const struct snapshot_process *p;
	enum snapshot_kind kind;
	const void *row;

	process_meter_begin(m);
	process_meter_add(m, "supervisor", s->daemon->pid, 0);
	while ((row = snapshot_next(s->from->tree, &kind)) != NULL) {
		if (kind != SNAPSHOT_PROCESS)
			continue;
		p = row;
		process_meter_add(m, p->role, p->pid, p->restarts);
	}
	process_meter_end(m, s->from->look_up);
}

int
metrics_write(struct exposition *out, const struct metrics_from *from)
{
	struct scrape s = { .out = out, .from = from };
	int r = -1;

	if (take_status(&s) == -1)
		goto out;
	if (from->tree != NULL)
		take_processes(&s);
	write_all(&s);
	r = out->failed ? -1 : 0;
out:
	free(s.listeners);
	free(s.workers);
	free(s.upstreams);
	return r;
}
