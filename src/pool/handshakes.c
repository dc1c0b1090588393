#include "pool/handshakes.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/clock.h"
#include "pool/conn.h"
#include "pool/conn_list.h"
#include "pool/conn_tls.h"
#include "pool/handshake.h"
#include "pool/handshake_state.h"
#include "pool/probe.h"
#include "pool/worker.h"
#include "tls/tls.h"

/* Handshakes take so long of a turn of the loop; then others have theirs. */
#define TURN_MS 2

/* One that has not gone on for so long may lose its place. */
#define STALLED_MS 1000

static struct handshakes *
of(const struct conn *c)
{
	return &c->list->worker->handshakes;
}

/* Run the next turn then; after 0 ms: when the loop has done what is due now.
 */
static void
schedule(struct handshakes *all, uint64_t ms)
{
	const struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	(void)event_add(all->turn, &tv);
}

/* --- one step --- */

/* It is done: the connection opens. */
static void
finish(struct conn *c)
{
	const struct tls_api *tls = c->list->worker->tls;
	struct tls_facts facts;

	c->probe |= PROBE_TLS;
	tls->describe(c->tls, &facts);
	c->agreed = conn_tls_new(&facts);
	if (c->agreed == NULL)
		conn_close(c, CONN_END_NO_MEMORY);
	else
		conn_begin(c, NULL, 0);
}

static void
fail(struct conn *c)
{
	const char *text;
	const enum tls_failure why =
	    c->list->worker->tls->failure(c->tls, &text);

	if (why == TLS_FAILURE_CLOSED)
		handshake_lose_peer(c, CONN_END_PEER_CLOSED);
	else
		handshake_fail(c, CONN_END_TLS_ERROR, tls_failure_name(why),
		    text);
}

static int
start(struct conn *c)
{
	struct handshakes *all = of(c);
	struct handshake *h = c->handshake;

	c->tls = c->list->worker->tls->session_new(c->list->tls, h->first,
	    h->first_len);
	if (c->tls == NULL)
		return -1;
	free(h->first);
	h->first = NULL;
	h->under_way = true;
	TAILQ_INSERT_TAIL(&all->under_way, h, entry);
	return 0;
}

static void
step(struct conn *c)
{
	struct handshakes *all = of(c);
	struct handshake *h = c->handshake;

	if (!h->under_way && start(c) == -1) {
		conn_close(c, CONN_END_NO_MEMORY);
		return;
	}
	h->stepped_ms = clock_mono_ms();
	TAILQ_REMOVE(&all->under_way, h, entry);
	TAILQ_INSERT_TAIL(&all->under_way, h, entry);
	switch (c->list->worker->tls->handshake(c->tls, conn_fd(c))) {
	case TLS_DONE:
		finish(c);
		break;
	case TLS_AGAIN_READ:
		if (conn_poll(c, EV_READ) == -1)
			conn_close(c, CONN_END_NO_MEMORY);
		break;
	case TLS_AGAIN_WRITE:
		if (conn_poll(c, EV_WRITE) == -1)
			conn_close(c, CONN_END_NO_MEMORY);
		break;
	case TLS_FAILED:
		fail(c);
		break;
	}
}

/* --- whose turn it is --- */

static void
enqueue(struct handshake_queue *queue, struct handshake *h,
    enum handshake_place place)
{
	h->place = place;
	TAILQ_INSERT_TAIL(queue, h, queued);
}

static void
dequeue(struct handshakes *all, struct handshake *h)
{
	if (h->place == HANDSHAKE_READY)
		TAILQ_REMOVE(&all->ready, h, queued);
	else if (h->place == HANDSHAKE_WAITING)
		TAILQ_REMOVE(&all->waiting, h, queued);
	h->place = HANDSHAKE_NOWHERE;
}

/* It is ready: it has a place now, or keeps the one that it has. */
static void
make_ready(struct handshakes *all, struct handshake *h)
{
	if (!h->placed)
		all->placed_count++;
	h->placed = true;
	enqueue(&all->ready, h, HANDSHAKE_READY);
	schedule(all, 0);
}

/*
 * The one longest without a step, but for those whose step is due: it is we
 * who keep them waiting. NULL: there is none.
 */
static struct handshake *
find_oldest(const struct handshakes *all)
{
	struct handshake *h;

	TAILQ_FOREACH (h, &all->under_way, entry)
		if (h->place == HANDSHAKE_NOWHERE)
			return h;
	return NULL;
}

/* End those that keep others waiting and do not go on themselves. */
static void
give_way(struct handshakes *all, uint64_t now_ms)
{
	struct handshake *oldest;

	while (!TAILQ_EMPTY(&all->waiting) &&
	    (oldest = find_oldest(all)) != NULL &&
	    oldest->stepped_ms + STALLED_MS <= now_ms)
		handshake_fail(oldest->conn, CONN_END_HANDSHAKE_TIMEOUT, NULL,
		    "it stood still while others waited");
}

/* When is the next turn, if nothing happens before? */
static void
schedule_next(struct handshakes *all, uint64_t now_ms)
{
	const struct handshake *oldest = find_oldest(all);
	uint64_t due_ms;

	if (!TAILQ_EMPTY(&all->ready)) {
		schedule(all, 0);
	} else if (!TAILQ_EMPTY(&all->waiting) && oldest != NULL) {
		due_ms = oldest->stepped_ms + STALLED_MS;
		schedule(all, due_ms > now_ms ? due_ms - now_ms : 0);
	}
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct handshakes *all = arg;
	const uint64_t begun_ms = clock_mono_ms();
	struct handshake *h;

	(void)fd;
	(void)what;
	give_way(all, begun_ms);
	while ((h = TAILQ_FIRST(&all->ready)) != NULL) {
		dequeue(all, h);
		step(h->conn);
		if (clock_mono_ms() - begun_ms >= TURN_MS)
			break;
	}
	schedule_next(all, clock_mono_ms());
}

void
handshakes_ready(struct conn *c)
{
	struct handshakes *all = of(c);
	struct handshake *h = c->handshake;

	if (h->place != HANDSHAKE_NOWHERE)
		return;
	if (h->placed || all->placed_count < HANDSHAKES_MAX) {
		make_ready(all, h);
		return;
	}
	(void)event_del(&c->io);
	enqueue(&all->waiting, h, HANDSHAKE_WAITING);
	schedule(all, 0);
}

void
handshakes_forget(struct conn *c)
{
	struct handshakes *all = of(c);
	struct handshake *h = c->handshake, *next;

	dequeue(all, h);
	if (h->under_way)
		TAILQ_REMOVE(&all->under_way, h, entry);
	h->under_way = false;
	if (!h->placed)
		return;
	h->placed = false;
	all->placed_count--;
	next = TAILQ_FIRST(&all->waiting);
	if (next == NULL)
		return;
	dequeue(all, next);
	/* Its step polls again, for what it needs. */
	make_ready(all, next);
}

int
handshakes_init(struct worker *w)
{
	struct handshakes *all = &w->handshakes;

	TAILQ_INIT(&all->ready);
	TAILQ_INIT(&all->waiting);
	TAILQ_INIT(&all->under_way);
	all->turn = evtimer_new(w->base, on_turn, all);
	return all->turn == NULL ? -1 : 0;
}

void
handshakes_clear(struct handshakes *all)
{
	if (all->turn != NULL)
		event_free(all->turn);
	all->turn = NULL;
}
