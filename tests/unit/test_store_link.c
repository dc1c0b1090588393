#include <criterion/criterion.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/ipc.h"
#include "common/loop.h"
#include "common/snapshot.h"
#include "store/cleanup.h"
#include "store/env.h"
#include "store/epoch_clock.h"
#include "store/epochs.h"
#include "store/link.h"
#include "unit/scratch.h"
#include "unit/store_rows.h"

#define DAY 86400000LL
#define WAIT_MS 20000

TestSuite(link, .init = scratch_make, .fini = scratch_remove, .timeout = 60);

/* The store, as far as a link sees it, and control's end. */
static struct {
	struct event_base *base;
	struct db db;
	struct store_board board;
	struct store_env env;
	struct epoch_clocks now;
	struct cleanup *cleanup;
	struct link *link;
	int control;
	unsigned int failures;
	unsigned int records;
} t;

static bool
recording_waits(void *ctx)
{
	(void)ctx;
	return false;
}

static void
on_failed(void *ctx, int code)
{
	(void)ctx;
	(void)code;
	t.failures++;
}

static void
on_record(void *ctx, const struct health_event *e)
{
	(void)ctx;
	(void)e;
	t.records++;
}

static void
begin(void)
{
	struct err err;
	int ends[2];

	t.base = loop_new(&err);
	rows_open(&t.db);
	t.env = (struct store_env){ .base = t.base,
		.db = &t.db,
		.board = &t.board,
		.settings = { .retention_ms = 30 * DAY,
		    .max_events = 1000000,
		    .cleanup_every_ms = DAY },
		.epochs = epochs_new(),
		.recording_waits = recording_waits,
		.failed = on_failed,
		.record = on_record };
	epoch_clock_read(&t.now);
	epochs_start(t.env.epochs, NULL, &t.now, 30 * DAY);
	t.cleanup = cleanup_new(&t.env, &err);
	cr_assert_not_null(t.cleanup);
	cr_assert_eq(ipc_pair(ends, &err), 0);
	t.control = ends[1];
	t.link = link_new(&t.env, t.cleanup,
	    &(struct link_peer){ ends[0], ROLE_CONTROL }, &err);
	cr_assert_not_null(t.link, "%s", err.text);
}

static void
end(void)
{
	link_free(&t.link);
	cr_expect_null(t.link);
	cleanup_free(&t.cleanup);
	epochs_free(&t.env.epochs);
	db_close(&t.db);
	event_base_free(t.base);
	(void)close(t.control);
}

static void
say(enum ipc_kind kind, const void *payload)
{
	struct err err;

	cr_assert_eq(ipc_send(t.control, kind, payload, -1, false, &err),
	    IPC_OK);
}

static void
query(uint32_t request, uint32_t rows)
{
	const struct msg_events_query m = { .request = request, .rows = rows };

	say(IPC_EVENTS_QUERY, &m);
}

/* The next message; the loop runs until it is there. */
static struct ipc_message
hear(void)
{
	const uint64_t deadline_ms = clock_mono_ms() + WAIT_MS;
	struct ipc_message m;
	enum ipc_result r;
	struct err err;

	while ((r = ipc_recv(t.control, ROLE_STORE, false, &m, &err)) ==
	    IPC_AGAIN) {
		cr_assert_lt(clock_mono_ms(), deadline_ms);
		(void)event_base_loop(t.base, EVLOOP_NONBLOCK);
	}
	cr_assert_eq(r, IPC_OK, "%s", err.text);
	return m;
}

/* A snapshot: how many events, and the last row. */
static unsigned int
rows_of(struct ipc_message *m, enum snapshot_kind last_kind, void *last,
    size_t size)
{
	struct snapshot_reader r;
	enum snapshot_kind kind;
	unsigned int rows = 0;
	const void *row;
	struct err err;

	cr_assert_eq(m->kind, IPC_SNAPSHOT, "kind %d", m->kind);
	cr_assert_eq(snapshot_open(&r, m->fd, &err), 0);
	while ((row = snapshot_next(&r, &kind)) != NULL) {
		rows += kind == SNAPSHOT_EVENT;
		if (kind == last_kind)
			memcpy(last, row, size);
	}
	snapshot_close(&r);
	(void)close(m->fd);
	return rows;
}

static void
expect_reply(uint32_t request, enum err_code code)
{
	const struct ipc_message m = hear();

	cr_assert_eq(m.kind, IPC_REPLY, "kind %d", m.kind);
	cr_expect_eq(m.payload.REPLY.request, request);
	cr_expect_eq(m.payload.REPLY.code, (uint32_t)code);
	cr_expect_neq(m.payload.REPLY.text[0], '\0');
}

Test(link, answers_a_query)
{
	struct snapshot_page page;
	struct ipc_message m;

	begin();
	rows_add(&t.db, &(struct rows_series){ 1, 30, 1000, 1, "pos" });
	query(77, 20);
	m = hear();
	cr_expect_eq(m.payload.SNAPSHOT.request, 77);
	cr_expect_eq(rows_of(&m, SNAPSHOT_PAGE, &page, sizeof(page)), 20);
	cr_expect_eq(page.last_id, 20);
	cr_expect_eq(page.last_ms, 1019);
	cr_expect_eq(page.newest_id, 30);
	cr_expect_eq(page.more, 1);
	end();
}

Test(link, refuses_nonsense)
{
	begin();
	query(5, 0);
	expect_reply(5, ERR_INVALID);
	end();
}

/* However many come at once: those beyond the limit are refused. */
Test(link, bounds_what_is_under_way)
{
	unsigned int i, answers = 0, refused = 0;
	struct snapshot_page page;
	struct ipc_message m;

	begin();
	for (i = 0; i < LINK_QUERIES_MAX + 20; i++)
		query(i, 1);
	for (i = 0; i < LINK_QUERIES_MAX + 20; i++) {
		m = hear();
		if (m.kind == IPC_REPLY) {
			cr_expect_eq(m.payload.REPLY.code, ERR_BUSY);
			refused++;
		} else {
			(void)rows_of(&m, SNAPSHOT_PAGE, &page, sizeof(page));
			answers++;
		}
	}
	cr_expect_geq(answers, LINK_QUERIES_MAX);
	cr_expect_leq(refused, 20);
	cr_expect_gt(refused, 0);
	/* There is room again. */
	query(1000, 1);
	m = hear();
	cr_expect_eq(m.payload.SNAPSHOT.request, 1000);
	(void)rows_of(&m, SNAPSHOT_PAGE, &page, sizeof(page));
	end();
}

/* One that goes over many rows does not keep others waiting. */
Test(link, takes_turns)
{
	struct msg_events_query slow = { .request = 1,
		.rows = 1,
		.newest = 1,
		.filter.types =
		    1ULL << EVENT_WORKER_HUNG | 1ULL << EVENT_WORKER_KILLED };
	struct snapshot_page page;
	struct ipc_message m;

	begin();
	rows_add(&t.db, &(struct rows_series){ 1, 30000, 1000, 1, NULL });
	say(IPC_EVENTS_QUERY, &slow);
	query(2, 1);
	m = hear();
	cr_expect_eq(m.payload.SNAPSHOT.request, 2);
	cr_expect_eq(rows_of(&m, SNAPSHOT_PAGE, &page, sizeof(page)), 1);
	m = hear();
	cr_expect_eq(m.payload.SNAPSHOT.request, 1);
	cr_expect_eq(rows_of(&m, SNAPSHOT_PAGE, &page, sizeof(page)), 0);
	end();
}

Test(link, tells_of_new_rows)
{
	const struct msg_empty watch = { 0 };
	struct ipc_message m;
	uint64_t id;

	begin();
	/* Not before it is asked to. */
	link_rows_written(t.link, 5);
	query(1, 0);
	expect_reply(1, ERR_INVALID);
	say(IPC_EVENTS_WATCH, &watch);
	say(IPC_EVENTS_WATCH, &watch);
	query(2, 0);
	expect_reply(2, ERR_INVALID);
	/* What comes in quick succession is told of at once. */
	for (id = 6; id <= 1000; id++)
		link_rows_written(t.link, id);
	m = hear();
	cr_assert_eq(m.kind, IPC_EVENTS_NEWS);
	cr_expect_eq(m.payload.EVENTS_NEWS.last_id, 1000);
	link_rows_written(t.link, 1001);
	m = hear();
	cr_assert_eq(m.kind, IPC_EVENTS_NEWS);
	cr_expect_eq(m.payload.EVENTS_NEWS.last_id, 1001);
	link_rows_written(NULL, 1);
	end();
}

Test(link, starts_a_cleanup)
{
	struct msg_events_cleanup ask = { .request = 3,
		.dry_run = 1,
		.older_than_ms = DAY };
	struct snapshot_cleanup row;
	struct ipc_message m;

	begin();
	rows_add(&t.db, &(struct rows_series){ 1, 3000, 1000, 1, NULL });
	rows_add(&t.db,
	    &(struct rows_series){ 3001, 10, t.now.wall_ms, 0, NULL });
	say(IPC_EVENTS_CLEANUP, &ask);
	m = hear();
	cr_expect_eq(m.payload.SNAPSHOT.request, 3);
	cr_expect_eq(rows_of(&m, SNAPSHOT_CLEANUP, &row, sizeof(row)), 0);
	cr_expect_eq(row.rows, 3000);
	cr_expect_eq(row.dry_run, 1);
	cr_expect_eq(t.records, 0);
	ask.dry_run = 0;
	say(IPC_EVENTS_CLEANUP, &ask);
	ask.request = 4;
	say(IPC_EVENTS_CLEANUP, &ask);
	ask.request = 5;
	say(IPC_EVENTS_CLEANUP, &ask);
	expect_reply(5, ERR_BUSY);
	m = hear();
	cr_expect_eq(m.payload.SNAPSHOT.request, 3);
	(void)rows_of(&m, SNAPSHOT_CLEANUP, &row, sizeof(row));
	cr_expect_eq(row.rows, 3000);
	m = hear();
	cr_expect_eq(m.payload.SNAPSHOT.request, 4);
	(void)rows_of(&m, SNAPSHOT_CLEANUP, &row, sizeof(row));
	cr_expect_eq(row.rows, 0);
	end();
}

Test(link, without_a_database)
{
	begin();
	db_close(&t.db);
	query(1, 1);
	query(2, 1);
	expect_reply(1, ERR_UNAVAILABLE);
	expect_reply(2, ERR_UNAVAILABLE);
	cr_expect_eq(t.failures, 0);
	end();
}

Test(link, a_failure_is_told)
{
	begin();
	rows_exec(&t.db, "DROP TABLE network_health_events");
	query(1, 1);
	expect_reply(1, ERR_UNAVAILABLE);
	cr_expect_eq(t.failures, 1);
	end();
}

/* Control dies with a query and a cleanup under way. */
Test(link, control_is_gone)
{
	const struct msg_events_cleanup cleanup = { .older_than_ms = DAY };
	const struct msg_events_query slow = { .rows = 1,
		.newest = 1,
		.filter.types = 3ULL << EVENT_WORKER_HUNG };
	const struct msg_empty watch = { 0 };
	const unsigned int fds = scratch_open_fds();
	const uint64_t deadline_ms = clock_mono_ms() + WAIT_MS;

	begin();
	rows_add(&t.db, &(struct rows_series){ 1, 30000, 1000, 1, NULL });
	say(IPC_EVENTS_WATCH, &watch);
	say(IPC_EVENTS_QUERY, &slow);
	say(IPC_EVENTS_CLEANUP, &cleanup);
	(void)event_base_loop(t.base, EVLOOP_NONBLOCK);
	(void)event_base_loop(t.base, EVLOOP_NONBLOCK);
	(void)close(t.control);
	t.control = -1;
	/* The cleanup goes on, without anybody to answer to. */
	while (t.records == 0) {
		cr_assert_lt(clock_mono_ms(), deadline_ms);
		(void)event_base_loop(t.base, EVLOOP_NONBLOCK);
	}
	link_rows_written(t.link, 7);
	(void)event_base_loop(t.base, EVLOOP_NONBLOCK);
	end();
	cr_expect_eq(scratch_open_fds(), fds);
}
