#include "proxy/relays.h"

#include <sys/queue.h>

#include <event2/event.h>

/* So many turns are taken before others of the loop. */
#define TURNS_MAX 64u

static int
schedule(struct event *timer, unsigned int ms)
{
	const struct timeval tv = { .tv_usec = (suseconds_t)ms * 1000 };

	if (event_pending(timer, EV_TIMEOUT, NULL))
		return 0;
	return event_add(timer, &tv);
}

void
relays_queue(struct relay *r)
{
	struct relays *all = r->all;

	if (r->is_queued)
		return;
	r->is_queued = true;
	TAILQ_INSERT_TAIL(&all->turn, r, queued);
	all->turns++;
	/* Without memory for it, the next one schedules. */
	(void)schedule(all->on_turn, 0);
}

static void
dequeue(struct relay *r)
{
	if (!r->is_queued)
		return;
	r->is_queued = false;
	TAILQ_REMOVE(&r->all->turn, r, queued);
	r->all->turns--;
}

static void
take_turns(evutil_socket_t fd, short what, void *arg)
{
	struct relays *all = arg;
	unsigned int n = all->turns < TURNS_MAX ? all->turns : TURNS_MAX;
	struct relay *r;

	(void)fd;
	(void)what;
	for (; n > 0 && (r = TAILQ_FIRST(&all->turn)) != NULL; n--) {
		dequeue(r);
		all->owner->turn(r);
	}
	if (!TAILQ_EMPTY(&all->turn))
		(void)schedule(all->on_turn, 0);
}

void
relays_watch(struct relay *r)
{
	if (r->is_watched)
		return;
	r->is_watched = true;
	TAILQ_INSERT_TAIL(&r->all->unsure, r, watched);
	(void)schedule(r->all->on_quiet, RELAYS_QUIET_MS);
}

static void
unwatch(struct relay *r)
{
	if (!r->is_watched)
		return;
	r->is_watched = false;
	TAILQ_REMOVE(&r->all->unsure, r, watched);
}

static void
look_again(struct relay *r)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (r->ends[i].unsure)
			r->ends[i].ready = true;
		r->ends[i].unsure = false;
	}
	relays_queue(r);
}

static void
look_at_quiet(evutil_socket_t fd, short what, void *arg)
{
	struct relays *all = arg;
	struct relay *r, *next;

	(void)fd;
	(void)what;
	TAILQ_FOREACH_SAFE (r, &all->unsure, watched, next) {
		if (!r->has_lasted)
			all->owner->lasts(r);
		r->has_lasted = true;
		if (!r->stirred) {
			unwatch(r);
			look_again(r);
		}
		r->stirred = false;
	}
	if (!TAILQ_EMPTY(&all->unsure))
		(void)schedule(all->on_quiet, RELAYS_QUIET_MS);
}

void
relays_forget(struct relay *r)
{
	dequeue(r);
	unwatch(r);
}

int
relays_init(struct relays *all, struct event_base *base,
    const struct relay_owner *owner)
{
	all->owner = owner;
	TAILQ_INIT(&all->turn);
	TAILQ_INIT(&all->unsure);
	all->on_turn = evtimer_new(base, take_turns, all);
	all->on_quiet = evtimer_new(base, look_at_quiet, all);
	if (all->on_turn != NULL && all->on_quiet != NULL)
		return 0;
	relays_clear(all);
	return -1;
}

void
relays_clear(struct relays *all)
{
	if (all->on_turn != NULL)
		event_free(all->on_turn);
	if (all->on_quiet != NULL)
		event_free(all->on_quiet);
	all->on_turn = all->on_quiet = NULL;
	pipes_clear(&all->pipes);
}
