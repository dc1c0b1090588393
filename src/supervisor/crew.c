#include "supervisor/crew.h"

#include <sys/param.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "supervisor/counters.h"
#include "supervisor/exits.h"
#include "supervisor/listener.h"
#include "supervisor/listener_module.h"
#include "supervisor/listener_workers.h"
#include "supervisor/pool.h"
#include "supervisor/pool_check.h"
#include "supervisor/record.h"
#include "supervisor/store.h"
#include "supervisor/strays.h"
#include "supervisor/upstreams.h"
#include "supervisor/watch.h"

/* A replacement that is not up by then is late: siblings adopt its slots. */
#define LATE_MS 50

/* A worker that should drain is killed so long after its deadline. */
#define KILL_GRACE_MS 100

#define FIRST_SEATS 8

static struct crew_settings settings;

static void on_started(struct child *);
static void on_up(struct child *);
static void on_message(struct child *, struct ipc_message *);
static void on_ended(struct child *, const struct child_exit *);
static void on_gone(struct child *);

static const struct child_owner worker_owner = { on_started, on_up, on_message,
	on_ended, on_gone };

void
crew_configure(const struct crew_settings *s)
{
	settings = *s;
}

/* --- workers --- */

bool
worker_reachable(const struct worker *w)
{
	return w->child.channel != NULL;
}

bool
worker_is_well(const struct worker *w)
{
	return worker_reachable(w) && !w->stuck;
}

bool
worker_needs_help(const struct worker *w)
{
	if (w->stuck)
		return true;
	return !worker_reachable(w) && w->ended &&
	    timer_left_ms(&w->late) == UINT32_MAX;
}

const struct scoreboard_entry *
worker_entry(const struct worker *w, const struct listener *l)
{
	const struct scoreboard_entry *e;

	if (w->board == NULL)
		return NULL;
	e = &w->board->entries[l->entry];
	return atomic_load(&e->listener_id) == l->id ? e : NULL;
}

unsigned int
worker_seat(const struct worker *w, uint32_t entry)
{
	return entry < w->seats_size ? w->seats[entry] : 0;
}

static void
set_seat(struct worker *w, uint32_t entry, unsigned int seat)
{
	uint32_t size = w->seats_size == 0 ? FIRST_SEATS : w->seats_size;
	uint16_t *seats;

	while (size <= entry)
		size *= 2;
	if (size != w->seats_size) {
		seats = reallocarray(w->seats, size, sizeof(*seats));
		if (seats == NULL) {
			child_kill(&w->child, "out of memory for it");
			return;
		}
		memset(seats + w->seats_size, 0,
		    (size - w->seats_size) * sizeof(*seats));
		w->seats = seats;
		w->seats_size = size;
	}
	w->seats[entry] = (uint16_t)seat;
}

void
worker_sent_listen(struct worker *w, uint32_t entry)
{
	const unsigned int seat = worker_seat(w, entry);

	set_seat(w, entry,
	    seat | SEAT_TAKEN | SEAT_OPEN |
		(seat >= SEAT_AWAITED ? SEAT_AGAIN : 0));
}

void
worker_sent_close(struct worker *w, uint32_t entry, bool last)
{
	const unsigned int seat = worker_seat(w, entry);

	if (last && (seat & SEAT_LAST))
		return;
	if (seat + SEAT_AWAITED > UINT16_MAX) {
		child_kill(&w->child, "it has not answered for long");
		return;
	}
	set_seat(w, entry,
	    (seat & ~SEAT_AGAIN) + SEAT_AWAITED + (last ? SEAT_LAST : 0));
}

void
worker_heard_closed(struct worker *w, uint32_t entry)
{
	unsigned int seat = worker_seat(w, entry);

	if (seat < SEAT_AWAITED)
		return; /* it says that without being asked */
	seat -= SEAT_AWAITED;
	if (seat < SEAT_AWAITED && !(seat & SEAT_AGAIN))
		seat &= ~SEAT_OPEN;
	if (seat < SEAT_AWAITED)
		seat &= ~SEAT_AGAIN;
	set_seat(w, entry, seat);
}

void
worker_clear_seat(struct worker *w, uint32_t entry)
{
	if (entry < w->seats_size)
		w->seats[entry] = 0;
}

static void
on_late(void *ctx)
{
	struct worker *w = ctx;
	struct listener *l;

	TAILQ_FOREACH (l, &w->crew->pool->listeners, in_pool)
		slots_adopt(l, w);
}

static uint32_t
crew_sandbox(const struct crew *crew)
{
	if (!settings.sandbox)
		return SANDBOX_OFF;
	return crew->programs ? SANDBOX_PROGRAMS : SANDBOX_ON;
}

static void
send_hello(struct worker *w, int board_fd)
{
	const struct crew *crew = w->crew;
	const bool own = crew->uid != SPEC_NO_ID && settings.uid != SPEC_NO_ID;
	struct msg_pool_hello m = { .log = settings.log,
		.slot = w->number,
		.orphan_drain_ms = settings.orphan_drain_ms,
		.uid = own ? crew->uid : settings.uid,
		.gid = own ? crew->gid : settings.gid,
		.generation = crew->generation,
		.heartbeat_ms = watch_heartbeat_ms(crew),
		.sandbox = crew_sandbox(crew) };

	(void)strlcpy(m.pool, crew->pool->name, sizeof(m.pool));
	child_send(&w->child, IPC_POOL_HELLO, &m, board_fd);
}

/* Tell it all that it is to serve. */
static void
tell_all(struct worker *w)
{
	struct listener *l;

	TAILQ_FOREACH (l, &w->crew->pool->listeners, in_pool)
		listener_tell(l, w);
}

/* Without one it goes on, and its events are lost. */
static void
open_event_source(struct worker *w)
{
	const struct msg_empty m = { 0 };
	struct err err;
	int fd;

	if (!store_exists())
		return;
	w->events = event_source_open(w->crew->pool->name, &fd, &err);
	if (w->events == NULL) {
		log_error("worker", w->child.title, "%s", err.text);
		return;
	}
	child_send(&w->child, IPC_EVENTS, &m, fd);
	(void)close(fd);
}

static void
on_started(struct child *c)
{
	const struct msg_empty none = { 0 };
	struct worker *w = c->owner_ctx;
	struct err err;
	int fd;

	w->stuck = w->hung = false;
	w->has_tls = w->has_dns = w->has_upstreams = false;
	w->traced = 0;
	fd = scoreboard_create(&err);
	if (fd != -1)
		w->board = scoreboard_map_read(fd, &err);
	if (w->board == NULL) {
		child_kill(c, err.text);
	} else {
		send_hello(w, fd);
		child_send(c, IPC_GATES, &none, w->crew->pool->gates_fd);
		open_event_source(w);
		/* A candidate serves only when all of it is up. */
		if (w->crew->phase == CREW_SERVING)
			tell_all(w);
	}
	if (fd != -1)
		(void)close(fd);
}

static void
on_up(struct child *c)
{
	struct health_event e = { .type = EVENT_WORKER_STARTED };
	struct worker *w = c->owner_ctx;

	timer_disarm(&w->late);
	event_add_number(&e, FACT_DURATION_MS,
	    (int64_t)(c->up_ms - c->started_ms));
	event_add_number(&e, FACT_RESTARTS, c->restarts);
	record_worker(w, &e, c->pid, 0, "ready after %llu ms",
	    (unsigned long long)(c->up_ms - c->started_ms));
	pool_worker_up(w->crew->pool, w);
}

/* What a worker says is about a listener; one that is gone is no error. */
static void
on_message(struct child *c, struct ipc_message *msg)
{
	struct worker *w = c->owner_ctx;
	const struct pool *pool = w->crew->pool;
	struct listener *l;

	switch (msg->kind) {
	case IPC_LISTENING:
		l = listener_find_id(msg->payload.LISTENING.listener_id);
		if (l != NULL && l->pool == pool)
			slots_heard_listening(l, w,
			    msg->payload.LISTENING.slot);
		break;
	case IPC_REFUSED:
		l = listener_find_id(msg->payload.REFUSED.listener_id);
		if (l != NULL && l->pool == pool)
			listener_refused(l, w, &msg->payload.REFUSED);
		break;
	case IPC_MODULE:
		l = listener_find_id(msg->payload.MODULE.listener_id);
		if (l != NULL && l->pool == pool)
			listener_take_module(l, &msg->payload.MODULE);
		break;
	case IPC_CLOSED:
		l = listener_find_id(msg->payload.CLOSED.listener_id);
		if (l != NULL && l->pool == pool)
			listener_heard_closed(l, w);
		break;
	case IPC_DRAINED:
		l = listener_find_id(msg->payload.DRAINED.listener_id);
		if (l != NULL && l->pool == pool)
			listener_heard_drained(l, w);
		break;
	default:
		child_kill(c, "sent a message that it may not send");
		break;
	}
}

static void
note_end(struct worker *w, const struct child_exit *how)
{
	const uint64_t uptime =
	    how->started ? clock_mono_ms() - w->child.started_ms : 0;
	const enum event_type type = how->normal ? EVENT_WORKER_EXITED
	    : how->wanted || w->hung             ? EVENT_WORKER_KILLED
						 : EVENT_WORKER_CRASHED;

	w->ended = true;
	w->last_end_ms = clock_real_ms();
	(void)strlcpy(w->last_end, how->text, sizeof(w->last_end));
	pool_note_end(w->crew->pool, w, how);
	record_worker_end(w, type, how, uptime);
}

/* Might it have started programs? */
static bool
had_programs(const struct worker *w)
{
	const struct listener *l;

	TAILQ_FOREACH (l, &w->crew->pool->listeners, in_pool)
		if (l->spec.protocol == PROTOCOL_EXEC)
			return true;
	return false;
}

static void
on_ended(struct child *c, const struct child_exit *how)
{
	struct worker *w = c->owner_ctx;
	struct listener *l, *next;

	note_end(w, how);
	if (had_programs(w))
		strays_after_worker();
	event_source_close(&w->events);
	w->stuck = false;
	if (!how->wanted && w->crew->phase == CREW_SERVING)
		timer_arm(&w->late, LATE_MS);
	/* Its figures count once: here, and not where somebody adds up below.
	 */
	TAILQ_FOREACH (l, &w->crew->pool->listeners, in_pool) {
		counters_fold(l, w);
		exits_fold(l, w);
		upstreams_reclaim(l, w);
	}
	scoreboard_unmap(&w->board);
	if (w->seats != NULL)
		memset(w->seats, 0, w->seats_size * sizeof(*w->seats));
	TAILQ_FOREACH_SAFE (l, &w->crew->pool->listeners, in_pool, next)
		listener_worker_lost(l, w, how->wanted ? NULL : how->text);
	pool_worker_ended(w->crew->pool, w, how);
}

static void
on_gone(struct child *c)
{
	struct worker *w = c->owner_ctx;
	struct crew *crew = w->crew;
	struct listener *l, *next;

	w->gone = true;
	if (++crew->gone == crew->workers_count) {
		pool_crew_gone(crew->pool, crew);
		return;
	}
	if (crew->phase != CREW_SERVING)
		return;
	/* It has retired: nobody waits for it any more. */
	TAILQ_FOREACH_SAFE (l, &crew->pool->listeners, in_pool, next)
		listener_changed(l);
}

/* --- crews --- */

/* Its workers take up the records of those of the same number before them. */
static void
inherit(struct crew *crew)
{
	const struct worker_record *r;
	struct worker *w;
	unsigned int i;

	for (i = 0; i < MIN(crew->workers_count, crew->pool->records_count);
	     i++) {
		r = &crew->pool->records[i];
		w = &crew->workers[i];
		w->child.restarts = r->restarts;
		w->last_end_ms = r->last_end_ms;
		(void)strlcpy(w->last_end, r->last_end, sizeof(w->last_end));
	}
}

struct crew *
crew_new(struct pool *pool, enum crew_phase phase, uint32_t generation,
    unsigned int workers, struct err *err)
{
	char title[sizeof(((struct child *)0)->title)];
	struct crew *crew;
	struct worker *w;
	unsigned int i;

	crew = calloc(1, sizeof(*crew) + workers * sizeof(crew->workers[0]));
	if (crew == NULL) {
		(void)err_sys(err, "workers");
		return NULL;
	}
	crew->pool = pool;
	crew->phase = phase;
	crew->generation = generation;
	crew->uid = pool->uid;
	crew->gid = pool->gid;
	crew->programs = pool_wants_programs(pool);
	crew->workers_count = workers;
	for (i = 0; i < workers; i++) {
		w = &crew->workers[i];
		(void)snprintf(title, sizeof(title), "%s/%u", pool->name, i);
		child_init(&w->child, ROLE_POOL, title, &worker_owner, w);
		w->crew = crew;
		w->number = i;
		timer_init(&w->late, on_late, w);
	}
	inherit(crew);
	return crew;
}

bool
crew_starts_programs(const struct crew *crew)
{
	return crew->programs || !settings.sandbox;
}

void
crew_start(struct crew *crew)
{
	unsigned int i;

	for (i = 0; i < crew->workers_count; i++)
		child_start(&crew->workers[i].child);
}

bool
crew_is_up(const struct crew *crew)
{
	unsigned int i;

	for (i = 0; i < crew->workers_count; i++)
		if (crew->workers[i].child.state != CHILD_UP)
			return false;
	return true;
}

bool
crew_holds(const struct crew *crew, uint32_t entry)
{
	const struct scoreboard *board;
	unsigned int i;

	for (i = 0; i < crew->workers_count; i++) {
		board = crew->workers[i].board;
		if (board != NULL &&
		    atomic_load(&board->entries[entry].held) != 0)
			return true;
	}
	return false;
}

/*
 * They were told to go: see that they do. Those that are gone already were
 * counted before; the last of the others may free the crew.
 */
static void
stop_children(struct crew *crew, uint32_t deadline_ms)
{
	unsigned int i, left = crew->workers_count - crew->gone;

	crew->phase = CREW_LEAVING;
	for (i = 0; left > 0; i++) {
		timer_disarm(&crew->workers[i].late);
		if (crew->workers[i].gone)
			continue;
		left--;
		child_stop(&crew->workers[i].child,
		    deadline_ms + KILL_GRACE_MS);
	}
}

void
crew_stop(struct crew *crew, uint32_t deadline_ms)
{
	const struct msg_drain m = { .deadline_ms =
					 clock_mono_ms() + deadline_ms };
	unsigned int i;

	for (i = 0; i < crew->workers_count; i++)
		child_send(&crew->workers[i].child, IPC_DRAIN, &m, -1);
	stop_children(crew, deadline_ms);
}

/* Its sockets are another one's, and it says no CLOSED for that. */
static void
leave_sockets(struct worker *w, uint32_t entry)
{
	const unsigned int seat = worker_seat(w, entry);

	if (seat != 0)
		set_seat(w, entry, seat & ~(SEAT_OPEN | SEAT_AGAIN));
}

void
crew_hand_over(struct crew *crew, uint32_t deadline_ms)
{
	const struct msg_empty m = { 0 };
	const struct msg_drain sooner = { .deadline_ms =
					      clock_mono_ms() + deadline_ms };
	const struct listener *l;
	uint32_t longest_ms = 0;
	unsigned int i;

	TAILQ_FOREACH (l, &crew->pool->listeners, in_pool) {
		if (l->spec.drain_timeout_ms > longest_ms)
			longest_ms = l->spec.drain_timeout_ms;
		for (i = 0; i < crew->workers_count; i++)
			leave_sockets(&crew->workers[i], l->entry);
	}
	for (i = 0; i < crew->workers_count; i++) {
		child_send(&crew->workers[i].child, IPC_HAND_OVER, &m, -1);
		if (deadline_ms < longest_ms)
			child_send(&crew->workers[i].child, IPC_DRAIN, &sooner,
			    -1);
	}
	stop_children(crew, MIN(deadline_ms, longest_ms));
}

void
crew_kill(struct crew *crew)
{
	unsigned int i;

	for (i = 0; i < crew->workers_count; i++)
		child_kill(&crew->workers[i].child, NULL);
}

void
crew_free(struct crew *crew)
{
	unsigned int i;

	for (i = 0; i < crew->workers_count; i++) {
		timer_free(&crew->workers[i].late);
		free(crew->workers[i].seats);
	}
	free(crew);
}
