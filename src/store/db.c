#include "store/db.h"

#include <stdio.h>

int
db_failed(struct db *db, int rc)
{
	if (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE)
		return SQLITE_OK;
	db->code = rc;
	if (db->handle != NULL && sqlite3_errcode(db->handle) != SQLITE_OK) {
		db->code = sqlite3_extended_errcode(db->handle);
		(void)snprintf(db->text, sizeof(db->text), "%s",
		    sqlite3_errmsg(db->handle));
	} else {
		(void)snprintf(db->text, sizeof(db->text), "%s",
		    sqlite3_errstr(rc));
	}
	return db->code;
}

int
db_open(struct db *db, const char *path)
{
	int rc;

	(void)snprintf(db->path, sizeof(db->path), "%s", path);
	rc = sqlite3_open_v2(path, &db->handle,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
	    NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_extended_result_codes(db->handle, 1);
	rc = db_failed(db, rc);
	if (rc != SQLITE_OK)
		db_close(db);
	return rc;
}

void
db_close(struct db *db)
{
	size_t i;

	for (i = 0; i < DB_STATEMENTS_MAX; i++) {
		(void)sqlite3_finalize(db->kept[i].statement);
		db->kept[i].statement = NULL;
		db->kept[i].sql = NULL;
	}
	(void)sqlite3_close_v2(db->handle);
	db->handle = NULL;
}

int
db_exec(struct db *db, const char *sql)
{
	if (db->handle == NULL)
		return db_failed(db, SQLITE_MISUSE);
	return db_failed(db, sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

sqlite3_stmt *
db_statement(struct db *db, const char *sql)
{
	size_t i = 0;

	if (db->handle == NULL) {
		(void)db_failed(db, SQLITE_MISUSE);
		return NULL;
	}
	while (i < DB_STATEMENTS_MAX && db->kept[i].sql != NULL &&
	    db->kept[i].sql != sql)
		i++;
	if (i == DB_STATEMENTS_MAX) {
		(void)db_failed(db, SQLITE_NOMEM);
		return NULL;
	}
	if (db->kept[i].sql == NULL) {
		if (db_failed(db,
			sqlite3_prepare_v3(db->handle, sql, -1,
			    SQLITE_PREPARE_PERSISTENT, &db->kept[i].statement,
			    NULL)) != SQLITE_OK)
			return NULL;
		db->kept[i].sql = sql;
	}
	(void)sqlite3_reset(db->kept[i].statement);
	(void)sqlite3_clear_bindings(db->kept[i].statement);
	return db->kept[i].statement;
}

int
db_run(struct db *db, sqlite3_stmt *statement)
{
	int rc;

	do
		rc = sqlite3_step(statement);
	while (rc == SQLITE_ROW);
	rc = db_failed(db, rc);
	(void)sqlite3_reset(statement);
	return rc;
}

int64_t
db_number(struct db *db, const char *sql, int64_t otherwise)
{
	sqlite3_stmt *s = db_statement(db, sql);
	int64_t n = otherwise;
	int rc;

	if (s == NULL)
		return otherwise;
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL)
		n = sqlite3_column_int64(s, 0);
	(void)db_failed(db, rc);
	(void)sqlite3_reset(s);
	return n;
}

uint64_t
db_last_id(const struct db *db)
{
	return db->last_id;
}
