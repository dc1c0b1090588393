#include "common/event_sink.h"

#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/batches.h"
#include "common/clock.h"
#include "common/event_wire.h"

/* How long an event waits for others to travel with. */
#define GATHER_MS 20

/* The kernel keeps so much of what the store has not read. */
#define PAIR_BUFFER_BYTES (4 << 20)

/* Events in a row for which there was no room. */
struct gap {
	uint64_t count; /* 0: none */
	uint64_t from_ms;
	uint64_t until_ms;
};

struct event_sink {
	int fd;
	struct event *soon;     /* a batch is due, or due again */
	struct event *writable; /* the store took no more */
	struct batches batches;
	struct gap gap;
	bool broken; /* nobody reads any more */
};

static void
count_one(struct batch *b)
{
	struct event_batch head;

	memcpy(&head, b->bytes, sizeof(head));
	head.count++;
	memcpy(b->bytes, &head, sizeof(head));
}

/* Put it into the last batch, or a new one. Returns whether there was room. */
static bool
put(struct event_sink *s, const struct health_event *e)
{
	const struct event_batch head = { .version = EVENT_WIRE_VERSION };
	struct batch *b = batches_last(&s->batches);
	size_t n = 0;

	if (b != NULL)
		n = event_encode(e, b->bytes + b->len,
		    batches_room(&s->batches, b));
	if (n == 0) {
		b = batches_add(&s->batches, &head, sizeof(head));
		if (b == NULL)
			return false;
		n = event_encode(e, b->bytes + b->len,
		    batches_room(&s->batches, b));
	}
	count_one(b);
	b->len += n;
	return true;
}

/* Tell of a gap, if there is one. Returns whether there is none any more. */
static bool
close_gap(struct event_sink *s)
{
	struct health_event e = { .at_ms = clock_real_ms(),
		.type = EVENT_STORE_DROPPED,
		.reason = "the store did not take them in time" };

	if (s->gap.count == 0)
		return true;
	event_add_number(&e, FACT_COUNT, (int64_t)s->gap.count);
	event_add_number(&e, FACT_FROM_MS, (int64_t)s->gap.from_ms);
	event_add_number(&e, FACT_UNTIL_MS, (int64_t)s->gap.until_ms);
	/* Room for this alone is none: the next event would be dropped again.
	 */
	if (s->batches.count == EVENT_SINK_BATCHES || !put(s, &e))
		return false;
	s->gap.count = 0;
	return true;
}

static void
drop(struct event_sink *s, const struct health_event *e)
{
	if (s->gap.count++ == 0)
		s->gap.from_ms = e->at_ms;
	s->gap.until_ms = e->at_ms;
}

static void
send_batches(struct event_sink *s)
{
	if (!batches_send(&s->batches, s->fd))
		s->broken = true;
	if (s->broken)
		batches_clear(&s->batches);
	else if (s->batches.count == 0 && s->gap.count > 0 && close_gap(s))
		send_batches(s);
}

static void
send_soon(struct event_sink *s)
{
	static const struct timeval gather = { .tv_usec = GATHER_MS * 1000 };

	(void)event_add(s->soon, &gather);
}

void
event_sink_flush(struct event_sink *s)
{
	if (s == NULL)
		return;
	send_batches(s);
	if (s->batches.starved)
		send_soon(s);
	else if (s->batches.count > 0)
		(void)event_add(s->writable, NULL);
}

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	event_sink_flush(arg);
}

void
event_sink_add(struct event_sink *s, struct health_event *e)
{
	if (s == NULL || s->broken)
		return;
	if (e->at_ms == 0)
		e->at_ms = clock_real_ms();
	if (!close_gap(s) || !put(s, e))
		drop(s, e);
	if (event_pending(s->writable, EV_WRITE, NULL) ||
	    event_pending(s->soon, EV_TIMEOUT, NULL))
		return;
	send_soon(s);
}

/* Wait for it, but not longer than max_ms; a signal is no reason to end. */
static bool
has_room(int fd, int max_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	const uint64_t until_ms = clock_mono_ms() + (uint64_t)max_ms;
	uint64_t now_ms;
	int n;

	while ((n = poll(&p, 1, max_ms)) == -1 && errno == EINTR) {
		now_ms = clock_mono_ms();
		if (now_ms >= until_ms)
			return false;
		max_ms = (int)(until_ms - now_ms);
	}
	return n == 1;
}

void
event_sink_finish(struct event_sink *s, int max_ms)
{
	if (s == NULL)
		return;
	send_batches(s);
	while (s->batches.count > 0 && !s->batches.starved &&
	    has_room(s->fd, max_ms))
		send_batches(s);
}

uint64_t
event_sink_untold(const struct event_sink *s)
{
	return s == NULL ? 0 : s->gap.count;
}

struct event_sink *
event_sink_new(struct event_base *base, int fd, struct err *err)
{
	struct event_sink *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		(void)close(fd);
		(void)err_sys(err, "a way to the store");
		return NULL;
	}
	s->fd = fd;
	batches_init(&s->batches, EVENT_SINK_BATCHES, EVENT_BATCH_SIZE);
	s->soon = event_new(base, -1, 0, on_due, s);
	s->writable = event_new(base, fd, EV_WRITE, on_due, s);
	if (s->soon == NULL || s->writable == NULL) {
		event_sink_free(&s);
		(void)err_set(err, ERR_UNAVAILABLE,
		    "a way to the store: out of memory");
	}
	return s;
}

void
event_sink_free(struct event_sink **sp)
{
	struct event_sink *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	batches_clear(&s->batches);
	if (s->soon != NULL)
		event_free(s->soon);
	if (s->writable != NULL)
		event_free(s->writable);
	(void)close(s->fd);
	free(s);
}

int
event_sink_pair(int ends[2], struct err *err)
{
	const int bytes = PAIR_BUFFER_BYTES;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, ends) == -1)
		return err_sys(err, "socketpair");
	/* Beyond the usual limit only for who may; else as much as may be. */
	if (setsockopt(ends[1], SOL_SOCKET, SO_SNDBUFFORCE, &bytes,
		sizeof(bytes)) == -1)
		(void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &bytes,
		    sizeof(bytes));
	return 0;
}
