#include "pool/conn.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/histogram.h"
#include "common/scoreboard.h"
#include "common/spec.h"
#include "pool/conn_list.h"
#include "pool/conn_origin.h"
#include "pool/conn_peer.h"
#include "pool/conn_record.h"
#include "pool/handshake.h"
#include "pool/probe.h"
#include "pool/protocol.h"
#include "pool/slab.h"
#include "pool/trace.h"
#include "pool/transport.h"
#include "pool/worker.h"

static void on_event(evutil_socket_t, short, void *);

int
conn_poll(struct conn *c, short what)
{
	struct event_base *base = event_get_base(&c->io);
	const int fd = conn_fd(c);

	if (event_pending(&c->io, what, NULL) &&
	    event_get_events(&c->io) == (what | EV_PERSIST))
		return 0;
	if (event_del(&c->io) == -1 ||
	    event_assign(&c->io, base, fd, what | EV_PERSIST, on_event, c) ==
		-1)
		return -1;
	return event_add(&c->io, NULL);
}

/* For the histogram: one that was open has ended. */
static void
observe_life(const struct conn *c)
{
	const uint64_t now_ms = clock_mono_tick_ms();

	if (c->state != CONN_HANDSHAKE)
		scoreboard_observe(c->list->board, COUNTER_LIFE, HISTOGRAM_LIFE,
		    now_ms > c->opened_ms ? now_ms - c->opened_ms : 0);
}

/* The peer is to see that this was no orderly end. */
static void
reset_on_close(int fd)
{
	static const struct linger now = { .l_onoff = 1, .l_linger = 0 };

	/* A Unix socket has no reset; nor does it matter should this fail. */
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void
conn_close(struct conn *c, enum conn_end end)
{
	const int fd = conn_fd(c);

	c->end = (uint8_t)end;
	if (c->state != CONN_HANDSHAKE)
		c->list->protocol->ended(c);
	trace_closed(c, end);
	if (probe_ends(c, end)) {
		conn_record_drop(&c->record);
	} else {
		conn_record_close(&c->record, c, end);
		observe_life(c);
	}
	(void)event_del(&c->io);
	if (c->list->transport->close != NULL)
		c->list->transport->close(c);
	if (c->reset)
		reset_on_close(fd);
	if (fd != -1)
		(void)close(fd);
	free(c->origin);
	free(c->agreed);
	handshake_free(c);
	conn_list_remove(c, end);
}

void
conn_stop(struct conn *c, enum conn_end end)
{
	if (c->state == CONN_HANDSHAKE || c->list->protocol->stop == NULL) {
		conn_close(c, end);
		return;
	}
	if (c->stopping)
		return;
	c->stopping = true;
	timeouts_watch(&c->list->worker->timeouts, c);
	c->list->protocol->stop(c, end);
}

int
conn_give_away(struct conn *c)
{
	struct event_base *base = event_get_base(&c->io);
	const int fd = conn_fd(c);

	(void)event_del(&c->io);
	(void)event_assign(&c->io, base, -1, 0, on_event, c);
	return fd;
}

enum conn_end
conn_broken_end(const struct conn *c)
{
	if (errno == EPROTO)
		return CONN_END_TLS_ERROR;
	if (errno != ETIMEDOUT)
		return CONN_END_PEER_RESET;
	return c->list->spec->user_timeout_ms > 0 ? CONN_END_USER_TIMEOUT
						  : CONN_END_KEEPALIVE;
}

size_t
conn_state_room(size_t state_size)
{
	const size_t unit = sizeof(max_align_t);

	return (state_size + unit - 1) / unit * unit;
}

void *
conn_state(struct conn *c)
{
	uint8_t *room = (uint8_t *)c->protocol_state;

	return c->shifted ? room + conn_state_room(c->use->calls->state_size)
			  : room;
}

void
conn_count_in(struct conn *c, uint64_t n)
{
	if (c->bytes_in == 0)
		conn_record_tell(c->record, c);
	scoreboard_add(c->list->board, COUNTER_BYTES_IN, n);
	c->bytes_in += n;
	c->active_ms = clock_mono_ms();
}

void
conn_count_out(struct conn *c, uint64_t n)
{
	scoreboard_add(c->list->board, COUNTER_BYTES_OUT, n);
	c->bytes_out += n;
}

void
conn_set_timer(struct conn *c, uint64_t ms)
{
	const uint64_t now_ms = clock_mono_ms();

	if (ms == 0)
		c->timer_ms = 0;
	else
		c->timer_ms =
		    ms < UINT64_MAX - now_ms ? now_ms + ms : UINT64_MAX;
	timeouts_watch(&c->list->worker->timeouts, c);
}

/* Errors and hang-ups of the socket come as what was polled for. */
static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	if (c->state == CONN_HANDSHAKE)
		handshake_go_on(c);
	else
		c->list->protocol->ready(c, what);
}

/* Its handshake is over just now. */
static void
observe_handshake(const struct conn *c)
{
	if (!probe_is_sure(c))
		scoreboard_observe(c->list->board, COUNTER_HANDSHAKE,
		    HISTOGRAM_HANDSHAKE, c->active_ms - c->opened_ms);
}

void
conn_begin(struct conn *c, uint8_t *data, size_t len)
{
	const struct conn_list *list = c->list;
	const bool shook = c->handshake != NULL;

	handshake_free(c);
	c->state = CONN_OPEN;
	if (shook) {
		c->active_ms = clock_mono_ms();
		observe_handshake(c);
	}
	if (list->spec->record_connections && !probe_is_sure(c))
		c->record = conn_record_open(c);
	timeouts_watch(&list->worker->timeouts, c);
	trace_opened(c);
	list->protocol->begin(c, data, len);
}

/* Its deadline first: it may end at once. */
static void
begin_handshake(struct conn *c)
{
	timeouts_watch(&c->list->worker->timeouts, c);
	handshake_begin(c);
}

/* What a new one is polled for: then its protocol needs not ask again. */
static short
first_events(const struct conn_list *list)
{
	return handshake_is_wanted(list) ? 0 : list->protocol->events;
}

int
conn_open(struct conn_list *list, int fd, const union addr *peer, uint8_t probe)
{
	struct slab *slab = list->use != NULL && list->use->conns != NULL
	    ? list->use->conns
	    : list->slab;
	struct conn *c = slab_get(slab);
	short events = first_events(list);

	if (c == NULL)
		goto out;
	if (events == 0)
		events = EV_READ | EV_PERSIST;
	if (event_assign(&c->io, list->worker->base, fd, events, on_event, c) ==
		-1 ||
	    event_add(&c->io, NULL) == -1) {
		slab_put(slab, c);
		goto out;
	}
	c->use = list->use;
	protocol_use_hold(c->use);
	c->id = conn_ids_next(&list->worker->ids);
	c->opened_ms = c->active_ms = clock_mono_ms();
	c->probe = probe;
	conn_peer_set(c, peer);
	conn_list_insert(list, c);
	if (!handshake_is_wanted(list))
		conn_begin(c, NULL, 0);
	else
		begin_handshake(c);
	return 0;
out:
	(void)close(fd);
	errno = ENOMEM;
	return -1;
}
