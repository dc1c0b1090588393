#include "store/writer.h"

#include <sys/stat.h>

#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/store_board.h"
#include "store/ballast.h"
#include "store/db.h"
#include "store/env.h"
#include "store/epoch_clock.h"
#include "store/epoch_store.h"
#include "store/epochs.h"
#include "store/event_log.h"
#include "store/lock.h"
#include "store/queue.h"
#include "store/recovery.h"
#include "store/schema.h"
#include "store/trouble.h"

/* A transaction: so many events, or so long after the first. */
#define COMMIT_EVENTS 1000u
#define COMMIT_MS 200u

/* And it takes no longer to fill, on a slow machine. */
#define SLICE_MS 20u

/*
 * The write-ahead log is written back when it has so many pages: 4 MiB, or
 * less on a small disk. When that is full, it must fit into the database with
 * the room of the ballast: until then nothing can be deleted.
 */
#define CHECKPOINT_PAGES 1000
#define PAGE_BYTES 4096u

/* A lock that is held for a moment is no trouble. */
#define LOCKED_MS 1000u

/* How often to see to what the disk has room for. */
#define BALLAST_MS 10000u
#define BALLAST_SOON_MS 50u
#define PRUNE_MS 60000u

/* How often our clock is kept, with events to write and without. */
#define CLOCK_MS 5000u
#define CLOCK_IDLE_MS 60000u

struct writer {
	struct store_env *env;
	struct db *db; /* of env */
	struct queue *queue;
	const struct writer_handler *handler;
	void *ctx;
	struct event *due;
	struct event *checkpoint;
	struct lock lock;
	struct recovery recovery;
	enum store_trouble trouble; /* that was told last */
	char text[256];
	unsigned int failures; /* in a row */
	uint64_t failed_at_ms; /* the first of these; the rest is as well */
	uint64_t retry_at_ms;  /* on CLOCK_MONOTONIC */
	uint64_t ballast_at_ms;
	bool ballast_gone; /* it was given back */
	uint64_t pruned_at_ms;
	uint64_t pruned_before; /* rows until then */
	int checkpoint_pages;
	uint64_t clock_at_ms; /* our clock was kept; CLOCK_MS ago: do it */
	bool clock_started;   /* env->epochs has one */
};

static void
tell(struct writer *w, enum store_trouble what, const char *text)
{
	if (what == w->trouble && strcmp(text, w->text) == 0)
		return;
	if (what == STORE_TROUBLE_NONE)
		log_info(NULL, NULL, "events are recorded again in %s",
		    w->db->path);
	else
		log_error(NULL, NULL, "no events are recorded: %s", text);
	w->trouble = what;
	(void)snprintf(w->text, sizeof(w->text), "%s", text);
	w->handler->trouble(w->ctx, what, w->text);
}

static void
tell_trouble(struct writer *w, const struct trouble *t, const char *why)
{
	char text[sizeof(w->text)];

	if (t->what == STORE_TROUBLE_LOCKED && w->trouble != t->what &&
	    clock_mono_ms() - w->failed_at_ms < LOCKED_MS)
		return;
	(void)snprintf(text, sizeof(text), "%.110s: %s; %s",
	    w->env->settings.database, why, t->help);
	tell(w, t->what, text);
}

static void
close_database(struct writer *w, void (*how)(struct db *))
{
	if (w->db->handle != NULL) {
		w->handler->closing(w->ctx);
		db_rollback(w->db);
		how(w->db);
	}
	lock_release(&w->lock);
}

/* Would the cleanup job only find again that nothing may be deleted? */
static bool
was_pruned_in_vain(const struct writer *w, uint64_t now_ms)
{
	return w->pruned_at_ms != 0 && now_ms - w->pruned_at_ms < PRUNE_MS &&
	    store_board_get(w->env->board, STORE_PRUNED) == w->pruned_before;
}

static void
make_room(struct writer *w)
{
	const uint64_t now_ms = clock_mono_ms();
	const bool released = ballast_release(w->env->settings.database);
	bool held;

	w->ballast_at_ms = now_ms;
	w->ballast_gone = true;
	(void)db_checkpoint(w->db, true, &held);
	if (!released && was_pruned_in_vain(w, now_ms))
		return;
	w->pruned_at_ms = now_ms;
	w->pruned_before = store_board_get(w->env->board, STORE_PRUNED);
	w->handler->disk_full(w->ctx);
}

static void
record_recovery(struct writer *w, const char *file, const char *why)
{
	struct health_event e = { .type = EVENT_STORE_RECOVERED,
		.reason = why };

	event_add_text(&e, FACT_FILE, file);
	w->env->record(w->env->ctx, &e);
}

/* It is corrupt. */
static void
set_aside(struct writer *w, struct trouble t, const char *why)
{
	char name[RECOVERY_NAME_SIZE];
	struct err err;

	close_database(w, db_abandon);
	if (!recovery_may(&w->recovery, clock_mono_ms())) {
		t.help = "several were set aside already: check the disk";
		tell_trouble(w, &t, why);
		return;
	}
	if (recovery_set_aside(w->db->path, name, &err) == -1) {
		t.help = "it can't be set aside";
		tell_trouble(w, &t, err.text);
		return;
	}
	log_error(NULL, NULL,
	    "%s: %s: it is set aside as %s, and a new one begun", w->db->path,
	    why, name);
	record_recovery(w, name, why);
	w->retry_at_ms = clock_mono_ms();
}

/* What db->code says has happened. */
static void
fail(struct writer *w)
{
	const struct trouble t = trouble_classify(w->db->code, w->db->sys,
	    ballast_disk_is_full(w->env->settings.database));
	char why[sizeof(w->db->text)];

	(void)snprintf(why, sizeof(why), "%s", w->db->text);
	db_rollback(w->db);
	if (w->failures++ == 0)
		w->failed_at_ms = clock_mono_ms();
	w->retry_at_ms =
	    clock_mono_ms() + trouble_retry_ms(t.action, w->failures);
	if (t.action == TROUBLE_SET_ASIDE) {
		set_aside(w, t, why);
		return;
	}
	tell_trouble(w, &t, why);
	if (t.action == TROUBLE_MAKE_ROOM)
		make_room(w);
	else if (t.action != TROUBLE_WAIT)
		close_database(w, db_close);
}

/*
 * Once it was given back, and the cleanup job has made room: before that is
 * full again.
 */
static void
restore_ballast(struct writer *w, uint32_t every_ms)
{
	const uint64_t now_ms = clock_mono_ms();

	if (now_ms - w->ballast_at_ms < every_ms)
		return;
	w->ballast_at_ms = now_ms;
	w->ballast_gone = !ballast_make(w->env->settings.database);
}

static void
succeed(struct writer *w)
{
	w->failures = 0;
	tell(w, STORE_TROUBLE_NONE, "");
	if (w->ballast_gone)
		restore_ballast(w, BALLAST_SOON_MS);
}

static int
insert_one(struct writer *w, const struct epoch_clocks *now,
    const struct epoch_row *row, const struct health_event *e,
    const struct origin *origin)
{
	const int rc = epoch_store_place(w->db, w->env->epochs, now, row);

	return rc != 0 ? rc : event_log_insert(w->db, row, e, origin);
}

/* Insert what waits, from *place on. *id is that of the last row. */
static int
insert(struct writer *w, struct queue_place *place, uint64_t *id)
{
	const uint64_t until_ms = clock_mono_ms() + SLICE_MS;
	const struct origin *origin;
	struct epoch_clocks now;
	struct health_event e;
	struct epoch_row row;
	int rc = 0;

	epoch_clock_tick(&now);
	while (rc == 0 && place->passed < COMMIT_EVENTS &&
	    (place->passed % 64 != 63 || clock_mono_ms() < until_ms)) {
		origin = queue_next(place, &e);
		if (origin == NULL)
			break;
		row.id = ++*id;
		row.at_ms = event_log_time(e.at_ms, now.wall_ms);
		rc = insert_one(w, &now, &row, &e, origin);
	}
	return rc;
}

static int
fill(struct writer *w, struct queue_place *place, uint64_t *id)
{
	const uint64_t now_ms = clock_mono_ms();
	int rc;

	schema_see_ids(w->db);
	*id = w->db->last_id;
	rc = insert(w, place, id);
	if (rc == 0)
		rc = schema_put_last_id(w->db, *id);
	if (rc != 0 || now_ms - w->clock_at_ms < CLOCK_MS)
		return rc;
	rc = epoch_store_save(w->db, w->env->epochs);
	if (rc == 0)
		w->clock_at_ms = now_ms;
	return rc;
}

static void
settle(struct writer *w, const struct queue_place *place, uint64_t id)
{
	/* First: should we die now, they are not lost. */
	store_board_add(w->env->board, STORE_SETTLED, place->passed);
	store_board_add(w->env->board, STORE_EVENTS, place->passed);
	w->db->last_id = id;
	store_board_set(w->env->board, STORE_LAST_ID, id);
	queue_settle(w->queue, place);
	if (place->passed > 0)
		w->handler->written(w->ctx);
}

/* One transaction; with nothing in it, it shows that one can be made. */
static void
commit(struct writer *w)
{
	struct queue_place place = queue_first(w->queue);
	uint64_t id = 0;
	int rc = db_begin(w->db);

	if (rc == 0)
		rc = fill(w, &place, &id);
	if (rc == 0)
		rc = db_commit(w->db);
	if (rc != 0) {
		epochs_forget_from(w->env->epochs, (int64_t)w->db->last_id + 1);
		fail(w);
		return;
	}
	succeed(w);
	settle(w, &place, id);
}

static void
on_wal_grown(void *ctx, int pages)
{
	struct writer *w = ctx;

	if (pages >= w->checkpoint_pages &&
	    store_board_get(w->env->board, STORE_WAL_HELD_MS) == 0)
		event_active(w->checkpoint, EV_TIMEOUT, 0);
}

static int
checkpoint_pages(const char *path)
{
	const uint64_t pages = ballast_size_at(path) / PAGE_BYTES / 2;

	return pages < CHECKPOINT_PAGES / 2 ? (int)pages : CHECKPOINT_PAGES;
}

static int
load_clock(struct writer *w)
{
	const int rc = epoch_store_load(w->db, w->env->epochs, w->clock_started,
	    w->env->settings.retention_ms);

	if (rc != 0)
		return rc;
	/* One that no row belongs to yet makes no sense. */
	epochs_forget_from(w->env->epochs, (int64_t)w->db->last_id + 1);
	w->clock_started = true;
	return 0;
}

static void
open_database(struct writer *w)
{
	const char *path = w->env->settings.database;
	int rc = lock_take(&w->lock, path, w->db);

	if (rc == 0)
		rc = db_open(w->db, path);
	if (rc == 0)
		rc = schema_open(w->db);
	if (rc == 0)
		rc = load_clock(w);
	if (rc != 0) {
		fail(w);
		/* One that is half open is of no use. */
		close_database(w, db_close);
		return;
	}
	log_debug(NULL, NULL, "%s is open", path);
	(void)ballast_make(path);
	w->checkpoint_pages = checkpoint_pages(path);
	commit(w);
}

/* In good order, as far as it can be had. */
static void
leave(struct writer *w)
{
	bool held;

	if (w->db->handle != NULL) {
		w->clock_at_ms = 0;
		commit(w);
		(void)db_checkpoint(w->db, true, &held);
	}
	close_database(w, db_close);
}

static void
leave_moved(struct writer *w)
{
	log_warning(NULL, NULL,
	    "%s was moved or deleted: what is there now is opened",
	    w->db->path);
	close_database(w, db_close_moved);
}

/* Do what is due. */
static void
step(struct writer *w)
{
	if (db_moved(w->db))
		leave_moved(w);
	if (w->db->handle == NULL)
		open_database(w);
	else
		commit(w);
}

/* When the next step is due, on CLOCK_MONOTONIC; UINT64_MAX: not at all. */
static uint64_t
due_ms(const struct writer *w)
{
	if (w->db->handle == NULL || w->failures > 0)
		return w->retry_at_ms;
	if (w->queue->events >= COMMIT_EVENTS)
		return 0;
	if (w->queue->events > 0)
		return queue_since_ms(w->queue) + COMMIT_MS;
	return UINT64_MAX;
}

static void
plan(struct writer *w)
{
	const uint64_t now_ms = clock_mono_ms(), at_ms = due_ms(w);
	struct timeval after = { 0 };

	if (at_ms == UINT64_MAX)
		return;
	if (at_ms > now_ms) {
		after.tv_sec = (time_t)((at_ms - now_ms) / 1000);
		after.tv_usec = (suseconds_t)((at_ms - now_ms) % 1000 * 1000);
	}
	(void)event_add(w->due, &after);
}

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	struct writer *w = arg;

	(void)fd;
	(void)what;
	if (due_ms(w) <= clock_mono_ms())
		step(w);
	plan(w);
}

/* Write back the write-ahead log, and see who is in the way. */
static void
write_back(struct writer *w)
{
	struct store_board *board = w->env->board;
	bool held;

	if (w->db->handle == NULL)
		return;
	if (db_checkpoint(w->db, false, &held) != 0) {
		fail(w);
		plan(w);
		return;
	}
	if (!held)
		store_board_set(board, STORE_WAL_HELD_MS, 0);
	else if (store_board_get(board, STORE_WAL_HELD_MS) == 0)
		store_board_set(board, STORE_WAL_HELD_MS, clock_mono_ms());
}

static void
on_checkpoint(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	write_back(arg);
}

struct writer *
writer_new(struct store_env *env, struct queue *queue,
    const struct writer_handler *handler, void *ctx, struct err *err)
{
	struct writer *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		(void)err_sys(err, "a writer");
		return NULL;
	}
	w->env = env;
	w->db = env->db;
	w->queue = queue;
	w->handler = handler;
	w->ctx = ctx;
	w->lock = LOCK_NONE;
	w->due = event_new(env->base, -1, 0, on_due, w);
	w->checkpoint = event_new(env->base, -1, 0, on_checkpoint, w);
	if (w->due == NULL || w->checkpoint == NULL) {
		writer_free(&w);
		(void)err_set(err, ERR_UNAVAILABLE, "a writer: out of memory");
		return NULL;
	}
	w->db->wal_grown = on_wal_grown;
	w->db->ctx = w;
	plan(w);
	return w;
}

void
writer_wake(struct writer *w)
{
	plan(w);
}

bool
writer_is_due(const struct writer *w)
{
	return w->failures == 0 && due_ms(w) <= clock_mono_ms();
}

void
writer_failed(struct writer *w)
{
	const uint64_t retry_at_ms =
	    w->failures > 0 ? w->retry_at_ms : UINT64_MAX;

	switch (w->db->code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_INTERRUPT:
	case SQLITE_ABORT:
	case SQLITE_MISUSE:
		return; /* theirs to try again */
	default:
		fail(w);
	}
	/* Others that fail again and again must not put us off for ever. */
	if (w->retry_at_ms > retry_at_ms)
		w->retry_at_ms = retry_at_ms;
	plan(w);
}

static uint64_t
file_bytes(const char *path, const char *suffix)
{
	char name[DB_PATH_SIZE + 8];
	struct stat st;

	(void)snprintf(name, sizeof(name), "%s%s", path, suffix);
	return stat(name, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size
						      : 0;
}

void
writer_tick(struct writer *w)
{
	const uint64_t now_ms = clock_mono_ms();
	const char *path = w->env->settings.database;

	store_board_set(w->env->board, STORE_DATABASE_BYTES,
	    file_bytes(path, ""));
	store_board_set(w->env->board, STORE_WAL_BYTES,
	    file_bytes(path, "-wal"));
	if (w->db->handle == NULL)
		return;
	if (db_moved(w->db))
		step(w);
	if (store_board_get(w->env->board, STORE_WAL_HELD_MS) != 0)
		write_back(w);
	if (w->failures == 0 && now_ms - w->clock_at_ms >= CLOCK_IDLE_MS)
		commit(w);
	if (w->trouble == STORE_TROUBLE_NONE)
		restore_ballast(w, BALLAST_MS);
	plan(w);
}

bool
writer_flush(struct writer *w, uint32_t patience_ms)
{
	uint64_t since_ms = clock_mono_ms(), events, now_ms, wait_ms;

	while ((events = w->queue->events) > 0) {
		step(w);
		now_ms = clock_mono_ms();
		store_board_set(w->env->board, STORE_HEARTBEAT_MS, now_ms);
		if (w->queue->events < events) {
			since_ms = now_ms;
			continue;
		}
		if (now_ms - since_ms >= patience_ms)
			return false;
		wait_ms = w->retry_at_ms > now_ms ? w->retry_at_ms - now_ms : 0;
		if (wait_ms > since_ms + patience_ms - now_ms)
			wait_ms = since_ms + patience_ms - now_ms;
		(void)poll(NULL, 0, (int)wait_ms);
	}
	return true;
}

void
writer_move(struct writer *w)
{
	const bool is_open = w->db->handle != NULL;

	leave(w);
	if (is_open)
		(void)ballast_release(w->db->path);
	w->failures = 0;
	w->retry_at_ms = 0;
	plan(w);
}

void
writer_free(struct writer **wp)
{
	struct writer *w = *wp;

	*wp = NULL;
	if (w == NULL)
		return;
	leave(w);
	w->db->wal_grown = NULL;
	if (w->due != NULL)
		event_free(w->due);
	if (w->checkpoint != NULL)
		event_free(w->checkpoint);
	free(w);
}
