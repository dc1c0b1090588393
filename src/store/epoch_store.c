#include "store/epoch_store.h"

#include "store/db.h"
#include "store/epoch_clock.h"
#include "store/epochs.h"
#include "store/schema.h"

static const char own_key[] = "own_clock_ms";
static const char wall_key[] = "wall_clock_ms";
static const char boot_key[] = "boot_clock_ms";
static const char boot_id_key[] = "boot_id";

static int
load_epochs(struct db *db, struct epochs *e)
{
	sqlite3_stmt *s = db_statement(db,
	    "SELECT first_id, offset_ms FROM store_epochs ORDER BY first_id");
	struct epoch epoch;
	int rc;

	if (s == NULL)
		return db->code;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		epoch.first_id = sqlite3_column_int64(s, 0);
		epoch.offset_ms = sqlite3_column_int64(s, 1);
		epochs_load(e, &epoch);
	}
	rc = db_failed(db, rc);
	(void)sqlite3_reset(s);
	return rc;
}

/* Returns whether something was kept. */
static bool
load_clock(struct db *db, struct epochs_saved *saved)
{
	saved->own_ms = schema_get_number(db, own_key, -1);
	saved->clocks.wall_ms = schema_get_number(db, wall_key, -1);
	saved->clocks.boot_ms = schema_get_number(db, boot_key, -1);
	schema_get_text(db, boot_id_key, saved->clocks.boot_id,
	    sizeof(saved->clocks.boot_id));
	return saved->own_ms != -1;
}

int
epoch_store_load(struct db *db, struct epochs *e, bool started,
    uint64_t retention_ms)
{
	struct epochs_saved saved = { 0 };
	struct epoch_clocks now;
	bool has = started;
	int rc;

	epoch_clock_read(&now);
	if (started)
		epochs_save(e, &now, &saved);
	epochs_forget_from(e, INT64_MIN);
	rc = load_epochs(db, e);
	if (rc != 0)
		return rc;
	db->code = 0;
	if (load_clock(db, &saved))
		has = true;
	else if (started)
		epochs_save(e, &now, &saved);
	epochs_start(e, has ? &saved : NULL, &now, retention_ms);
	return db->code;
}

int
epoch_store_save(struct db *db, const struct epochs *e)
{
	struct epochs_saved saved;
	struct epoch_clocks now;
	int rc;

	epoch_clock_read(&now);
	epochs_save(e, &now, &saved);
	rc = schema_put_number(db, own_key, saved.own_ms);
	if (rc == 0)
		rc = schema_put_number(db, wall_key, saved.clocks.wall_ms);
	if (rc == 0)
		rc = schema_put_number(db, boot_key, saved.clocks.boot_ms);
	if (rc == 0)
		rc = schema_put_text(db, boot_id_key, saved.clocks.boot_id);
	return rc;
}

static int
keep(struct db *db, const struct epoch *begun)
{
	sqlite3_stmt *s =
	    db_statement(db, "REPLACE INTO store_epochs VALUES(?, ?)");

	if (s == NULL)
		return db->code;
	(void)sqlite3_bind_int64(s, 1, begun->first_id);
	(void)sqlite3_bind_int64(s, 2, begun->offset_ms);
	return db_run(db, s);
}

int
epoch_store_place(struct db *db, struct epochs *e,
    const struct epoch_clocks *now, const struct epoch_row *row)
{
	struct epoch begun;

	if (!epochs_place(e, now, (int64_t)row->id, (int64_t)row->at_ms,
		&begun))
		return 0;
	return keep(db, &begun);
}
