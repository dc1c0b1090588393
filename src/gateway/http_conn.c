#include "gateway/http_conn.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "gateway/http_answer.h"
#include "gateway/http_request.h"
#include "gateway/http_text.h"

/* Then others get on. */
#define STEPS_PER_TURN 64

/* A text that is smaller is copied, so that it travels with its head. */
#define COPY_MAX 4096

enum step {
	STEP_AGAIN, /* there is a next one at once */
	STEP_POLL,  /* when the socket is ready, or the answer there */
	STEP_END    /* the connection is of no more use */
};

static void
enter(struct http_conn *c, enum http_conn_state state)
{
	TAILQ_REMOVE(&c->all->lists[c->state], c, next);
	c->state = state;
	c->since_ms = clock_mono_ms();
	TAILQ_INSERT_TAIL(&c->all->lists[state], c, next);
}

/* --- answers --- */

static void
on_text_sent(const void *bytes, size_t len, void *ctx)
{
	struct http_text *text = ctx;

	(void)bytes;
	(void)len;
	http_text_drop(&text);
}

/* Returns 0, or -1 when out of memory. */
static int
put_text(struct http_conn *c, struct http_text *t)
{
	if (t == NULL || t->len == 0)
		return 0;
	if (t->len <= COPY_MAX)
		return evbuffer_add(c->out, t->bytes, t->len);
	if (evbuffer_add_reference(c->out, t->bytes, t->len, on_text_sent,
		http_text_hold(t)) == 0)
		return 0;
	http_text_drop(&t);
	return -1;
}

static enum http_next
next_of(const struct http_conn *c)
{
	if (c->is_last)
		return HTTP_CLOSES;
	return c->request != NULL && c->request->is_old ? HTTP_STAYS_OLD
							: HTTP_STAYS;
}

/* Queue an answer. Returns 0, or -1 when out of memory. */
static int
put_answer(struct http_conn *c, const struct http_answer *a)
{
	const bool has_text =
	    c->request == NULL || c->request->method != HTTP_HEAD;
	char head[HTTP_ANSWER_HEAD_SIZE];
	size_t len;

	if (c->request == NULL || !c->request->keep_alive || c->all->is_ending)
		c->is_last = true;
	len = http_answer_head(a, next_of(c), clock_real_ms(), head);
	if (evbuffer_add(c->out, head, len) == -1)
		return -1;
	return has_text ? put_text(c, a->text) : 0;
}

static void
end_request(struct http_conn *c)
{
	free(c->request);
	c->request = NULL;
	c->forget = NULL;
	c->waits = NULL;
}

/* Half an answer would be worse than none. */
static void
answer(struct http_conn *c, const struct http_answer *a)
{
	if (put_answer(c, a) == -1) {
		(void)evbuffer_drain(c->out, evbuffer_get_length(c->out));
		c->is_last = true;
	}
	end_request(c);
	enter(c, HTTP_CONN_SENDING);
}

/* Why there will be no good answer; the connection closes behind that. */
static void
answer_fault(struct http_conn *c, const struct http_fault *fault)
{
	struct http_answer a = { .status = fault->status,
		.type = HTTP_TYPE_TEXT,
		.text = http_text_printf("%s\n", fault->why) };

	end_request(c);
	answer(c, &a);
	http_text_drop(&a.text);
}

/* --- a request --- */

/* Read a head. Returns STEP_AGAIN if something came of it. */
static enum step
read_head(struct http_conn *c)
{
	static const struct http_fault too_large = { 431,
		"The head of the request is too large." };
	const size_t had = evbuffer_get_length(c->in);
	const size_t len = had < HTTP_HEAD_MAX ? had : HTTP_HEAD_MAX;
	const char *bytes = (const char *)evbuffer_pullup(c->in, (ssize_t)len);
	struct http_fault fault;
	size_t size;

	if (len == 0)
		return STEP_POLL;
	if (bytes == NULL)
		return STEP_END;
	size = http_request_skip(bytes, len);
	if (size > 0) {
		c->seen = 0;
		return evbuffer_drain(c->in, size) == 0 ? STEP_AGAIN : STEP_END;
	}
	size = http_request_size(bytes, len, &c->seen);
	if (size == 0 && had < HTTP_HEAD_MAX)
		return STEP_POLL;
	c->seen = 0;
	if (size == 0) {
		answer_fault(c, &too_large);
		return STEP_AGAIN;
	}
	c->request = malloc(sizeof(*c->request));
	if (c->request == NULL)
		return STEP_END;
	if (http_request_read(bytes, size, c->request, &fault) == -1)
		answer_fault(c, &fault);
	else if (evbuffer_drain(c->in, size) == -1)
		return STEP_END;
	return STEP_AGAIN;
}

/* The client waits for a word before it sends the body. */
static enum step
ask_for_body(struct http_conn *c)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

	c->request->continues = false;
	if (evbuffer_get_length(c->in) > 0)
		return STEP_AGAIN; /* it does not */
	if (evbuffer_add(c->out, text, sizeof(text) - 1) == -1 ||
	    http_io_send(&c->io, c->out) == HTTP_IO_GONE)
		return STEP_END;
	return STEP_AGAIN;
}

/* Pass over what has come of the body. */
static enum step
read_body(struct http_conn *c)
{
	struct http_body *body = &c->request->body;
	struct evbuffer_iovec bytes;
	struct http_fault fault;
	long n;

	if (c->request->continues)
		return ask_for_body(c);
	if (evbuffer_peek(c->in, -1, NULL, &bytes, 1) < 1 || bytes.iov_len == 0)
		return STEP_POLL;
	n = http_body_read(body, bytes.iov_base, bytes.iov_len, &fault);
	if (n == -1)
		answer_fault(c, &fault);
	else if (evbuffer_drain(c->in, (size_t)n) == -1)
		return STEP_END;
	return STEP_AGAIN;
}

static enum step
handle(struct http_conn *c)
{
	enter(c, HTTP_CONN_WAITING);
	c->all->request(c->all->ctx, c, c->request);
	return c->state == HTTP_CONN_WAITING ? STEP_POLL : STEP_AGAIN;
}

/* --- steps, one for each state --- */

/* We are done with it, or the client is. */
static enum step
begin_close(struct http_conn *c)
{
	end_request(c);
	(void)evbuffer_drain(c->in, evbuffer_get_length(c->in));
	enter(c, HTTP_CONN_CLOSING);
	http_io_finish(&c->io);
	return STEP_AGAIN;
}

static enum step
open_tls(struct http_conn *c)
{
	const enum http_io_result r = http_io_handshake(&c->io);

	c->wants_write = r == HTTP_IO_WRITE;
	if (r == HTTP_IO_DONE)
		return STEP_AGAIN;
	/* An alert may be on its way, and is to come through. */
	return r == HTTP_IO_GONE ? begin_close(c) : STEP_POLL;
}

static enum step
step_request(struct http_conn *c)
{
	enum step s;

	if (!c->io.is_open)
		return open_tls(c);
	if (c->request == NULL)
		s = read_head(c);
	else if (c->request->body.at != HTTP_BODY_END)
		s = read_body(c);
	else
		s = handle(c);
	if (s == STEP_POLL && c->has_end && c->state == HTTP_CONN_REQUEST)
		return begin_close(c);
	return s;
}

static enum step
step_waiting(struct http_conn *c)
{
	(void)c;
	return STEP_POLL;
}

static enum step
step_sending(struct http_conn *c)
{
	switch (http_io_send(&c->io, c->out)) {
	case HTTP_IO_DONE:
		break;
	case HTTP_IO_WRITE:
		return STEP_POLL;
	default:
		return STEP_END;
	}
	if (c->is_last)
		return begin_close(c);
	enter(c, HTTP_CONN_IDLE);
	return STEP_AGAIN;
}

static enum step
step_idle(struct http_conn *c)
{
	if (evbuffer_get_length(c->in) > 0) {
		enter(c, HTTP_CONN_REQUEST);
		return STEP_AGAIN;
	}
	return c->has_end ? begin_close(c) : STEP_POLL;
}

static enum step
step_closing(struct http_conn *c)
{
	const enum http_io_result r = http_io_flush(&c->io);

	if (r == HTTP_IO_WRITE)
		return STEP_POLL;
	if (r == HTTP_IO_GONE || (!c->is_shut && http_io_shut(&c->io) == -1))
		return STEP_END;
	c->is_shut = true;
	return c->has_end ? STEP_END : STEP_POLL;
}

/* --- on the loop --- */

static bool
is_reading(const struct http_conn *c)
{
	return c->state == HTTP_CONN_REQUEST || c->state == HTTP_CONN_IDLE;
}

/* What a client sends ahead of its answers waits with the kernel, not here. */
static bool
has_room(const struct http_conn *c)
{
	return evbuffer_get_length(c->in) < HTTP_HEAD_MAX;
}

/*
 * Poll for what matters now; with again, so that there is a next turn as soon
 * as others have had theirs. Returns 0, or -1.
 */
static int
poll_socket(struct http_conn *c, bool again)
{
	const bool read = !c->has_end &&
	    ((is_reading(c) && has_room(c)) || c->state == HTTP_CONN_CLOSING);
	const bool write = again || c->wants_write || http_io_unsent(&c->io) ||
	    evbuffer_get_length(c->out) > 0;

	if ((read ? event_add(c->readable, NULL) : event_del(c->readable)) ==
	    -1)
		return -1;
	return write ? event_add(c->writable, NULL) : event_del(c->writable);
}

/* Go as far as it goes; c may be gone behind that. */
static void
advance(struct http_conn *c)
{
	static enum step (*const steps[])(struct http_conn *) = {
		[HTTP_CONN_REQUEST] = step_request,
		[HTTP_CONN_WAITING] = step_waiting,
		[HTTP_CONN_SENDING] = step_sending,
		[HTTP_CONN_IDLE] = step_idle,
		[HTTP_CONN_CLOSING] = step_closing,
	};
	enum step s = STEP_AGAIN;
	unsigned int left = STEPS_PER_TURN;

	c->is_busy = true;
	while (s == STEP_AGAIN && left-- > 0)
		s = steps[c->state](c);
	c->is_busy = false;
	if (s == STEP_END || poll_socket(c, s == STEP_AGAIN) == -1) {
		http_conn_free(c);
		return;
	}
	if (s == STEP_POLL && is_reading(c) && http_io_pending(&c->io))
		event_active(c->readable, EV_READ, 0);
}

/* Receive and forget. Returns false when that is enough. */
static bool
discard(struct http_conn *c)
{
	const enum http_io_result r = http_io_discard(&c->io, &c->discarded);

	c->has_end = r == HTTP_IO_END;
	return r != HTTP_IO_GONE && c->discarded <= HTTP_DISCARD_MAX;
}

static bool
receive(struct http_conn *c)
{
	const enum http_io_result r = http_io_receive(&c->io, c->in);

	c->has_end = r == HTTP_IO_END;
	return r != HTTP_IO_GONE;
}

static void
on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct http_conn *c = ctx;
	bool good = true;

	(void)fd;
	(void)what;
	if (c->state == HTTP_CONN_CLOSING)
		good = discard(c);
	else if (c->io.is_open && is_reading(c) && has_room(c))
		good = receive(c);
	if (good)
		advance(c);
	else
		http_conn_free(c);
}

static void
on_writable(evutil_socket_t fd, short what, void *ctx)
{
	struct http_conn *c = ctx;
	enum http_io_result r;

	(void)fd;
	(void)what;
	r = c->io.is_open ? http_io_send(&c->io, c->out) : HTTP_IO_DONE;
	if (r == HTTP_IO_GONE)
		http_conn_free(c);
	else
		advance(c);
}

/* --- life --- */

/* Returns 0, or -1 when out of memory. */
static int
make(struct http_conn *c)
{
	struct event_base *base = c->all->base;

	c->in = evbuffer_new();
	c->out = evbuffer_new();
	c->readable =
	    event_new(base, c->io.fd, EV_READ | EV_PERSIST, on_readable, c);
	c->writable =
	    event_new(base, c->io.fd, EV_WRITE | EV_PERSIST, on_writable, c);
	if (c->in == NULL || c->out == NULL || c->readable == NULL ||
	    c->writable == NULL)
		return -1;
	return event_add(c->readable, NULL);
}

int
http_conn_new(struct http_conns *all, int fd, const union addr *peer)
{
	struct http_conn *c = calloc(1, sizeof(*c));
	struct http_io io;

	if (http_io_open(&io, fd, all->tls) == -1) {
		free(c);
		return -1;
	}
	if (c == NULL) {
		http_io_close(&io, false);
		return -1;
	}
	c->all = all;
	c->io = io;
	c->peer = *peer;
	c->since_ms = clock_mono_ms();
	TAILQ_INSERT_TAIL(&all->lists[HTTP_CONN_REQUEST], c, next);
	all->count++;
	if (make(c) == 0)
		return 0;
	http_conn_free(c);
	return -1;
}

void
http_conn_answer(struct http_conn *c, const struct http_answer *a)
{
	answer(c, a);
	if (!c->is_busy)
		advance(c);
}

void
http_conn_wait(struct http_conn *c, void (*forget)(void *waits), void *waits)
{
	c->forget = forget;
	c->waits = waits;
}

void
http_conn_expire(struct http_conn *c)
{
	static const struct http_fault too_slow = { 408,
		"The request took too long." };

	if (c->state == HTTP_CONN_REQUEST && c->io.is_open &&
	    (c->request != NULL || evbuffer_get_length(c->in) > 0))
		answer_fault(c, &too_slow);
	else if (c->state == HTTP_CONN_IDLE)
		(void)begin_close(c);
	else {
		http_conn_free(c);
		return;
	}
	advance(c);
}

void
http_conn_close_idle(struct http_conn *c)
{
	if (c->state != HTTP_CONN_IDLE)
		return;
	(void)begin_close(c);
	advance(c);
}

void
http_conn_free(struct http_conn *c)
{
	struct http_conns *all = c->all;
	/* Or the kernel would keep what a slow client does not take. */
	const bool reset = c->state == HTTP_CONN_SENDING;

	if (c->forget != NULL)
		c->forget(c->waits);
	TAILQ_REMOVE(&c->all->lists[c->state], c, next);
	c->all->count--;
	if (c->readable != NULL)
		event_free(c->readable);
	if (c->writable != NULL)
		event_free(c->writable);
	if (c->in != NULL)
		evbuffer_free(c->in);
	if (c->out != NULL)
		evbuffer_free(c->out);
	http_io_close(&c->io, reset);
	free(c->request);
	free(c);
	if (all->count == 0 && all->gone != NULL)
		all->gone(all->ctx);
}
