#include "gateway/tcp_check.h"

#include <sys/socket.h>
#include <sys/tree.h>

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/check_port.h"
#include "common/clock.h"
#include "common/err.h"
#include "common/log.h"
#include "common/syn_filter.h"
#include "gateway/door.h"
#include "gateway/endings.h"
#include "gateway/gateway.h"
#include "gateway/verdict.h"

/* Checkers are few, and none waits for long. */
#define BACKLOG 128

/* Not just until the next look: after a late one that comes at once. */
#define CLOSING_MS TCP_CHECK_MS

enum state {
	CLOSED,
	OPEN,
	/*
	 * It accepts, but nobody new can begin: those whose handshake is
	 * under way have CLOSING_MS to end it, or the kernel resets them.
	 */
	CLOSING
};

struct port {
	RB_ENTRY(port) by_name;
	struct tcp_checks *all;
	char name[SPEC_NAME_SIZE]; /* of the listener; empty: the daemon */
	int fd;
	enum state state;
	uint64_t closing_ms; /* since when it is CLOSING, CLOCK_MONOTONIC */
	struct door *door;   /* NULL while CLOSED */
	bool is_failing;     /* to open; that was logged */
};

struct tcp_checks {
	const struct gateway_env *env;
	struct event *timer;
	struct endings *endings;
	RB_HEAD(ports, port) ports;
};

static int
compare(const struct port *a, const struct port *b)
{
	return strcmp(a->name, b->name);
}

RB_PROTOTYPE(ports, port, by_name, compare)
/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
RB_GENERATE(ports, port, by_name, compare)

/* --- one port --- */

static void
on_entered(void *ctx, int fd)
{
	const struct port *p = ctx;

	endings_take(p->all->endings, fd);
}

/* Returns 0, or -1 with *err and it is not open. */
static int
open_port(struct port *p, struct err *err)
{
	syn_filter_remove(p->fd);
	if (check_port_open(p->fd, BACKLOG) == -1)
		return err_sys(err, "listen");
	p->door = door_new(p->all->env->base, p->fd, on_entered, p, err);
	if (p->door == NULL) {
		(void)check_port_close(p->fd);
		return -1;
	}
	p->state = OPEN;
	return 0;
}

static void
try_to_open(struct port *p)
{
	struct err err;

	if (open_port(p, &err) == 0)
		p->is_failing = false;
	else if (!p->is_failing) {
		log_warning(p->name[0] == '\0' ? NULL : "listener",
		    p->name[0] == '\0' ? NULL : p->name,
		    "the TCP check port can't be opened: %s", err.text);
		p->is_failing = true;
	}
}

static void
begin_to_close(struct port *p)
{
	syn_filter_add(p->fd);
	p->closing_ms = clock_mono_ms();
	p->state = CLOSING;
}

static void
close_port(struct port *p)
{
	door_empty(p->door);
	door_free(&p->door);
	if (check_port_close(p->fd) == -1)
		log_warning(NULL, NULL, "a TCP check port: %s",
		    strerror(errno));
	syn_filter_remove(p->fd);
	p->state = CLOSED;
}

/* The supervisor had to close it: we had not turned for too long. */
static void
note_shut(struct port *p)
{
	door_free(&p->door);
	p->state = CLOSED;
}

static void
look(struct port *p)
{
	struct verdict v;
	bool ready;

	verdict_get(p->all->env->board, p->name, clock_mono_ms(), &v);
	ready = v.kind == VERDICT_READY;
	switch (p->state) {
	case CLOSED:
		if (ready)
			try_to_open(p);
		break;
	case OPEN:
		if (door_is_shut(p->door))
			note_shut(p);
		else if (!ready)
			begin_to_close(p);
		break;
	case CLOSING:
		if (ready) {
			syn_filter_remove(p->fd);
			p->state = OPEN;
		} else if (clock_mono_ms() - p->closing_ms >= CLOSING_MS) {
			close_port(p);
		}
		break;
	}
}

static void
forget(struct port *p)
{
	(void)RB_REMOVE(ports, &p->all->ports, p);
	door_free(&p->door);
	(void)close(p->fd);
	free(p);
}

/* --- all of them --- */

static void
on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct tcp_checks *t = ctx;
	struct port *p;

	(void)fd;
	(void)what;
	RB_FOREACH (p, ports, &t->ports)
		look(p);
}

struct tcp_checks *
tcp_checks_new(const struct gateway_env *env, struct err *err)
{
	static const struct timeval period = { .tv_usec = TCP_CHECK_MS * 1000 };
	struct tcp_checks *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		(void)err_set(err, ERR_UNAVAILABLE,
		    "TCP checks: out of memory");
		return NULL;
	}
	t->env = env;
	RB_INIT(&t->ports);
	t->endings = endings_new(env->base, err);
	t->timer = event_new(env->base, -1, EV_PERSIST, on_timer, t);
	if (t->endings != NULL && t->timer != NULL &&
	    event_add(t->timer, &period) == 0)
		return t;
	(void)err_set(err, ERR_UNAVAILABLE, "TCP checks: out of memory");
	tcp_checks_free(&t);
	return NULL;
}

/* A gateway that was killed may have left it open. */
static bool
is_open(int fd)
{
	socklen_t len = sizeof(int);
	int listens = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 &&
	    listens != 0;
}

int
tcp_checks_add(struct tcp_checks *t, const char *name, int fd, struct err *err)
{
	struct port *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		(void)close(fd);
		return err_set(err, ERR_UNAVAILABLE,
		    "a TCP check port: out of memory");
	}
	tcp_checks_remove(t, name);
	p->all = t;
	p->fd = fd;
	(void)strlcpy(p->name, name, sizeof(p->name));
	(void)RB_INSERT(ports, &t->ports, p);
	if (is_open(fd))
		try_to_open(p);
	look(p);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	return 0;
}

void
tcp_checks_remove(struct tcp_checks *t, const char *name)
{
	struct port key, *p;

	(void)strlcpy(key.name, name, sizeof(key.name));
	p = RB_FIND(ports, &t->ports, &key);
	if (p != NULL)
		forget(p);
}

void
tcp_checks_free(struct tcp_checks **tp)
{
	struct tcp_checks *t = *tp;
	struct port *p;

	*tp = NULL;
	if (t == NULL)
		return;
	while ((p = RB_MIN(ports, &t->ports)) != NULL)
		forget(p);
	if (t->timer != NULL)
		event_free(t->timer);
	endings_free(&t->endings);
	free(t);
}
