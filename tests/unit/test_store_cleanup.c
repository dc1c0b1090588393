#include <criterion/criterion.h>
#include <event2/event.h>
#include <string.h>

#include "common/clock.h"
#include "common/loop.h"
#include "store/cleanup.h"
#include "store/env.h"
#include "store/epoch_clock.h"
#include "store/epochs.h"
#include "unit/scratch.h"
#include "unit/store_rows.h"

#define DAY 86400000LL
#define ROWS "SELECT count(*) FROM network_health_events"
#define RECORDS_MAX 64

TestSuite(cleanup, .init = scratch_make, .fini = scratch_remove, .timeout = 60);

/* The store, as far as the job sees it. */
static struct {
	struct event_base *base;
	struct db db;
	struct store_board board;
	struct store_env env;
	struct epoch_clocks now;
	struct cleanup *cleanup;
	struct {
		const char *reason;
		int64_t rows;
		int64_t bytes;
	} records[RECORDS_MAX];
	unsigned int record_count;
	unsigned int waits; /* how often to say that events wait */
	unsigned int asked; /* how often that was asked */
	unsigned int failures;
	sqlite3 *other; /* that locks the database until the first failure */
	unsigned int done;
	struct snapshot_cleanup result;
	uint32_t request;
	struct err err; /* ERR_NONE: there was a result */
} t;

static bool
recording_waits(void *ctx)
{
	(void)ctx;
	t.asked++;
	if (t.waits == 0)
		return false;
	t.waits--;
	return true;
}

static void
on_failed(void *ctx, int code)
{
	(void)ctx;
	t.failures++;
	cr_expect_eq(code & 0xff, SQLITE_BUSY, "%s", t.db.text);
	if (t.other != NULL)
		(void)sqlite3_close(t.other);
	t.other = NULL;
}

static void
on_record(void *ctx, const struct health_event *e)
{
	(void)ctx;
	cr_assert_eq(e->type, EVENT_CLEANUP_COMPLETED);
	cr_assert_lt(t.record_count, RECORDS_MAX);
	cr_expect_eq(e->fact_count, 3);
	t.records[t.record_count].reason = e->reason;
	t.records[t.record_count].rows = e->facts[0].number;
	t.records[t.record_count++].bytes = e->facts[1].number;
}

static void
on_done(void *ctx, uint32_t request, const struct snapshot_cleanup *result,
    const struct err *err)
{
	cr_expect_eq(ctx, &t);
	cr_expect_neq(result == NULL, err == NULL);
	t.done++;
	t.request = request;
	if (result != NULL)
		t.result = *result;
	else
		t.err = *err;
}

static void
begin(uint32_t cleanup_every_ms)
{
	struct err err;

	t.base = loop_new(&err);
	rows_open(&t.db);
	t.env = (struct store_env){ .base = t.base,
		.db = &t.db,
		.board = &t.board,
		.settings = { .retention_ms = 30 * DAY,
		    .max_events = 1000000,
		    .cleanup_every_ms = cleanup_every_ms },
		.epochs = epochs_new(),
		.recording_waits = recording_waits,
		.failed = on_failed,
		.record = on_record };
	epoch_clock_read(&t.now);
	epochs_start(t.env.epochs, NULL, &t.now, 30 * DAY);
	t.cleanup = cleanup_new(&t.env, &err);
	cr_assert_not_null(t.cleanup, "%s", err.text);
}

static void
end(void)
{
	cleanup_free(&t.cleanup);
	cr_expect_null(t.cleanup);
	epochs_free(&t.env.epochs);
	db_close(&t.db);
	event_base_free(t.base);
}

static void
run_until(const unsigned int *count, unsigned int wanted)
{
	const uint64_t deadline_ms = clock_mono_ms() + 20000;

	while (*count < wanted) {
		cr_assert_lt(clock_mono_ms(), deadline_ms);
		cr_assert_eq(event_base_loop(t.base, EVLOOP_ONCE), 0);
	}
}

/* Rows 1 to 5000 are too old, 500 more are not. */
static void
add_rows(void)
{
	rows_add(&t.db,
	    &(struct rows_series){ 1, 5000, t.now.wall_ms - 40 * DAY, 1,
		"pos" });
	rows_add(&t.db,
	    &(struct rows_series){ 5001, 500, t.now.wall_ms - DAY, 1, "pos" });
}

static int
start(uint64_t older_than_ms, bool dry_run, uint32_t request)
{
	const struct cleanup_request asked = { older_than_ms, dry_run, request,
		on_done, &t };

	return cleanup_start(t.cleanup, &asked, &t.err);
}

Test(cleanup, runs_by_schedule)
{
	begin(50);
	add_rows();
	run_until(&t.record_count, 2);
	cr_expect_str_eq(t.records[0].reason, "by schedule");
	cr_expect_eq(t.records[0].rows, 5000);
	cr_expect_gt(t.records[0].bytes, 4096 * 50);
	cr_expect_eq(t.records[1].rows, 0);
	cr_expect_eq(rows_number(&t.db, ROWS, -1), 500);
	cr_expect_eq(store_board_get(&t.board, STORE_PRUNED), 5000);
	cr_expect_geq(store_board_get(&t.board, STORE_LAST_CLEANUP_MS),
	    (uint64_t)t.now.wall_ms);
	cr_expect_eq(t.done, 0);
	end();
}

/* Within a tenth of what is said, and the first one sooner. */
Test(cleanup, settings_change)
{
	begin(UINT32_MAX);
	add_rows();
	t.env.settings.cleanup_every_ms = 100;
	cleanup_reschedule(t.cleanup);
	run_until(&t.record_count, 1);
	cr_expect_geq(clock_real_ms() - (uint64_t)t.now.wall_ms, 85);
	t.env.settings.max_events = 123;
	run_until(&t.record_count, 2);
	cr_expect_eq(rows_number(&t.db, ROWS, -1), 123);
	end();
}

Test(cleanup, by_hand)
{
	begin(DAY);
	add_rows();
	cr_assert_eq(start(0, true, 7), 0);
	run_until(&t.done, 1);
	cr_expect_eq(t.request, 7);
	cr_expect_eq(t.result.rows, 5000);
	cr_expect_eq(t.result.dry_run, 1);
	cr_expect_eq(rows_number(&t.db, ROWS, -1), 5500);
	cr_expect_eq(t.record_count, 0);
	cr_expect_eq(store_board_get(&t.board, STORE_LAST_CLEANUP_MS), 0);

	t.env.settings.max_events = 400;
	cr_assert_eq(start(39 * DAY, false, 8), 0);
	run_until(&t.done, 2);
	cr_expect_eq(t.request, 8);
	cr_expect_eq(t.result.rows, 5000);
	cr_expect_gt(t.result.bytes, 0);
	cr_expect_eq(t.result.dry_run, 0);
	cr_expect_eq(t.record_count, 1);
	cr_expect_str_eq(t.records[0].reason, "by request");
	cr_expect_eq(rows_number(&t.db, ROWS, -1), 500);

	cr_assert_eq(start(0, false, 9), 0);
	run_until(&t.done, 3);
	cr_expect_eq(rows_number(&t.db, ROWS, -1), 400);
	cr_expect_eq(store_board_get(&t.board, STORE_PRUNED), 5100);
	end();
}

Test(cleanup, runs_by_hand_do_not_put_off_the_schedule)
{
	const uint64_t deadline_ms = clock_mono_ms() + 10000;
	unsigned int done = 0;

	begin(200);
	add_rows();
	while (t.record_count == 0) {
		cr_assert_lt(clock_mono_ms(), deadline_ms);
		cr_assert_eq(start(0, true, 1), 0);
		run_until(&t.done, ++done);
	}
	cr_expect_str_eq(t.records[0].reason, "by schedule");
	cr_expect_gt(done, 1);
	end();
}

Test(cleanup, one_waits_and_more_are_refused)
{
	begin(DAY);
	add_rows();
	cr_assert_eq(start(0, true, 1), 0);
	cr_assert_eq(start(0, false, 2), 0);
	cr_assert_eq(start(0, false, 3), -1);
	cr_expect_eq(t.err.code, ERR_BUSY);
	run_until(&t.done, 1);
	cr_expect_eq(t.request, 1);
	run_until(&t.done, 2);
	cr_expect_eq(t.request, 2);
	cr_expect_eq(t.result.rows, 5000);
	end();
}

Test(cleanup, who_is_gone_is_forgotten)
{
	begin(DAY);
	add_rows();
	cr_assert_eq(start(0, true, 1), 0);
	cr_assert_eq(start(0, false, 2), 0);
	cleanup_forget(t.cleanup, &t);
	run_until(&t.record_count, 1);
	cr_expect_eq(t.done, 0);
	cr_expect_eq(rows_number(&t.db, ROWS, -1), 500);
	end();
}

Test(cleanup, recording_goes_first)
{
	begin(DAY);
	add_rows();
	t.waits = 10;
	cr_assert_eq(start(0, false, 1), 0);
	while (t.waits > 0) {
		cr_expect_eq(rows_number(&t.db, ROWS, -1), 5500);
		cr_assert_eq(event_base_loop(t.base, EVLOOP_ONCE), 0);
	}
	/* But it is not kept from its work for ever. */
	t.waits = UINT32_MAX;
	run_until(&t.done, 1);
	cr_expect_eq(t.result.rows, 5000);
	end();
}

Test(cleanup, waits_for_a_lock)
{
	begin(DAY);
	add_rows();
	cr_assert_eq(sqlite3_open(t.db.path, &t.other), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(t.other, "BEGIN IMMEDIATE", NULL, NULL, NULL),
	    SQLITE_OK);
	cr_assert_eq(start(0, false, 1), 0);
	run_until(&t.done, 1);
	cr_expect_eq(t.failures, 1);
	cr_expect_eq(t.result.rows, 5000);
	end();
}

/* The database goes away in the middle, and comes back. */
Test(cleanup, begins_again)
{
	begin(DAY);
	add_rows();
	cr_assert_eq(start(0, false, 1), 0);
	while (rows_number(&t.db, ROWS, -1) == 5500)
		cr_assert_eq(event_base_loop(t.base, EVLOOP_ONCE), 0);
	cleanup_db_closed(t.cleanup);
	db_close(&t.db);
	cr_assert_eq(event_base_loop(t.base, EVLOOP_ONCE), 0);
	cr_expect_eq(t.done, 0);
	rows_open(&t.db);
	run_until(&t.done, 1);
	cr_expect_eq(t.result.rows, 5000);
	cr_expect_eq(rows_number(&t.db, ROWS, -1), 500);
	end();
}

Test(cleanup, full_disk)
{
	begin(DAY);
	add_rows();
	t.waits = UINT32_MAX;
	cleanup_now(t.cleanup);
	cleanup_now(t.cleanup);
	run_until(&t.record_count, 1);
	cr_expect_str_eq(t.records[0].reason, "the disk is full");
	cr_expect_eq(t.records[0].rows, 5000);
	cr_expect_eq(t.asked, 0);
	/* It may be full again soon. */
	cleanup_now(t.cleanup);
	cr_assert_eq(start(0, false, 1), 0);
	run_until(&t.done, 1);
	cr_expect_eq(t.record_count, 3);
	cr_expect_str_eq(t.records[1].reason, "the disk is full");
	cr_expect_str_eq(t.records[2].reason, "by request");
	end();
}
