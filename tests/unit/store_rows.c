#include "unit/store_rows.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "store/schema.h"
#include "unit/scratch.h"

void
rows_open(struct db *db)
{
	memset(db, 0, sizeof(*db));
	cr_assert_eq(db_open(db, scratch_path("health.db")), 0, "%s", db->text);
	cr_assert_eq(schema_open(db), 0, "%s", db->text);
}

void
rows_exec(struct db *db, const char *sql)
{
	cr_assert_eq(db_exec(db, sql), 0, "%s: %s", sql, db->text);
}

int64_t
rows_number(struct db *db, const char *sql, int64_t otherwise)
{
	sqlite3_stmt *s;
	int64_t n = otherwise;

	cr_assert_eq(sqlite3_prepare_v2(db->handle, sql, -1, &s, NULL),
	    SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db->handle));
	if (sqlite3_step(s) == SQLITE_ROW &&
	    sqlite3_column_type(s, 0) != SQLITE_NULL)
		n = sqlite3_column_int64(s, 0);
	(void)sqlite3_finalize(s);
	return n;
}

void
rows_add(struct db *db, const struct rows_series *series)
{
	sqlite3_stmt *s;
	int64_t i;

	rows_exec(db, "BEGIN");
	cr_assert_eq(
	    sqlite3_prepare_v2(db->handle,
		"INSERT INTO network_health_events(id, at_ms, type, severity, "
		"listener, reason, detail) VALUES(?1, ?2, '" ROW_TYPE
		"', '" ROW_SEVERITY "', ?3, 'a reason', '{}')",
		-1, &s, NULL),
	    SQLITE_OK);
	for (i = 0; i < series->count; i++) {
		(void)sqlite3_bind_int64(s, 1, series->first_id + i);
		(void)sqlite3_bind_int64(s, 2,
		    series->at_ms + i * series->step_ms);
		(void)sqlite3_bind_text(s, 3, series->listener, -1,
		    SQLITE_STATIC);
		cr_assert_eq(sqlite3_step(s), SQLITE_DONE);
		(void)sqlite3_reset(s);
	}
	(void)sqlite3_finalize(s);
	rows_exec(db, "COMMIT");
	schema_see_ids(db);
}

void
rows_check_plan(struct db *db, const char *sql)
{
	char explain[1024];
	sqlite3_stmt *s;
	const char *line;

	(void)snprintf(explain, sizeof(explain), "EXPLAIN QUERY PLAN %s", sql);
	cr_assert_eq(sqlite3_prepare_v2(db->handle, explain, -1, &s, NULL),
	    SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db->handle));
	while (sqlite3_step(s) == SQLITE_ROW) {
		line = (const char *)sqlite3_column_text(s, 3);
		cr_expect_null(strstr(line, "SCAN"), "%s: %s", sql, line);
		cr_expect_null(strstr(line, "TEMP B-TREE"), "%s: %s", sql,
		    line);
	}
	(void)sqlite3_finalize(s);
}

unsigned int
rows_check_plans(struct db *db)
{
	sqlite3_stmt *s = NULL;
	const char *sqls[DB_STATEMENTS_MAX];
	unsigned int i, count = 0;

	while ((s = sqlite3_next_stmt(db->handle, s)) != NULL) {
		const char *sql = sqlite3_sql(s);

		if (strstr(sql, "network_health_events") != NULL &&
		    strstr(sql, "pragma_") == NULL &&
		    strstr(sql, "sqlite_schema") == NULL)
			sqls[count++] = sql;
	}
	for (i = 0; i < count; i++)
		rows_check_plan(db, sqls[i]);
	return count;
}
