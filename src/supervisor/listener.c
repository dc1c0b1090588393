#include "supervisor/listener.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "supervisor/bind_backoff.h"
#include "supervisor/counters.h"
#include "supervisor/exits.h"
#include "supervisor/health.h"
#include "supervisor/listener_update.h"
#include "supervisor/pool.h"
#include "supervisor/pool_restart.h"
#include "supervisor/record.h"
#include "supervisor/record_listener.h"
#include "supervisor/seats.h"
#include "supervisor/traces.h"
#include "supervisor/upstreams.h"

/* One that is bound and whose workers don't answer by then is given up. */
#define START_DEADLINE_MS 20000

/* After the drain deadline workers get this long to say that they did it. */
#define REMOVE_GRACE_MS 250

static struct {
	const struct listener_watcher *watcher;
} settings;

static void open_or_retry(struct listener *);
static void open_queue(struct listener *);

void
listener_configure(const struct listener_watcher *watcher)
{
	settings.watcher = watcher;
	listener_wait_configure(watcher->answer);
}

static void
note_error(struct listener *l, const char *text)
{
	(void)strlcpy(l->last_error, text, sizeof(l->last_error));
	l->last_error_ms = clock_real_ms();
}

/* --- state --- */

static void
announce(struct listener *l, const struct err *err)
{
	if (l->announced)
		return;
	l->announced = true;
	settings.watcher->ready(l, err);
}

static void
enter_listening(struct listener *l)
{
	timer_disarm(&l->deadline);
	l->was_ready = true;
	record_listening(l);
	announce(l, NULL);
}

static struct listener_facts
facts_of(const struct listener *l)
{
	return (struct listener_facts){ .goal = l->goal,
		.sockets = l->phase,
		.slots = slots_count(l),
		.live = slots_live(l),
		.retired = slots_retired(l),
		.was_ready = l->was_ready };
}

bool
listener_is_settled(const struct listener *l)
{
	const struct listener_facts facts = facts_of(l);

	return l->goal != GOAL_LISTEN || l->state == LISTENER_RETRYING ||
	    listener_state_is_complete(&facts);
}

void
listener_changed(struct listener *l)
{
	const struct listener_facts facts = facts_of(l);
	const enum listener_state state = listener_state_of(&facts);
	const bool is_new = state != l->state;

	l->state = state;
	health_listener(l);
	if (is_new &&
	    (state == LISTENER_DEGRADED || state == LISTENER_DRAINING))
		log_info("listener", l->spec.name, "%s",
		    listener_state_name(state));
	if (listener_state_is_complete(&facts)) {
		if (!l->was_ready || (is_new && state == LISTENER_LISTENING))
			enter_listening(l);
		listener_answer_waits(l, WAIT_LISTENING, NULL);
	}
	if (listener_is_settled(l))
		settings.watcher->settled(l);
}

/* --- the end --- */

static void
free_listener(struct listener *l)
{
	const struct err gone = { .code = ERR_UNAVAILABLE,
		.text = "the listener was removed meanwhile" };

	listener_table_remove(l);
	listener_answer_waits(l, WAIT_LISTENING, &gone);
	listener_answer_waits(l, WAIT_PAUSED, &gone);
	listener_forget_waits(l);
	health_port_close(l);
	slots_free(l);
	history_free(&l->history);
	bulks_drop(&l->bulks);
	tickets_free(&l->tickets);
	free(l->exits);
	timer_free(&l->retry);
	timer_free(&l->deadline);
	free(l);
}

void
listener_forget(struct listener *l)
{
	const struct err gone = { .code = ERR_UNAVAILABLE,
		.text = "the listener was removed before it was ready" };
	uint64_t counters[COUNTER_COUNT];

	announce(l, &gone);
	counters_own(l, counters);
	exits_bequeath(l);
	counters_bequeath(l);
	/* What is open at a worker that does not answer any more. */
	counters[COUNTER_CUT] +=
	    counters[COUNTER_ACCEPTED] - counters[COUNTER_CLOSED];
	sockets_close(&l->sockets);
	pool_leave(l->pool, l);
	listener_table_unlist(l);
	record_removed(l, counters[COUNTER_DRAINED], counters[COUNTER_CUT]);
	settings.watcher->removed(l, counters[COUNTER_DRAINED],
	    counters[COUNTER_CUT]);
	traces_listener_gone(l);
	free_listener(l);
}

/* --- closing sockets --- */

/* Nobody has them any more: what was to come after that? */
static void
on_sockets_closed(struct listener *l)
{
	sockets_close(&l->sockets);
	slots_free(l);
	l->phase = SOCKETS_CLOSED;
	switch (l->goal) {
	case GOAL_LISTEN:
		l->bind_attempts = 0;
		open_or_retry(l);
		return; /* it may be gone */
	case GOAL_PAUSE:
		if (l->queueing)
			open_queue(l);
		listener_answer_waits(l, WAIT_PAUSED, NULL);
		break;
	case GOAL_FAIL:
	case GOAL_REMOVE:
	case GOAL_COUNT:
		break;
	}
	listener_changed(l);
}

/*
 * Close the sockets once their queues are empty and no worker has them. A
 * pool that has failed has no workers who could empty what is left.
 */
static void
check_closed(struct listener *l)
{
	if (l->phase == SOCKETS_OPEN && l->goal == GOAL_PAUSE &&
	    !seats_any(l, SEAT_OPEN))
		listener_answer_waits(l, WAIT_PAUSED, NULL);
	if (l->phase == SOCKETS_CLOSING && !seats_any(l, SEAT_OPEN) &&
	    (slots_emptied(l) || !pool_has_future(l->pool)))
		on_sockets_closed(l);
}

void
listener_check_waits(struct listener *l)
{
	const struct listener_facts facts = facts_of(l);

	if (listener_state_is_complete(&facts))
		listener_answer_waits(l, WAIT_LISTENING, NULL);
	if (l->goal == GOAL_PAUSE && l->phase == SOCKETS_CLOSED)
		listener_answer_waits(l, WAIT_PAUSED, NULL);
	check_closed(l);
}

/* Let nobody new in, and have those who wait accepted. */
static void
begin_closing(struct listener *l)
{
	struct crew *crew = l->pool->crew;
	unsigned int i;

	if (l->phase != SOCKETS_OPEN)
		return;
	/* Clients may wait there whom nobody serves now. */
	if (l->goal != GOAL_FAIL && !seats_any_kept(l))
		slots_tell_all(l);
	l->phase = SOCKETS_CLOSING;
	sockets_stop_new(&l->sockets);
	for (i = 0; crew != NULL && i < crew->workers_count; i++)
		if (!worker_is_well(&crew->workers[i]))
			slots_adopt(l, &crew->workers[i]);
	/* A candidate need not wait for this one any more. */
	pool_restart_check(l->pool);
}

/* Is its removal complete? Forget it then. */
static void
check_removed(struct listener *l)
{
	if (l->goal == GOAL_REMOVE && l->phase == SOCKETS_CLOSED &&
	    !seats_any(l, SEAT_TAKEN))
		listener_forget(l);
}

void
listener_check(struct listener *l)
{
	if (l->after_drain && l->goal == GOAL_LISTEN &&
	    l->phase == SOCKETS_CLOSED && !slots_are_draining(l)) {
		open_or_retry(l);
		return; /* it may be gone */
	}
	check_closed(l);
	check_removed(l);
}

static void
leave_retrying(struct listener *l)
{
	if (l->phase != SOCKETS_RETRYING)
		return;
	timer_disarm(&l->retry);
	l->phase = SOCKETS_CLOSED;
}

static void
begin_removal(struct listener *l, uint64_t until_ms)
{
	const struct err gone = { .code = ERR_UNAVAILABLE,
		.text = "the listener was removed meanwhile" };

	l->goal = GOAL_REMOVE;
	l->drain_until_ms = until_ms;
	leave_retrying(l);
	health_port_close(l);
	begin_closing(l);
	seats_close(l);
	listener_answer_waits(l, WAIT_LISTENING, &gone);
	listener_answer_waits(l, WAIT_PAUSED, &gone);
	listener_changed(l);
}

void
listener_shut(struct listener *l, uint64_t drain_until_ms)
{
	timer_disarm(&l->deadline);
	if (l->goal == GOAL_REMOVE && l->drain_until_ms < drain_until_ms)
		return;
	begin_removal(l, drain_until_ms);
}

void
listener_remove(struct listener *l, uint32_t deadline_ms)
{
	const uint64_t until_ms = clock_mono_ms() + deadline_ms;

	if (l->goal == GOAL_REMOVE && l->drain_until_ms <= until_ms)
		return;
	begin_removal(l, until_ms);
	timer_arm(&l->deadline, deadline_ms + REMOVE_GRACE_MS);
	listener_check(l);
}

void
listener_give_up(struct listener *l, const char *reason)
{
	struct err err;

	if (l->announced)
		return;
	(void)err_set(&err, ERR_UNAVAILABLE, "%s", reason);
	/* One that is not required stays, and its pool tries on. */
	if (l->endless) {
		note_error(l, reason);
		listener_answer_waits(l, WAIT_LISTENING, &err);
		return;
	}
	record_listener(l, EVENT_LISTENER_FAILED, "%s", reason);
	listener_answer_waits(l, WAIT_LISTENING, &err);
	announce(l, &err);
	listener_remove(l, 0);
}

void
listener_fail(struct listener *l, const char *reason)
{
	struct err err;

	if (l->goal == GOAL_REMOVE || l->goal == GOAL_FAIL)
		return;
	if (!l->announced && !l->endless) {
		listener_give_up(l, reason);
		return;
	}
	l->announced = true;
	note_error(l, reason);
	l->goal = GOAL_FAIL;
	l->drain_until_ms = clock_mono_ms() + l->spec.drain_timeout_ms;
	leave_retrying(l);
	begin_closing(l);
	seats_close(l);
	(void)err_set(&err, ERR_UNAVAILABLE, "the listener has failed: %s",
	    reason);
	listener_answer_waits(l, WAIT_LISTENING, &err);
	listener_answer_waits(l, WAIT_PAUSED, &err);
	record_listener(l, EVENT_LISTENER_FAILED, "%s", reason);
	check_closed(l);
	listener_changed(l);
}

static void
on_deadline(void *ctx)
{
	struct listener *l = ctx;

	if (l->goal == GOAL_REMOVE)
		listener_forget(l);
	else
		listener_give_up(l, "its workers did not answer in time");
}

/* --- binding --- */

/* It has sockets now. Returns 0, or -1 with *err and without them. */
static int
begin_serving(struct listener *l, struct err *err)
{
	if (slots_make(l, err) == 0 && pool_begin(l->pool, err) == 0) {
		l->phase = SOCKETS_OPEN;
		l->was_ready = false;
		if (!l->announced)
			timer_arm(&l->deadline, START_DEADLINE_MS);
		/* Workers that start later are told when they do. */
		if (l->goal == GOAL_LISTEN)
			slots_tell_all(l);
		return 0;
	}
	slots_free(l);
	sockets_close(&l->sockets);
	return -1;
}

static int
bind_once(struct listener *l, struct err *err)
{
	const bool had_health_port = l->health_port.fd != -1;

	l->bind_attempts++;
	if (health_port_bind(l, err) == -1)
		return -1;
	if (sockets_open(&l->sockets, &l->spec, pool_slots(l->pool), err) ==
	    -1) {
		if (err->code == ERR_PORT_IN_USE)
			listener_name_holder(l, err);
	} else if (begin_serving(l, err) == 0) {
		health_port_announce(l);
		return 0;
	}
	if (!had_health_port)
		health_port_leave(l);
	return -1;
}

/* Its place can't be had, and no further attempt will be made. */
static void
bind_failed(struct listener *l, const struct err *err)
{
	note_error(l, err->text);
	record_bind_failed(l, err->text);
	listener_answer_waits(l, WAIT_LISTENING, err);
	listener_answer_waits(l, WAIT_PAUSED, err);
	if (!l->announced) {
		announce(l, err);
		listener_remove(l, 0);
		return;
	}
	l->goal = GOAL_FAIL;
	listener_changed(l);
}

static void
retry_later(struct listener *l, const struct err *err)
{
	const uint32_t ms =
	    bind_backoff_ms(&l->spec, l->bind_attempts, arc4random());

	l->phase = SOCKETS_RETRYING;
	l->retry_at_ms = clock_mono_ms() + ms;
	note_error(l, err->text);
	record_bind_retry(l, err->text, ms);
	timer_arm(&l->retry, ms);
	listener_changed(l);
}

/* May be gone afterwards. */
static void
open_or_retry(struct listener *l)
{
	struct err err;

	l->phase = SOCKETS_CLOSED;
	l->after_drain = slots_are_draining(l);
	if (l->after_drain || bind_once(l, &err) == 0)
		listener_changed(l);
	else if (l->endless ||
	    (err.code == ERR_PORT_IN_USE &&
		l->bind_attempts < l->spec.bind_attempts))
		retry_later(l, &err);
	else
		bind_failed(l, &err);
}

/* It is paused, and clients shall wait in a queue. */
static void
open_queue(struct listener *l)
{
	struct err err;

	if (bind_once(l, &err) == -1)
		bind_failed(l, &err);
}

static void
on_retry(void *ctx)
{
	open_or_retry(ctx);
}

/* --- add --- */

static struct listener *
new_listener(const struct wanted *wanted, struct err *err)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		(void)err_sys(err, "a listener");
		return NULL;
	}
	listener_take_spec(l, wanted);
	l->origin = wanted->origin;
	l->state = LISTENER_STARTING;
	STAILQ_INIT(&l->waits);
	sockets_init(&l->sockets, &l->spec);
	health_port_init(&l->health_port);
	l->health_entry = HEALTH_NO_ENTRY;
	timer_init(&l->deadline, on_deadline, l);
	timer_init(&l->retry, on_retry, l);
	listener_table_insert(l);
	return l;
}

/* A listener without sockets, in its pool. Returns NULL with *err. */
static struct listener *
begin_listener(const struct wanted *wanted, struct err *err)
{
	struct pool *pool = pool_for(&wanted->spec, wanted->set, err);
	struct listener *l;

	if (pool == NULL)
		return NULL;
	l = new_listener(wanted, err);
	if (l == NULL) {
		pool_leave(pool, NULL);
		return NULL;
	}
	l->pool = pool;
	if (l->spec.worker_uid == SPEC_NO_ID) {
		l->spec.worker_uid = pool->uid;
		l->spec.worker_gid = pool->gid;
	}
	if (pool_join(pool, l, err) == 0)
		return l;
	free_listener(l);
	pool_leave(pool, NULL);
	return NULL;
}

/* It did not come to anything. */
static void
undo_listener(struct listener *l)
{
	struct pool *pool = l->pool;

	pool_leave(pool, l);
	free_listener(l);
}

struct listener *
listener_begin_successor(const struct wanted *wanted,
    const struct listener *health_donor, struct err *err)
{
	struct listener *l = begin_listener(wanted, err);

	if (l == NULL)
		return NULL;
	if ((health_donor == NULL ||
		health_port_prepare(l, &l->spec, health_donor, err) == 0) &&
	    health_port_bind(l, err) == 0)
		return l;
	undo_listener(l);
	return NULL;
}

int
listener_open_successor(struct listener *l, struct listener *donor,
    struct err *err)
{
	if (donor == NULL) {
		if (bind_once(l, err) == -1)
			return -1;
	} else {
		/* Its workers leave the queues to ours. */
		seats_pause(donor);
		slots_clear(donor);
		sockets_move(&l->sockets, &donor->sockets);
		slots_free(donor);
		donor->phase = SOCKETS_CLOSED;
		l->bind_attempts = 1;
		if (begin_serving(l, err) == -1)
			return -1;
	}
	record_added(l);
	return 0;
}

void
listener_drop_successor(struct listener *l)
{
	if (l->phase == SOCKETS_CLOSED)
		undo_listener(l);
	else
		listener_remove(l, 0);
}

void
listener_reopen(struct listener *l)
{
	if (l->goal != GOAL_LISTEN || l->phase != SOCKETS_CLOSED ||
	    l->after_drain)
		return;
	l->bind_attempts = 0;
	open_or_retry(l);
}

int
listener_check_name(const char *name, struct err *err)
{
	const struct listener *l = listener_find(name);

	if (l == NULL)
		return 0;
	if (l->goal == GOAL_REMOVE)
		return err_set(err, ERR_BUSY, "%s is being removed", name);
	return err_set(err, ERR_EXISTS, "a listener named %s exists already",
	    name);
}

struct listener *
listener_add(const struct wanted *wanted, bool endless, struct err *err)
{
	const struct listener_spec *spec = &wanted->spec;
	struct listener *l;

	if (listener_check_name(spec->name, err) == -1)
		return NULL;
	l = begin_listener(wanted, err);
	if (l == NULL)
		return NULL;
	listener_table_list(l);
	l->endless = endless;
	record_added(l);
	if (bind_once(l, err) == 0 || l->endless ||
	    (err->code == ERR_PORT_IN_USE && spec->bind_attempts > 1)) {
		if (l->phase == SOCKETS_OPEN)
			listener_changed(l);
		else
			retry_later(l, err);
		return l;
	}
	record_bind_failed(l, err->text);
	undo_listener(l);
	return NULL;
}

void
listener_succeed(struct listener *l)
{
	struct listener *old = listener_find(l->spec.name);

	if (old != NULL) {
		health_port_close(old);
		listener_table_unlist(old);
		counters_succeed(l, old);
		upstreams_succeed(l, old);
		l->inherited = true;
		l->drained = old->drained;
	}
	listener_table_list(l);
	health_port_announce(l);
	if (old != NULL)
		listener_remove(old, old->spec.drain_timeout_ms);
}

/* --- pause and resume --- */

/* Paused already, it may change its mind about the queue. */
static void
pause_sockets(struct listener *l)
{
	leave_retrying(l);
	if (l->phase == SOCKETS_CLOSED && l->queueing) {
		open_queue(l);
	} else if (l->phase == SOCKETS_OPEN && l->queueing) {
		seats_pause(l);
		slots_clear(l);
	} else if (l->phase == SOCKETS_OPEN) {
		begin_closing(l);
		seats_pause(l);
	}
}

int
listener_pause(struct listener *l, bool queue, struct err *err)
{
	const bool again = l->goal == GOAL_PAUSE && l->queueing == queue;
	const struct err meanwhile = { .code = ERR_UNAVAILABLE,
		.text = "the listener was paused meanwhile" };

	if (l->goal == GOAL_REMOVE)
		return err_set(err, ERR_BUSY, "%s is being removed",
		    l->spec.name);
	if (l->goal == GOAL_FAIL)
		return err_set(err, ERR_UNAVAILABLE,
		    "%s has failed; restart-listener brings it back",
		    l->spec.name);
	if (!l->announced)
		return err_set(err, ERR_BUSY, "%s is still starting",
		    l->spec.name);
	listener_answer_waits(l, WAIT_LISTENING, &meanwhile);
	l->goal = GOAL_PAUSE;
	l->queueing = queue;
	pause_sockets(l);
	/* There may be no place for its queue. */
	if (!again && l->goal == GOAL_PAUSE)
		record_paused(l);
	listener_changed(l);
	return 0;
}

int
listener_resume(struct listener *l, struct err *err)
{
	const struct err meanwhile = { .code = ERR_UNAVAILABLE,
		.text = "the listener was resumed meanwhile" };

	if (l->goal == GOAL_LISTEN)
		return 0;
	if (l->goal != GOAL_PAUSE)
		return err_set(err,
		    l->goal == GOAL_REMOVE ? ERR_BUSY : ERR_UNAVAILABLE,
		    l->goal == GOAL_REMOVE
			? "%s is being removed"
			: "%s has failed; restart-listener brings it back",
		    l->spec.name);
	listener_answer_waits(l, WAIT_PAUSED, &meanwhile);
	l->goal = GOAL_LISTEN;
	l->queueing = false;
	record_listener(l, EVENT_LISTENER_RESUMED, "%s", "");
	if (l->phase == SOCKETS_OPEN) {
		l->was_ready = false;
		slots_clear(l);
		slots_tell_all(l);
		listener_changed(l);
	} else if (l->phase == SOCKETS_CLOSED) {
		l->bind_attempts = 0;
		open_or_retry(l);
	}
	return 0;
}

int
listener_revive(struct listener *l, struct err *err)
{
	if (l->goal != GOAL_FAIL)
		return err_set(err, ERR_INTERNAL, "%s has not failed",
		    l->spec.name);
	l->goal = GOAL_LISTEN;
	l->bind_attempts = 0;
	if (l->phase == SOCKETS_CLOSED)
		open_or_retry(l);
	else
		listener_changed(l);
	return 0;
}
