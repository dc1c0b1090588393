#include "store/schema.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"

/* A database without auto-vacuum that is no bigger gets it by a VACUUM. */
#define VACUUM_MAX_BYTES (16 << 20)

/* clang-format off */
static const char tables[] =
    "CREATE TABLE IF NOT EXISTS network_health_events("
	"id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, type TEXT NOT NULL, "
	"severity TEXT NOT NULL, listener TEXT, peer TEXT, reason TEXT, "
	"detail TEXT);"
    "CREATE TABLE IF NOT EXISTS store_state("
	"key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS store_epochs("
	"first_id INTEGER PRIMARY KEY, offset_ms INTEGER NOT NULL);";

static const char indexes[] =
    "CREATE INDEX IF NOT EXISTS network_health_events_by_time"
	" ON network_health_events(at_ms);"
    "CREATE INDEX IF NOT EXISTS network_health_events_by_listener"
	" ON network_health_events(listener, at_ms)"
	" WHERE listener IS NOT NULL;"
    "CREATE INDEX IF NOT EXISTS network_health_events_by_type"
	" ON network_health_events(type, at_ms);"
    "CREATE INDEX IF NOT EXISTS network_health_events_by_severity"
	" ON network_health_events(severity, at_ms)"
	" WHERE severity <> 'info';";

/* The order matters: auto_vacuum is ignored once a page is written. */
static const char new_file[] =
    "PRAGMA page_size=4096; PRAGMA auto_vacuum=INCREMENTAL;";

static const char each_time[] =
    "PRAGMA synchronous=NORMAL; PRAGMA journal_size_limit=8388608;"
    "PRAGMA secure_delete=OFF; PRAGMA temp_store=MEMORY;"
    "PRAGMA cache_size=-8192; PRAGMA cell_size_check=ON;";
/* clang-format on */

static const char wal_sql[] = "PRAGMA journal_mode=WAL";
/*
 * The highest id of all, put in by hand, must not end it all: those from here
 * on are none of ours.
 */
#define ID_END ((int64_t)1 << 62)
static const char max_id_sql[] =
    "SELECT max(id) FROM network_health_events WHERE id < 1 << 62";
static const char last_id_key[] = "last_id";

/* What a table made by hand may lack; it can't lack the others. */
static const char *const optional[] = { "listener", "peer", "reason",
	"detail" };

struct found {
	int64_t version;
	int64_t application;
	int64_t objects; /* in the schema */
	int64_t ours;    /* is our table there? */
};

/* db_number() where a failure ends all. Returns 0, or a code. */
static int
ask(struct db *db, const char *sql, int64_t *out)
{
	db->code = 0;
	*out = db_number(db, sql, 0);
	return db->code;
}

static int
look(struct db *db, struct found *f)
{
	int rc;

	rc = ask(db, "PRAGMA user_version", &f->version);
	if (rc == 0)
		rc = ask(db, "PRAGMA application_id", &f->application);
	if (rc == 0)
		rc = ask(db, "SELECT count(*) FROM sqlite_schema", &f->objects);
	if (rc == 0)
		rc = ask(db,
		    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' "
		    "AND name = 'network_health_events'",
		    &f->ours);
	return rc;
}

static int
judge(struct db *db, const struct found *f)
{
	if (f->application != 0 && f->application != SCHEMA_APPLICATION)
		return db_refuse(db, DB_FOREIGN,
		    "a database of another program");
	if (f->version > SCHEMA_VERSION)
		return db_refuse(db, DB_NEWER,
		    "its schema is number %lld, this is made for %d",
		    (long long)f->version, SCHEMA_VERSION);
	if (f->objects > 0 && !f->ours && f->application == 0)
		return db_refuse(db, DB_FOREIGN,
		    "a database without the table network_health_events");
	return 0;
}

static int
begin_wal(struct db *db)
{
	sqlite3_stmt *s = db_statement(db, wal_sql);
	char mode[16] = "";
	int rc;

	if (s == NULL)
		return db->code;
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW && sqlite3_column_text(s, 0) != NULL)
		(void)snprintf(mode, sizeof(mode), "%s",
		    (const char *)sqlite3_column_text(s, 0));
	rc = db_failed(db, rc);
	(void)sqlite3_reset(s);
	if (rc == 0 && strcmp(mode, "wal") != 0)
		return db_refuse(db, DB_NO_WAL,
		    "no write-ahead log can be had there");
	return rc;
}

static int
set_pragmas(struct db *db, const struct found *f)
{
	int rc = 0;

	if (f->objects == 0)
		rc = db_exec(db, new_file);
	if (rc == 0)
		rc = begin_wal(db);
	if (rc == 0)
		rc = db_exec(db, each_time);
	return rc;
}

static int
add_column(struct db *db, const char *name)
{
	char sql[96];

	(void)snprintf(sql, sizeof(sql),
	    "ALTER TABLE network_health_events ADD COLUMN %s TEXT", name);
	return db_exec(db, sql);
}

/* Returns -1 when it can't be known, else whether the column is there. */
static int
has_column(struct db *db, const char *name)
{
	sqlite3_stmt *s = db_statement(db,
	    "SELECT count(*) FROM pragma_table_info('network_health_events') "
	    "WHERE name = ?");
	int found = -1;

	if (s == NULL)
		return -1;
	if (sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC) == SQLITE_OK &&
	    db_failed(db, sqlite3_step(s)) == 0)
		found = sqlite3_column_int(s, 0) > 0;
	(void)sqlite3_reset(s);
	return found;
}

/* One that was made by hand: add what is missing. */
static int
add_columns(struct db *db)
{
	size_t i;
	int has, rc = 0;

	for (i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
		has = has_column(db, optional[i]);
		if (has == -1)
			return db->code;
		if (!has)
			rc = add_column(db, optional[i]);
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* Is id the rowid, and are the others there that can't be added? */
static int
check_columns(struct db *db)
{
	int64_t n;
	const int rc = ask(db,
	    "SELECT count(*) FROM pragma_table_info('network_health_events') "
	    "WHERE name IN ('at_ms', 'type', 'severity') OR (name = 'id' AND "
	    "pk = 1 AND upper(type) = 'INTEGER')",
	    &n);

	if (rc == 0 && n != 4)
		return db_refuse(db, DB_FOREIGN,
		    "its table network_health_events has other columns");
	return rc;
}

static int
number_it(struct db *db, const struct found *f)
{
	char sql[96];

	if (f->version == SCHEMA_VERSION &&
	    f->application == SCHEMA_APPLICATION)
		return 0;
	(void)snprintf(sql, sizeof(sql),
	    "PRAGMA user_version=%d; PRAGMA application_id=%d", SCHEMA_VERSION,
	    SCHEMA_APPLICATION);
	return db_exec(db, sql);
}

static int
make_tables(struct db *db, const struct found *f)
{
	int rc = db_begin(db);

	if (rc == 0)
		rc = db_exec(db, tables);
	if (rc == 0)
		rc = add_columns(db);
	if (rc == 0)
		rc = check_columns(db);
	if (rc == 0)
		rc = db_exec(db, indexes);
	if (rc == 0)
		rc = number_it(db, f);
	if (rc == 0)
		return db_commit(db);
	db_rollback(db);
	return rc;
}

/* Without auto-vacuum the space of rows that are deleted is not given back. */
static int
check_vacuum(struct db *db)
{
	int64_t mode, bytes;
	int rc = ask(db, "PRAGMA auto_vacuum", &mode);

	if (rc != 0 || mode == 2)
		return rc;
	rc = ask(db,
	    "SELECT page_count * page_size FROM pragma_page_count, "
	    "pragma_page_size",
	    &bytes);
	if (rc == 0 && bytes <= VACUUM_MAX_BYTES &&
	    db_exec(db, "PRAGMA auto_vacuum=INCREMENTAL; VACUUM") == 0)
		return 0;
	log_warning(NULL, NULL,
	    "%s has no incremental auto_vacuum: the space of deleted events is "
	    "used again, but not given back before somebody sets it and runs "
	    "VACUUM",
	    db->path);
	return rc;
}

int
schema_open(struct db *db)
{
	struct found f = { 0 };
	int rc = look(db, &f);

	if (rc == 0)
		rc = judge(db, &f);
	if (rc == 0)
		rc = set_pragmas(db, &f);
	if (rc == 0)
		rc = make_tables(db, &f);
	if (rc == 0)
		rc = check_vacuum(db);
	if (rc == 0)
		schema_see_ids(db);
	return rc;
}

static sqlite3_stmt *
put_statement(struct db *db, const char *key)
{
	sqlite3_stmt *s =
	    db_statement(db, "REPLACE INTO store_state VALUES(?, ?)");

	if (s != NULL)
		(void)sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	return s;
}

int
schema_put_number(struct db *db, const char *key, int64_t value)
{
	sqlite3_stmt *s = put_statement(db, key);

	if (s == NULL)
		return db->code;
	(void)sqlite3_bind_int64(s, 2, value);
	return db_run(db, s);
}

int
schema_put_text(struct db *db, const char *key, const char *value)
{
	sqlite3_stmt *s = put_statement(db, key);
	int rc;

	if (s == NULL)
		return db->code;
	(void)sqlite3_bind_text(s, 2, value, -1, SQLITE_STATIC);
	rc = db_run(db, s);
	(void)sqlite3_clear_bindings(s);
	return rc;
}

/* Stands on the row, or is NULL; the caller resets it. */
static sqlite3_stmt *
get_statement(struct db *db, const char *key)
{
	sqlite3_stmt *s =
	    db_statement(db, "SELECT value FROM store_state WHERE key = ?");
	int rc;

	if (s == NULL)
		return NULL;
	(void)sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		return s;
	(void)db_failed(db, rc);
	(void)sqlite3_reset(s);
	return NULL;
}

int64_t
schema_get_number(struct db *db, const char *key, int64_t otherwise)
{
	sqlite3_stmt *s = get_statement(db, key);
	int64_t n = otherwise;

	if (s == NULL)
		return otherwise;
	if (sqlite3_column_type(s, 0) == SQLITE_INTEGER)
		n = sqlite3_column_int64(s, 0);
	(void)sqlite3_reset(s);
	return n;
}

void
schema_get_text(struct db *db, const char *key, char *out, size_t size)
{
	sqlite3_stmt *s = get_statement(db, key);
	const unsigned char *text;

	out[0] = '\0';
	if (s == NULL)
		return;
	text = sqlite3_column_text(s, 0);
	if (text != NULL)
		(void)snprintf(out, size, "%s", (const char *)text);
	(void)sqlite3_reset(s);
}

static void
raise_last_id(struct db *db, int64_t id)
{
	if (id > 0 && id < ID_END && (uint64_t)id > db->last_id)
		db->last_id = (uint64_t)id;
}

void
schema_see_ids(struct db *db)
{
	raise_last_id(db, schema_get_number(db, last_id_key, 0));
	raise_last_id(db, db_number(db, max_id_sql, 0));
}

int
schema_put_last_id(struct db *db, uint64_t last_id)
{
	return schema_put_number(db, last_id_key, (int64_t)last_id);
}
