#include "unit/json_rows.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#define ADD(WRITER, KIND, ROW) snapshot_add(WRITER, KIND, &(ROW), sizeof(ROW))

static void
add_daemon(struct snapshot_writer *w)
{
	const struct snapshot_daemon d = { .pid = 4242,
		.state = DAEMON_RUNNING,
		.ready = 1,
		.loop_lag_max_ms = 3,
		.uptime_ms = 12000 };

	ADD(w, SNAPSHOT_DAEMON, d);
}

static void
add_pos(struct snapshot_writer *w, enum spec_origin origin)
{
	struct snapshot_listener l = { .state = LISTENER_DEGRADED,
		.origin = origin,
		.generation = 2,
		.restarts = 1,
		.bind_attempts = 1,
		.workers = 2,
		.port = 9100,
		.drained = 1,
		.not_ready = "it is drained",
		.address = "::",
		.last_error = "worker 1: killed by SIGSEGV" };
	struct snapshot_worker v = { .slot = 0,
		.pid = 4250,
		.state = CHILD_UP,
		.uptime_ms = 11000,
		.connections = 3 };
	const struct probe_source sources[] = {
		{ .address = { [10] = 255, 255, 192, 0, 2, 7 },
		    .count = 6788,
		    .seen_ms = 1001 },
		{ .address = { 0x20, 1, 0x0d, 0xb8, [15] = 1 },
		    .count = 1,
		    .seen_ms = 1000 },
	};

	(void)snprintf(l.spec.name, sizeof(l.spec.name), "pos");
	(void)snprintf(l.spec.pool, sizeof(l.spec.pool), "pos");
	(void)snprintf(l.spec.address, sizeof(l.spec.address), "::");
	l.spec.workers = 2;
	l.spec.backlog = 77;
	l.spec.required = 1;
	l.counters[COUNTER_ACCEPTED] = 1200;
	l.counters[COUNTER_CLOSED] = 1197;
	l.counters[COUNTER_BYTES_IN] = (uint64_t)1 << 40;
	l.counters[COUNTER_BYTES_OUT] = 5;
	l.counters[COUNTER_ACCEPT_ERRORS] = 9;
	l.counters[COUNTER_PROBES_FIN] = 9;
	l.counters[COUNTER_PROBES_RST] = 80;
	l.counters[COUNTER_PROBES_LOCAL] = 700;
	l.counters[COUNTER_PROBES_TLS] = 6000;
	ADD(w, SNAPSHOT_LISTENER, l);
	ADD(w, SNAPSHOT_WORKER, v);
	v = (struct snapshot_worker){ .slot = 1,
		.state = CHILD_BACKOFF,
		.restarts = 1 };
	ADD(w, SNAPSHOT_WORKER, v);
	ADD(w, SNAPSHOT_PROBES, sources[0]);
	ADD(w, SNAPSHOT_PROBES, sources[1]);
}

static void
add_local(struct snapshot_writer *w)
{
	struct snapshot_listener l = { .state = LISTENER_STARTING, .ready = 1 };

	(void)snprintf(l.spec.name, sizeof(l.spec.name), "local");
	(void)snprintf(l.spec.pool, sizeof(l.spec.pool), "local");
	(void)snprintf(l.spec.path, sizeof(l.spec.path), "/run/local.sock");
	l.spec.transport = TRANSPORT_UNIX;
	l.spec.protocol = PROTOCOL_DISCARD;
	/* A worker that counted wrong must not make it 2^64. */
	l.counters[COUNTER_CLOSED] = 1;
	ADD(w, SNAPSHOT_LISTENER, l);
}

static void
add_processes(struct snapshot_writer *w)
{
	const struct snapshot_process rows[] = {
		{ .role = "control",
		    .pid = 4243,
		    .state = CHILD_UP,
		    .uptime_ms = 11999 },
		{ .role = "pool",
		    .name = "pos",
		    .group = "payments",
		    .generation = 2,
		    .pid = 4250,
		    .state = CHILD_UP,
		    .uptime_ms = 11000,
		    .ready_ms = 2 },
		{ .role = "pool",
		    .name = "local",
		    .generation = 1,
		    .pid = 4251,
		    .state = CHILD_UP,
		    .uptime_ms = 500,
		    .last_end_ms = 1000,
		    .last_end = "exited with status 1" },
		{ .role = "pool",
		    .name = "pos",
		    .group = "payments",
		    .generation = 2,
		    .slot = 1,
		    .state = CHILD_BACKOFF,
		    .restarts = 1,
		    .last_end_ms = 1767225600123,
		    .last_end = "was killed by signal 9 (SIGKILL)" },
		{ .role = "pool",
		    .name = "pos",
		    .group = "payments",
		    .generation = 1,
		    .leaving = 1,
		    .pid = 4249,
		    .state = CHILD_STOPPING,
		    .restarts = 5,
		    .uptime_ms = 60000,
		    .ready_ms = 7 },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ADD(w, SNAPSHOT_PROCESS, rows[i]);
}

void
json_rows_seal(struct snapshot_writer *w, struct snapshot_reader *r)
{
	struct err err;
	const int fd = snapshot_seal(w, &err);

	cr_assert_neq(fd, -1, "%s", err.text);
	cr_assert_eq(snapshot_open(r, fd, &err), 0, "%s", err.text);
	(void)close(fd);
}

void
json_rows_open_origin(struct snapshot_reader *r, enum spec_origin origin)
{
	struct snapshot_writer w = { 0 };

	add_daemon(&w);
	add_pos(&w, origin);
	add_local(&w);
	add_processes(&w);
	json_rows_seal(&w, r);
}

void
json_rows_open(struct snapshot_reader *r)
{
	json_rows_open_origin(r, ORIGIN_RUNTIME);
}
