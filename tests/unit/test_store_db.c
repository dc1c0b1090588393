#include <sys/stat.h>

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "scratch.h"
#include "store/ballast.h"
#include "store/db.h"
#include "store/lock.h"
#include "store/recovery.h"
#include "store/schema.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

TestSuite(db, .init = scratch_make, .fini = scratch_remove);

static void
open_it(struct db *db)
{
	cr_assert_eq(db_open(db, scratch_path("health.db")), 0, "%s", db->text);
}

/* With its schema. */
static void
make(struct db *db)
{
	open_it(db);
	cr_assert_eq(schema_open(db), 0, "%s", db->text);
}

/* A database as somebody else has made it. */
static void
make_foreign(const char *sql)
{
	struct db db = { 0 };

	open_it(&db);
	cr_assert_eq(db_exec(&db, sql), 0, "%s", db.text);
	db_close(&db);
}

static void
expect_number(struct db *db, const char *sql, int64_t want)
{
	const int64_t n = db_number(db, sql, -1);

	cr_expect_eq(n, want, "%s: %lld", sql, (long long)n);
}

struct pragma_case {
	char sql[96];
	int64_t want;
};

ParameterizedTestParameters(db, a_new_one_is_as_it_should_be)
{
	static struct pragma_case cases[] = {
		{ "PRAGMA auto_vacuum", 2 },
		{ "PRAGMA page_size", 4096 },
		{ "PRAGMA synchronous", 1 },
		{ "PRAGMA secure_delete", 0 },
		{ "PRAGMA user_version", SCHEMA_VERSION },
		{ "PRAGMA application_id", SCHEMA_APPLICATION },
		{ "PRAGMA busy_timeout", 0 },
		{ "SELECT journal_mode = 'wal' FROM pragma_journal_mode", 1 },
		{ "SELECT count(*) FROM sqlite_schema WHERE type = 'table'",
		    3 },
		{ "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND "
		  "sql IS NOT NULL",
		    4 },
	};

	return cr_make_param_array(struct pragma_case, cases, COUNT(cases));
}

ParameterizedTest(struct pragma_case *k, db, a_new_one_is_as_it_should_be,
    .init = scratch_make, .fini = scratch_remove)
{
	struct db db = { 0 };

	make(&db);
	expect_number(&db, k->sql, k->want);
	db_close(&db);
	/* What belongs to the file is there the next time as well. */
	make(&db);
	expect_number(&db, k->sql, k->want);
	db_close(&db);
}

Test(db, what_is_missing_is_added)
{
	struct db db = { 0 };

	make_foreign(
	    "CREATE TABLE network_health_events(id INTEGER PRIMARY KEY, "
	    "at_ms INTEGER NOT NULL, type TEXT NOT NULL, "
	    "severity TEXT NOT NULL, extra);"
	    "INSERT INTO network_health_events VALUES(41, 1, 'a', 'info', 2);");
	make(&db);
	expect_number(&db, "PRAGMA user_version", SCHEMA_VERSION);
	expect_number(&db, "PRAGMA auto_vacuum", 2);
	expect_number(&db,
	    "SELECT count(*) FROM pragma_table_info('network_health_events')",
	    9);
	expect_number(&db,
	    "SELECT extra FROM network_health_events WHERE detail IS NULL", 2);
	cr_expect_eq(db_last_id(&db), 41);
	db_close(&db);
}

Test(db, one_that_a_kill_left_without_tables_is_completed)
{
	struct db db = { 0 };

	make_foreign("PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL");
	make(&db);
	expect_number(&db, "PRAGMA auto_vacuum", 2);
	expect_number(&db, "PRAGMA user_version", SCHEMA_VERSION);
	db_close(&db);
}

struct refusal_case {
	char sql[160];
	int want;
};

ParameterizedTestParameters(db, what_is_not_ours_is_left_alone)
{
	static struct refusal_case cases[] = {
		{ "PRAGMA user_version=2", DB_NEWER },
		{ "PRAGMA application_id=7; CREATE TABLE t(x)", DB_FOREIGN },
		{ "CREATE TABLE t(x)", DB_FOREIGN },
		{ "CREATE TABLE network_health_events(id TEXT, at_ms, type, "
		  "severity)",
		    DB_FOREIGN },
		{ "CREATE TABLE network_health_events(id INTEGER PRIMARY KEY)",
		    DB_FOREIGN },
		{ "CREATE VIEW network_health_events AS SELECT 1", DB_FOREIGN },
	};

	return cr_make_param_array(struct refusal_case, cases, COUNT(cases));
}

ParameterizedTest(struct refusal_case *k, db, what_is_not_ours_is_left_alone,
    .init = scratch_make, .fini = scratch_remove)
{
	struct db db = { 0 };
	int64_t before;

	make_foreign(k->sql);
	open_it(&db);
	before = db_number(&db, "SELECT count(*) FROM sqlite_schema", -1);
	cr_expect_eq(schema_open(&db), k->want, "%s: %d %s", k->sql, db.code,
	    db.text);
	expect_number(&db, "SELECT count(*) FROM sqlite_schema", before);
	cr_expect_neq(db.text[0], '\0');
	db_close(&db);
}

Test(db, what_is_no_database_says_so)
{
	struct db db = { 0 };

	scratch_file("health.db",
	    "this is no database, and long enough to be "
	    "looked at: a header has a hundred bytes, "
	    "so here are some more of them");
	open_it(&db);
	cr_expect_eq(schema_open(&db), SQLITE_NOTADB, "%d", db.code);
	db_close(&db);
}

Test(db, ids_are_remembered_when_the_rows_are_gone)
{
	struct db db = { 0 };

	make(&db);
	cr_expect_eq(db_last_id(&db), 0);
	cr_expect_eq(schema_put_last_id(&db, 77), 0);
	db_close(&db);
	make(&db);
	cr_expect_eq(db_last_id(&db), 77);
	db_close(&db);
}

Test(db, a_row_with_the_highest_id_of_all_does_not_end_it)
{
	struct db db = { 0 };

	make(&db);
	cr_assert_eq(db_exec(&db,
			 "INSERT INTO network_health_events(id, at_ms, type, "
			 "severity) VALUES(9223372036854775807, 1, 'a', 'b'), "
			 "(5, 1, 'a', 'b')"),
	    0);
	schema_see_ids(&db);
	cr_expect_eq(db_last_id(&db), 5);
	cr_assert_eq(schema_put_last_id(&db, INT64_MAX), 0);
	schema_see_ids(&db);
	cr_expect_eq(db_last_id(&db), 5);
	db_close(&db);
}

Test(db, keeps_numbers_and_texts)
{
	struct db db = { 0 };
	char text[8];

	make(&db);
	cr_expect_eq(schema_get_number(&db, "n", 5), 5);
	cr_expect_eq(schema_put_number(&db, "n", -1), 0);
	cr_expect_eq(schema_get_number(&db, "n", 5), -1);
	cr_expect_eq(schema_put_text(&db, "n", "a text that is too long"), 0);
	cr_expect_eq(schema_get_number(&db, "n", 5), 5, "it is no number");
	schema_get_text(&db, "n", text, sizeof(text));
	cr_expect_str_eq(text, "a text ");
	schema_get_text(&db, "missing", text, sizeof(text));
	cr_expect_str_eq(text, "");
	db_close(&db);
}

Test(db, a_failure_is_kept)
{
	struct db db = { 0 };

	make(&db);
	cr_expect_eq(db_exec(&db, "SELECT nonsense"), SQLITE_ERROR);
	cr_expect_not_null(strstr(db.text, "nonsense"));
	cr_expect_null(db_statement(&db, "SELECT more nonsense FROM"));
	cr_expect_eq(db_number(&db, "SELECT NULL", 3), 3);
	db_close(&db);
	cr_expect_eq(db_exec(&db, "SELECT 1"), SQLITE_MISUSE);
	cr_expect_null(db_statement(&db, "SELECT 1"));
	db_rollback(&db);
	db_close(&db);
}

Test(db, a_locked_one_is_not_waited_for)
{
	struct db one = { 0 }, other = { 0 };

	make(&one);
	open_it(&other);
	cr_assert_eq(db_begin(&other), 0);
	cr_expect_eq(db_begin(&one), SQLITE_BUSY);
	db_rollback(&other);
	cr_expect_eq(db_begin(&one), 0);
	cr_expect_eq(db_commit(&one), 0);
	db_close(&other);
	db_close(&one);
}

Test(db, a_checkpoint_says_who_is_in_the_way)
{
	struct db db = { 0 }, reader = { 0 };
	bool held;

	make(&db);
	open_it(&reader);
	cr_assert_eq(
	    db_exec(&reader, "BEGIN; SELECT count(*) FROM store_state"), 0);
	cr_assert_eq(schema_put_number(&db, "n", 1), 0);
	cr_expect_eq(db_checkpoint(&db, false, &held), 0);
	cr_expect(held);
	cr_expect_eq(db_exec(&reader, "COMMIT"), 0);
	cr_expect_eq(db_checkpoint(&db, true, &held), 0);
	cr_expect_not(held);
	db_close(&reader);
	db_close(&db);
}

Test(db, a_deleted_one_is_noticed)
{
	struct db db = { 0 };

	make(&db);
	cr_expect_not(db_moved(&db));
	cr_assert_eq(unlink(scratch_path("health.db")), 0);
	cr_expect(db_moved(&db));
	db_close_moved(&db);
	cr_expect_not(db_moved(&db));
	cr_expect_str_eq(scratch_names(), "");
}

Test(db, a_moved_one_is_complete)
{
	struct db db = { 0 };

	make(&db);
	cr_expect_not(db_moved(&db));
	cr_assert_eq(schema_put_number(&db, "n", 1), 0);
	cr_assert_eq(rename(scratch_path("health.db"), scratch_path("old")), 0);
	cr_expect(db_moved(&db));
	db_close_moved(&db);
	cr_expect_str_eq(scratch_names(), "old ");
	cr_assert_eq(db_open(&db, scratch_path("old")), 0);
	cr_expect_eq(schema_get_number(&db, "n", 0), 1);
	db_close(&db);
}

Test(db, the_log_of_one_that_took_its_place_is_not_touched)
{
	struct db db = { 0 }, next = { 0 };

	make(&db);
	cr_expect_not(db_moved(&db));
	cr_assert_eq(rename(scratch_path("health.db"), scratch_path("old")), 0);
	cr_assert_eq(
	    rename(scratch_path("health.db-wal"), scratch_path("old-wal")), 0);
	cr_assert_eq(unlink(scratch_path("health.db-shm")), 0);
	make(&next);
	cr_assert_eq(schema_put_number(&next, "n", 1), 0);
	cr_expect(db_moved(&db));
	db_close_moved(&db);
	db_abandon(&next);
	make(&next);
	cr_expect_eq(schema_get_number(&next, "n", 0), 1);
	db_close(&next);
}

/* --- the files beside it --- */

Test(db, the_lock_is_for_one)
{
	struct lock lock = LOCK_NONE;
	struct db db = { 0 };
	const unsigned int fds = scratch_open_fds();

	cr_expect_eq(lock_take(&lock, scratch_path("health.db"), &db), 0);
	cr_expect_eq(lock_take(&lock, scratch_path("health.db"), &db), 0);
	lock_release(&lock);
	lock_release(&lock);
	cr_expect_eq(scratch_open_fds(), fds);
	cr_expect_eq(lock_take(&lock, scratch_path("none/health.db"), &db),
	    DB_NO_LOCK_FILE);
	cr_expect_eq(db.sys, ENOENT);
}

struct size_case {
	uint64_t file_system;
	uint64_t want;
};

ParameterizedTestParameters(db, the_ballast_fits_the_disk)
{
	static struct size_case cases[] = {
		{ 0, 64 << 10 },
		{ 100 << 10, 64 << 10 },
		{ 2 << 20, 256 << 10 },
		{ 32 << 20, 4 << 20 },
		{ UINT64_MAX, 4 << 20 },
	};

	return cr_make_param_array(struct size_case, cases, COUNT(cases));
}

ParameterizedTest(struct size_case *k, db, the_ballast_fits_the_disk)
{
	cr_expect_eq(ballast_size(k->file_system), k->want);
}

Test(db, the_ballast_is_made_and_given_back)
{
	const char *path = scratch_path("health.db");
	struct stat st;

	cr_expect(ballast_make(path));
	cr_expect(ballast_make(path));
	cr_assert_eq(stat(scratch_path("health.db.ballast"), &st), 0);
	cr_expect_geq(st.st_blocks * 512, st.st_size);
	cr_expect_geq(st.st_size, 64 << 10);
	cr_expect(ballast_release(path));
	cr_expect_not(ballast_release(path));
	cr_expect_not(ballast_make("/nonexistent/folder/health.db"));
	cr_expect_not(ballast_disk_is_full(path));
}

Test(db, a_corrupt_one_is_set_aside_with_its_log)
{
	char name[RECOVERY_NAME_SIZE];
	struct err err;

	scratch_file("health.db", "database");
	scratch_file("health.db-wal", "log");
	scratch_file("health.db-shm", "index");
	cr_assert_eq(recovery_set_aside(scratch_path("health.db"), name, &err),
	    0, "%s", err.text);
	cr_expect_eq(strlen(name),
	    strlen("health.db.corrupt-20260101T000000000Z"));
	cr_expect_eq(access(scratch_path(name), F_OK), 0);
	(void)strncat(name, "-wal", sizeof(name) - strlen(name) - 1);
	cr_expect_eq(access(scratch_path(name), F_OK), 0);
	cr_expect_null(strstr(scratch_names(), "health.db-"));
	cr_expect_eq(
	    recovery_set_aside(scratch_path("none/health.db"), name, &err), 0,
	    "there is nothing to be set aside");
}

Test(db, not_too_many_are_set_aside)
{
	struct recovery r = { 0 };

	cr_expect(recovery_may(&r, 1000));
	cr_expect(recovery_may(&r, 2000));
	cr_expect(recovery_may(&r, 3000));
	cr_expect_not(recovery_may(&r, 4000));
	cr_expect_not(recovery_may(&r, 999 + RECOVERY_WINDOW_MS));
	cr_expect(recovery_may(&r, 1000 + RECOVERY_WINDOW_MS));
	cr_expect_not(recovery_may(&r, 1001 + RECOVERY_WINDOW_MS));
}
