#include "pool/trace_sink.h"

#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/batches.h"
#include "common/clock.h"

/* When the kernel is short of memory. */
#define RETRY_MS 10

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
	struct event *soon;     /* a batch is due, or due again */
	struct event *readable; /* control has hung up */
	struct event *writable; /* control took no more */
	struct batches batches;
	struct gap gap;
	bool due;    /* one of soon and writable is waited for */
	bool full;   /* control takes no more: writable is waited for */
	bool ending; /* LEFT is to come */
	bool left;   /* it is in it */
	bool broken; /* nobody reads any more */
};

static void
send_batches(struct trace_sink *s)
{
	if (!batches_send(&s->batches, s->fd))
		s->broken = true;
	s->full = s->batches.count > 0;
}

/* Put it into the last batch, or a new one. Returns whether there was room. */
static bool
put(struct trace_sink *s, const struct trace_record *r, const uint8_t *data)
{
	const struct trace_batch head = { .version = TRACE_WIRE_VERSION };
	struct batch *b = batches_last(&s->batches);
	const size_t size = trace_record_size(r->len);

	if (b == NULL || size > batches_room(&s->batches, b)) {
		/* What is full need not wait for the end of the turn. */
		if (!s->full)
			send_batches(s);
		b = batches_add(&s->batches, &head, sizeof(head));
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
	if (s->batches.count > TRACE_SINK_BATCHES / 2 || !put(s, &lost, NULL))
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
	if (s->batches.count > 0)
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
	static const struct timeval later = { .tv_usec = RETRY_MS * 1000 };
	struct trace_sink *s = arg;

	(void)fd;
	(void)what;
	s->due = false;
	send_all(s);
	if (s->broken || (s->ending && s->batches.count == 0)) {
		s->gone(s->ctx);
	} else if (s->batches.count > 0) {
		s->due = true;
		if (s->batches.starved)
			(void)event_add(s->soon, &later);
		else
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
	while (s->batches.count > 0 && !s->broken) {
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
	batches_init(&s->batches, TRACE_SINK_BATCHES, TRACE_BATCH_SIZE);
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

	*sp = NULL;
	if (s == NULL)
		return;
	batches_clear(&s->batches);
	if (s->soon != NULL)
		event_free(s->soon);
	if (s->readable != NULL)
		event_free(s->readable);
	if (s->writable != NULL)
		event_free(s->writable);
	(void)close(s->fd);
	free(s);
}
