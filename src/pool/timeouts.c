#include "pool/timeouts.h"

#include <sys/param.h>

#include <event2/event.h>
#include <stddef.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/spec.h"
#include "pool/conn.h"
#include "pool/conn_list.h"
#include "pool/conn_record.h"
#include "pool/handshake.h"
#include "pool/protocol.h"
#include "pool/worker.h"

static struct conn *
conn_of(struct wheel_item *item)
{
	return (
	    struct conn *)(void *)((char *)item - offsetof(struct conn, timed));
}

/* 0 to 1023, spread evenly over ids that follow each other. */
static uint64_t
spread(uint64_t id)
{
	return id * UINT64_C(0x9e3779b97f4a7c15) >> 54;
}

static uint64_t
handshake_due_ms(const struct conn *c)
{
	return c->state == CONN_HANDSHAKE
	    ? c->opened_ms + c->list->spec->handshake_timeout_ms
	    : UINT64_MAX;
}

static uint64_t
idle_due_ms(const struct conn *c)
{
	const uint32_t ms = c->list->spec->idle_timeout_ms;

	/*
	 * That of a handshake has a timeout of its own; of a socket that was
	 * given away nothing is known.
	 */
	if (ms == 0 || c->state == CONN_HANDSHAKE || c->stopping ||
	    conn_fd(c) == -1)
		return UINT64_MAX;
	return c->active_ms + ms;
}

static uint64_t
life_due_ms(const struct conn *c)
{
	const uint64_t ms = c->list->spec->max_lifetime_ms;

	return ms == 0 || c->stopping
	    ? UINT64_MAX
	    : c->opened_ms + ms - ms * spread(c->id) / 10240;
}

static uint64_t
timer_due_ms(const struct conn *c)
{
	return c->timer_ms == 0 ? UINT64_MAX : c->timer_ms;
}

uint64_t
timeouts_due_ms(const struct conn *c)
{
	const uint64_t ends_ms =
	    MIN(MIN(handshake_due_ms(c), idle_due_ms(c)), life_due_ms(c));

	return MIN(ends_ms,
	    MIN(timer_due_ms(c), conn_record_due_ms(c->record, c)));
}

/* Its protocol sets another one, if it wants. */
static void
ring(struct timeouts *t, struct conn *c)
{
	c->timer_ms = 0;
	timeouts_watch(t, c);
	c->list->protocol->timer(c);
}

static void
look_at(struct timeouts *t, struct conn *c, uint64_t now_ms)
{
	if (conn_record_due_ms(c->record, c) <= now_ms)
		conn_record_tell(c->record, c);
	if (handshake_due_ms(c) <= now_ms)
		handshake_fail(c, CONN_END_HANDSHAKE_TIMEOUT, NULL, NULL);
	else if (idle_due_ms(c) <= now_ms)
		conn_stop(c, CONN_END_IDLE_TIMEOUT);
	else if (life_due_ms(c) <= now_ms)
		conn_stop(c, CONN_END_MAX_LIFETIME);
	else if (timer_due_ms(c) <= now_ms)
		ring(t, c);
	else
		timeouts_watch(t, c);
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	const uint64_t now_ms = clock_mono_ms();
	struct timeouts *t = arg;
	struct wheel_item *item;

	(void)fd;
	(void)what;
	while ((item = wheel_next(&t->wheel, now_ms)) != NULL)
		look_at(t, conn_of(item), now_ms);
	if (t->wheel.count == 0)
		(void)event_del(t->turn);
}

static int
start_turning(struct timeouts *t, struct event_base *base)
{
	static const struct timeval tick = { .tv_usec = WHEEL_TICK_MS * 1000 };

	if (t->turn == NULL)
		t->turn = event_new(base, -1, EV_PERSIST, on_turn, t);
	if (t->turn == NULL)
		return -1;
	if (event_pending(t->turn, EV_TIMEOUT, NULL))
		return 0;
	return event_add(t->turn, &tick);
}

void
timeouts_watch(struct timeouts *t, struct conn *c)
{
	const uint64_t due_ms = timeouts_due_ms(c);

	if (due_ms == UINT64_MAX) {
		wheel_take(&t->wheel, &c->timed);
		return;
	}
	if (wheel_put(&t->wheel, &c->timed, due_ms, clock_mono_ms()) == -1 ||
	    start_turning(t, c->list->worker->base) == -1)
		log_warning("listener", c->list->spec->name,
		    "a connection has no timeout: out of memory");
}

void
timeouts_forget(struct timeouts *t, struct conn *c)
{
	wheel_take(&t->wheel, &c->timed);
}

void
timeouts_clear(struct timeouts *t)
{
	if (t->turn != NULL)
		event_free(t->turn);
	t->turn = NULL;
	wheel_clear(&t->wheel);
}
