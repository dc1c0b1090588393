#include "supervisor/slots.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "supervisor/health.h"
#include "supervisor/listener.h"
#include "supervisor/pool.h"
#include "supervisor/pool_restart.h"
#include "supervisor/seats.h"
#include "supervisor/traces.h"

static bool
is_unix(const struct listener *l)
{
	return l->spec.transport == TRANSPORT_UNIX;
}

/* Is w a worker of the crew that serves? */
static bool
is_current(const struct listener *l, const struct worker *w)
{
	return w->crew == l->pool->crew;
}

unsigned int
slots_count(const struct listener *l)
{
	return l->sockets.count;
}

static void
init(struct slot *s)
{
	memset(s, 0, sizeof(*s));
	s->adopter = -1;
}

int
slots_make(struct listener *l, struct err *err)
{
	unsigned int n;

	l->slots = calloc(l->sockets.count, sizeof(*l->slots));
	if (l->slots == NULL)
		return err_sys(err, "slots");
	for (n = 0; n < l->sockets.count; n++)
		init(&l->slots[n]);
	return 0;
}

void
slots_free(struct listener *l)
{
	free(l->slots);
	l->slots = NULL;
}

static void
send_listen(struct listener *l, struct worker *w, unsigned int slot)
{
	struct msg_listen m = { .listener_id = l->id,
		.entry = l->entry,
		.slot = slot };

	/* Others that may start its programs are on their way. */
	if (l->spec.protocol == PROTOCOL_EXEC && !crew_starts_programs(w->crew))
		return;
	m.spec = l->spec;
	if (!(worker_seat(w, l->entry) & SEAT_TAKEN))
		seats_send_values(l, w);
	traces_tell(l, w);
	worker_sent_listen(w, l->entry);
	child_send(&w->child, IPC_LISTEN, &m, l->sockets.fds[slot]);
}

void
slots_tell(struct listener *l, struct worker *w)
{
	unsigned int n;

	/* It is told when it has drained. */
	if (worker_seat(w, l->entry) & SEAT_LAST)
		return;
	for (n = w->number; n < l->sockets.count; n += w->crew->workers_count)
		send_listen(l, w, n);
}

static void
tell_crew(struct listener *l, struct crew *crew)
{
	unsigned int i;

	for (i = 0; i < crew->workers_count; i++)
		if (worker_reachable(&crew->workers[i]))
			slots_tell(l, &crew->workers[i]);
}

void
slots_tell_all(struct listener *l)
{
	if (l->pool->crew != NULL)
		tell_crew(l, l->pool->crew);
	if (l->pool->candidate != NULL && l->pool->told)
		tell_crew(l, l->pool->candidate);
}

/* --- adoption --- */

/*
 * May a worker with this seat serve slots of another? Whoever was told to CLOSE
 * would begin anew. For a queue that is only to be emptied anybody else will
 * do.
 */
static bool
may_adopt(const struct listener *l, unsigned int seat)
{
	if (seat & SEAT_LAST)
		return false;
	if (l->phase == SOCKETS_OPEN)
		return l->goal == GOAL_LISTEN && (seat & SEAT_OPEN);
	return l->phase == SOCKETS_CLOSING &&
	    (seat_is_kept(seat) || l->goal == GOAL_PAUSE ||
		l->goal == GOAL_LISTEN);
}

/* A worker of the crew that can serve slot n of another. */
static struct worker *
find_adopter(struct listener *l, unsigned int n)
{
	struct crew *crew = l->pool->crew;
	struct worker *w;
	unsigned int i;

	for (i = 1; crew != NULL && i < crew->workers_count; i++) {
		w = &crew->workers[(n + i) % crew->workers_count];
		if (worker_is_well(w) && may_adopt(l, worker_seat(w, l->entry)))
			return w;
	}
	return NULL;
}

/*
 * Have w serve slot n too. One that was told to stop before is told so again,
 * for it is to empty the queue only.
 */
static void
give(struct listener *l, struct worker *w, unsigned int n)
{
	const bool stops = !seat_is_kept(worker_seat(w, l->entry));

	send_listen(l, w, n);
	if (l->phase == SOCKETS_CLOSING && stops)
		seats_pause_worker(l, w);
}

static void
adopt_slot(struct listener *l, unsigned int n)
{
	struct slot *s = &l->slots[n];
	struct worker *w;

	if (s->adopter != -1)
		return;
	w = find_adopter(l, n);
	if (w == NULL)
		return;
	s->adopter = (int)w->number;
	/* The workers of a Unix listener share one socket anyway. */
	if (!is_unix(l))
		give(l, w, n);
	log_debug("listener", l->spec.name, "worker %u serves slot %u too",
	    w->number, n);
}

void
slots_adopt(struct listener *l, const struct worker *w)
{
	unsigned int n;

	if (!is_current(l, w))
		return;
	for (n = w->number; n < l->sockets.count; n += w->crew->workers_count)
		adopt_slot(l, n);
	health_listener(l);
}

/* Slot n has its own worker again, or nobody shall serve it any more. */
static void
release(struct listener *l, unsigned int n)
{
	const struct msg_slot m = { .listener_id = l->id, .slot = n };
	struct slot *s = &l->slots[n];
	struct worker *w;

	if (s->adopter == -1)
		return;
	w = pool_worker(l->pool, (unsigned int)s->adopter);
	s->adopter = -1;
	if (!is_unix(l) && w != NULL)
		child_send(&w->child, IPC_RELEASE, &m, -1);
}

/* A worker serves: it may help those that found nobody before. */
static void
adopt_orphans(struct listener *l)
{
	const struct crew *crew = l->pool->crew;
	unsigned int i;

	for (i = 0; i < crew->workers_count; i++)
		if (worker_needs_help(&crew->workers[i]))
			slots_adopt(l, &crew->workers[i]);
}

/* --- what workers say and do --- */

void
slots_heard_listening(struct listener *l, struct worker *w, unsigned int slot)
{
	struct slot *s;

	if (slot >= l->sockets.count || !(worker_seat(w, l->entry) & SEAT_OPEN))
		return;
	s = &l->slots[slot];
	if (w->crew == l->pool->candidate) {
		s->candidate = slot % w->crew->workers_count == w->number;
		pool_restart_check(l->pool);
	} else if (is_current(l, w) &&
	    slot % w->crew->workers_count == w->number) {
		s->live = true;
		s->fresh = false;
		release(l, slot);
		adopt_orphans(l);
		listener_changed(l);
	}
}

void
slots_heard_closed(struct listener *l, const struct worker *w)
{
	unsigned int n;

	for (n = 0; n < l->sockets.count; n++) {
		if (is_unix(l) || n % w->crew->workers_count == w->number ||
		    (is_current(l, w) && l->slots[n].adopter == (int)w->number))
			l->slots[n].emptied = true;
	}
}

void
slots_worker_lost(struct listener *l, const struct worker *w)
{
	unsigned int n;

	for (n = 0; n < l->sockets.count; n++) {
		if (w->crew == l->pool->candidate) {
			l->slots[n].candidate = false;
			continue;
		}
		if (!is_current(l, w))
			continue;
		if (n % w->crew->workers_count == w->number)
			l->slots[n].live = l->slots[n].fresh = false;
		if (l->slots[n].adopter != (int)w->number)
			continue;
		l->slots[n].adopter = -1;
		adopt_slot(l, n);
	}
}

void
slots_worker_changed(struct listener *l, struct worker *w)
{
	unsigned int n;

	if (!is_current(l, w) || !(worker_seat(w, l->entry) & SEAT_OPEN))
		return;
	for (n = 0; n < l->sockets.count; n++) {
		if (n % w->crew->workers_count == w->number) {
			if (w->stuck)
				adopt_slot(l, n);
			else
				release(l, n);
		} else if (w->stuck && l->slots[n].adopter == (int)w->number) {
			release(l, n);
			adopt_slot(l, n);
		}
	}
	if (!w->stuck)
		adopt_orphans(l);
	listener_changed(l);
}

void
slots_clear(struct listener *l)
{
	unsigned int n;

	for (n = 0; n < l->sockets.count; n++) {
		l->slots[n].live = false;
		l->slots[n].fresh = false;
		l->slots[n].candidate = false;
		l->slots[n].emptied = false;
		l->slots[n].adopter = -1;
	}
}

/* --- what that makes --- */

unsigned int
slots_live(const struct listener *l)
{
	const struct worker *w;
	unsigned int n, live = 0;

	for (n = 0; n < l->sockets.count; n++) {
		w = pool_worker(l->pool, n);
		live += w != NULL && l->slots[n].live && !w->stuck;
	}
	return live;
}

/* The sibling that serves slot n, if it is well, or NULL. */
static const struct worker *
adopter_of(const struct listener *l, unsigned int n)
{
	const struct slot *s = &l->slots[n];
	const struct worker *w = s->adopter == -1
	    ? NULL
	    : pool_worker(l->pool, (unsigned int)s->adopter);

	return w != NULL && worker_is_well(w) ? w : NULL;
}

unsigned int
slots_retired(const struct listener *l)
{
	const struct worker *w;
	unsigned int n, retired = 0;

	for (n = 0; n < l->sockets.count; n++) {
		w = pool_worker(l->pool, n);
		retired += w != NULL && w->gone && adopter_of(l, n) != NULL;
	}
	return retired;
}

static bool
crew_drains(const struct crew *crew, uint32_t entry)
{
	unsigned int i;

	for (i = 0; crew != NULL && i < crew->workers_count; i++)
		if (worker_seat(&crew->workers[i], entry) & SEAT_LAST)
			return true;
	return false;
}

bool
slots_are_draining(const struct listener *l)
{
	return crew_drains(l->pool->crew, l->entry) ||
	    crew_drains(l->pool->candidate, l->entry);
}

bool
slots_emptied(const struct listener *l)
{
	unsigned int n;

	for (n = 0; n < l->sockets.count; n++)
		if (!l->slots[n].emptied)
			return false;
	return true;
}

static bool
is_served(const struct listener *l, unsigned int n)
{
	const struct slot *s = &l->slots[n];
	const struct worker *w = pool_worker(l->pool, n);

	if (w != NULL && (s->live || s->fresh) && worker_is_well(w))
		return true;
	return adopter_of(l, n) != NULL;
}

unsigned int
slots_served(const struct listener *l)
{
	unsigned int n, served = 0;

	for (n = 0; n < l->sockets.count; n++)
		served += is_served(l, n);
	return served;
}

/* --- hot restart --- */

int
slots_prepare(struct listener *l, unsigned int workers, struct err *err)
{
	const unsigned int before = l->sockets.count;
	struct slot *slots;
	struct worker *w;
	unsigned int n;

	if (l->phase != SOCKETS_OPEN || workers <= before)
		return 0;
	slots = reallocarray(l->slots, workers, sizeof(*slots));
	if (slots == NULL)
		return err_sys(err, "slots");
	l->slots = slots;
	if (sockets_grow(&l->sockets, &l->spec, workers, err) == -1)
		return -1;
	for (n = before; n < workers; n++)
		init(&slots[n]);
	/* From now on clients queue there too. */
	for (n = before; n < workers && l->goal == GOAL_LISTEN; n++) {
		w = pool_worker(l->pool, n);
		/* One that has yet to start is told of all slots then. */
		if (w == NULL || !worker_reachable(w))
			continue;
		send_listen(l, w, n);
		slots[n].fresh = true;
	}
	return 0;
}

bool
slots_candidate_serves(const struct listener *l)
{
	unsigned int n;

	if (l->phase != SOCKETS_OPEN || l->goal != GOAL_LISTEN)
		return true;
	for (n = 0; n < l->sockets.count; n++)
		if (!l->slots[n].candidate)
			return false;
	return true;
}

void
slots_switch(struct listener *l)
{
	unsigned int n;

	for (n = 0; n < l->sockets.count; n++) {
		l->slots[n].live = l->slots[n].candidate;
		l->slots[n].fresh = false;
		l->slots[n].candidate = false;
		l->slots[n].adopter = -1;
	}
}

void
slots_drop_candidate(struct listener *l)
{
	unsigned int n;

	for (n = 0; n < l->sockets.count; n++)
		l->slots[n].candidate = false;
}
