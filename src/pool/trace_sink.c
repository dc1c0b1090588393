#include "pool/trace_sink.h"

#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

struct batch {
	STAILQ_ENTRY(batch) next;
	size_t len;
	_Alignas(8) uint8_t bytes[TRACE_BATCH_SIZE];
};

/* Records in a row that were dropped. */
struct gap {
	uint64_t records; /* 0: none */
	uint64_t bytes_in;
	uint64_t bytes_out;
};

struct trace_sink {
	int fd;
	void (*gone)(void *ctx);
	void *ctx;
	struct event *soon;           /* active: a batch is due */
	struct event *readable;       /* control has hung up */
	struct event *writable;       /* control took no more */
	STAILQ_HEAD(, batch) batches; /* the last one is being filled */
	unsigned int count;
	struct batch *spare; /* of those sent, for the next */
	struct gap gap;
	bool due;    /* soon is active, or writable is waited for */
	bool full;   /* control takes no more: writable is waited for */
	bool ending; /* LEFT is to come */
	bool left;   /* it is in it */
	bool broken; /* nobody reads any more */
};

static struct batch *
add_batch(struct trace_sink *s)
{
	const struct trace_batch head = { .version = TRACE_WIRE_VERSION };
	struct batch *b = s->spare;

	if (s->count == TRACE_SINK_BATCHES)
		return NULL;
	s->spare = NULL;
	if (b == NULL)
		b = malloc(sizeof(*b));
	if (b == NULL)
		return NULL;
	memcpy(b->bytes, &head, sizeof(head));
	b->len = sizeof(head);
	STAILQ_INSERT_TAIL(&s->batches, b, next);
	s->count++;
	return b;
}

/* Returns whether b has left. */
static bool
send_batch(struct trace_sink *s, const struct batch *b)
{
	if (send(s->fd, b->bytes, b->len, MSG_DONTWAIT | MSG_NOSIGNAL) != -1)
		return true;
	if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS &&
	    errno != ENOMEM)
		s->broken = true;
	return false;
}

static void
send_batches(struct trace_sink *s)
{
	struct batch *b;

	while ((b = STAILQ_FIRST(&s->batches)) != NULL && send_batch(s, b)) {
		STAILQ_REMOVE_HEAD(&s->batches, next);
		s->count--;
		free(s->spare);
		s->spare = b;
	}
	s->full = b != NULL;
}

/* Put it into the last batch, or a new one. Returns whether there was room. */
static bool
put(struct trace_sink *s, const struct trace_record *r, const uint8_t *data)
{
	struct batch *b = STAILQ_LAST(&s->batches, batch, next);
	const size_t size = trace_record_size(r->len);

	if (b == NULL || size > sizeof(b->bytes) - b->len) {
		/* What is full need not wait for the end of the turn. */
		if (!s->full)
			send_batches(s);
		b = add_batch(s);
	}
	if (b == NULL)
		return false;
	trace_encode(r, data, b->bytes + b->len);
	b->len += size;
	return true;
}

/*
 * Tell of a gap, if there is one. Returns whether there is none any more. It
 * ends when half of the room is free, so that what follows is worth having.
 */
static bool
close_gap(struct trace_sink *s)
{
	const struct trace_record lost = { .kind = TRACE_LOST,
		.at_us = clock_real_us(),
		.bytes_in = s->gap.bytes_in,
		.bytes_out = s->gap.bytes_out,
		.records = s->gap.records };

	if (s->gap.records == 0)
		return true;
	if (s->count > TRACE_SINK_BATCHES / 2 || !put(s, &lost, NULL))
		return false;
	memset(&s->gap, 0, sizeof(s->gap));
	return true;
}

static void
drop(struct trace_sink *s, const struct trace_record *r)
{
	s->gap.records++;
	if (r->kind == TRACE_IN)
		s->gap.bytes_in += r->len;
	else
		s->gap.bytes_out += r->len;
}

static void
put_left(struct trace_sink *s)
{
	const struct trace_record left = { .kind = TRACE_LEFT,
		.at_us = clock_real_us() };

	s->left = close_gap(s) && put(s, &left, NULL);
}

/* Send all, and what waited for room. */
static void
send_all(struct trace_sink *s)
{
	send_batches(s);
	if (s->count > 0)
		return;
	(void)close_gap(s);
	if (s->ending && !s->left)
		put_left(s);
	send_batches(s);
}

/* Send what can be sent; the last thing that is done with s. */
static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	struct trace_sink *s = arg;

	(void)fd;
	(void)what;
	s->due = false;
	send_all(s);
	if (s->broken || (s->ending && s->count == 0)) {
		s->gone(s->ctx);
	} else if (s->count > 0) {
		s->due = true;
		(void)event_add(s->writable, NULL);
	}
}

/* Control sends nothing: this is its end. */
static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct trace_sink *s = arg;

	(void)fd;
	(void)what;
	s->gone(s->ctx);
}

static void
send_soon(struct trace_sink *s)
{
	if (s->due)
		return;
	s->due = true;
	/* It comes after all that is active by now. */
	event_active(s->soon, EV_TIMEOUT, 0);
}

void
trace_sink_put(struct trace_sink *s, const struct trace_record *r,
    const uint8_t *data)
{
	if (!close_gap(s) || !put(s, r, data))
		drop(s, r);
	send_soon(s);
}

void
trace_sink_end(struct trace_sink *s)
{
	s->ending = true;
	put_left(s);
	send_soon(s);
}

void
trace_sink_flush(struct trace_sink *s, uint64_t until_ms)
{
	struct pollfd p = { .fd = s->fd, .events = POLLOUT };
	uint64_t now_ms;

	send_all(s);
	while (s->count > 0 && !s->broken) {
		now_ms = clock_mono_ms();
		if (now_ms >= until_ms ||
		    poll(&p, 1, (int)(until_ms - now_ms)) == 0)
			return;
		send_all(s);
	}
}

struct trace_sink *
trace_sink_new(struct event_base *base, int fd, void (*gone)(void *), void *ctx,
    struct err *err)
{
	const struct trace_record joined = { .kind = TRACE_JOINED,
		.at_us = clock_real_us() };
	struct trace_sink *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		(void)close(fd);
		(void)err_sys(err, "a trace");
		return NULL;
	}
	s->fd = fd;
	s->gone = gone;
	s->ctx = ctx;
	STAILQ_INIT(&s->batches);
	s->soon = event_new(base, -1, 0, on_due, s);
	s->readable = event_new(base, fd, EV_READ, on_readable, s);
	s->writable = event_new(base, fd, EV_WRITE, on_due, s);
	if (s->soon == NULL || s->readable == NULL || s->writable == NULL ||
	    event_add(s->readable, NULL) == -1 || !put(s, &joined, NULL)) {
		trace_sink_free(&s);
		(void)err_set(err, ERR_UNAVAILABLE, "a trace: out of memory");
		return NULL;
	}
	send_batches(s); /* there is room, so it is alone */
	return s;
}

void
trace_sink_free(struct trace_sink **sp)
{
	struct trace_sink *s = *sp;
	struct batch *b;

	*sp = NULL;
	if (s == NULL)
		return;
	while ((b = STAILQ_FIRST(&s->batches)) != NULL) {
		STAILQ_REMOVE_HEAD(&s->batches, next);
		free(b);
	}
	free(s->spare);
	if (s->soon != NULL)
		event_free(s->soon);
	if (s->readable != NULL)
		event_free(s->readable);
	if (s->writable != NULL)
		event_free(s->writable);
	(void)close(s->fd);
	free(s);
}
