#include "gateway/endings.h"

#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"

/* Read so much at a time, and from one connection. */
#define PART_BYTES 4096
#define TOTAL_BYTES 65536

struct ending {
	TAILQ_ENTRY(ending) next;
	struct endings *owner;
	int fd;
	uint32_t bytes;
	uint64_t until_ms; /* CLOCK_MONOTONIC */
	struct event io;
};

struct endings {
	struct event_base *base;
	TAILQ_HEAD(, ending) all; /* the oldest first */
	unsigned int count;
	struct event *timer; /* for the oldest; only while there is one */
};

static void
drop(struct ending *e)
{
	TAILQ_REMOVE(&e->owner->all, e, next);
	e->owner->count--;
	(void)event_del(&e->io);
	(void)close(e->fd);
	free(e);
}

/* Wait for the time of the oldest to be over. */
static void
arm(struct endings *es)
{
	const struct ending *oldest = TAILQ_FIRST(&es->all);
	const uint64_t now = clock_mono_ms();
	uint64_t ms = 0;
	struct timeval tv;

	if (oldest == NULL)
		return;
	if (oldest->until_ms > now)
		ms = oldest->until_ms - now;
	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000) * 1000;
	(void)event_add(es->timer, &tv);
}

static void
on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct endings *es = ctx;
	const uint64_t now = clock_mono_ms();
	struct ending *e;

	(void)fd;
	(void)what;
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	while ((e = TAILQ_FIRST(&es->all)) != NULL && e->until_ms <= now)
		drop(e);
	arm(es);
}

/* Read what is there. Returns whether more may come. */
static bool
read_more(struct ending *e)
{
	char rest[PART_BYTES];
	ssize_t n;

	do {
		n = recv(e->fd, rest, sizeof(rest), MSG_DONTWAIT);
		if (n > 0)
			e->bytes += (uint32_t)n;
	} while (n > 0 && e->bytes < TOTAL_BYTES);
	return n == -1 && (errno == EAGAIN || errno == EINTR);
}

static void
on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct ending *e = ctx;

	(void)fd;
	(void)what;
	if (!read_more(e))
		drop(e);
}

struct endings *
endings_new(struct event_base *base, struct err *err)
{
	struct endings *es = calloc(1, sizeof(*es));

	if (es != NULL)
		es->timer = evtimer_new(base, on_timer, es);
	if (es == NULL || es->timer == NULL) {
		free(es);
		(void)err_set(err, ERR_UNAVAILABLE, "a timer: out of memory");
		return NULL;
	}
	es->base = base;
	TAILQ_INIT(&es->all);
	return es;
}

void
endings_take(struct endings *es, int fd)
{
	struct ending *e;

	if (shutdown(fd, SHUT_WR) == -1) {
		(void)close(fd); /* the peer has reset it */
		return;
	}
	if (es->count == ENDINGS_MAX)
		drop(TAILQ_FIRST(&es->all));
	e = calloc(1, sizeof(*e));
	if (e == NULL ||
	    event_assign(&e->io, es->base, fd, EV_READ | EV_PERSIST,
		on_readable, e) == -1 ||
	    event_add(&e->io, NULL) == -1) {
		free(e);
		(void)close(fd);
		return;
	}
	e->owner = es;
	e->fd = fd;
	e->until_ms = clock_mono_ms() + ENDING_MS;
	TAILQ_INSERT_TAIL(&es->all, e, next);
	if (++es->count == 1)
		arm(es);
}

void
endings_free(struct endings **esp)
{
	struct endings *es = *esp;
	struct ending *e;

	*esp = NULL;
	if (es == NULL)
		return;
	while ((e = TAILQ_FIRST(&es->all)) != NULL)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		drop(e);
	event_free(es->timer);
	free(es);
}
