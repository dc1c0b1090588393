#include "pool/conn.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
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
#include "pool/slab.h"
#include "pool/trace.h"
#include "pool/transport.h"
#include "pool/worker.h"
#include "protocol/protocol.h"

/* Output that the kernel did not take. */
struct conn_output {
	size_t sent;
	size_t len; /* of data, with what has been sent */
	uint8_t data[];
};

static void on_event(evutil_socket_t, short, void *);

int
conn_poll(struct conn *c, short what)
{
	struct event_base *base = event_get_base(&c->io);
	const int fd = conn_fd(c);

	if (event_pending(&c->io, what, NULL))
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

void
conn_close(struct conn *c, enum conn_end end)
{
	const int fd = conn_fd(c);

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
	(void)close(fd);
	free(c->output);
	free(c->origin);
	free(c->agreed);
	handshake_free(c);
	conn_list_remove(c, end);
}

/* A call of the transport has failed: errno says why. */
static enum conn_end
broken_end(const struct conn *c)
{
	if (errno == EPROTO)
		return CONN_END_TLS_ERROR;
	if (errno != ETIMEDOUT)
		return CONN_END_PEER_RESET;
	return c->list->spec->user_timeout_ms > 0 ? CONN_END_USER_TIMEOUT
						  : CONN_END_KEEPALIVE;
}

size_t
conn_kept(const struct conn *c)
{
	return c->output == NULL ? 0 : c->output->len - c->output->sent;
}

/* Keep data until the peer takes it. Returns 0, or -1 when out of memory. */
static int
keep(struct conn *c, const uint8_t *data, size_t len)
{
	const size_t kept = c->output == NULL ? 0 : c->output->len;
	struct conn_output *o;

	o = realloc(c->output, sizeof(*o) + kept + len);
	if (o == NULL)
		return -1;
	if (c->output == NULL)
		o->sent = 0;
	memcpy(o->data + kept, data, len);
	o->len = kept + len;
	c->output = o;
	return 0;
}

static void
count_out(struct conn *c, uint64_t n)
{
	scoreboard_add(c->list->board, COUNTER_BYTES_OUT, n);
	c->bytes_out += n;
}

/* Hand data to the kernel; returns how much it took, or TRANSPORT_GONE. */
static ssize_t
send_now(struct conn *c, const uint8_t *data, size_t len)
{
	ssize_t n = c->list->transport->send(c, data, len);

	if (n == TRANSPORT_AGAIN)
		return 0;
	if (n > 0) {
		trace_out(c, data, (size_t)n);
		count_out(c, (uint64_t)n);
	}
	return n;
}

/* Has the transport taken what the socket has not? */
static bool
is_unsent(const struct conn *c)
{
	const struct transport *t = c->list->transport;

	return t->unsent != NULL && t->unsent(c);
}

/* Output waits: read no more before the peer has taken it. */
static int
wait_writable(struct conn *c)
{
	if (conn_poll(c, EV_WRITE) == -1)
		return -1;
	c->state = CONN_WAITING;
	return 0;
}

bool
conn_send(struct conn *c, const uint8_t *data, size_t len)
{
	ssize_t n = 0;

	if (c->output == NULL) {
		n = send_now(c, data, len);
		if ((size_t)n == len && !is_unsent(c))
			return true;
	}
	if (n == TRANSPORT_GONE) {
		conn_close(c, broken_end(c));
		return false;
	}
	if ((size_t)n < len && keep(c, data + n, len - (size_t)n) == -1)
		goto out;
	if (c->state == CONN_OPEN && wait_writable(c) == -1)
		goto out;
	return true;
out:
	conn_close(c, CONN_END_NO_MEMORY);
	return false;
}

/* The last output was given to the transport. */
static void
finish_transport(struct conn *c)
{
	if (c->list->transport->finish != NULL)
		c->list->transport->finish(c);
}

void
conn_finish(struct conn *c)
{
	/* Closing with input unread would reset, and lose what was sent. */
	assert(c->peer_finished);
	if (c->output == NULL)
		finish_transport(c);
	if (c->output == NULL && !is_unsent(c))
		conn_close(c, CONN_END_PEER_CLOSED);
	else if (conn_poll(c, EV_WRITE) == -1)
		conn_close(c, CONN_END_NO_MEMORY);
	else
		c->state = CONN_FINISHING;
}

void *
conn_state(struct conn *c)
{
	return c->protocol_state;
}

static void
count_in(struct conn *c, uint64_t n)
{
	if (c->bytes_in == 0)
		conn_record_tell(c->record, c);
	scoreboard_add(c->list->board, COUNTER_BYTES_IN, n);
	c->bytes_in += n;
	c->active_ms = clock_mono_ms();
}

/* Come back even though the socket may never be readable again. */
static void
read_on(struct conn *c)
{
	const struct transport *t = c->list->transport;

	if (t->pending != NULL && t->pending(c))
		event_active(&c->io, EV_READ, 0);
}

/* What a transport with a mind of its own wants now. 0, or -1. */
static int
after_recv(struct conn *c)
{
	if (is_unsent(c))
		return wait_writable(c);
	read_on(c);
	return 0;
}

/* Bytes of the peer for the protocol. */
static void
take_in(struct conn *c, uint8_t *data, size_t len)
{
	trace_in(c, data, len);
	count_in(c, len);
	c->list->protocol->received(c, data, len);
}

static void
receive(struct conn *c)
{
	static _Alignas(64) uint8_t buffer[CONN_READ_SIZE];
	const struct conn_list *list = c->list;
	ssize_t n = list->transport->recv(c, buffer, sizeof(buffer));

	if (n > 0) {
		if (after_recv(c) == -1)
			conn_close(c, CONN_END_NO_MEMORY);
		else
			take_in(c, buffer, (size_t)n);
	} else if (n == TRANSPORT_FINISHED) {
		c->peer_finished = true;
		list->protocol->peer_finished(c);
	} else if (n == TRANSPORT_GONE) {
		conn_close(c, broken_end(c));
	} else if (after_recv(c) == -1) {
		conn_close(c, CONN_END_NO_MEMORY);
	}
}

/* All output was taken: end, or read on. */
static void
resume(struct conn *c)
{
	if (c->state == CONN_FINISHING)
		conn_close(c, CONN_END_PEER_CLOSED);
	else if (conn_poll(c, EV_READ) == -1)
		conn_close(c, CONN_END_NO_MEMORY);
	else {
		c->state = CONN_OPEN;
		read_on(c);
	}
}

/* Returns > 0 when the transport has all of the output. */
static ssize_t
send_kept(struct conn *c)
{
	struct conn_output *o = c->output;
	ssize_t n;

	if (o == NULL)
		return 1;
	n = send_now(c, o->data + o->sent, o->len - o->sent);
	if (n == TRANSPORT_GONE)
		return n;
	o->sent += (size_t)n;
	if (o->sent < o->len)
		return TRANSPORT_AGAIN;
	free(o);
	c->output = NULL;
	if (c->state == CONN_FINISHING)
		finish_transport(c);
	return 1;
}

static void
send_output(struct conn *c)
{
	ssize_t n = send_kept(c);

	if (n > 0 && c->list->transport->flush != NULL)
		n = c->list->transport->flush(c);
	if (n == TRANSPORT_GONE)
		conn_close(c, broken_end(c));
	else if (n > 0)
		resume(c);
}

/* Errors and hang-ups of the socket come as what was polled for. */
static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	if (((struct conn *)arg)->state == CONN_HANDSHAKE)
		handshake_go_on(arg);
	else if (what & EV_WRITE)
		send_output(arg);
	else
		receive(arg);
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
	if (shook && (conn_poll(c, EV_READ) == -1 || after_recv(c) == -1)) {
		conn_close(c, CONN_END_NO_MEMORY);
		return;
	}
	if (list->spec->record_connections && !probe_is_sure(c))
		c->record = conn_record_open(c);
	timeouts_watch(&list->worker->timeouts, c);
	trace_opened(c);
	if (list->protocol->opened != NULL && !list->protocol->opened(c))
		return;
	if (len > 0)
		take_in(c, data, len);
}

/* Its deadline first: it may end at once. */
static void
begin_handshake(struct conn *c)
{
	timeouts_watch(&c->list->worker->timeouts, c);
	handshake_begin(c);
}

int
conn_open(struct conn_list *list, int fd, const union addr *peer, uint8_t probe)
{
	struct conn *c = slab_get(list->slab);

	if (c == NULL)
		goto out;
	if (event_assign(&c->io, list->worker->base, fd, EV_READ | EV_PERSIST,
		on_event, c) == -1 ||
	    event_add(&c->io, NULL) == -1) {
		slab_put(list->slab, c);
		goto out;
	}
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
