#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/snapshot.h"
#include "store/query.h"
#include "store/query_sql.h"
#include "unit/scratch.h"
#include "unit/store_rows.h"

#define IDS_MAX 4096

TestSuite(query, .init = scratch_make, .fini = scratch_remove, .timeout = 60);

/* What a page has told. */
struct page {
	uint64_t ids[IDS_MAX];
	size_t count;
	struct snapshot_page end;
	unsigned int slices;
	char text[EVENT_TEXT_MAX + 2]; /* the detail of the last row */
};

static void
read_page(int fd, struct page *page)
{
	const char *texts[EVENT_TEXT_COUNT];
	struct snapshot_reader r;
	enum snapshot_kind kind;
	const void *row;
	struct err err;

	cr_assert_eq(snapshot_open(&r, fd, &err), 0, "%s", err.text);
	while ((row = snapshot_next(&r, &kind)) != NULL) {
		if (kind == SNAPSHOT_PAGE) {
			memcpy(&page->end, row, sizeof(page->end));
			continue;
		}
		cr_assert_eq(kind, SNAPSHOT_EVENT);
		cr_assert_lt(page->count, IDS_MAX);
		page->ids[page->count++] =
		    ((const struct snapshot_event *)row)->id;
		cr_assert_eq(snapshot_event_texts(&r, texts), 0);
		(void)snprintf(page->text, sizeof(page->text), "%s",
		    texts[EVENT_TEXT_DETAIL]);
	}
	snapshot_close(&r);
	(void)close(fd);
}

/* One page; what it has is added to *page. */
static void
ask(struct db *db, const struct msg_events_query *asked, struct page *page)
{
	enum query_result r;
	struct query *q;
	struct err err;
	int fd;

	q = query_new(asked, &err);
	cr_assert_not_null(q, "%s", err.text);
	cr_expect_eq(query_request(q), asked->request);
	do {
		r = query_step(q, db);
		page->slices++;
	} while (r == QUERY_MORE);
	cr_assert_eq(r, QUERY_READY, "%s", db->text);
	fd = query_seal(q, &err);
	cr_assert_neq(fd, -1, "%s", err.text);
	read_page(fd, page);
	query_free(&q);
	cr_assert_null(q);
}

/* All pages, as control asks for them. */
static void
ask_all(struct db *db, struct msg_events_query asked, struct page *page)
{
	memset(page, 0, sizeof(*page));
	do {
		cr_assert_lt(page->slices, 100000u, "it does not end");
		ask(db, &asked, page);
		asked.newest = 0;
		asked.after_ms = page->end.last_ms;
		asked.after_id = page->end.last_id;
	} while (page->end.more);
}

/* "1 2 3" */
static const char *
ids_text(const struct page *page)
{
	static char text[IDS_MAX];
	size_t i, at = 0;

	text[0] = '\0';
	for (i = 0; i < page->count && at < sizeof(text) - 32; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%llu",
		    i == 0 ? "" : " ", (unsigned long long)page->ids[i]);
	return text;
}

/* Not in the order of time, some at the same, words that we don't know. */
static const char some_rows[] =
    "INSERT INTO network_health_events(id, at_ms, type, severity, listener) "
    "VALUES (1, 1000, 'daemon.started', 'info', NULL),"
    "(2, 2000, 'listener.added', 'info', 'pos'),"
    "(3, 2000, 'worker.started', 'info', 'pos'),"
    "(4, 2000, 'worker.crashed', 'error', 'pos'),"
    "(5, 3000, 'worker.crashed', 'error', 'gps'),"
    "(6, 2500, 'worker.killed', 'warning', 'gps'),"
    "(7, 4000, 'worker.sang', 'info', 'pos'),"
    "(8, 4000, 'worker.hung', 'fatal', 'gps'),"
    "(9, 4000, 'worker.hung', 'error', ''),"
    "(10, 3500, 'connection.opened', 'info', 'a b')";

#define TYPE(ID) (1ULL << EVENT_##ID)
#define SEVERITY(ID) (1u << EVENT_SEVERITY_##ID)

struct filter_case {
	struct msg_events_query asked;
	char ids[48];
};

/* clang-format off */
ParameterizedTestParameters(query, filter)
{
	static struct filter_case cases[] = {
		{ { 0 }, "1 2 3 4 6 5 10 7 8 9" },
		{ { .order = EVENTS_BY_ID }, "1 2 3 4 5 6 7 8 9 10" },
		/* each alone, and so by its index */
		{ { .filter.listener = "pos" }, "2 3 4 7" },
		{ { .filter.listener = "gps" }, "6 5 8" },
		{ { .filter.listener = "a b" }, "10" },
		{ { .filter.listener = "none" }, "" },
		{ { .filter.types = TYPE(WORKER_CRASHED) }, "4 5" },
		{ { .filter.types = TYPE(DAEMON_STOPPED) }, "" },
		{ { .filter.severities = SEVERITY(ERROR) }, "4 5 9" },
		{ { .filter.severities = SEVERITY(WARNING) }, "6" },
		{ { .filter.severities = SEVERITY(INFO) }, "1 2 3 10 7" },
		{ { .filter.since_ms = 2500 }, "6 5 10 7 8 9" },
		{ { .filter.since_ms = 2501 }, "5 10 7 8 9" },
		{ { .filter.since_ms = UINT64_MAX }, "" },
		{ { .until_id = 3 }, "1 2 3" },
		/* sets */
		{ { .filter.types = TYPE(WORKER_CRASHED) |
			TYPE(WORKER_KILLED) }, "4 6 5" },
		{ { .filter.severities = SEVERITY(ERROR) |
			SEVERITY(WARNING) }, "4 6 5 9" },
		{ { .filter.severities = SEVERITY(ERROR) | SEVERITY(WARNING) |
			SEVERITY(INFO) }, "1 2 3 4 6 5 10 7 9" },
		/* together */
		{ { .filter = { .listener = "pos", .severities =
			SEVERITY(ERROR) } }, "4" },
		{ { .filter = { .listener = "gps", .types =
			TYPE(WORKER_CRASHED), .since_ms = 2600 } }, "5" },
		{ { .filter = { .types = TYPE(WORKER_CRASHED), .severities =
			SEVERITY(INFO) } }, "" },
		{ { .filter.listener = "pos", .until_id = 3 }, "2 3" },
		{ { .order = EVENTS_BY_ID, .filter.listener = "gps" },
		    "5 6 8" },
		{ { .order = EVENTS_BY_ID, .filter.since_ms = 3000,
		    .until_id = 9 }, "5 7 8 9" },
		{ { .order = EVENTS_BY_ID, .after_id = 8 }, "9 10" },
		{ { .order = EVENTS_BY_ID, .after_id = 10 }, "" },
		{ { .order = EVENTS_BY_ID, .after_id = EVENTS_FROM_NOW - 1 },
		    "" },
		/* from the end */
		{ { .newest = 3 }, "7 8 9" },
		{ { .newest = 5 }, "5 10 7 8 9" },
		{ { .newest = 10 }, "1 2 3 4 6 5 10 7 8 9" },
		{ { .newest = UINT32_MAX }, "1 2 3 4 6 5 10 7 8 9" },
		{ { .newest = 1, .filter.listener = "pos" }, "7" },
		{ { .newest = 2, .filter.listener = "pos" }, "4 7" },
		{ { .newest = 9, .filter.listener = "pos" }, "2 3 4 7" },
		{ { .newest = 9, .filter = { .listener = "pos",
		    .since_ms = 2001 } }, "7" },
		{ { .newest = 2, .filter.severities = SEVERITY(ERROR) },
		    "5 9" },
		{ { .newest = 1, .filter.types = TYPE(WORKER_CRASHED) }, "5" },
		{ { .newest = 2, .filter.severities = SEVERITY(ERROR) |
			SEVERITY(WARNING) }, "5 9" },
		{ { .newest = 1, .filter.types = TYPE(DAEMON_STOPPED) }, "" },
		{ { .newest = 3, .order = EVENTS_BY_ID }, "8 9 10" },
		{ { .newest = 3, .order = EVENTS_BY_ID, .until_id = 5 },
		    "3 4 5" },
		{ { .newest = 9, .order = EVENTS_BY_ID, .after_id = 8 },
		    "9 10" },
		{ { .newest = 9, .after_ms = 4000, .after_id = 7 }, "8 9" },
		{ { .newest = 3, .until_id = 6 }, "4 6 5" },
	};

	return cr_make_param_array(struct filter_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}
/* clang-format on */

/* Whatever the size of a page, the rows are the same. */
ParameterizedTest(struct filter_case *k, query, filter, .init = scratch_make,
    .fini = scratch_remove)
{
	static struct page page;
	struct msg_events_query asked = k->asked;
	struct db db;

	rows_open(&db);
	rows_exec(&db, some_rows);
	for (asked.rows = 1; asked.rows <= 11; asked.rows++) {
		asked.request = asked.rows + 100;
		ask_all(&db, asked, &page);
		cr_expect_str_eq(ids_text(&page), k->ids, "pages of %u",
		    asked.rows);
	}
	db_close(&db);
}

static void
set_listener_without_end(struct msg_events_query *m)
{
	memset(m->filter.listener, 'x', sizeof(m->filter.listener));
}

Test(query, nonsense_is_refused)
{
	static const struct msg_events_query cases[] = {
		{ .rows = 0 },
		{ .rows = EVENTS_PAGE_MAX + 1 },
		{ .rows = UINT32_MAX },
		{ .rows = 1, .order = EVENTS_BY_ID + 1 },
		{ .rows = 1, .filter.types = 1ULL << EVENT_TYPE_COUNT },
		{ .rows = 1, .filter.types = UINT64_MAX },
		{ .rows = 1, .filter.severities = 1u << EVENT_SEVERITY_COUNT },
	};
	struct msg_events_query m = { .rows = 1 };
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_expect_null(query_new(&cases[i], &err), "%zu", i);
		cr_expect_eq(err.code, ERR_INVALID);
	}
	set_listener_without_end(&m);
	cr_expect_null(query_new(&m, &err));
	cr_expect_eq(err.code, ERR_INVALID);
}

Test(query, from_now_is_only_a_page)
{
	const struct msg_events_query asked = { .rows = 10,
		.order = EVENTS_BY_ID,
		.after_id = EVENTS_FROM_NOW };
	static struct page page;
	struct db db;

	rows_open(&db);
	rows_add(&db, &(struct rows_series){ 1, 10, 1000, 1, NULL });
	ask(&db, &asked, &page);
	cr_expect_eq(page.count, 0);
	cr_expect_eq(page.end.last_id, 10);
	cr_expect_eq(page.end.newest_id, 10);
	cr_expect_eq(page.end.more, 0);
	db_close(&db);
}

Test(query, all_at_the_same_time)
{
	static struct page page;
	struct db db;

	rows_open(&db);
	rows_add(&db, &(struct rows_series){ 1, 4000, 1000, 0, "pos" });
	ask_all(&db, (struct msg_events_query){ .rows = 7 }, &page);
	cr_expect_eq(page.count, 4000);
	ask_all(&db, (struct msg_events_query){ .rows = 1000, .newest = 3500 },
	    &page);
	cr_expect_eq(page.count, 3500);
	cr_expect_eq(page.ids[0], 501);
	ask_all(&db,
	    (struct msg_events_query){ .rows = 9,
		.newest = 3999,
		.filter.listener = "pos" },
	    &page);
	cr_expect_eq(page.count, 3999);
	cr_expect_eq(page.ids[0], 2);
	db_close(&db);
}

/* A filter that nothing passes may not look at more than its share. */
Test(query, a_slice_is_bounded)
{
	struct msg_events_query asked = { .rows = 10,
		.filter.types = TYPE(WORKER_HUNG) | TYPE(WORKER_KILLED) };
	static struct page page;
	struct db db;

	rows_open(&db);
	rows_add(&db, &(struct rows_series){ 1, 10000, 1000, 1, NULL });
	ask(&db, &asked, &page);
	cr_expect_eq(page.count, 0);
	cr_expect_eq(page.slices, 1);
	cr_expect_eq(page.end.more, 1);
	cr_expect_leq(page.end.last_id, QUERY_SLICE_ROWS);
	cr_expect_eq(page.end.last_ms, 999 + page.end.last_id);
	ask_all(&db, asked, &page);
	cr_expect_geq(page.slices, 10000 / QUERY_SLICE_ROWS);
	asked.newest = 1;
	ask_all(&db, asked, &page);
	cr_expect_eq(page.count, 0);
	cr_expect_leq(page.slices, 10000 / QUERY_SLICE_ROWS + 2);
	db_close(&db);
}

Test(query, a_page_is_bounded_in_bytes)
{
	struct msg_events_query asked = { .rows = EVENTS_PAGE_MAX };
	static struct page page;
	struct db db;

	rows_open(&db);
	rows_add(&db, &(struct rows_series){ 1, 1000, 1000, 1, NULL });
	rows_exec(&db,
	    "UPDATE network_health_events SET "
	    "reason = printf('%4000s', 'r'), detail = printf('%4000s', 'd')");
	ask(&db, &asked, &page);
	cr_expect_lt(page.count, 200);
	cr_expect_eq(page.end.more, 1);
	ask_all(&db, asked, &page);
	cr_expect_eq(page.count, 1000);
	db_close(&db);
}

Test(query, no_statement_is_left_open)
{
	const struct msg_events_query asked = { .rows = 2, .newest = 5 };
	static struct page page;
	sqlite3_stmt *s = NULL;
	struct db db;

	rows_open(&db);
	rows_add(&db, &(struct rows_series){ 1, 100, 1000, 0, NULL });
	ask(&db, &asked, &page);
	while ((s = sqlite3_next_stmt(db.handle, s)) != NULL)
		cr_expect_not(sqlite3_stmt_busy(s), "%s", sqlite3_sql(s));
	db_close(&db);
}

Test(query, rows_are_found_by_an_index)
{
	struct db db;
	int access, backwards;

	rows_open(&db);
	for (access = 0; access < QUERY_ACCESS_COUNT; access++) {
		for (backwards = 0; backwards < 2; backwards++) {
			const struct query_sql *sql = query_sql(
			    (enum query_access)access, backwards == 1);

			rows_check_plan(&db, sql->beyond);
			if (sql->same_time != NULL)
				rows_check_plan(&db, sql->same_time);
		}
	}
	db_close(&db);
}

/* Somebody has dropped indexes. */
Test(query, without_its_index_goes_by_time)
{
	const struct msg_events_query by_listener = { .rows = 2,
		.filter.listener = "pos" };
	const struct msg_events_query by_severity = { .rows = 2,
		.newest = 2,
		.filter.severities = SEVERITY(ERROR) };
	static struct page page;
	struct query *q;
	struct err err;
	struct db db;

	rows_open(&db);
	rows_exec(&db, some_rows);
	rows_exec(&db,
	    "DROP INDEX network_health_events_by_listener;"
	    "DROP INDEX network_health_events_by_severity;"
	    "CREATE INDEX network_health_events_by_severity ON "
	    "network_health_events(peer)");
	ask_all(&db, by_listener, &page);
	cr_expect_str_eq(ids_text(&page), "2 3 4 7");
	ask_all(&db, by_severity, &page);
	cr_expect_str_eq(ids_text(&page), "5 9");
	rows_exec(&db, "DROP INDEX network_health_events_by_time");
	q = query_new(&by_listener, &err);
	cr_assert_not_null(q);
	while (query_step(q, &db) == QUERY_MORE)
		continue;
	cr_expect_eq(query_step(q, &db), QUERY_FAILED);
	cr_expect_eq(db.code & 0xff, SQLITE_ERROR);
	query_free(&q);
	db_close(&db);
}

/* What only a person or a bad disk can have written. */
static const char garbage[] =
    "INSERT INTO network_health_events(id, at_ms, type, severity, listener, "
    "peer, reason, detail) VALUES "
    "(-9223372036854775808, 5, 'a', 'b', NULL, NULL, NULL, NULL),"
    "(-1, 2000, 'a', 'b', NULL, NULL, NULL, NULL),"
    "(0, 0, 'a', 'b', NULL, NULL, NULL, NULL),"
    "(1, 0, 'a', 'b', NULL, NULL, NULL, NULL),"
    "(2, -5, 'a', 'b', NULL, NULL, NULL, NULL),"
    "(3, -9223372036854775808, 'a', 'b', NULL, NULL, NULL, NULL),"
    "(4, 1.5, 'a', 'b', NULL, NULL, NULL, NULL),"
    "(5, 1.5, 'a', 'b', NULL, NULL, NULL, NULL),"
    "(6, 1.7, 'a', 'b', NULL, NULL, NULL, NULL),"
    "(7, 1e300, 'a', 'b', NULL, NULL, NULL, NULL),"
    "(8, -1e300, 'a', 'b', NULL, NULL, NULL, NULL),"
    "(9, 'soon', 'a', 'b', NULL, NULL, NULL, NULL),"
    "(10, x'00ff', 'a', 'b', NULL, NULL, NULL, NULL),"
    "(11, '77', 'a', 'b', NULL, NULL, NULL, NULL),"
    "(12, 2000, x'00', x'', x'ff00ff', x'c0', x'fe', x'7b00'),"
    "(13, 2000, '', '', '', '', '', ''),"
    "(14, 2000, 1, 2.5, 3, 4, 5, 6),"
    "(15, 2000, 'a' || char(0) || 'b', 'info', 'pos' || char(0), 'x', 'y', "
    "'{}'),"
    "(16, 2000, printf('%9000s', 'x'), printf('%9000s', 'x'), "
    "printf('%9000s', 'x'), printf('%9000s', 'x'), printf('%9000s', 'x'), "
    "printf('%9000s', 'x')),"
    "(9223372036854775806, 9223372036854775807, 'a', 'b', NULL, NULL, NULL, "
    "NULL),"
    "(9223372036854775807, 3000, 'a', 'b', NULL, NULL, NULL, NULL)";

struct garbage_case {
	struct msg_events_query asked;
	size_t least; /* rows */
};

/* clang-format off */
ParameterizedTestParameters(query, garbage)
{
	static struct garbage_case cases[] = {
		{ { 0 }, 8 },
		{ { .newest = 1 }, 1 },
		{ { .newest = 1000 }, 8 },
		{ { .order = EVENTS_BY_ID }, 8 },
		{ { .order = EVENTS_BY_ID, .newest = 1000 }, 8 },
		{ { .filter.listener = "pos" }, 0 },
		{ { .filter.listener = "pos", .newest = 7 }, 0 },
		{ { .filter.types = TYPE(WORKER_HUNG) }, 0 },
		{ { .filter.severities = SEVERITY(INFO) }, 1 },
		{ { .filter.severities = SEVERITY(ERROR), .newest = 5 }, 0 },
		{ { .filter.since_ms = 1999 }, 5 },
		{ { .filter.since_ms = INT64_MAX }, 0 },
		{ { .after_ms = UINT64_MAX, .after_id = UINT64_MAX }, 0 },
		{ { .after_ms = INT64_MAX, .after_id = 0 }, 0 },
	};

	return cr_make_param_array(struct garbage_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}
/* clang-format on */

ParameterizedTest(struct garbage_case *k, query, garbage, .init = scratch_make,
    .fini = scratch_remove)
{
	static struct page page;
	struct msg_events_query asked = k->asked;
	struct db db;
	size_t i, j;

	rows_open(&db);
	rows_exec(&db, garbage);
	for (asked.rows = 1; asked.rows <= 30; asked.rows++) {
		ask_all(&db, asked, &page);
		cr_expect_geq(page.count, k->least, "%s", ids_text(&page));
		for (i = 0; i < page.count; i++) {
			for (j = 0; j < i; j++)
				cr_expect_neq(page.ids[i], page.ids[j],
				    "twice: %s", ids_text(&page));
		}
	}
	db_close(&db);
}

Test(query, a_detail_that_is_too_long_is_empty)
{
	const struct msg_events_query asked = { .rows = 1 };
	static struct page page;
	struct db db;

	rows_open(&db);
	rows_add(&db, &(struct rows_series){ 1, 1, 1000, 0, NULL });
	rows_exec(&db,
	    "UPDATE network_health_events SET detail = printf('%4096s', 'd')");
	ask(&db, &asked, &page);
	cr_expect_eq(strlen(page.text), EVENT_TEXT_MAX);
	rows_exec(&db,
	    "UPDATE network_health_events SET detail = printf('%4097s', 'd')");
	ask(&db, &asked, &page);
	cr_expect_str_eq(page.text, "{}");
	db_close(&db);
}

/*
 * Give the row with one id another one, behind the back of SQLite. In a row the
 * id stands before the size of its head (as many bytes as it has columns, and
 * one) and a 0 for the column that is the id.
 */
static void
renumber(const char *path, uint8_t from, uint8_t to)
{
	static uint8_t bytes[1 << 20];
	const uint8_t row[] = { from, 9, 0 };
	const int fd = open(path, O_RDWR | O_CLOEXEC);
	const ssize_t n = read(fd, bytes, sizeof(bytes));
	const uint8_t *at;

	cr_assert_gt(n, 0);
	at = memmem(bytes, (size_t)n, row, sizeof(row));
	cr_assert_not_null(at);
	cr_assert_eq(pwrite(fd, &to, 1, at - bytes), 1);
	(void)close(fd);
}

/* Else a page could go on where it began, and who asks would ask for ever. */
Test(query, rows_out_of_order_are_corrupt)
{
	const struct msg_events_query asked = { .order = EVENTS_BY_ID,
		.rows = 2,
		.after_id = 40 };
	struct query *q;
	struct err err;
	struct db db;

	rows_open(&db);
	rows_add(&db, &(struct rows_series){ 41, 9, 1000, 1, NULL });
	db_close(&db);
	renumber(scratch_path("health.db"), 43, 7);
	renumber(scratch_path("health.db"), 44, 8);
	cr_assert_eq(db_open(&db, scratch_path("health.db")), 0, "%s", db.text);
	q = query_new(&asked, &err);
	cr_assert_not_null(q, "%s", err.text);
	cr_expect_eq(query_step(q, &db), QUERY_READY, "41 and 42");
	query_free(&q);
	q = query_new(&(struct msg_events_query){ .order = EVENTS_BY_ID,
			  .rows = 2,
			  .after_id = 42 },
	    &err);
	cr_assert_not_null(q, "%s", err.text);
	cr_expect_eq(query_step(q, &db), QUERY_FAILED);
	cr_expect_eq(db.code, SQLITE_CORRUPT, "%d: %s", db.code, db.text);
	query_free(&q);
	db_abandon(&db);
}
