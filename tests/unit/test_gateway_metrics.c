#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc_msg.h"
#include "common/snapshot.h"
#include "common/upstream_board.h"
#include "gateway/metrics.h"
#include "gateway/process_meter.h"

#define NOW_MS 100000u
#define ADD(WRITER, KIND, ROW) snapshot_add(WRITER, KIND, &(ROW), sizeof(ROW))

static const char *const names[] = {
#define METRIC(ID, NAME, TYPE, LABELS, HELP) NAME,
#include "common/metric_list.h"
};

static void
look_up(uint32_t pid, struct usage *out)
{
	out->memory_bytes = (int64_t)pid * 1000;
	out->cpu_ms = pid;
}

static void
seal(struct snapshot_writer *w, struct snapshot_reader *r)
{
	struct err err;
	const int fd = snapshot_seal(w, &err);

	cr_assert_neq(fd, -1, "%s", err.text);
	cr_assert_eq(snapshot_open(r, fd, &err), 0, "%s", err.text);
	(void)close(fd);
}

static void
add_daemon(struct snapshot_writer *w)
{
	struct snapshot_daemon d = { .pid = 11,
		.state = DAEMON_RUNNING,
		.ready = 1,
		.draining = 2,
		.loop_lag_max_ms = 7,
		.uptime_ms = 12345 };

	histogram_observe(HISTOGRAM_LOOP_LAG, d.loop_lag, 0);
	histogram_observe(HISTOGRAM_LOOP_LAG, d.loop_lag, 7);
	ADD(w, SNAPSHOT_DAEMON, d);
}

static void
add_store(struct snapshot_writer *w)
{
	struct snapshot_store s = { .pid = 12,
		.state = CHILD_UP,
		.trouble = STORE_TROUBLE_LOCKED,
		.dropped = 6 };

	s.figures[STORE_EVENTS] = 120;
	s.figures[STORE_LAST_CLEANUP_MS] = 1767225600123;
	s.figures[STORE_WAL_HELD_MS] = NOW_MS - 1500;
	ADD(w, SNAPSHOT_STORE, s);
}

/* Counter i of the first one is 1000 + i, so that none is taken for another. */
static void
add_listener(struct snapshot_writer *w, const char *name,
    enum transport_id transport, enum listener_state state)
{
	struct snapshot_listener l = { .state = state,
		.generation = 2,
		.restarts = 3,
		.bind_attempts = 4,
		.retry_in_ms = 500,
		.drain_left_ms = 1250,
		.ready = transport == TRANSPORT_TLS,
		.drained = transport == TRANSPORT_TCP,
		.workers = 2,
		.alarm = 80 };
	struct snapshot_worker v = { .pid = 21,
		.state = CHILD_UP,
		.uptime_ms = 11000,
		.connections = 5 };
	const struct snapshot_module m = { .name = "plc",
		.counters = { { "requests", 41 }, { "", 42 }, { "bad", 43 } } };
	unsigned int i;

	(void)snprintf(l.spec.name, sizeof(l.spec.name), "%s", name);
	l.spec.transport = (uint8_t)transport;
	l.spec.max_connections = 100;
	l.spec.required = 1;
	for (i = 0; i < COUNTER_HANDSHAKE && transport == TRANSPORT_TLS; i++)
		l.counters[i] = 1000 + i;
	l.counters[COUNTER_LIFE] = 1;
	l.counters[COUNTER_MODULE - 1] = 99;
	ADD(w, SNAPSHOT_LISTENER, l);
	ADD(w, SNAPSHOT_WORKER, v);
	v = (struct snapshot_worker){ .slot = 1,
		.state = CHILD_BACKOFF,
		.restarts = 3 };
	ADD(w, SNAPSHOT_WORKER, v);
	if (transport == TRANSPORT_TLS)
		ADD(w, SNAPSHOT_MODULE, m);
}

static void
add_exits(struct snapshot_writer *w)
{
	struct exit_sum e = { .started = 30, .failed = 2 };

	e.codes[3] = 5;
	e.signals[9] = 6;
	ADD(w, SNAPSHOT_EXITS, e);
}

static void
add_upstreams(struct snapshot_writer *w)
{
	struct snapshot_upstream u = { .name = "10.0.0.5:8583",
		.mode = UPSTREAM_MODE_DRAIN,
		.health = UPSTREAM_DOWN,
		.connections = 4,
		.max_connections = 100,
		.waiting = 2,
		.connected = 1200,
		.failed = 7,
		.checks = 60,
		.checks_failed = 3 };

	ADD(w, SNAPSHOT_UPSTREAM, u);
	/* As long as one may be, and yet a label of its own. */
	memset(u.name, 'x', sizeof(u.name) - 1);
	u.health = UPSTREAM_UNCHECKED;
	ADD(w, SNAPSHOT_UPSTREAM, u);
}

static void
add_processes(struct snapshot_writer *w)
{
	const struct snapshot_process rows[] = {
		{ .role = "control", .pid = 13, .restarts = 1 },
		{ .role = "pool", .name = "pos", .pid = 21, .restarts = 5 },
		{ .role = "pool", .name = "pos", .slot = 1, .restarts = 7 },
		{ .role = "pool", .name = "pos", .leaving = 1, .pid = 22 },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ADD(w, SNAPSHOT_PROCESS, rows[i]);
}

/* The text with a NUL, to be freed. */
static char *
write_text(bool with_store, bool with_tree)
{
	struct snapshot_writer w = { 0 };
	struct snapshot_reader status, tree;
	struct process_meter meter = { 0 };
	struct metrics_from from = { &status, with_tree ? &tree : NULL, &meter,
		look_up, NOW_MS };
	struct exposition x = { 0 };
	char *text;

	add_daemon(&w);
	if (with_store)
		add_store(&w);
	add_listener(&w, "pos", TRANSPORT_TLS, LISTENER_DEGRADED);
	add_exits(&w);
	add_upstreams(&w);
	add_listener(&w, "a \"b\"", TRANSPORT_TCP, LISTENER_RETRYING);
	seal(&w, &status);
	add_daemon(&w);
	add_processes(&w);
	seal(&w, &tree);
	cr_assert_eq(metrics_write(&x, &from), 0);
	text = strndup(x.bytes, x.len);
	cr_assert_not_null(text);
	exposition_free(&x);
	process_meter_free(&meter);
	snapshot_close(&status);
	snapshot_close(&tree);
	return text;
}

/* The line is there, once. */
static void
expect_line(const char *text, const char *line)
{
	char want[256];
	const char *found;

	(void)snprintf(want, sizeof(want), "\n%s\n", line);
	found = strstr(text, want);
	cr_expect_not_null(found, "%s", line);
	if (found != NULL)
		cr_expect_null(strstr(found + 1, want), "twice: %s", line);
}

static void
expect_lines(const char *text, const char *const *lines, size_t count)
{
	for (; count > 0; count--)
		expect_line(text, *lines++);
}

#define EXPECT_LINES(TEXT, LINES) \
	expect_lines(TEXT, LINES, sizeof(LINES) / sizeof((LINES)[0]))

/* Lines that begin with a text. */
static unsigned int
count_lines(const char *text, const char *start)
{
	const size_t len = strlen(start);
	unsigned int n = 0;
	const char *p;

	for (p = text; p != NULL && *p != '\0'; p = strchr(p, '\n')) {
		p += *p == '\n';
		n += strncmp(p, start, len) == 0;
	}
	return n;
}

Test(metrics, each_family_is_written_once_and_in_one_piece)
{
	char *text = write_text(true, true);
	char help[128], sample[128];
	const char *p = text, *line;
	size_t i, len;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		len = strlen(names[i]);
		(void)snprintf(help, sizeof(help), "# HELP %s ", names[i]);
		(void)snprintf(sample, sizeof(sample), "# TYPE %s ", names[i]);
		cr_assert_eq(strncmp(p, help, strlen(help)), 0, "%s", names[i]);
		p = strchr(p, '\n') + 1;
		cr_assert_eq(strncmp(p, sample, strlen(sample)), 0);
		p = strchr(p, '\n') + 1;
		for (line = p; *p != '\0' && *p != '#'; p = strchr(p, '\n') + 1)
			cr_assert_eq(strncmp(p, names[i], len), 0, "%.80s", p);
		cr_expect_neq(p, line, "%s has no sample", names[i]);
	}
	cr_expect_eq(*p, '\0', "%.80s", p);
	free(text);
}

Test(metrics, of_the_daemon)
{
	static const char *const lines[] = {
		"mercury_info{version=\"" PACKAGE_VERSION "\"} 1",
		"mercury_state{state=\"starting\"} 0",
		"mercury_state{state=\"running\"} 1",
		"mercury_ready 1",
		"mercury_draining 1",
		"mercury_uptime_seconds 12.345",
		"mercury_listeners{state=\"listening\"} 0",
		"mercury_listeners{state=\"degraded\"} 1",
		"mercury_listeners{state=\"retrying\"} 1",
		"mercury_supervisor_loop_lag_seconds_bucket{le=\"0.005\"} 1",
		"mercury_supervisor_loop_lag_seconds_bucket{le=\"0.01\"} 2",
		"mercury_supervisor_loop_lag_seconds_bucket{le=\"+Inf\"} 2",
		"mercury_supervisor_loop_lag_seconds_sum 0.007",
		"mercury_supervisor_loop_lag_max_seconds 0.007",
	};
	char *text = write_text(true, true);

	EXPECT_LINES(text, lines);
	free(text);
}

static void
expect_counter(const char *text, const char *name, unsigned int id)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "mercury_listener_%s} %u", name,
	    1000 + id);
	expect_line(text, line);
}

Test(metrics, counters_are_what_they_are_called)
{
	static const struct {
		const char *name;
		unsigned int id;
	} cases[] = {
		{ "accepted_total{listener=\"pos\"", COUNTER_ACCEPTED },
		{ "rejected_total{listener=\"pos\"", COUNTER_REJECTED },
		{ "denied_total{listener=\"pos\"", COUNTER_DENIED },
		{ "handshake_failures_total{listener=\"pos\"",
		    COUNTER_HANDSHAKE_FAILURES },
		{ "received_bytes_total{listener=\"pos\"", COUNTER_BYTES_IN },
		{ "sent_bytes_total{listener=\"pos\"", COUNTER_BYTES_OUT },
		{ "accept_errors_total{listener=\"pos\"",
		    COUNTER_ACCEPT_ERRORS },
		{ "drained_total{listener=\"pos\"", COUNTER_DRAINED },
		{ "cut_total{listener=\"pos\"", COUNTER_CUT },
		{ "probes_total{listener=\"pos\",kind=\"fin\"",
		    COUNTER_PROBES_FIN },
		{ "probes_total{listener=\"pos\",kind=\"rst\"",
		    COUNTER_PROBES_RST },
		{ "probes_total{listener=\"pos\",kind=\"local\"",
		    COUNTER_PROBES_LOCAL },
		{ "probes_total{listener=\"pos\",kind=\"tls\"",
		    COUNTER_PROBES_TLS },
		{ "ended_total{listener=\"pos\",reason=\"peer_closed\"",
		    COUNTER_ENDS + CONN_END_PEER_CLOSED },
		{ "ended_total{listener=\"pos\",reason=\"worker_crash\"",
		    COUNTER_ENDS + CONN_END_WORKER_CRASH },
	};
	char *text = write_text(true, true);
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_counter(text, cases[i].name, cases[i].id);
	cr_expect_eq(
	    count_lines(text, "mercury_listener_ended_total{listener=\"pos\","),
	    CONN_END_COUNT);
	free(text);
}

Test(metrics, of_listeners_and_workers)
{
	static const char *const lines[] = {
		"mercury_listener_state{listener=\"pos\",state=\"degraded\"} 1",
		"mercury_listener_state{listener=\"pos\",state=\"failed\"} 0",
		"mercury_listener_state{listener=\"a \\\"b\\\"\","
		"state=\"retrying\"} 1",
		"mercury_listener_connections{listener=\"pos\"} 1",
		"mercury_listener_connections_limit{listener=\"pos\"} 100",
		"mercury_listener_alarm_ratio{listener=\"pos\"} 0.8",
		"mercury_listener_generation{listener=\"pos\"} 2",
		"mercury_listener_module_total{listener=\"pos\","
		"counter=\"requests\"} 41",
		"mercury_listener_module_total{listener=\"pos\","
		"counter=\"bad\"} 43",
		"mercury_listener_workers{listener=\"pos\"} 2",
		"mercury_listener_workers_up{listener=\"pos\"} 1",
		"mercury_listener_worker_restarts_total{listener=\"pos\"} 3",
		"mercury_listener_bind_attempts{listener=\"pos\"} 4",
		"mercury_listener_retry_seconds{listener=\"pos\"} 0.5",
		"mercury_listener_drain_left_seconds{listener=\"pos\"} 1.25",
		"mercury_listener_required{listener=\"pos\"} 1",
		"mercury_listener_ready{listener=\"pos\"} 1",
		"mercury_listener_draining{listener=\"pos\"} 0",
		"mercury_listener_ready{listener=\"a \\\"b\\\"\"} 0",
		"mercury_listener_draining{listener=\"a \\\"b\\\"\"} 1",
		"mercury_worker_up{listener=\"pos\",slot=\"0\"} 1",
		"mercury_worker_up{listener=\"pos\",slot=\"1\"} 0",
		"mercury_worker_connections{listener=\"pos\",slot=\"0\"} 5",
		"mercury_worker_restarts_total{listener=\"pos\",slot=\"1\"} 3",
		"mercury_worker_uptime_seconds{listener=\"pos\",slot=\"0\"} 11",
		"mercury_listener_connection_seconds_bucket{listener=\"pos\","
		"le=\"0.1\"} 1",
		"mercury_listener_connection_seconds_sum{listener=\"pos\"} "
		"0.099",
		"mercury_listener_handshake_seconds_count{listener=\"pos\"} 0",
	};
	char *text = write_text(true, true);

	EXPECT_LINES(text, lines);
	free(text);
}

Test(metrics, of_upstreams)
{
#define POS(NAME)                                                         \
	"mercury_upstream_" NAME "{listener=\"pos\",upstream=\"10.0.0.5:" \
	"8583\""
	static const char *const lines[] = {
		POS("up") "} 0",
		POS("mode") ",mode=\"ready\"} 0",
		POS("mode") ",mode=\"drain\"} 1",
		POS("connections") "} 4",
		POS("connections_limit") "} 100",
		POS("waiting") "} 2",
		POS("connected_total") "} 1200",
		POS("failures_total") "} 7",
		POS("checks_total") "} 60",
		POS("check_failures_total") "} 3",
	};
#undef POS
	char *text = write_text(true, true);

	EXPECT_LINES(text, lines);
	cr_expect_eq(count_lines(text,
			 "mercury_upstream_up{listener=\"pos\",upstream=\"xxx"),
	    1);
	free(text);
}

Test(metrics, of_programs)
{
	static const char *const lines[] = {
		"mercury_exec_running{listener=\"pos\"} 19",
		"mercury_exec_started_total{listener=\"pos\"} 30",
		"mercury_exec_failed_total{listener=\"pos\"} 2",
		"mercury_exec_exits_total{listener=\"pos\",code=\"3\"} 5",
		"mercury_exec_signals_total{listener=\"pos\",signal=\"9\"} 6",
	};
	char *text = write_text(true, true);

	EXPECT_LINES(text, lines);
	free(text);
}

Test(metrics, plain_tcp_has_no_handshakes)
{
	char *text = write_text(true, true);

	cr_expect_eq(
	    count_lines(text, "mercury_listener_handshake_seconds_count{"), 1);
	cr_expect_eq(
	    count_lines(text, "mercury_listener_connection_seconds_count{"), 2);
	free(text);
}

Test(metrics, of_the_store)
{
	static const char *const lines[] = {
		"mercury_store_up 1",
		"mercury_store_trouble{kind=\"locked\"} 1",
		"mercury_store_trouble{kind=\"corrupt\"} 0",
		"mercury_store_events_total 120",
		"mercury_store_dropped_events_total 6",
		"mercury_store_last_cleanup_timestamp_seconds 1767225600.123",
		"mercury_store_wal_held_seconds 1.5",
	};
	char *text = write_text(true, true);

	EXPECT_LINES(text, lines);
	cr_expect_eq(count_lines(text, "mercury_store_trouble{"),
	    STORE_TROUBLE_COUNT - 1);
	free(text);
	text = write_text(false, true);
	cr_expect_eq(count_lines(text, "mercury_store_"), 0);
	free(text);
}

Test(metrics, of_processes)
{
	static const char *const lines[] = {
		"mercury_processes{role=\"supervisor\"} 1",
		"mercury_processes{role=\"pool\"} 2",
		"mercury_process_restarts_total{role=\"control\"} 1",
		"mercury_process_resident_memory_bytes{role=\"pool\"} 43000",
		"mercury_process_cpu_seconds_total{role=\"supervisor\"} 0.011",
	};
	char *text = write_text(true, true);

	EXPECT_LINES(text, lines);
	cr_expect_eq(count_lines(text, "mercury_process_restarts_total{"), 1);
	free(text);
	text = write_text(true, false);
	cr_expect_eq(count_lines(text, "mercury_process"), 0);
	free(text);
}

Test(metrics, an_answer_without_a_daemon_is_none)
{
	struct snapshot_writer w = { 0 };
	struct snapshot_reader status;
	struct process_meter meter = { 0 };
	struct metrics_from from = { .status = &status,
		.meter = &meter,
		.look_up = look_up };
	struct exposition x = { 0 };

	add_processes(&w);
	seal(&w, &status);
	cr_expect_eq(metrics_write(&x, &from), -1);
	exposition_free(&x);
	snapshot_close(&status);
}
