#include "common/channel.h"

#include <sys/queue.h>

#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Read at most so many messages before others get their turn. */
#define MESSAGES_PER_WAKE 32

/* When the kernel is short of memory. */
#define RETRY_MS 10

/* A peer that lets so many pile up does not work any more. */
#define QUEUE_MAX 32768

const char channel_peer_gone[] = "closed the channel";

struct queued {
	STAILQ_ENTRY(queued) next;
	enum ipc_kind kind;
	int fd; /* our own duplicate, or -1 */
	unsigned char payload[];
};

struct channel {
	int fd;
	enum role peer;
	const struct channel_handler *handler;
	void *ctx;
	struct event *readable;
	struct event *writable; /* also fires to report a failed send */
	struct event *retry;    /* pending: one of them is not waited for */
	STAILQ_HEAD(, queued) queue;
	size_t queued;
	const char *failure; /* set: report it from the loop, then be silent */
	bool silent;
	bool *freed; /* set while a handler runs: did it free us? */
};

/* Some messages have secrets in them. */
static void
free_queued(struct queued *q)
{
	if (q->fd != -1)
		(void)close(q->fd);
	explicit_bzero(q->payload, ipc_payload_size(q->kind));
	free(q);
}

static void
drop_queued(struct channel *c)
{
	struct queued *q;

	while ((q = STAILQ_FIRST(&c->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&c->queue, next);
		free_queued(q);
	}
	c->queued = 0;
}

/* Report the end of the channel; the handler may free it. */
static void
report(struct channel *c, const char *why)
{
	if (c->silent)
		return;
	c->silent = true;
	(void)event_del(c->readable);
	(void)event_del(c->writable);
	(void)event_del(c->retry);
	drop_queued(c);
	c->handler->closed(c->ctx, why);
}

/* A send failed: tell it from the loop, where the handler may free us. */
static void
fail_later(struct channel *c, const char *why)
{
	if (c->failure == NULL)
		c->failure = why;
	event_active(c->writable, EV_WRITE, 0);
}

/*
 * The kernel is short of memory, but its socket is ready all the same: don't
 * wait for that, which would keep us busy.
 */
static void
retry_later(struct channel *c, struct event *ready)
{
	static const struct timeval later = { .tv_usec = RETRY_MS * 1000 };

	if (event_add(c->retry, &later) == 0)
		(void)event_del(ready);
}

static bool
waits_to_retry(const struct channel *c)
{
	return event_pending(c->retry, EV_TIMEOUT, NULL) != 0;
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct channel *c = arg;

	(void)fd;
	(void)what;
	if (event_add(c->readable, NULL) == -1 ||
	    (c->queued > 0 && event_add(c->writable, NULL) == -1))
		fail_later(c, "out of memory");
}

/* Hand a message over. Returns false when the channel is gone or silent. */
static bool
deliver(struct channel *c, struct ipc_message *msg)
{
	bool freed = false;

	c->freed = &freed;
	c->handler->message(c->ctx, msg);
	if (msg->fd != -1)
		(void)close(msg->fd);
	if (freed)
		return false;
	c->freed = NULL;
	return !c->silent;
}

/* Receive and deliver one message. Returns whether there may be more. */
static bool
receive_one(struct channel *c)
{
	struct ipc_message msg;
	struct err err;

	switch (ipc_recv(c->fd, c->peer, false, &msg, &err)) {
	case IPC_OK:
		return deliver(c, &msg);
	case IPC_GONE:
		report(c, channel_peer_gone);
		break;
	case IPC_BROKEN:
		report(c, err.text);
		break;
	case IPC_SHORT:
		retry_later(c, c->readable);
		break;
	case IPC_AGAIN:
		break;
	}
	return false;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	int i;

	(void)fd;
	(void)what;
	for (i = 0; i < MESSAGES_PER_WAKE; i++)
		if (!receive_one(arg))
			return;
}

static const char *
send_failure(enum ipc_result r)
{
	return r == IPC_GONE ? channel_peer_gone : "sending failed";
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct channel *c = arg;
	struct queued *q;
	enum ipc_result r;
	struct err err;

	(void)what;
	if (c->failure != NULL) {
		report(c, c->failure);
		return;
	}
	while ((q = STAILQ_FIRST(&c->queue)) != NULL) {
		r = ipc_send(fd, q->kind, q->payload, q->fd, false, &err);
		if (r == IPC_SHORT)
			retry_later(c, c->writable);
		if (r == IPC_SHORT || r == IPC_AGAIN)
			return;
		if (r != IPC_OK) {
			report(c, send_failure(r));
			return;
		}
		STAILQ_REMOVE_HEAD(&c->queue, next);
		c->queued--;
		free_queued(q);
	}
	(void)event_del(c->writable);
}

struct channel *
channel_new(struct event_base *base, int fd, enum role peer,
    const struct channel_handler *handler, void *ctx, struct err *err)
{
	struct channel *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		(void)close(fd);
		(void)err_sys(err, "a channel");
		return NULL;
	}
	c->fd = fd;
	c->peer = peer;
	c->handler = handler;
	c->ctx = ctx;
	STAILQ_INIT(&c->queue);
	c->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable =
	    event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, c);
	c->retry = event_new(base, -1, 0, on_retry, c);
	if (c->readable == NULL || c->writable == NULL || c->retry == NULL ||
	    event_add(c->readable, NULL) == -1) {
		(void)err_set(err, ERR_UNAVAILABLE, "a channel: out of memory");
		channel_free(&c);
	}
	return c;
}

static void
enqueue(struct channel *c, enum ipc_kind kind, const void *payload, int fd)
{
	const size_t size = ipc_payload_size(kind);
	struct queued *q;

	if (c->queued >= QUEUE_MAX) {
		fail_later(c, "does not read what it is sent");
		return;
	}
	q = malloc(sizeof(*q) + size);
	if (q == NULL) {
		fail_later(c, "out of memory");
		return;
	}
	q->kind = kind;
	q->fd = fd == -1 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd != -1 && q->fd == -1) {
		free(q);
		fail_later(c, "out of descriptors");
		return;
	}
	memcpy(q->payload, payload, size);
	STAILQ_INSERT_TAIL(&c->queue, q, next);
	c->queued++;
	if (!waits_to_retry(c) && event_add(c->writable, NULL) == -1)
		fail_later(c, "out of memory");
}

void
channel_go_first(struct channel *c)
{
	/* It fails for an event that is active, and this one has just come. */
	(void)event_priority_set(c->readable, 0);
}

void
channel_send(struct channel *c, enum ipc_kind kind, const void *payload, int fd)
{
	enum ipc_result r = IPC_AGAIN;
	struct err err;

	if (c->silent || c->failure != NULL)
		return;
	if (c->queued == 0)
		r = ipc_send(c->fd, kind, payload, fd, false, &err);
	if (r == IPC_SHORT)
		retry_later(c, c->writable);
	if (r == IPC_SHORT || r == IPC_AGAIN)
		enqueue(c, kind, payload, fd);
	else if (r != IPC_OK)
		fail_later(c, send_failure(r));
}

size_t
channel_unsent(const struct channel *c)
{
	return c->queued;
}

void
channel_drain(struct channel *c)
{
	struct ipc_message msg;
	struct err err;

	while (
	    !c->silent && ipc_recv(c->fd, c->peer, false, &msg, &err) == IPC_OK)
		if (!deliver(c, &msg))
			return;
}

void
channel_flush(struct channel *c, int max_ms)
{
	struct pollfd p = { .fd = c->fd, .events = POLLOUT };
	bool *const outer = c->freed;
	bool freed = false;

	c->freed = &freed;
	while (!c->silent && c->queued > 0 && poll(&p, 1, max_ms) == 1) {
		on_writable(p.fd, EV_WRITE, c);
		if (freed)
			break;
		if (waits_to_retry(c))
			(void)poll(NULL, 0, RETRY_MS);
	}
	if (!freed)
		c->freed = outer;
	else if (outer != NULL)
		*outer = true;
}

void
channel_free(struct channel **cp)
{
	struct channel *c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	if (c->freed != NULL)
		*c->freed = true;
	drop_queued(c);
	if (c->readable != NULL)
		event_free(c->readable);
	if (c->writable != NULL)
		event_free(c->writable);
	if (c->retry != NULL)
		event_free(c->retry);
	(void)close(c->fd);
	free(c);
}
