#include "gateway/door.h"

#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/log.h"

#define BATCH 64
#define EMPTY_MAX 1024

#define REST_MS 100

struct door {
	int fd;
	door_fn *entered;
	void *ctx;
	struct event *io;
	struct event *rest; /* its end */
	bool starved;       /* that was logged */
	bool shut;          /* it does not listen any more */
};

/* What a failed accept(2) means. */
enum outcome {
	OUTCOME_NEXT,  /* that one is lost, or there is somebody */
	OUTCOME_EMPTY, /* nobody waits */
	OUTCOME_REST,  /* it would fail again at once */
	OUTCOME_SHUT   /* it does not listen any more */
};

static enum outcome
outcome_of(int error)
{
	switch (error) {
	case EAGAIN:
		return OUTCOME_EMPTY;
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return OUTCOME_REST;
	case EINVAL:
	case EBADF:
	case ENOTSOCK:
		return OUTCOME_SHUT;
	default: /* errors of that one connection, see accept(2) */
		return OUTCOME_NEXT;
	}
}

static enum outcome
accept_one(struct door *d)
{
	const int fd = accept4(d->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd == -1)
		return outcome_of(errno);
	d->starved = false;
	d->entered(d->ctx, fd);
	return OUTCOME_NEXT;
}

static enum outcome
accept_some(struct door *d, unsigned int max)
{
	enum outcome outcome = OUTCOME_NEXT;

	for (; max > 0 && outcome == OUTCOME_NEXT; max--)
		outcome = accept_one(d);
	return outcome;
}

static void
rest(struct door *d)
{
	static const struct timeval wait = { .tv_usec = REST_MS * 1000 };

	if (!d->starved)
		log_warning(NULL, NULL, "accepting pauses: %s",
		    strerror(errno));
	d->starved = true;
	if (event_add(d->rest, &wait) == 0)
		(void)event_del(d->io);
}

static void
on_rested(evutil_socket_t fd, short what, void *ctx)
{
	struct door *d = ctx;

	(void)fd;
	(void)what;
	if (event_add(d->io, NULL) == -1)
		rest(d);
}

static void
on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct door *d = ctx;

	(void)fd;
	(void)what;
	switch (accept_some(d, BATCH)) {
	case OUTCOME_NEXT:
	case OUTCOME_EMPTY:
		break;
	case OUTCOME_REST:
		rest(d);
		break;
	case OUTCOME_SHUT:
		d->shut = true;
		(void)event_del(d->io);
		break;
	}
}

struct door *
door_new(struct event_base *base, int fd, door_fn *entered, void *ctx,
    struct err *err)
{
	struct door *d = calloc(1, sizeof(*d));

	if (d != NULL) {
		d->fd = fd;
		d->entered = entered;
		d->ctx = ctx;
		d->io =
		    event_new(base, fd, EV_READ | EV_PERSIST, on_readable, d);
		d->rest = evtimer_new(base, on_rested, d);
		if (d->io != NULL && d->rest != NULL &&
		    event_add(d->io, NULL) == 0)
			return d;
	}
	(void)err_set(err, ERR_UNAVAILABLE, "accepting: out of memory");
	door_free(&d);
	return NULL;
}

bool
door_is_shut(const struct door *d)
{
	return d->shut;
}

void
door_empty(struct door *d)
{
	(void)accept_some(d, EMPTY_MAX);
}

void
door_free(struct door **dp)
{
	struct door *d = *dp;

	*dp = NULL;
	if (d == NULL)
		return;
	if (d->io != NULL)
		event_free(d->io);
	if (d->rest != NULL)
		event_free(d->rest);
	free(d);
}
