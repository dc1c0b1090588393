#include "supervisor/listener_workers.h"

#include <stdio.h>

#include "common/clock.h"
#include "supervisor/listener.h"
#include "supervisor/pool.h"
#include "supervisor/seats.h"
#include "supervisor/slots.h"
#include "supervisor/traces.h"

void
listener_tell(struct listener *l, struct worker *w)
{
	if (l->phase == SOCKETS_OPEN && l->goal == GOAL_LISTEN) {
		/* It may have ended because one of them was shut down. */
		if (w->ended)
			sockets_listen(&l->sockets, &l->spec);
		slots_tell(l, w);
	} else if (l->phase == SOCKETS_CLOSING &&
	    w->crew->phase == CREW_SERVING) {
		slots_tell(l, w);
		if (l->goal == GOAL_REMOVE || l->goal == GOAL_FAIL)
			seats_close_worker(l, w);
		else
			seats_pause_worker(l, w);
	}
}

/*
 * w, which had so much of it, has said CLOSED: did it empty its queues? One
 * that had handed them over did not, nor one that was told to stop once more
 * since. For a listener that has failed nobody opens them again for that.
 */
static bool
has_emptied(const struct listener *l, const struct worker *w, unsigned int had)
{
	if (had & SEAT_OPEN)
		return !(worker_seat(w, l->entry) & SEAT_OPEN);
	return l->goal == GOAL_FAIL && w->crew->phase == CREW_SERVING;
}

void
listener_heard_closed(struct listener *l, struct worker *w)
{
	const unsigned int had = worker_seat(w, l->entry);

	worker_heard_closed(w, l->entry);
	if (l->phase == SOCKETS_CLOSING && has_emptied(l, w, had))
		slots_heard_closed(l, w);
	listener_check(l);
}

void
listener_heard_drained(struct listener *l, struct worker *w)
{
	if (!(worker_seat(w, l->entry) & SEAT_LAST))
		return; /* it says that without being asked, or twice */
	worker_clear_seat(w, l->entry);
	traces_drained(l, w);
	/* It was a queue when the others were told. */
	if (w->crew == l->pool->crew && l->phase == SOCKETS_OPEN)
		listener_tell(l, w);
	listener_check(l);
}

void
listener_worker_lost(struct listener *l, struct worker *w, const char *reason)
{
	slots_worker_lost(l, w);
	if (reason != NULL) {
		(void)snprintf(l->last_error, sizeof(l->last_error),
		    "worker %u %s", w->number, reason);
		l->last_error_ms = clock_real_ms();
	}
	listener_changed(l);
	listener_check(l);
}
