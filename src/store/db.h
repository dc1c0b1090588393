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
#include <stdbool.h>
#include <stdint.h>

#define DB_STATEMENTS_MAX 64
#define DB_PATH_SIZE 256

/* Reasons of our own beside SQLite's result codes, none of which is one. */
enum db_code {
	DB_NEWER = 200, /* written by a newer version of us */
	DB_FOREIGN,     /* a database of something else */
	DB_NO_WAL,      /* no write-ahead log can be had there */
	DB_IN_USE,      /* another store has it */
	DB_NO_LOCK_FILE /* that would say so; see db->sys */
};

/* Zeroed: not open. May not be moved while it is open. */
struct db {
	sqlite3 *handle; /* NULL: not open */
	char path[DB_PATH_SIZE];
	int code;         /* of the last failure: SQLite's, extended, or ours */
	int sys;          /* errno of that, or 0 */
	char text[160];   /* for people */
	uint64_t last_id; /* the highest that was ever given to a row */
	int wal_pages;    /* after the last commit of ours */
	uint64_t wal_inode; /* of its file; 0: not seen yet */
	/* A commit has left so many pages there; NULL: nobody cares. */
	void (*wal_grown)(void *ctx, int pages);
	void *ctx;
	struct {
		const char *sql;
		sqlite3_stmt *statement;
	} kept[DB_STATEMENTS_MAX];
};

/*
 * Open the file at path, or make it. Never waits for a lock, and leaves
 * checkpoints to db_checkpoint(). Returns 0, or the SQLite result code, kept
 * in db->code; it is then closed.
 */
int db_open(struct db *, const char *path);

/* Finalize what is kept and close. One that is not open is fine. */
void db_close(struct db *);

/* The same, but leave database and write-ahead log as they are. */
void db_abandon(struct db *);

/*
 * Keep rc, an SQLite result code of this handle, and its text if it is a
 * failure. Returns the extended code; 0 for SQLITE_OK, _ROW and _DONE. For
 * those that use the handle by themselves.
 */
int db_failed(struct db *, int rc);

/* Keep a failure that is none of SQLite's. Returns code. */
int db_refuse(struct db *, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

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

/*
 * First column of the first row of sql (as for db_statement()); otherwise when
 * there is none, it is NULL, or the query fails (then with db->code).
 */
int64_t db_number(struct db *, const char *sql, int64_t otherwise);

/*
 * Begin to write, keep it, or take it back. db_begin() and db_commit() return
 * 0, or the extended result code, kept in db->code; after a failure nothing
 * is open any more. db_rollback() is fine when nothing is open.
 */
int db_begin(struct db *);
int db_commit(struct db *);
void db_rollback(struct db *);

/*
 * Write the pages of the write-ahead log into the database as far as readers
 * let us; with truncate, empty its file. *held: readers keep some of it.
 * Returns 0, or the extended result code, kept in db->code.
 */
int db_checkpoint(struct db *, bool truncate, bool *held);

/* Has the file been moved or deleted under us? */
bool db_moved(struct db *);

/*
 * Close one that was, complete. What stands at its path now is not touched,
 * but for a write-ahead log that is ours: it would spoil the next database
 * there, and SQLite leaves it.
 */
void db_close_moved(struct db *);

/* The highest id that was ever given to a row; 0: none. */
uint64_t db_last_id(const struct db *);

#endif /* MERCURY_STORE_DB_H */
