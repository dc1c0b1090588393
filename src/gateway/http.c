#include "gateway/http.h"

#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/clock.h"
#include "common/log.h"
#include "gateway/http_conn.h"

#define ACCEPTS_PER_TURN 64 /* then those that came before get on */

/* Descriptors that are left to everything else. */
#define OTHER_FDS 128

/* One that has come only just may well be a health check. */
#define GRACE_MS 500

#define COMPLAIN_MS 60000 /* at most so often */

static const struct timeval accept_pause = { .tv_usec = 100000 };
static const struct timeval look_every = { .tv_usec = 250000 };

static const uint32_t limits_ms[HTTP_CONN_STATE_COUNT] = {
	[HTTP_CONN_REQUEST] = HTTP_REQUEST_MS,
	[HTTP_CONN_WAITING] = HTTP_REQUEST_MS,
	[HTTP_CONN_SENDING] = HTTP_SENDING_MS,
	[HTTP_CONN_IDLE] = HTTP_IDLE_MS,
	[HTTP_CONN_CLOSING] = HTTP_CLOSING_MS,
};

struct http {
	int fd;
	struct event *acceptable;
	struct event *resume; /* accepting is paused until then */
	struct event *look;
	uint64_t complained_ms; /* CLOCK_MONOTONIC; 0: never */
	unsigned int max;
	struct http_conns conns;
};

/* --- what takes too long --- */

static void
on_look(evutil_socket_t fd, short what, void *ctx)
{
	struct http *h = ctx;
	const uint64_t now = clock_mono_ms();
	struct http_conn *c;
	unsigned int i;

	(void)fd;
	(void)what;
	/* Each leaves the list of its state; one in a new state is young. */
	for (i = 0; i < HTTP_CONN_STATE_COUNT; i++)
		while ((c = TAILQ_FIRST(&h->conns.lists[i])) != NULL &&
		    now >= c->since_ms && now - c->since_ms >= limits_ms[i])
			http_conn_expire(c);
}

/* --- who gives way --- */

/* The oldest in a state, if it is there for so long. */
static struct http_conn *
oldest(const struct http *h, enum http_conn_state state, uint64_t least_ms)
{
	struct http_conn *c = TAILQ_FIRST(&h->conns.lists[state]);

	if (c != NULL && clock_mono_ms() - c->since_ms < least_ms)
		return NULL;
	return c;
}

/* Returns false when all of them wait for answers. */
static bool
make_room(struct http *h)
{
	struct http_conn *c = oldest(h, HTTP_CONN_REQUEST, GRACE_MS);

	if (c == NULL)
		c = oldest(h, HTTP_CONN_IDLE, 0);
	if (c == NULL)
		c = oldest(h, HTTP_CONN_CLOSING, GRACE_MS);
	if (c == NULL)
		c = oldest(h, HTTP_CONN_SENDING, GRACE_MS);
	if (c == NULL)
		c = oldest(h, HTTP_CONN_REQUEST, 0);
	if (c != NULL)
		http_conn_free(c);
	return c != NULL;
}

/* --- accepting --- */

static void
complain(struct http *h, int error)
{
	const uint64_t now = clock_mono_ms();

	if (h->complained_ms != 0 && now - h->complained_ms < COMPLAIN_MS)
		return;
	h->complained_ms = now;
	log_warning(NULL, NULL, "accepting an HTTP client: %s",
	    strerror(error));
}

/*
 * accept(2) failed. Returns true when there may be more at once: without a
 * descriptor, the oldest gives way, as many times in a row as tries says.
 */
static bool
accept_failed(struct http *h, unsigned int *tries)
{
	const int saved = errno;

	if (saved == EINTR || saved == ECONNABORTED)
		return true;
	if (saved == EAGAIN)
		return false;
	/* The supervisor has ended its listening, and soon ends us. */
	if (saved != EINVAL)
		complain(h, saved);
	if ((saved == EMFILE || saved == ENFILE) && *tries > 0 &&
	    make_room(h)) {
		--*tries;
		return true;
	}
	(void)event_del(h->acceptable);
	(void)event_add(h->resume, &accept_pause);
	return false;
}

static void
welcome(struct http *h, int fd, const union addr *peer)
{
	const int on = 1;

	/* A text behind its head must not wait for an ACK. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (h->conns.count >= h->max && !make_room(h))
		(void)close(fd); /* all of them wait for answers */
	else if (http_conn_new(&h->conns, fd, peer) == -1)
		log_warning(NULL, NULL, "an HTTP client: out of memory");
}

static void
on_acceptable(evutil_socket_t listen_fd, short what, void *ctx)
{
	struct http *h = ctx;
	unsigned int tries = 2;
	union addr peer;
	socklen_t len;
	int i, fd;

	(void)what;
	for (i = 0; i < ACCEPTS_PER_TURN; i++) {
		memset(&peer, 0, sizeof(peer));
		len = sizeof(peer);
		fd = accept4(listen_fd, &peer.sa, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd == -1 && !accept_failed(h, &tries))
			return;
		if (fd == -1)
			continue;
		tries = 2;
		welcome(h, fd, &peer);
	}
}

static void
on_resume(evutil_socket_t fd, short what, void *ctx)
{
	struct http *h = ctx;

	(void)fd;
	(void)what;
	(void)event_add(h->acceptable, NULL);
}

/* --- life --- */

/* As many as there are descriptors for. */
static unsigned int
conns_max(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
	if (getrlimit(RLIMIT_NOFILE, &r) == -1 ||
	    r.rlim_cur >= HTTP_CONNS_MAX + OTHER_FDS)
		return HTTP_CONNS_MAX;
	return r.rlim_cur > 2 * OTHER_FDS ? (unsigned int)r.rlim_cur - OTHER_FDS
					  : (unsigned int)r.rlim_cur / 2;
}

static int
make_events(struct http *h)
{
	struct event_base *base = h->conns.base;

	h->acceptable =
	    event_new(base, h->fd, EV_READ | EV_PERSIST, on_acceptable, h);
	h->resume = evtimer_new(base, on_resume, h);
	h->look = event_new(base, -1, EV_PERSIST, on_look, h);
	if (h->acceptable == NULL || h->resume == NULL || h->look == NULL ||
	    event_add(h->look, &look_every) == -1)
		return -1;
	return event_add(h->acceptable, NULL);
}

struct http *
http_new(struct event_base *base, int fd, struct tls_context *tls,
    http_request_fn *request, void *ctx, struct err *err)
{
	struct http *h = calloc(1, sizeof(*h));
	unsigned int i;

	if (h == NULL) {
		(void)close(fd);
		(void)err_set(err, ERR_UNAVAILABLE, "http: out of memory");
		return NULL;
	}
	h->fd = fd;
	h->max = conns_max();
	h->conns = (struct http_conns){ .base = base,
		.tls = tls,
		.request = request,
		.ctx = ctx };
	for (i = 0; i < HTTP_CONN_STATE_COUNT; i++)
		TAILQ_INIT(&h->conns.lists[i]);
	if (make_events(h) == -1) {
		(void)err_set(err, ERR_UNAVAILABLE,
		    "http: its socket can't be watched");
		http_free(&h);
	}
	return h;
}

static void
stop_accepting(struct http *h)
{
	if (h->acceptable != NULL)
		event_free(h->acceptable);
	if (h->resume != NULL)
		event_free(h->resume);
	h->acceptable = h->resume = NULL;
	if (h->fd != -1)
		(void)close(h->fd);
	h->fd = -1;
}

void
http_drain(struct http *h, void (*gone)(void *ctx))
{
	struct http_conn *c, *next;

	stop_accepting(h);
	h->conns.is_ending = true;
	TAILQ_FOREACH_SAFE (c, &h->conns.lists[HTTP_CONN_IDLE], next, next)
		http_conn_close_idle(c);
	h->conns.gone = gone;
	if (h->conns.count == 0)
		gone(h->conns.ctx);
}

void
http_free(struct http **hp)
{
	struct http *h = *hp;
	struct http_conn *c;
	unsigned int i;

	*hp = NULL;
	if (h == NULL)
		return;
	h->conns.gone = NULL;
	for (i = 0; i < HTTP_CONN_STATE_COUNT; i++)
		while ((c = TAILQ_FIRST(&h->conns.lists[i])) != NULL)
			http_conn_free(c);
	stop_accepting(h);
	if (h->look != NULL)
		event_free(h->look);
	free(h);
}
