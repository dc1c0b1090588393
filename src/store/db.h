/*
 * db: the open database, its kept statements, and what went wrong with it
 * last. Knows nothing of what is in it: schema.h does.
 *
 * Owned by the store (store.h). Others borrow it, and keep no statement in the
 * middle of a query over a return to the event loop: a snapshot that is held
 * keeps the write-ahead log from being emptied.
 */
#ifndef MERCURY_STORE_DB_H
#define MERCURY_STORE_DB_H

#include <sqlite3.h>
#include <stdint.h>

#define DB_STATEMENTS_MAX 64
#define DB_PATH_SIZE 256

/* Zeroed: not open. */
struct db {
	sqlite3 *handle; /* NULL: not open */
	char path[DB_PATH_SIZE];
	int code;         /* of the last failure, extended */
	char text[160];   /* what SQLite says about it */
	uint64_t last_id; /* the highest that was ever given to a row */
	struct {
		const char *sql;
		sqlite3_stmt *statement;
	} kept[DB_STATEMENTS_MAX];
};

/*
 * Open the file at path, or make it. Never waits for a lock. Returns 0, or
 * the SQLite result code, kept in db->code; it is then closed.
 */
int db_open(struct db *, const char *path);

/* Finalize what is kept and close. One that is not open is fine. */
void db_close(struct db *);

/*
 * Keep rc, an SQLite result code of this handle, and its text if it is a
 * failure. Returns the extended code; 0 for SQLITE_OK, _ROW and _DONE. For
 * those that use the handle by themselves.
 */
int db_failed(struct db *, int rc);

/*
 * Run one or more statements that give no rows of interest. Returns 0, or the
 * extended result code, kept in db->code. Not open: SQLITE_MISUSE.
 */
int db_exec(struct db *, const char *sql);

/*
 * A statement that is prepared once and kept until the database is closed,
 * reset and without bindings. sql is a string that lives as long as the
 * process does: its address is the key. The caller resets it when it has
 * what it wants. Returns NULL with db->code.
 */
sqlite3_stmt *db_statement(struct db *, const char *sql);

/*
 * Run a kept statement (bound by the caller) that gives no rows, and reset it.
 * Returns 0, or the extended result code, kept in db->code.
 */
int db_run(struct db *, sqlite3_stmt *);

/* First column of the first row of sql (as for db_statement()); otherwise when
 * there is none, it is NULL, or the query fails (then with db->code). */
int64_t db_number(struct db *, const char *sql, int64_t otherwise);

/* The highest id that was ever given to a row; 0: none. */
uint64_t db_last_id(const struct db *);

#endif /* MERCURY_STORE_DB_H */
