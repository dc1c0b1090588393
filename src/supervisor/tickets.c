#include "supervisor/tickets.h"

#include <sys/mman.h>

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "supervisor/listener.h"
#include "supervisor/seats.h"

#define LOOK_EVERY_S 60

static struct event *timer;

int
tickets_renew(struct tickets *t, uint64_t now_ms)
{
	struct ticket_keys *k = &t->keys;

	if (k->count > 0 && now_ms < t->made_ms + TICKETS_LIFE_MS)
		return 0;
	memmove(&k->keys[1], &k->keys[0],
	    (TICKET_KEY_GENERATIONS - 1) * sizeof(k->keys[0]));
	arc4random_buf(&k->keys[0], sizeof(k->keys[0]));
	if (k->count < TICKET_KEY_GENERATIONS)
		k->count++;
	t->made_ms = now_ms;
	return 1;
}

struct tickets *
tickets_new(uint64_t now_ms)
{
	const size_t size = sizeof(struct tickets);
	struct tickets *t;

	t = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (t == MAP_FAILED)
		return NULL;
	if (madvise(t, size, MADV_DONTDUMP) == -1 ||
	    madvise(t, size, MADV_DONTFORK) == -1) {
		(void)munmap(t, size);
		return NULL;
	}
	(void)tickets_renew(t, now_ms);
	return t;
}

void
tickets_free(struct tickets **tp)
{
	struct tickets *t = *tp;

	*tp = NULL;
	if (t == NULL)
		return;
	explicit_bzero(t, sizeof(*t));
	(void)munmap(t, sizeof(*t));
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	const uint64_t now_ms = clock_mono_ms();
	struct listener *l;

	(void)fd;
	(void)what;
	(void)arg;
	RB_FOREACH (l, listener_by_id, listeners_by_id())
		if (l->tickets != NULL && tickets_renew(l->tickets, now_ms))
			seats_send_tickets(l);
}

int
tickets_start(struct event_base *base, struct err *err)
{
	static const struct timeval every = { .tv_sec = LOOK_EVERY_S };

	timer = event_new(base, -1, EV_PERSIST, on_look, NULL);
	if (timer == NULL || event_add(timer, &every) == -1)
		return err_set(err, ERR_UNAVAILABLE,
		    "ticket keys: out of memory");
	return 0;
}

void
tickets_stop(void)
{
	if (timer != NULL)
		event_free(timer);
	timer = NULL;
}
