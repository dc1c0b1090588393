#include "store/db.h"

#include <sys/stat.h>

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static const char begin_sql[] = "BEGIN IMMEDIATE";
static const char commit_sql[] = "COMMIT";
static const char rollback_sql[] = "ROLLBACK";

/* Is what the handle has to say about rc, and not an earlier failure? */
static bool
handle_says(const struct db *db, int rc)
{
	return db->handle != NULL &&
	    (sqlite3_errcode(db->handle) & 0xff) == (rc & 0xff);
}

int
db_failed(struct db *db, int rc)
{
	const bool says = handle_says(db, rc);

	if (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE)
		return SQLITE_OK;
	db->code = says ? sqlite3_extended_errcode(db->handle) : rc;
	db->sys = says ? sqlite3_system_errno(db->handle) : 0;
	(void)snprintf(db->text, sizeof(db->text), "%s",
	    says ? sqlite3_errmsg(db->handle) : sqlite3_errstr(rc));
	return db->code;
}

int
db_refuse(struct db *db, int code, const char *fmt, ...)
{
	va_list args;

	db->code = code;
	db->sys = 0;
	va_start(args, fmt);
	(void)vsnprintf(db->text, sizeof(db->text), fmt, args);
	va_end(args);
	return code;
}

static int
on_wal(void *arg, sqlite3 *handle, const char *name, int pages)
{
	struct db *db = arg;

	(void)handle;
	(void)name;
	db->wal_pages = pages;
	if (db->wal_grown != NULL)
		db->wal_grown(db->ctx, pages);
	return SQLITE_OK;
}

/*
 * SQLite gives its files beside a database the mode of that. Those that were
 * made while it could only be read would keep it from ever being written.
 */
static void
follow_mode(const char *path, const char *suffix)
{
	char name[DB_PATH_SIZE + sizeof("-wal")];
	struct stat of, st;

	(void)snprintf(name, sizeof(name), "%s%s", path, suffix);
	if (stat(path, &of) == 0 && lstat(name, &st) == 0 &&
	    S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	    (of.st_mode & S_IWUSR) && !(st.st_mode & S_IWUSR))
		(void)chmod(name, of.st_mode & 0777);
}

int
db_open(struct db *db, const char *path)
{
	int rc;

	follow_mode(path, "-wal");
	follow_mode(path, "-shm");
	(void)snprintf(db->path, sizeof(db->path), "%s", path);
	db->wal_pages = 0;
	db->wal_inode = 0;
	rc = sqlite3_open_v2(path, &db->handle,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
		SQLITE_OPEN_EXRESCODE,
	    NULL);
	rc = db_failed(db, rc);
	if (rc != SQLITE_OK) {
		db_close(db);
		return rc;
	}
	/* What stands in the file may be anybody's. */
	(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0,
	    NULL);
	/* It takes the place of the automatic checkpoint. */
	(void)sqlite3_wal_hook(db->handle, on_wal, db);
	return SQLITE_OK;
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

void
db_abandon(struct db *db)
{
	if (db->handle != NULL)
		(void)sqlite3_db_config(db->handle,
		    SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	db_close(db);
}

int
db_exec(struct db *db, const char *sql)
{
	if (db->handle == NULL)
		return db_failed(db, SQLITE_MISUSE);
	return db_failed(db, sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

/* The place of sql among the kept ones, or a free one, or none. */
static size_t
place(const struct db *db, const char *sql)
{
	size_t i = 0;

	while (i < DB_STATEMENTS_MAX && db->kept[i].sql != NULL &&
	    db->kept[i].sql != sql)
		i++;
	return i;
}

static int
prepare(struct db *db, size_t i, const char *sql)
{
	const int rc = db_failed(db,
	    sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
		&db->kept[i].statement, NULL));

	if (rc == SQLITE_OK)
		db->kept[i].sql = sql;
	return rc;
}

sqlite3_stmt *
db_statement(struct db *db, const char *sql)
{
	const size_t i = place(db, sql);

	if (db->handle == NULL) {
		(void)db_failed(db, SQLITE_MISUSE);
		return NULL;
	}
	if (i == DB_STATEMENTS_MAX) {
		(void)db_failed(db, SQLITE_NOMEM);
		return NULL;
	}
	if (db->kept[i].sql == NULL && prepare(db, i, sql) != SQLITE_OK)
		return NULL;
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

static int
run_kept(struct db *db, const char *sql)
{
	sqlite3_stmt *s = db_statement(db, sql);

	return s == NULL ? db->code : db_run(db, s);
}

int
db_begin(struct db *db)
{
	return run_kept(db, begin_sql);
}

int
db_commit(struct db *db)
{
	const int rc = run_kept(db, commit_sql);

	if (rc != SQLITE_OK)
		db_rollback(db);
	return rc;
}

void
db_rollback(struct db *db)
{
	const int code = db->code, sys = db->sys;
	char text[sizeof(db->text)];

	if (db->handle == NULL || sqlite3_get_autocommit(db->handle))
		return;
	/* What made us do this is what is worth to be told. */
	(void)snprintf(text, sizeof(text), "%s", db->text);
	(void)run_kept(db, rollback_sql);
	db->code = code;
	db->sys = sys;
	(void)snprintf(db->text, sizeof(db->text), "%s", text);
}

int
db_checkpoint(struct db *db, bool truncate, bool *held)
{
	int pages = 0, done = 0, rc;

	*held = false;
	if (db->handle == NULL)
		return db_failed(db, SQLITE_MISUSE);
	rc = sqlite3_wal_checkpoint_v2(db->handle, NULL,
	    truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE,
	    &pages, &done);
	*held = done < pages;
	db->wal_pages = pages > done ? pages - done : 0;
	/* A reader, or another that does the same. */
	return (rc & 0xff) == SQLITE_BUSY ? SQLITE_OK : db_failed(db, rc);
}

static uint64_t
wal_inode(const struct db *db)
{
	char name[DB_PATH_SIZE + sizeof("-wal")];
	struct stat st;

	(void)snprintf(name, sizeof(name), "%s-wal", db->path);
	return stat(name, &st) == 0 ? st.st_ino : 0;
}

bool
db_moved(struct db *db)
{
	int moved = 0;

	if (db->handle == NULL)
		return false;
	(void)sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_HAS_MOVED,
	    &moved);
	if (!moved && db->wal_inode == 0)
		db->wal_inode = wal_inode(db);
	return moved;
}

static void
remove_beside(const struct db *db, const char *suffix)
{
	char name[DB_PATH_SIZE + sizeof("-wal")];

	(void)snprintf(name, sizeof(name), "%s%s", db->path, suffix);
	(void)unlink(name);
}

void
db_close_moved(struct db *db)
{
	const bool ours = db->wal_inode != 0 && db->wal_inode == wal_inode(db);
	bool held;

	if (ours)
		(void)db_checkpoint(db, true, &held);
	db_abandon(db);
	if (!ours)
		return;
	remove_beside(db, "-wal");
	remove_beside(db, "-shm");
}

uint64_t
db_last_id(const struct db *db)
{
	return db->last_id;
}
