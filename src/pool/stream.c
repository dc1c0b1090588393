#include "pool/stream.h"

#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/spec.h"
#include "pool/conn.h"
#include "pool/conn_list.h"
#include "pool/protocol.h"
#include "pool/trace.h"
#include "pool/transport.h"

/* Full reads before it is the turn of others: 256 KiB. */
#define READS_PER_TURN 4

static struct mercury_conn *
outside(struct conn *c)
{
	return (struct mercury_conn *)(void *)c;
}

static const struct mercury_protocol *
calls_of(const struct conn *c)
{
	return c->use->calls;
}

/* --- the end --- */

void
stream_doom(struct conn *c, enum conn_end end)
{
	if (c->doomed)
		return;
	c->doomed = true;
	c->end = (uint8_t)end;
	if (!c->inside)
		event_active(&c->io, EV_TIMEOUT, 0);
}

/* A call of the protocol has returned. Returns false: the connection is gone.
 */
static bool
leave(struct conn *c)
{
	if (c->use->check != NULL && !c->doomed && c->state != CONN_FINISHING)
		c->use->check(c);
	c->inside = false;
	if (!c->doomed)
		return true;
	conn_close(c, (enum conn_end)c->end);
	return false;
}

/* For the words of <mercury/protocol.h>. */
static enum mercury_end
outside_end(const struct conn *c)
{
	switch ((enum conn_end)c->end) {
	case CONN_END_PROTOCOL_CLOSED:
		return c->reset ? MERCURY_END_REFUSED : MERCURY_END_FINISHED;
	case CONN_END_PEER_CLOSED:
		return MERCURY_END_PEER_CLOSED;
	case CONN_END_USER_TIMEOUT:
	case CONN_END_KEEPALIVE:
	case CONN_END_IDLE_TIMEOUT:
	case CONN_END_MAX_LIFETIME:
		return MERCURY_END_TIMEOUT;
	case CONN_END_KICKED:
	case CONN_END_DEADLINE:
		return MERCURY_END_STOPPED;
	case CONN_END_NO_MEMORY:
	case CONN_END_PROTOCOL_ERROR:
		return MERCURY_END_REFUSED;
	default:
		return MERCURY_END_PEER_RESET;
	}
}

void
stream_ended(struct conn *c)
{
	if (calls_of(c)->closed != NULL && !c->unopened) {
		c->inside = true;
		c->doomed = true;
		calls_of(c)->closed(outside(c), outside_end(c));
	}
	free(c->output);
	free(c->input);
}

/* --- output --- */

size_t
stream_kept(const struct conn *c)
{
	return c->output == NULL ? 0 : c->output->len - c->output->gone;
}

/* Let go of what was taken, when that is the most of it. */
static void
compact(struct stream_bytes *b)
{
	if (b->gone <= b->len / 2)
		return;
	b->len -= b->gone;
	memmove(b->data, b->data + b->gone, b->len);
	b->gone = 0;
}

/* Add data to what waits. Returns 0, or -1 when out of memory. */
static int
keep(struct stream_bytes **kept, const uint8_t *data, size_t len)
{
	struct stream_bytes *b;
	size_t before = 0;

	if (*kept != NULL) {
		compact(*kept);
		before = (*kept)->len;
	}
	b = realloc(*kept, sizeof(*b) + before + len);
	if (b == NULL)
		return -1;
	if (*kept == NULL)
		b->gone = 0;
	memcpy(b->data + before, data, len);
	b->len = before + len;
	*kept = b;
	return 0;
}

/* Hand data to the kernel; returns how much it took, or TRANSPORT_GONE. */
static ssize_t
send_now(struct conn *c, const uint8_t *data, size_t len)
{
	const ssize_t n = c->list->transport->send(c, data, len);

	if (n == TRANSPORT_AGAIN)
		return 0;
	if (n > 0) {
		trace_out(c, data, (size_t)n);
		conn_count_out(c, (uint64_t)n);
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
	if (c->state == CONN_OPEN)
		c->state = CONN_WAITING;
	return 0;
}

bool
stream_send(struct conn *c, const uint8_t *data, size_t len)
{
	ssize_t n = 0;

	if (c->doomed || c->state == CONN_FINISHING)
		return false;
	if (len == 0)
		return true;
	if (c->output == NULL) {
		n = send_now(c, data, len);
		if ((size_t)n == len && !is_unsent(c))
			return true;
	}
	if (n == TRANSPORT_GONE) {
		stream_doom(c, conn_broken_end(c));
		return false;
	}
	if (((size_t)n < len &&
		keep(&c->output, data + n, len - (size_t)n) == -1) ||
	    wait_writable(c) == -1) {
		stream_doom(c, CONN_END_NO_MEMORY);
		return false;
	}
	return true;
}

/* --- finishing --- */

/* The last output was given to the transport. */
static void
finish_transport(struct conn *c)
{
	if (c->list->transport->finish != NULL)
		c->list->transport->finish(c);
}

/* All is sent: wait for the peer to finish, too. */
static void
linger(struct conn *c)
{
	if (shutdown(conn_fd(c), SHUT_WR) == -1)
		stream_doom(c, conn_broken_end(c));
	else if (conn_poll(c, EV_READ) == -1)
		stream_doom(c, CONN_END_NO_MEMORY);
	else
		conn_set_timer(c, STREAM_LINGER_MS);
}

/* Nothing waits any more in CONN_FINISHING. */
static void
end_finished(struct conn *c)
{
	if (c->peer_finished)
		stream_doom(c, CONN_END_PEER_CLOSED);
	else
		linger(c);
}

void
stream_finish(struct conn *c)
{
	if (c->doomed || c->state == CONN_FINISHING)
		return;
	c->state = CONN_FINISHING;
	/* The protocol's: what waits is not to be cut by it. */
	if (c->timer_ms != 0)
		conn_set_timer(c, 0);
	if (c->output == NULL)
		finish_transport(c);
	if (c->output == NULL && !is_unsent(c))
		end_finished(c);
	else if (conn_poll(c, EV_WRITE) == -1)
		stream_doom(c, CONN_END_NO_MEMORY);
}

/* --- input --- */

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

/* It has consumed more than there was: nothing that it says can be true. */
static void
overrun(struct conn *c, size_t used, size_t len)
{
	log_error("listener", c->list->spec->name,
	    "received() of %s has consumed %zu bytes of %zu", calls_of(c)->name,
	    used, len);
	c->reset = true;
	stream_doom(c, CONN_END_PROTOCOL_CLOSED);
}

/* What the protocol has not consumed: it comes again. */
static void
keep_input(struct conn *c, const uint8_t *data, size_t len)
{
	if (len >= MERCURY_INPUT_MAX && c->state == CONN_OPEN) {
		c->reset = true;
		stream_doom(c, CONN_END_PROTOCOL_ERROR);
	} else if (keep(&c->input, data, len) == -1) {
		stream_doom(c, CONN_END_NO_MEMORY);
	}
}

/*
 * Give the protocol len bytes, and once more while it takes some of more than
 * can be kept. While output waits it may leave as much as it wants, for then
 * nothing is read. Returns false: the connection is gone.
 */
static bool
feed(struct conn *c, uint8_t *data, size_t len)
{
	size_t used;

	c->inside = true;
	do {
		used = calls_of(c)->received(outside(c), data, len);
		if (used > len) {
			overrun(c, used, len);
			break;
		}
		data += used;
		len -= used;
	} while (used > 0 && len >= MERCURY_INPUT_MAX &&
	    c->state == CONN_OPEN && !c->doomed);
	if (len > 0 && !c->doomed && c->state != CONN_FINISHING)
		keep_input(c, data, len);
	return leave(c);
}

/*
 * The same of bytes the last fresh of which have come just now; while output
 * waits they wait, too.
 */
static bool
hand_over(struct conn *c, uint8_t *data, size_t len, size_t fresh)
{
	trace_in(c, data + len - fresh, fresh);
	conn_count_in(c, fresh);
	if (c->state != CONN_WAITING)
		return feed(c, data, len);
	keep_input(c, data, len);
	return true;
}

/* The protocol may want what it left while output waited. */
static void
feed_kept(struct conn *c)
{
	struct stream_bytes *kept = c->input;

	if (kept == NULL || c->state != CONN_OPEN)
		return;
	c->input = NULL;
	(void)feed(c, kept->data, kept->len);
	free(kept);
}

/* Nothing more will come. */
static void
tell_finished(struct conn *c)
{
	c->peer_finished = true;
	free(c->input);
	c->input = NULL;
	c->inside = true;
	if (calls_of(c)->peer_finished != NULL)
		calls_of(c)->peer_finished(outside(c));
	else
		stream_finish(c);
	/* That there is more to read would be told for ever. */
	if (!c->doomed && c->state == CONN_OPEN && event_del(&c->io) == -1)
		stream_doom(c, CONN_END_NO_MEMORY);
	(void)leave(c);
}

/* Put what was not consumed to the front of buffer; returns how much. */
static size_t
take_kept(struct conn *c, uint8_t *buffer)
{
	size_t len;

	if (c->input == NULL)
		return 0;
	len = c->input->len;
	memcpy(buffer, c->input->data, len);
	free(c->input);
	c->input = NULL;
	return len;
}

/* Returns true if there may be more, and it may be read at once. */
static bool
receive_some(struct conn *c)
{
	/* Room for what was kept, and behind it for all of one read. */
	static _Alignas(64) uint8_t buffer[MERCURY_INPUT_MAX + CONN_READ_SIZE];
	uint8_t *fresh = c->input == NULL ? buffer : buffer + c->input->len;
	const ssize_t n = c->list->transport->recv(c, fresh, CONN_READ_SIZE);

	if (n == TRANSPORT_GONE) {
		conn_close(c, conn_broken_end(c));
	} else if (n == TRANSPORT_FINISHED) {
		tell_finished(c);
	} else if (after_recv(c) == -1) {
		conn_close(c, CONN_END_NO_MEMORY);
	} else if (n > 0) {
		return hand_over(c, buffer, take_kept(c, buffer) + (size_t)n,
			   (size_t)n) &&
		    n == CONN_READ_SIZE && c->state == CONN_OPEN && !c->doomed;
	}
	return false;
}

/* Where there is much, more than one read for one look of the event loop. */
static void
receive(struct conn *c)
{
	unsigned int reads = 0;

	while (receive_some(c) && ++reads < READS_PER_TURN)
		;
}

/* The peer still talks, though we have finished. */
static void
discard(struct conn *c)
{
	static uint8_t buffer[CONN_READ_SIZE];
	const ssize_t n = c->list->transport->recv(c, buffer, sizeof(buffer));

	if (n == TRANSPORT_GONE)
		conn_close(c, conn_broken_end(c));
	else if (n == TRANSPORT_FINISHED)
		conn_close(c, CONN_END_PROTOCOL_CLOSED);
	else
		read_on(c);
}

/* --- events --- */

/* All output was taken: end, or go on. */
static void
resume(struct conn *c)
{
	c->inside = true;
	if (c->state == CONN_FINISHING) {
		end_finished(c);
	} else if (conn_poll(c, EV_READ) == -1) {
		stream_doom(c, CONN_END_NO_MEMORY);
	} else {
		c->state = CONN_OPEN;
		read_on(c);
		if (c->peer_finished)
			(void)event_del(&c->io);
		if (calls_of(c)->writable != NULL)
			calls_of(c)->writable(outside(c));
	}
	if (leave(c))
		feed_kept(c);
}

/* Returns > 0 when the transport has all of the output. */
static ssize_t
send_kept(struct conn *c)
{
	struct stream_bytes *o = c->output;
	ssize_t n;

	if (o == NULL)
		return 1;
	n = send_now(c, o->data + o->gone, o->len - o->gone);
	if (n == TRANSPORT_GONE)
		return n;
	o->gone += (size_t)n;
	if (o->gone < o->len)
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
		conn_close(c, conn_broken_end(c));
	else if (n > 0)
		resume(c);
}

void
stream_ready(struct conn *c, short what)
{
	if (c->doomed)
		conn_close(c, (enum conn_end)c->end);
	else if (what & EV_WRITE)
		send_output(c);
	else if (c->state == CONN_FINISHING)
		discard(c);
	else
		receive(c);
}

void
stream_timer(struct conn *c)
{
	if (c->doomed) {
		conn_close(c, (enum conn_end)c->end);
	} else if (c->state == CONN_FINISHING) {
		conn_close(c, CONN_END_PROTOCOL_CLOSED);
	} else if (calls_of(c)->timer != NULL) {
		c->inside = true;
		calls_of(c)->timer(outside(c));
		(void)leave(c);
	}
}

void
stream_begin(struct conn *c, uint8_t *data, size_t len)
{
	if (conn_poll(c, EV_READ) == -1 || after_recv(c) == -1) {
		c->unopened = true;
		conn_close(c, CONN_END_NO_MEMORY);
		return;
	}
	if (calls_of(c)->opened != NULL) {
		c->inside = true;
		calls_of(c)->opened(outside(c));
		if (!leave(c))
			return;
	}
	if (len > 0 && c->state != CONN_FINISHING)
		(void)hand_over(c, data, len, len);
}
