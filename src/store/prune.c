#include "store/prune.h"

#include <stdio.h>

#include "common/clock.h"
#include "store/db.h"
#include "store/epoch_clock.h"
#include "store/epochs.h"
#include "store/schema.h"

/* How long a transaction should take, and when it ends early. */
#define SLICE_MS 10
#define SLICE_MAX_MS 15
#define ROWS_PER_LOOK_AT_THE_CLOCK 8

#define BATCH_MIN 16
#define BATCH_FIRST 200
#define PAGES_MIN 8
#define PAGES_MAX 2000
#define PAGES_FIRST 50

/* clang-format off */
#define BY_TIME								\
	"SELECT id, at_ms FROM network_health_events"			\
	" INDEXED BY network_health_events_by_time WHERE"

/* Rows of the time where we are, and those beyond (query.c). */
static const char same_time_sql[] =
    BY_TIME " at_ms = ?1 AND id > ?2 ORDER BY id";
static const char beyond_sql[] =
    BY_TIME " at_ms > ?1 AND at_ms < ?3 ORDER BY at_ms, id";
static const char oldest_sql[] =
    "SELECT id, 0 FROM network_health_events WHERE id > ?2 ORDER BY id";
static const char delete_sql[] =
    "DELETE FROM network_health_events WHERE id = ?1";
static const char lowest_sql[] = "SELECT min(id) FROM network_health_events";
static const char highest_sql[] = "SELECT max(id) FROM network_health_events";
static const char forget_sql[] =
    "DELETE FROM store_epochs WHERE first_id < ?1";
/* clang-format on */

/* What a slice looks for; which rows it is given, take() says. */
struct look {
	struct prune *prune;
	int64_t own_ms; /* PRUNE_OLD */
	unsigned int looked;
	unsigned int look_max;
	unsigned int doomed;
	unsigned int doomed_max;
	struct query_key key;
};

static const struct query_key first_key = { INT64_MIN, INT64_MIN };

void
prune_restart(struct prune *p)
{
	p->phase = PRUNE_OLD;
	p->key = first_key;
	p->counted = 0;
	p->surplus = 0;
	if (p->order.dry_run)
		p->rows = 0;
}

void
prune_start(struct prune *p, struct db *db, struct epochs *epochs,
    const struct prune_order *order)
{
	p->db = db;
	p->epochs = epochs;
	p->order = *order;
	p->batch = BATCH_FIRST;
	p->batch_pages = PAGES_FIRST;
	p->rows = 0;
	p->bytes = 0;
	prune_restart(p);
}

static void
enter(struct prune *p, enum prune_phase phase)
{
	p->phase = phase;
	p->key = first_key;
}

/* db_number() where a failure ends all. Returns 0, or a code. */
static int
ask(struct db *db, const char *sql, int64_t otherwise, int64_t *out)
{
	db->code = 0;
	*out = db_number(db, sql, otherwise);
	return db->code;
}

/* Make the next transaction larger or smaller after one that took took_ms. */
static unsigned int
adapt(unsigned int batch, uint64_t took_ms, unsigned int min, unsigned int max)
{
	if (took_ms > SLICE_MS)
		batch /= 2;
	else if (took_ms <= SLICE_MS / 2)
		batch += batch / 2;
	if (batch < min)
		return min;
	return batch > max ? max : batch;
}

static bool
is_doomed(const struct look *l, const struct query_key *key)
{
	const struct prune *p = l->prune;

	if (p->phase == PRUNE_OLD)
		return key->at_ms < epochs_limit_ms(p->epochs, l->own_ms,
					p->order.age_ms, key->id);
	return p->phase == PRUNE_SURPLUS;
}

static bool
is_over(const struct look *l)
{
	return l->looked == l->look_max || l->doomed == l->doomed_max;
}

static void
take(struct look *l, sqlite3_stmt *s)
{
	l->key = (struct query_key){ query_column_ms(s, 1, false),
		sqlite3_column_int64(s, 0) };
	l->looked++;
	if (is_doomed(l, &l->key))
		l->prune->doomed[l->doomed++] = l->key;
}

static int
bind(sqlite3_stmt *s, const struct query_key *key, int64_t before_ms)
{
	const int places = sqlite3_bind_parameter_count(s);
	int rc = sqlite3_bind_int64(s, 1, key->at_ms);

	if (rc == SQLITE_OK && places >= 2)
		rc = sqlite3_bind_int64(s, 2, key->id);
	if (rc == SQLITE_OK && places >= 3)
		rc = sqlite3_bind_int64(s, 3, before_ms);
	return rc;
}

/* Returns 0, or a code. */
static int
walk(struct look *l, const char *sql, int64_t before_ms)
{
	struct db *db = l->prune->db;
	sqlite3_stmt *s;
	int rc;

	if (is_over(l))
		return 0;
	s = db_statement(db, sql);
	if (s == NULL)
		return db->code;
	rc = bind(s, &l->key, before_ms);
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = is_over(l) ? SQLITE_DONE : sqlite3_step(s);
		if (rc == SQLITE_ROW)
			take(l, s);
	}
	rc = db_failed(db, rc);
	(void)sqlite3_reset(s);
	return rc;
}

static int
walk_by_time(struct look *l, int64_t before_ms)
{
	const int rc = walk(l, same_time_sql, before_ms);

	return rc != 0 ? rc : walk(l, beyond_sql, before_ms);
}

static int
delete_row(struct db *db, int64_t id, unsigned int *deleted)
{
	sqlite3_stmt *s = db_statement(db, delete_sql);
	int rc;

	if (s == NULL)
		return db->code;
	rc = db_failed(db, sqlite3_bind_int64(s, 1, id));
	if (rc == 0)
		rc = db_run(db, s);
	if (rc == 0)
		*deleted += (unsigned int)sqlite3_changes(db->handle);
	return rc;
}

/* The highest id may go, and is never used again all the same. */
static int
keep_ids(struct db *db)
{
	schema_see_ids(db);
	return schema_put_last_id(db, db->last_id);
}

/*
 * Delete what l has found, as much as there is time for, in one transaction.
 * Returns 0, or a code; then nothing was deleted.
 */
static int
delete_doomed(struct prune *p, struct look *l)
{
	const uint64_t begun_ms = clock_mono_ms();
	unsigned int i, deleted = 0;
	int rc = db_begin(p->db);

	if (rc == 0)
		rc = keep_ids(p->db);
	for (i = 0; rc == 0 && i < l->doomed; i++) {
		if (i % ROWS_PER_LOOK_AT_THE_CLOCK == 0 && i > 0 &&
		    clock_mono_ms() - begun_ms >= SLICE_MAX_MS)
			break;
		rc = delete_row(p->db, p->doomed[i].id, &deleted);
	}
	if (rc == 0)
		rc = db_commit(p->db);
	if (rc != 0) {
		db_rollback(p->db);
		return rc;
	}
	if (i < l->doomed) {
		l->key = p->doomed[i - 1];
		l->looked = l->look_max;
	}
	p->rows += deleted;
	p->batch = adapt(p->batch, clock_mono_ms() - begun_ms, BATCH_MIN,
	    PRUNE_BATCH_MAX);
	return 0;
}

static struct look
look_from(struct prune *p)
{
	return (struct look){ .prune = p,
		.look_max = PRUNE_LOOK_MAX,
		.doomed_max = p->batch,
		.key = p->key };
}

static int
prune_old(struct prune *p)
{
	struct epoch_clocks now;
	struct look l = look_from(p);
	int rc;

	epoch_clock_tick(&now);
	l.own_ms = epochs_own_ms(p->epochs, &now);
	rc = walk_by_time(&l,
	    epochs_highest_limit_ms(p->epochs, l.own_ms, p->order.age_ms));
	if (rc != 0)
		return rc;
	if (p->order.dry_run)
		p->rows += l.doomed;
	else if (l.doomed > 0)
		rc = delete_doomed(p, &l);
	if (rc != 0)
		return rc;
	if (is_over(&l))
		p->key = l.key;
	else
		enter(p, PRUNE_COUNT);
	return 0;
}

/* As many ids as there are from lowest to highest: no more rows than that. */
static int
most_rows(struct db *db, uint64_t *most)
{
	int64_t lowest, highest;
	int rc = ask(db, lowest_sql, 1, &lowest);

	if (rc == 0)
		rc = ask(db, highest_sql, 0, &highest);
	if (rc == 0)
		*most = (uint64_t)highest - (uint64_t)lowest + 1;
	return rc;
}

/* All are counted: how many are too many? */
static void
judge_count(struct prune *p)
{
	const uint64_t going = p->order.dry_run ? p->rows : 0;
	const uint64_t stay = p->counted > going ? p->counted - going : 0;

	p->surplus = 0;
	if (stay > p->order.max_events)
		p->surplus = stay - p->order.max_events;
	if (p->order.dry_run) {
		p->rows += p->surplus;
		enter(p, PRUNE_COMPLETE);
		return;
	}
	enter(p, p->surplus > 0 ? PRUNE_SURPLUS : PRUNE_VACUUM);
}

static int
prune_count(struct prune *p)
{
	struct look l = look_from(p);
	uint64_t most = 0;
	int rc = 0;

	if (p->counted == 0)
		rc = most_rows(p->db, &most);
	if (rc == 0 && (p->counted > 0 || most > p->order.max_events))
		rc = walk_by_time(&l, INT64_MAX);
	if (rc != 0)
		return rc;
	p->counted += l.looked;
	if (is_over(&l))
		p->key = l.key;
	else
		judge_count(p);
	return 0;
}

static int
prune_surplus(struct prune *p)
{
	const uint64_t rows = p->rows;
	struct look l = look_from(p);
	int rc;

	if (l.doomed_max > p->surplus)
		l.doomed_max = (unsigned int)p->surplus;
	rc = walk(&l, oldest_sql, 0);
	if (rc == 0 && l.doomed > 0)
		rc = delete_doomed(p, &l);
	if (rc != 0)
		return rc;
	p->surplus -= p->rows - rows;
	if (is_over(&l) && p->surplus > 0)
		p->key = l.key;
	else
		enter(p, PRUNE_VACUUM);
	return 0;
}

/* Move some pages into the free ones and cut off as many at the end. */
static int
vacuum_pages(struct prune *p, int64_t *freed)
{
	char sql[64];
	int64_t before, after;
	int rc = ask(p->db, "PRAGMA page_count", 0, &before);

	(void)snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%u)",
	    p->batch_pages);
	if (rc == 0)
		rc = db_exec(p->db, sql);
	if (rc == 0)
		rc = ask(p->db, "PRAGMA page_count", 0, &after);
	if (rc == 0)
		*freed = before > after ? before - after : 0;
	return rc;
}

static int
prune_vacuum(struct prune *p)
{
	const uint64_t begun_ms = clock_mono_ms();
	int64_t page_size = 0, free_pages, freed = 0;
	int rc = ask(p->db, "PRAGMA freelist_count", 0, &free_pages);

	if (rc == 0 && free_pages > 0)
		rc = vacuum_pages(p, &freed);
	if (rc == 0 && freed > 0)
		rc = ask(p->db, "PRAGMA page_size", 0, &page_size);
	if (rc != 0)
		return rc;
	p->bytes += (uint64_t)freed * (uint64_t)page_size;
	p->batch_pages = adapt(p->batch_pages, clock_mono_ms() - begun_ms,
	    PAGES_MIN, PAGES_MAX);
	if (freed == 0)
		enter(p, PRUNE_EPOCHS);
	return 0;
}

static int
prune_epochs(struct prune *p)
{
	sqlite3_stmt *s;
	int64_t lowest;
	int rc = ask(p->db, lowest_sql, INT64_MAX, &lowest);

	if (rc != 0)
		return rc;
	s = db_statement(p->db, forget_sql);
	if (s == NULL)
		return p->db->code;
	rc = db_failed(p->db,
	    sqlite3_bind_int64(s, 1, epochs_forget_before(p->epochs, lowest)));
	if (rc == 0)
		rc = db_run(p->db, s);
	if (rc == 0)
		enter(p, PRUNE_COMPLETE);
	return rc;
}

enum prune_result
prune_step(struct prune *p)
{
	static int (*const slices[])(struct prune *) = {
		[PRUNE_OLD] = prune_old,
		[PRUNE_COUNT] = prune_count,
		[PRUNE_SURPLUS] = prune_surplus,
		[PRUNE_VACUUM] = prune_vacuum,
		[PRUNE_EPOCHS] = prune_epochs,
	};

	if (p->phase != PRUNE_COMPLETE && slices[p->phase](p) != 0)
		return PRUNE_FAILED;
	return p->phase == PRUNE_COMPLETE ? PRUNE_DONE : PRUNE_MORE;
}
