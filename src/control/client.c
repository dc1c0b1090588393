#include "control/client.h"

#include <sys/socket.h>

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"

#define READ_BYTES_MAX 65536    /* then others get their turn */
#define OUTPUT_BYTES_MAX 262144 /* no request is taken over that */
#define FIRST_REQUEST_MS 30000
#define PARTIAL_LINE_MS 30000
#define OUTPUT_STUCK_MS 10000

static size_t
output_bytes(const struct client *c)
{
	return evbuffer_get_length(c->out);
}

/* Put a line (taken) into the output. */
static void
say(struct client *c, char *line)
{
	const size_t before = output_bytes(c);

	if (line == NULL || evbuffer_add(c->out, line, strlen(line)) == -1)
		c->ending = true; /* out of memory: an answer would be lost */
	free(line);
	if (before == 0)
		c->progress_ms = clock_mono_ms();
}

static void
say_error(struct client *c, enum rpc_code code, enum err_code reason,
    const char *text)
{
	struct rpc_error e;

	(void)rpc_fail(&e, code, "%s", text);
	e.reason = reason;
	say(c, rpc_error_line(NULL, &e));
}

static bool
is_blank(const char *line, size_t len)
{
	return len == 0 || (len == 1 && line[0] == '\r');
}

/* Take one line of the input. Returns false when there is none to take. */
static bool
take_line(struct client *c)
{
	const char *line = NULL;
	size_t len = 0;

	switch (line_next(&c->in, &line, &len)) {
	case LINE_NONE:
		return false;
	case LINE_TOO_LONG:
		say_error(c, RPC_REQUEST, ERR_INVALID, "request over 1 MiB");
		break;
	case LINE_LOST:
		c->ending = true;
		break;
	case LINE_READY:
		c->greeted = true;
		c->partial_ms = 0;
		if (is_blank(line, len))
			break;
		c->in_flight = true;
		c->handler->request(c->ctx, c, line, len);
		break;
	}
	return true;
}

/* Hand out requests as far as the limits let us. */
static void
take_lines(struct client *c)
{
	bool more = true;

	while (more && !c->in_flight && !c->ending &&
	    output_bytes(c) <= OUTPUT_BYTES_MAX)
		more = take_line(c);
	if (more)
		return;
	if (!line_is_partial(&c->in))
		c->partial_ms = 0;
	else if (c->eof && !c->ending) {
		say_error(c, RPC_REQUEST, ERR_INVALID,
		    "the last request has no newline at its end");
		c->ending = true;
	} else if (c->partial_ms == 0)
		c->partial_ms = clock_mono_ms();
}

/* Write what the socket takes. Returns -1 when the peer is gone. */
static int
write_output(struct client *c)
{
	int n;

	if (c->hung_up)
		return evbuffer_drain(c->out, output_bytes(c));
	if (output_bytes(c) == 0)
		return 0;
	n = evbuffer_write(c->out, c->fd);
	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	c->active_ms = c->progress_ms = clock_mono_ms();
	return 0;
}

static bool
is_over(const struct client *c)
{
	if (c->ending)
		return output_bytes(c) == 0;
	if (!c->eof || !line_is_searched(&c->in))
		return false;
	if (c->hung_up)
		return true;
	return !c->in_flight && !c->following && output_bytes(c) == 0;
}

static int
set_interest(struct event *ev, bool wanted)
{
	return wanted ? event_add(ev, NULL) : event_del(ev);
}

/* Do what can be done now. May free the client. */
static void
run(struct client *c)
{
	bool failed;

	take_lines(c);
	failed = write_output(c) == -1;
	if (!failed && !is_over(c)) {
		/* The writable event also brings us back for more lines. */
		failed = set_interest(c->readable,
			     !c->eof && !c->ending &&
				 line_wants_more(&c->in)) == -1 ||
		    set_interest(c->writable,
			output_bytes(c) > 0 ||
			    (!c->in_flight && !line_is_searched(&c->in))) == -1;
		if (!failed) {
			if (c->following && client_is_written(c))
				c->handler->written(c->ctx, c);
			return;
		}
	}
	c->handler->closed(c->ctx, c);
}

static bool
peer_hung_up(int fd)
{
	struct pollfd p = { .fd = fd };

	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR));
}

void
client_read(struct client *c)
{
	size_t room = 0;
	char *at;
	ssize_t n;

	at = line_room(&c->in, &room);
	if (at == NULL) {
		c->handler->closed(c->ctx, c);
		return;
	}
	n = read(c->fd, at, room < READ_BYTES_MAX ? room : READ_BYTES_MAX);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		line_added(&c->in, (size_t)n);
		c->active_ms = clock_mono_ms();
	} else {
		c->eof = true;
		c->hung_up = n == -1 || peer_hung_up(c->fd);
	}
	run(c);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	client_read(arg);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	run(arg);
}

struct client *
client_new(struct event_base *base, int fd, enum right right,
    const struct client_handler *handler, void *ctx)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		(void)close(fd);
		return NULL;
	}
	c->fd = fd;
	c->right = right;
	c->handler = handler;
	c->ctx = ctx;
	c->since_ms = c->active_ms = clock_mono_ms();
	c->out = evbuffer_new();
	c->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable =
	    event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, c);
	if (c->out == NULL || c->readable == NULL || c->writable == NULL ||
	    event_add(c->readable, NULL) == -1)
		client_free(&c);
	return c;
}

void
client_answer(struct client *c, char *line)
{
	say(c, line);
	client_done(c);
}

void
client_done(struct client *c)
{
	c->in_flight = false;
	c->partial_ms = 0;
	c->active_ms = clock_mono_ms();
	event_active(c->writable, EV_WRITE, 0);
}

void
client_follow(struct client *c)
{
	c->following = true;
}

void
client_trace(struct client *c)
{
	c->following = true;
	c->patient = true;
}

void
client_unfollow(struct client *c)
{
	c->following = false;
	c->patient = false;
	c->progress_ms = c->active_ms = clock_mono_ms();
}

void
client_tell(struct client *c, char *line)
{
	say(c, line);
	event_active(c->writable, EV_WRITE, 0);
}

bool
client_is_written(const struct client *c)
{
	return output_bytes(c) == 0;
}

const char *
client_overdue(const struct client *c, uint64_t now_ms)
{
	if (!c->patient && output_bytes(c) > 0 &&
	    now_ms - c->progress_ms >= OUTPUT_STUCK_MS)
		return "answers were not read for 10 s";
	/* Without interest in its side the loop does not see it go. */
	if (c->following && c->eof && peer_hung_up(c->fd))
		return "it has hung up";
	if (c->in_flight || output_bytes(c) > OUTPUT_BYTES_MAX)
		return NULL;
	if (!c->greeted && now_ms - c->since_ms >= FIRST_REQUEST_MS)
		return "no request came within 30 s";
	if (c->partial_ms != 0 && now_ms - c->partial_ms >= PARTIAL_LINE_MS)
		return "a request was not complete within 30 s";
	return NULL;
}

void
client_farewell(struct client *c, enum err_code reason, const char *why)
{
	if (why != NULL && output_bytes(c) == 0)
		say_error(c, RPC_SERVER, reason, why);
	(void)write_output(c);
}

void
client_free(struct client **cp)
{
	struct client *c = *cp;

	*cp = NULL;
	if (c->readable != NULL)
		event_free(c->readable);
	if (c->writable != NULL)
		event_free(c->writable);
	if (c->out != NULL)
		evbuffer_free(c->out);
	line_clear(&c->in);
	(void)close(c->fd);
	free(c);
}
