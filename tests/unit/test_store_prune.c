#include <sys/prctl.h>
#include <sys/wait.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "store/epoch_clock.h"
#include "store/epochs.h"
#include "store/prune.h"
#include "unit/scratch.h"
#include "unit/store_rows.h"

#define DAY 86400000LL
#define ROWS "SELECT count(*) FROM network_health_events"

TestSuite(prune, .init = scratch_make, .fini = scratch_remove, .timeout = 60);

struct fixture {
	struct db db;
	struct epochs *epochs;
	struct epoch_clocks now;
	struct prune prune;
};

static void
begin(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	rows_open(&f->db);
	f->epochs = epochs_new();
	cr_assert_not_null(f->epochs);
	epoch_clock_read(&f->now);
	cr_expect_eq(strlen(f->now.boot_id), EPOCHS_BOOT_ID_SIZE - 1);
	epochs_start(f->epochs, NULL, &f->now, 30 * DAY);
}

static void
end(struct fixture *f)
{
	cr_expect_eq(rows_number(&f->db,
			 "SELECT integrity_check = 'ok' FROM "
			 "pragma_integrity_check",
			 0),
	    1);
	epochs_free(&f->epochs);
	db_close(&f->db);
}

/* Returns how many slices it took. */
static unsigned int
run(struct fixture *f, uint64_t age_ms, uint64_t max_events, bool dry_run)
{
	const struct prune_order order = { age_ms, max_events, dry_run };
	unsigned int slices = 0;
	enum prune_result r;

	prune_start(&f->prune, &f->db, f->epochs, &order);
	do {
		r = prune_step(&f->prune);
		cr_assert_neq(r, PRUNE_FAILED, "%s", f->db.text);
		cr_assert_lt(++slices, 100000u, "it does not end");
	} while (r == PRUNE_MORE);
	cr_expect_eq(prune_step(&f->prune), PRUNE_DONE);
	return slices;
}

/* Rows 1 to 1000, a minute apart, the last one of now. */
static void
add_minutes(struct fixture *f)
{
	rows_add(&f->db,
	    &(struct rows_series){ 1, 1000, f->now.wall_ms - 999 * 60000, 60000,
		"pos" });
}

struct order_case {
	uint64_t age_ms;
	uint64_t max_events;
	int64_t left;
};

ParameterizedTestParameters(prune, order)
{
	static struct order_case cases[] = {
		{ 30 * DAY, 1000000, 1000 },
		{ 30 * DAY, UINT64_MAX, 1000 },
		{ 30 * DAY, 1000, 1000 },
		{ 30 * DAY, 999, 999 },
		{ 30 * DAY, 1, 1 },
		{ 30 * DAY, 0, 0 },
		{ UINT64_MAX, 300, 300 },
		{ 59 * 60000 + 30000, UINT64_MAX, 60 },
		{ 59 * 60000 + 30000, 60, 60 },
		{ 59 * 60000 + 30000, 100, 60 },
		{ 59 * 60000 + 30000, 10, 10 },
	};

	return cr_make_param_array(struct order_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

/* The newest are left, and a dry run says how many are not. */
ParameterizedTest(struct order_case *k, prune, order, .init = scratch_make,
    .fini = scratch_remove)
{
	struct fixture f;

	begin(&f);
	add_minutes(&f);
	(void)run(&f, k->age_ms, k->max_events, true);
	cr_expect_eq((int64_t)f.prune.rows, 1000 - k->left);
	cr_expect_eq(f.prune.bytes, 0);
	cr_expect_eq(rows_number(&f.db, ROWS, -1), 1000);
	(void)run(&f, k->age_ms, k->max_events, false);
	cr_expect_eq((int64_t)f.prune.rows, 1000 - k->left);
	cr_expect_eq(rows_number(&f.db, ROWS, -1), k->left);
	cr_expect_eq(rows_number(&f.db,
			 "SELECT min(id) FROM network_health_events", 1001),
	    1001 - k->left);
	end(&f);
}

/* It is rows that count, not ids. */
Test(prune, gaps_between_ids)
{
	struct fixture f;

	begin(&f);
	rows_add(&f.db,
	    &(struct rows_series){ 1, 100, f.now.wall_ms - 5000, 1, NULL });
	rows_add(&f.db,
	    &(struct rows_series){ 1000000, 100, f.now.wall_ms, 0, NULL });
	rows_add(&f.db,
	    &(struct rows_series){ INT64_MAX - 5, 5, f.now.wall_ms, 0, NULL });
	(void)run(&f, DAY, 205, false);
	cr_expect_eq(rows_number(&f.db, ROWS, -1), 205);
	(void)run(&f, DAY, 150, false);
	cr_expect_eq(rows_number(&f.db, ROWS, -1), 150);
	cr_expect_eq(
	    rows_number(&f.db, "SELECT min(id) FROM network_health_events", 0),
	    56);
	end(&f);
}

Test(prune, space_is_given_back)
{
	struct fixture f;
	int64_t before;

	begin(&f);
	rows_add(&f.db,
	    &(struct rows_series){ 1, 20000, f.now.wall_ms - 40 * DAY, 1,
		"pos" });
	rows_add(&f.db,
	    &(struct rows_series){ 20001, 2000, f.now.wall_ms, 1, "pos" });
	before = rows_number(&f.db, "PRAGMA page_count", 0);
	cr_expect_geq(run(&f, 30 * DAY, UINT64_MAX, false), 20u);
	cr_expect_eq(f.prune.rows, 20000);
	cr_expect_eq(rows_number(&f.db, "PRAGMA freelist_count", -1), 0);
	cr_expect_eq((int64_t)f.prune.bytes,
	    (before - rows_number(&f.db, "PRAGMA page_count", 0)) * 4096);
	cr_expect_lt(rows_number(&f.db, "PRAGMA page_count", 0), before / 5);
	/* Nothing is left to do, and that is found out at once. */
	cr_expect_leq(run(&f, 30 * DAY, UINT64_MAX, false), 5u);
	cr_expect_eq(f.prune.rows, 0);
	end(&f);
}

Test(prune, rows_are_found_by_an_index)
{
	struct fixture f;

	begin(&f);
	add_minutes(&f);
	(void)run(&f, 59 * 60000, 10, false);
	cr_expect_geq(rows_check_plans(&f.db), 6u);
	end(&f);
}

/* The wall clock was wrong by years when rows were written. */
Test(prune, goes_by_epochs)
{
	struct fixture f;

	begin(&f);
	rows_exec(&f.db,
	    "INSERT INTO store_epochs VALUES (1, 0), (100, 0), (200, 0),"
	    "(300, 0)");
	epochs_load(f.epochs, &(struct epoch){ 1, 0 });
	epochs_load(f.epochs, &(struct epoch){ 100, 1000 * DAY });
	epochs_load(f.epochs, &(struct epoch){ 200, -1000 * DAY });
	epochs_load(f.epochs, &(struct epoch){ 300, 0 });
	/* Old, then old although stamped for the future, then fresh. */
	rows_add(&f.db,
	    &(struct rows_series){ 50, 50, f.now.wall_ms - 31 * DAY, 1, NULL });
	rows_add(&f.db,
	    &(struct rows_series){ 100, 50, f.now.wall_ms + 969 * DAY, 1,
		NULL });
	rows_add(&f.db,
	    &(struct rows_series){ 150, 50, f.now.wall_ms + 971 * DAY, 1,
		NULL });
	rows_add(&f.db,
	    &(struct rows_series){ 200, 100, f.now.wall_ms - 1001 * DAY, 1,
		NULL });
	rows_add(&f.db,
	    &(struct rows_series){ 300, 100, f.now.wall_ms, 1, NULL });
	(void)run(&f, 30 * DAY, UINT64_MAX, false);
	cr_expect_eq(f.prune.rows, 100);
	cr_expect_eq(rows_number(&f.db, ROWS " WHERE id >= 150", -1), 250);
	/* Of the epochs, those that rows are left of. */
	cr_expect_eq(rows_number(&f.db, "SELECT count(*) FROM store_epochs", 0),
	    3);
	cr_expect_eq(
	    rows_number(&f.db, "SELECT min(first_id) FROM store_epochs", 0),
	    100);
	end(&f);
}

Test(prune, many_at_the_same_time)
{
	struct fixture f;

	begin(&f);
	rows_add(&f.db, &(struct rows_series){ 1, 12000, 1000, 0, NULL });
	rows_add(&f.db,
	    &(struct rows_series){ 12001, 12000, f.now.wall_ms, 0, NULL });
	(void)run(&f, DAY, 11000, true);
	cr_expect_eq(f.prune.rows, 13000);
	(void)run(&f, DAY, 11000, false);
	cr_expect_eq(f.prune.rows, 13000);
	cr_expect_eq(rows_number(&f.db, ROWS, -1), 11000);
	end(&f);
}

Test(prune, garbage)
{
	struct fixture f;

	begin(&f);
	rows_exec(&f.db,
	    "INSERT INTO network_health_events(id, at_ms, type, severity) "
	    "VALUES (-9223372036854775808, 5, 'a', 'b'), (-1, 0, 'a', 'b'),"
	    "(0, -1, x'00', x''), (1, 1.5, 1, 2), (2, 1.5, 1, 2),"
	    "(3, -9223372036854775808, 'a', 'b'), (4, -1e300, 'a', 'b'),"
	    "(5, 1e300, 'a', 'b'), (6, 'soon', 'a', 'b'),"
	    "(7, x'00ff', 'a', 'b'), (8, 9223372036854775807, 'a', 'b'),"
	    "(9223372036854775807, 9223372036854775806, 'a', 'b')");
	(void)run(&f, DAY, UINT64_MAX, true);
	cr_expect_eq(f.prune.rows, 6);
	(void)run(&f, DAY, UINT64_MAX, false);
	cr_expect_eq(rows_number(&f.db, ROWS, -1), 6);
	(void)run(&f, DAY, 0, false);
	end(&f);
}

/* Another program may lock the database at any time. */
Test(prune, locked)
{
	const struct prune_order order = { DAY, UINT64_MAX, false };
	unsigned int slices, failures = 0;
	enum prune_result r;
	struct fixture f;
	sqlite3 *other;

	begin(&f);
	rows_add(&f.db, &(struct rows_series){ 1, 3000, 1000, 1, NULL });
	cr_assert_eq(sqlite3_open(f.db.path, &other), SQLITE_OK);
	prune_start(&f.prune, &f.db, f.epochs, &order);
	for (slices = 0; slices < 10000; slices++) {
		const bool locks = slices % 2 == 0 &&
		    sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL) ==
			SQLITE_OK;

		r = prune_step(&f.prune);
		failures += r == PRUNE_FAILED;
		cr_assert(r != PRUNE_FAILED || locks, "%s", f.db.text);
		cr_assert(
		    r != PRUNE_FAILED || (f.db.code & 0xff) == SQLITE_BUSY);
		if (locks)
			(void)sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
		if (r == PRUNE_DONE)
			break;
	}
	cr_expect_gt(failures, 2u);
	cr_expect_eq(f.prune.rows, 3000);
	cr_expect_eq(rows_number(&f.db, ROWS, -1), 0);
	cr_expect_eq(rows_number(&f.db, "PRAGMA freelist_count", -1), 0);
	(void)sqlite3_close(other);
	end(&f);
}

/* It can be left at any slice, and what comes then starts anew. */
Test(prune, interrupted)
{
	const struct prune_order order = { DAY, 100, false };
	unsigned int i;
	struct fixture f;

	begin(&f);
	rows_add(&f.db, &(struct rows_series){ 1, 3000, 1000, 1, NULL });
	rows_add(&f.db,
	    &(struct rows_series){ 3001, 200, f.now.wall_ms, 0, NULL });
	prune_start(&f.prune, &f.db, f.epochs, &order);
	for (i = 0; i < 3; i++)
		cr_expect_eq(prune_step(&f.prune), PRUNE_MORE);
	db_close(&f.db);
	rows_open(&f.db);
	prune_restart(&f.prune);
	while (prune_step(&f.prune) == PRUNE_MORE)
		continue;
	cr_expect_eq(f.prune.rows, 3100);
	cr_expect_eq(rows_number(&f.db, ROWS, -1), 100);
	end(&f);
}

#define OLD_ROWS 20000

/* A process of its own that prunes, and then waits to be killed. */
static void
prune_until_killed(struct fixture *f, int opened)
{
	const struct prune_order order = { DAY, UINT64_MAX, false };

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	rows_open(&f->db);
	prune_start(&f->prune, &f->db, f->epochs, &order);
	cr_assert_eq(write(opened, "", 1), 1);
	while (prune_step(&f->prune) == PRUNE_MORE)
		continue;
	for (;;)
		(void)pause();
}

/* Wait until no more than so many old rows are left, with another handle. */
static void
wait_for_rows(struct fixture *f, int64_t wanted)
{
	cr_assert_eq(db_open(&f->db, scratch_path("health.db")), 0);
	while (rows_number(&f->db, ROWS " WHERE at_ms < 100000", 0) > wanted)
		(void)poll(NULL, 0, 1);
}

/* Returns how many old rows are left. */
static int64_t
check_after_kill(struct fixture *f)
{
	cr_expect_eq(rows_number(&f->db,
			 "SELECT integrity_check = 'ok' FROM "
			 "pragma_integrity_check",
			 0),
	    1);
	cr_expect_eq(rows_number(&f->db, ROWS " WHERE at_ms >= 100000", -1),
	    500);
	return rows_number(&f->db, ROWS, -1) - 500;
}

/* Whenever it is killed, what was not to go is there, and all is sound. */
Test(prune, killed)
{
	int64_t left = OLD_ROWS, kills = 0;
	struct fixture f;
	int opened[2];
	pid_t pid;
	char byte;

	begin(&f);
	rows_add(&f.db, &(struct rows_series){ 1, OLD_ROWS, 1000, 1, "pos" });
	rows_add(&f.db,
	    &(struct rows_series){ OLD_ROWS + 1, 500, f.now.wall_ms, 0, NULL });
	cr_assert_eq(pipe(opened), 0);
	while (left > 0) {
		db_close(&f.db);
		pid = fork();
		cr_assert_neq(pid, -1);
		if (pid == 0)
			prune_until_killed(&f, opened[1]);
		cr_assert_eq(read(opened[0], &byte, 1), 1);
		wait_for_rows(&f, left - left / 3 - 1);
		cr_assert_eq(kill(pid, SIGKILL), 0);
		cr_assert_eq(waitpid(pid, NULL, 0), pid);
		kills++;
		left = check_after_kill(&f);
	}
	cr_expect_gt(kills, 1);
	(void)close(opened[0]);
	(void)close(opened[1]);
	end(&f);
}
