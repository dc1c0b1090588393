#include "proxy/check.h"

#include <sys/param.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "proxy/itself.h"
#include "proxy/resolve.h"
#include "proxy/upstream.h"

/* An answer is not longer; what is expected stands further ahead. */
#define ANSWER_MAX 65536u

/* What such a header may need, and what is to be sent. */
#define SEND_MAX (CHECK_TEXT_SIZE + 32u)

enum phase { CONNECTING, SENDING, READING };

struct upstream_check {
	struct event io;
	struct upstream *up;
	int fd;
	enum phase phase;
	uint32_t addresses; /* that can be tried yet, after this one */
	uint64_t until_ms;  /* CLOCK_MONOTONIC */
	size_t sent;
	size_t to_send;
	uint8_t out[SEND_MAX];
	size_t read; /* in all */
	size_t kept; /* bytes in answer: the last that were read */
	uint8_t answer[2 * CHECK_TEXT_SIZE];
};

static void
free_check(struct upstream_check *c)
{
	c->up->check = NULL;
	if (event_initialized(&c->io))
		(void)event_del(&c->io);
	if (c->fd != -1)
		(void)close(c->fd);
	free(c);
}

void
check_end(struct upstream *up)
{
	if (up->check != NULL)
		free_check(up->check);
}

/* What has come of it; frees c. */
static void
finish(struct upstream_check *c, enum upstream_trouble trouble, int error)
{
	struct upstream *up = c->up;
	uint32_t fall = upstreams_plan(up->owner)->check_fall;

	free_check(c);
	atomic_fetch_add(&up->row->checks, 1);
	atomic_store(&up->row->checked_ms, clock_mono_ms());
	if (trouble == UPSTREAM_TROUBLE_NONE) {
		upstream_note_good(up);
		return;
	}
	atomic_fetch_add(&up->row->checks_failed, 1);
	upstream_next_address(up);
	/* Nothing good is known of it: the first says enough. */
	if (upstream_row_health(up->row) == UPSTREAM_UNCHECKED)
		fall = 1;
	upstream_note_bad(up, fall, trouble, error);
}

static void on_io(evutil_socket_t, short, void *);
static void begin_connect(struct upstream_check *);

/* It refuses at this address: another one will do. */
static void
refused(struct upstream_check *c, int error)
{
	if (c->addresses == 0) {
		finish(c, UPSTREAM_TROUBLE_CONNECT, error);
		return;
	}
	c->addresses--;
	upstream_next_address(c->up);
	if (event_initialized(&c->io))
		(void)event_del(&c->io);
	(void)close(c->fd);
	begin_connect(c);
}

/* Go on when fd is readable or writable, or when the time is over. */
static void
wait_for(struct upstream_check *c, short what)
{
	const uint64_t now_ms = clock_mono_ms();
	const uint64_t ms = c->until_ms > now_ms ? c->until_ms - now_ms : 0;
	const struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	if (event_assign(&c->io, upstreams_base(c->up->owner), c->fd, what,
		on_io, c) == -1 ||
	    event_add(&c->io, &tv) == -1)
		free_check(c); /* no memory says nothing of the upstream */
}

/* Is what is expected in what was read? */
static bool
is_there(const struct upstream_check *c, const struct check_text *want)
{
	return want->size == 0 ||
	    memmem(c->answer, c->kept, want->bytes, want->size) != NULL;
}

/* Make room for as much again: only what may be a beginning is needed. */
static void
forget_answer(struct upstream_check *c, const struct check_text *want)
{
	const size_t keep = MIN(c->kept, (size_t)want->size);

	memmove(c->answer, c->answer + c->kept - keep, keep);
	c->kept = keep;
}

static void
receive(struct upstream_check *c)
{
	const struct check_text *want =
	    &upstreams_plan(c->up->owner)->check_expect;
	ssize_t n;

	while ((n = read(c->fd, c->answer + c->kept,
		    sizeof(c->answer) - c->kept)) > 0) {
		c->kept += (size_t)n;
		c->read += (size_t)n;
		if (is_there(c, want)) {
			finish(c, UPSTREAM_TROUBLE_NONE, 0);
			return;
		}
		forget_answer(c, want);
		if (c->read > ANSWER_MAX) {
			finish(c, UPSTREAM_TROUBLE_CHECK_ANSWER, 0);
			return;
		}
	}
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		wait_for(c, EV_READ);
	else if (n == 0)
		finish(c,
		    c->read > 0 ? UPSTREAM_TROUBLE_CHECK_ANSWER
				: UPSTREAM_TROUBLE_CHECK_CLOSED,
		    0);
	else
		finish(c, UPSTREAM_TROUBLE_CHECK_CLOSED, errno);
}

/* All is sent: that is all, or an answer is wanted. */
static void
sent(struct upstream_check *c)
{
	const struct proxy_plan *plan = upstreams_plan(c->up->owner);

	if (plan->check == CHECK_EXPECT && plan->check_expect.size > 0) {
		c->phase = READING;
		wait_for(c, EV_READ);
		return;
	}
	finish(c, UPSTREAM_TROUBLE_NONE, 0);
}

static void
send_out(struct upstream_check *c)
{
	const ssize_t n =
	    send(c->fd, c->out + c->sent, c->to_send - c->sent, MSG_NOSIGNAL);

	if (n == -1 && errno != EAGAIN && errno != EINTR) {
		finish(c, UPSTREAM_TROUBLE_CHECK_CLOSED, errno);
		return;
	}
	if (n > 0)
		c->sent += (size_t)n;
	if (c->sent == c->to_send)
		sent(c);
	else
		wait_for(c, EV_WRITE);
}

static void
connected(struct upstream_check *c)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error == 0 && itself_is(c->fd, c->up->plan.port))
		error = ECONNREFUSED;
	if (error != 0) {
		refused(c, error);
		return;
	}
	c->phase = SENDING;
	if (c->to_send == 0)
		sent(c);
	else
		send_out(c);
}

static void
on_io(evutil_socket_t fd, short what, void *arg)
{
	static void (*const go_on[])(struct upstream_check *) = {
		[CONNECTING] = connected,
		[SENDING] = send_out,
		[READING] = receive,
	};
	struct upstream_check *c = arg;

	(void)fd;
	if (what & EV_TIMEOUT)
		finish(c,
		    c->phase == CONNECTING ? UPSTREAM_TROUBLE_TIMED_OUT
					   : UPSTREAM_TROUBLE_CHECK_TIMED_OUT,
		    0);
	else
		go_on[c->phase](c);
}

static void
put(struct upstream_check *c, const void *bytes, size_t size)
{
	memcpy(c->out + c->to_send, bytes, size);
	c->to_send += size;
}

/*
 * An upstream that wants a PROXY header gets the one of a connection that is
 * the proxy's own (v1 UNKNOWN, v2 LOCAL), then what is to be sent.
 */
static void
fill_out(struct upstream_check *c, const struct proxy_plan *plan)
{
	static const char v1[] = "PROXY UNKNOWN\r\n";
	static const uint8_t v2[16] = "\r\n\r\n\0\r\nQUIT\n\x20";

	if (plan->send_proxy == SEND_PROXY_V1)
		put(c, v1, sizeof(v1) - 1);
	else if (plan->send_proxy == SEND_PROXY_V2)
		put(c, v2, sizeof(v2));
	if (plan->check == CHECK_EXPECT)
		put(c, plan->check_send.bytes, plan->check_send.size);
}

static void
begin_connect(struct upstream_check *c)
{
	const struct upstream_address *a = upstream_address(c->up);

	c->fd = socket(a->addr.sa.sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd == -1) {
		free_check(c); /* ours is the lack */
		return;
	}
	if (connect(c->fd, &a->addr.sa, a->size) == -1 &&
	    errno != EINPROGRESS) {
		refused(c, errno);
		return;
	}
	wait_for(c, EV_WRITE);
}

void
check_begin(struct upstream *up)
{
	const struct proxy_plan *plan = upstreams_plan(up->owner);
	struct upstream_check *c;

	if (up->check != NULL ||
	    (up->addresses_count == 0 && !resolve_failed(up)))
		return;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return;
	up->check = c;
	c->up = up;
	c->fd = -1;
	c->until_ms = clock_mono_ms() + plan->check_timeout_ms;
	if (up->addresses_count == 0) {
		finish(c, UPSTREAM_TROUBLE_RESOLVE, 0);
		return;
	}
	c->addresses = up->addresses_count - 1;
	fill_out(c, plan);
	begin_connect(c);
}
