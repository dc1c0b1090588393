#include "control/server.h"

#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "control/client.h"

#define CLIENTS_MAX 128u
#define CLIENTS_FOR_ROOT 8u /* of these */
#define ACCEPTS_PER_WAKE 8  /* then those that came before get on */

static const struct timeval accept_pause = { .tv_usec = 100000 };
static const struct timeval sweep_every = { .tv_sec = 1 };

struct server {
	struct event_base *base;
	int fd;
	struct access_rules rules;
	const struct server_handler *handler;
	void *ctx;
	struct event *acceptable;
	struct event *resume; /* accepting is paused until then */
	struct event *sweep;  /* pending while there are clients */
	bool paused_before;   /* and it was logged */
	TAILQ_HEAD(, client) clients;
	unsigned int count;
	unsigned int root_count;
};

static void
drop(struct server *s, struct client *c)
{
	s->handler->gone(s->ctx, c);
	TAILQ_REMOVE(&s->clients, c, next);
	s->count--;
	if (c->is_root)
		s->root_count--;
	client_free(&c);
	if (s->count == 0)
		(void)event_del(s->sweep);
}

static void
on_request(void *ctx, struct client *c, const char *text, size_t len)
{
	struct server *s = ctx;

	s->handler->request(s->ctx, c, text, len);
}

static void
on_written(void *ctx, struct client *c)
{
	struct server *s = ctx;

	s->handler->written(s->ctx, c);
}

static void
on_closed(void *ctx, struct client *c)
{
	drop(ctx, c);
}

static const struct client_handler client_handler = {
	.request = on_request,
	.written = on_written,
	.closed = on_closed,
};

static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;
	struct client *c, *following;
	const uint64_t now = clock_mono_ms();
	const char *why;

	(void)fd;
	(void)what;
	TAILQ_FOREACH_SAFE (c, &s->clients, next, following) {
		why = client_overdue(c, now);
		if (why == NULL)
			continue;
		log_debug(NULL, NULL, "a client was dropped: %s", why);
		client_farewell(c, ERR_TIMEOUT, why);
		drop(s, c);
	}
}

/* Say why to somebody who is not let in, and close. */
static void
refuse(int fd, enum err_code reason, const char *why)
{
	struct rpc_error e;
	char *line;

	(void)rpc_fail(&e, RPC_SERVER, "%s", why);
	e.reason = reason;
	line = rpc_error_line(NULL, &e);
	if (line != NULL)
		(void)send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT);
	free(line);
	(void)close(fd);
}

/* Should a give up its place rather than b? Silence counts before idling. */
static bool
is_idler(const struct client *a, const struct client *b)
{
	if (a->greeted != b->greeted)
		return !a->greeted;
	return a->active_ms < b->active_ms;
}

/*
 * Make room for one more. Others than root never drive root out. Returns
 * false when all are at work.
 */
static bool
make_room(struct server *s, bool for_root)
{
	struct client *c, *idlest = NULL;
	const unsigned int others = s->count - s->root_count;

	if (s->count < CLIENTS_MAX &&
	    (for_root || others < CLIENTS_MAX - CLIENTS_FOR_ROOT))
		return true;
	TAILQ_FOREACH (c, &s->clients, next) {
		if (c->in_flight || c->following || (c->is_root && !for_root))
			continue;
		if (idlest == NULL || is_idler(c, idlest))
			idlest = c;
	}
	if (idlest == NULL)
		return false;
	client_farewell(idlest, ERR_BUSY, "others needed the connection");
	drop(s, idlest);
	return true;
}

static void
welcome(struct server *s, int fd)
{
	enum right right = RIGHT_NONE;
	bool is_root = false;
	struct client *c;
	struct err err;

	if (access_check(fd, &s->rules, &right, &is_root, &err) == -1) {
		log_warning(NULL, NULL, "%s", err.text);
		refuse(fd, ERR_INTERNAL, err.text);
		return;
	}
	if (right == RIGHT_NONE) {
		refuse(fd, ERR_PERMISSION,
		    "you are neither root, nor the daemon's user, nor in its "
		    "control_group or control_readers");
		return;
	}
	if (!make_room(s, is_root)) {
		refuse(fd, ERR_BUSY, "too many control connections");
		return;
	}
	c = client_new(s->base, fd, right, &client_handler, s);
	if (c == NULL) {
		log_warning(NULL, NULL, "a client: out of memory");
		return;
	}
	c->is_root = is_root;
	TAILQ_INSERT_TAIL(&s->clients, c, next);
	s->count++;
	if (is_root)
		s->root_count++;
	if (s->count == 1)
		(void)event_add(s->sweep, &sweep_every);
	client_read(c); /* may free it */
}

/* accept(2) failed: what next? */
static void
accept_failed(struct server *s)
{
	const int saved = errno;

	if (saved == EAGAIN)
		return;
	if (!s->paused_before)
		log_warning(NULL, NULL,
		    "accepting a client: %s; trying again each 100 ms",
		    strerror(saved));
	s->paused_before = true;
	(void)event_del(s->acceptable);
	(void)event_add(s->resume, &accept_pause);
}

static void
on_acceptable(evutil_socket_t listen_fd, short what, void *arg)
{
	struct server *s = arg;
	int i, fd;

	(void)what;
	for (i = 0; i < ACCEPTS_PER_WAKE; i++) {
		fd = accept4(listen_fd, NULL, NULL,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd == -1 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd == -1) {
			accept_failed(s);
			return;
		}
		s->paused_before = false;
		welcome(s, fd);
	}
}

static void
on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct server *s = arg;

	(void)fd;
	(void)what;
	(void)event_add(s->acceptable, NULL);
}

static int
make_events(struct server *s)
{
	s->acceptable =
	    event_new(s->base, s->fd, EV_READ | EV_PERSIST, on_acceptable, s);
	s->resume = evtimer_new(s->base, on_resume, s);
	s->sweep = event_new(s->base, -1, EV_PERSIST, on_sweep, s);
	if (s->acceptable == NULL || s->resume == NULL || s->sweep == NULL)
		return -1;
	return event_add(s->acceptable, NULL);
}

struct server *
server_new(struct event_base *base, int listen_fd,
    const struct access_rules *rules, const struct server_handler *handler,
    void *ctx, struct err *err)
{
	struct server *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		(void)close(listen_fd);
		(void)err_set(err, ERR_UNAVAILABLE, "out of memory");
		return NULL;
	}
	s->base = base;
	s->fd = listen_fd;
	s->rules = *rules;
	s->handler = handler;
	s->ctx = ctx;
	TAILQ_INIT(&s->clients);
	if (evutil_make_socket_nonblocking(listen_fd) == -1 ||
	    make_events(s) == -1) {
		(void)err_set(err, ERR_UNAVAILABLE,
		    "the control socket can't be watched");
		server_free(&s);
	}
	return s;
}

void
server_free(struct server **sp)
{
	struct server *s = *sp;
	struct client *c;

	*sp = NULL;
	if (s == NULL)
		return;
	while ((c = TAILQ_FIRST(&s->clients)) != NULL) {
		TAILQ_REMOVE(&s->clients, c, next);
		client_farewell(c, ERR_NONE, NULL);
		client_free(&c);
	}
	if (s->acceptable != NULL)
		event_free(s->acceptable);
	if (s->resume != NULL)
		event_free(s->resume);
	if (s->sweep != NULL)
		event_free(s->sweep);
	(void)close(s->fd);
	free(s);
}
