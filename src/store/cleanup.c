#include "store/cleanup.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "store/db.h"
#include "store/env.h"
#include "store/prune.h"

/* When the first run comes, at most. */
#define FIRST_MIN_MS 10000u
#define FIRST_SPREAD_MS 20000u

/* Stand back while events wait to be committed, but not for ever. */
#define YIELD_MS 2u
#define YIELDS_MAX 25u

/* Between two slices, as long as the last one took, so that others get on. */
#define PAUSE_MAX_MS 20u

/* After a failure; one by hand gives up in the end. */
#define RETRY_FIRST_MS 50u
#define RETRY_MAX_MS 5000u
#define BY_HAND_PATIENCE_MS 10000u

struct cleanup {
	struct store_env *env;
	struct event *due;  /* the next run by schedule */
	struct event *turn; /* the next slice of the one that is going on */
	bool running;
	bool is_due; /* by schedule, when the one that is going on has ended */
	bool urgent;
	bool is_by_hand;
	const char *reason;
	struct cleanup_request asked;   /* by whom; done NULL: nobody */
	struct cleanup_request waiting; /* the same, for the next one */
	bool is_one_waiting;
	uint64_t begun_ms;
	uint64_t failing_since_ms;
	uint32_t retry_ms;
	unsigned int yields;
	struct prune prune;
};

static void
arm(struct event *ev, uint64_t ms)
{
	const struct timeval tv = { (time_t)(ms / 1000),
		(suseconds_t)(ms % 1000 * 1000) };

	(void)event_add(ev, &tv);
}

/* cleanup_every, give or take a tenth. */
static uint32_t
interval(const struct cleanup *c)
{
	const uint32_t every_ms = c->env->settings.cleanup_every_ms;

	return every_ms - every_ms / 10 + arc4random_uniform(every_ms / 5 + 1);
}

static void
begin(struct cleanup *c, const char *reason, uint64_t older_than_ms,
    bool dry_run)
{
	const struct store_settings *s = &c->env->settings;
	struct prune_order order = { s->retention_ms, s->max_events, dry_run };

	if (older_than_ms > 0) {
		order.age_ms = older_than_ms;
		order.max_events = UINT64_MAX;
	}
	c->running = true;
	c->reason = reason;
	c->begun_ms = clock_mono_ms();
	c->failing_since_ms = 0;
	c->yields = 0;
	prune_start(&c->prune, c->env->db, c->env->epochs, &order);
	arm(c->turn, 0);
}

static void
begin_by_hand(struct cleanup *c, const struct cleanup_request *asked)
{
	c->asked = *asked;
	c->is_by_hand = true;
	begin(c, "by request", asked->older_than_ms, asked->dry_run);
}

/* The run is over: what comes next? */
static void
end(struct cleanup *c)
{
	c->running = false;
	c->urgent = false;
	c->is_by_hand = false;
	memset(&c->asked, 0, sizeof(c->asked));
	(void)event_del(c->turn);
	/* One by hand does not put off what is due. */
	if (c->is_due) {
		c->is_due = false;
		begin(c, "by schedule", 0, false);
	} else if (c->is_one_waiting) {
		c->is_one_waiting = false;
		begin_by_hand(c, &c->waiting);
	} else if (!evtimer_pending(c->due, NULL)) {
		arm(c->due, interval(c));
	}
}

static void
record(struct cleanup *c, const struct snapshot_cleanup *result)
{
	struct health_event e = { .type = EVENT_CLEANUP_COMPLETED,
		.reason = c->reason };

	event_add_number(&e, FACT_ROWS, (int64_t)result->rows);
	event_add_number(&e, FACT_BYTES, (int64_t)result->bytes);
	event_add_number(&e, FACT_DURATION_MS, (int64_t)result->duration_ms);
	c->env->record(c->env->ctx, &e);
	log_debug(NULL, NULL,
	    "cleanup %s: %" PRIu64 " events deleted, %" PRIu64
	    " bytes given back, in %" PRIu64 " ms",
	    c->reason, result->rows, result->bytes, result->duration_ms);
}

static void
complete(struct cleanup *c)
{
	const struct prune *p = &c->prune;
	const uint64_t now_ms = clock_mono_ms();
	const struct snapshot_cleanup result = { .rows = p->rows,
		.bytes = p->bytes,
		.duration_ms = now_ms - c->begun_ms,
		.dry_run = p->order.dry_run };
	const struct cleanup_request asked = c->asked;

	if (!p->order.dry_run) {
		store_board_set(c->env->board, STORE_LAST_CLEANUP_MS,
		    clock_real_ms());
		record(c, &result);
	}
	end(c);
	if (asked.done != NULL)
		asked.done(asked.ctx, asked.request, &result, NULL);
}

static void
give_up(struct cleanup *c)
{
	const struct db *db = c->env->db;
	const struct cleanup_request asked = c->asked;
	struct err err;

	if ((db->code & 0xff) == SQLITE_BUSY)
		(void)err_set(&err, ERR_BUSY,
		    "another program has locked the database for %u s",
		    BY_HAND_PATIENCE_MS / 1000);
	else
		(void)err_set(&err, ERR_UNAVAILABLE, "the database: %s",
		    db->text);
	end(c);
	if (asked.done != NULL)
		asked.done(asked.ctx, asked.request, NULL, &err);
}

/* Try again later. is_told: the store knows already. */
static void
failed(struct cleanup *c, bool is_told)
{
	const uint64_t now_ms = clock_mono_ms();
	const int code = c->env->db->code;

	if (c->failing_since_ms == 0) {
		c->failing_since_ms = now_ms;
		c->retry_ms = RETRY_FIRST_MS;
	}
	if (c->is_by_hand &&
	    now_ms - c->failing_since_ms >= BY_HAND_PATIENCE_MS) {
		give_up(c);
	} else {
		arm(c->turn, c->retry_ms);
		c->retry_ms *= 2;
		if (c->retry_ms > RETRY_MAX_MS)
			c->retry_ms = RETRY_MAX_MS;
	}
	if (!is_told)
		c->env->failed(c->env->ctx, code);
}

/* Does recording go first now? */
static bool
stands_back(struct cleanup *c)
{
	if (c->urgent || c->yields == YIELDS_MAX ||
	    !c->env->recording_waits(c->env->ctx)) {
		c->yields = 0;
		return false;
	}
	c->yields++;
	return true;
}

/*
 * Space is given back to the file system when the write-ahead log is written
 * to the database. A reader may keep us from it: then it comes later.
 */
static void
checkpoint(struct cleanup *c)
{
	bool held;

	if (!c->prune.order.dry_run)
		(void)db_checkpoint(c->env->db, true, &held);
}

static void
go_on(struct cleanup *c, uint64_t took_ms)
{
	c->failing_since_ms = 0;
	if (c->urgent)
		took_ms = 0;
	arm(c->turn, took_ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : took_ms);
}

static void
on_turn(evutil_socket_t fd, short what, void *ctx)
{
	struct cleanup *c = ctx;
	const uint64_t begun_ms = clock_mono_ms(), rows = c->prune.rows;
	enum prune_result r;

	(void)fd;
	(void)what;
	if (c->env->db->handle == NULL) {
		failed(c, true);
		return;
	}
	if (stands_back(c)) {
		arm(c->turn, YIELD_MS);
		return;
	}
	r = prune_step(&c->prune);
	if (!c->prune.order.dry_run && c->prune.rows > rows)
		store_board_add(c->env->board, STORE_PRUNED,
		    c->prune.rows - rows);
	if (r == PRUNE_FAILED) {
		failed(c, false);
	} else if (r == PRUNE_MORE) {
		go_on(c, clock_mono_ms() - begun_ms);
	} else {
		checkpoint(c);
		complete(c);
	}
}

static void
on_due(evutil_socket_t fd, short what, void *ctx)
{
	struct cleanup *c = ctx;

	(void)fd;
	(void)what;
	if (c->running)
		c->is_due = true;
	else
		begin(c, "by schedule", 0, false);
}

struct cleanup *
cleanup_new(struct store_env *env, struct err *err)
{
	struct cleanup *c = calloc(1, sizeof(*c));
	uint64_t first_ms = FIRST_MIN_MS + arc4random_uniform(FIRST_SPREAD_MS);

	if (c == NULL)
		goto out;
	c->env = env;
	c->due = evtimer_new(env->base, on_due, c);
	c->turn = evtimer_new(env->base, on_turn, c);
	if (c->due == NULL || c->turn == NULL)
		goto out;
	if (first_ms > env->settings.cleanup_every_ms)
		first_ms = env->settings.cleanup_every_ms;
	arm(c->due, first_ms);
	return c;
out:
	(void)err_set(err, ERR_UNAVAILABLE, "the cleanup job: out of memory");
	cleanup_free(&c);
	return NULL;
}

int
cleanup_start(struct cleanup *c, const struct cleanup_request *asked,
    struct err *err)
{
	if (c->is_one_waiting)
		return err_set(err, ERR_BUSY, "a cleanup is waiting already");
	if (!c->running) {
		begin_by_hand(c, asked);
		return 0;
	}
	c->waiting = *asked;
	c->is_one_waiting = true;
	return 0;
}

void
cleanup_forget(struct cleanup *c, const void *ctx)
{
	if (c->asked.ctx == ctx)
		c->asked.done = NULL;
	if (c->waiting.ctx == ctx)
		c->waiting.done = NULL;
}

void
cleanup_now(struct cleanup *c)
{
	c->urgent = true;
	if (!c->running)
		begin(c, "the disk is full", 0, false);
}

void
cleanup_reschedule(struct cleanup *c)
{
	const uint32_t wait_ms = interval(c);
	struct timeval due, now;

	if (!evtimer_pending(c->due, &due))
		return;
	(void)evutil_gettimeofday(&now, NULL);
	if ((due.tv_sec - now.tv_sec) * 1000 +
		(due.tv_usec - now.tv_usec) / 1000 >
	    wait_ms)
		arm(c->due, wait_ms);
}

void
cleanup_db_closed(struct cleanup *c)
{
	if (c->running)
		prune_restart(&c->prune);
}

void
cleanup_free(struct cleanup **c)
{
	if (*c == NULL)
		return;
	if ((*c)->due != NULL)
		event_free((*c)->due);
	if ((*c)->turn != NULL)
		event_free((*c)->turn);
	free(*c);
	*c = NULL;
}
