#include "gateway/agent.h"

#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "gateway/agent_answer.h"
#include "gateway/door.h"
#include "gateway/endings.h"
#include "gateway/gateway.h"

/* One whose line has not come yet. */
struct client {
	TAILQ_ENTRY(client) next;
	struct agent *agent;
	int fd;
	struct event io;    /* readable */
	struct event grace; /* its line has had its time */
	size_t len;
	char line[AGENT_LINE_SIZE];
};

struct agent {
	const struct gateway_env *env;
	int fd;
	struct door *door;
	struct endings *endings;
	TAILQ_HEAD(clients, client) clients; /* the oldest first */
	unsigned int count;
};

/* Forget it, but leave its descriptor open. */
static void
forget(struct client *c)
{
	TAILQ_REMOVE(&c->agent->clients, c, next);
	c->agent->count--;
	(void)event_del(&c->io);
	(void)event_del(&c->grace);
	free(c);
}

static void
hang_up(struct client *c)
{
	(void)close(c->fd);
	forget(c);
}

/* The weight of what the verdict is about, in percent. */
static unsigned int
weight(const struct agent *a, const char *name, const struct verdict *v)
{
	struct health_entry fullest;

	if (a->env->settings->agent_weight != AGENT_WEIGHT_LOAD)
		return 100;
	if (name[0] != '\0')
		return agent_answer_weight(&v->entry);
	if (!health_board_fullest(a->env->board, &fullest))
		return 100;
	return agent_answer_weight(&fullest);
}

static void
answer(struct client *c)
{
	struct agent *a = c->agent;
	char name[SPEC_NAME_SIZE], line[AGENT_ANSWER_SIZE];
	struct verdict v;
	size_t len;

	agent_answer_name(c->line, c->len, name);
	verdict_get(a->env->board, name, clock_mono_ms(), &v);
	agent_answer(&v, weight(a, name, &v), line);
	len = strlen(line);
	/* The first bytes of a connection always find room. */
	if (send(c->fd, line, len, MSG_NOSIGNAL) == (ssize_t)len)
		endings_take(a->endings, c->fd);
	else
		(void)close(c->fd);
	forget(c);
}

static bool
has_line(const struct client *c)
{
	return c->len == sizeof(c->line) ||
	    memchr(c->line, '\n', c->len) != NULL ||
	    memchr(c->line, '\r', c->len) != NULL;
}

static void
on_readable(evutil_socket_t fd, short what, void *ctx)
{
	struct client *c = ctx;
	const ssize_t n =
	    recv(fd, c->line + c->len, sizeof(c->line) - c->len, 0);

	(void)what;
	if (n == -1) {
		if (errno != EAGAIN && errno != EINTR)
			hang_up(c);
		return;
	}
	c->len += (size_t)n;
	/* Whoever ends its half has said what it had to say. */
	if (n == 0 || has_line(c))
		answer(c);
}

static void
on_grace_over(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	answer(ctx);
}

static bool
wait_for_line(struct client *c)
{
	static const struct timeval grace = { .tv_usec =
						  AGENT_GRACE_MS * 1000 };
	struct event_base *base = c->agent->env->base;

	if (event_assign(&c->io, base, c->fd, EV_READ | EV_PERSIST, on_readable,
		c) == -1 ||
	    evtimer_assign(&c->grace, base, on_grace_over, c) == -1 ||
	    event_add(&c->io, NULL) == -1)
		return false;
	if (event_add(&c->grace, &grace) == 0)
		return true;
	(void)event_del(&c->io);
	return false;
}

static void
on_entered(void *ctx, int fd)
{
	struct agent *a = ctx;
	struct client *c;

	if (a->count == AGENT_CLIENTS_MAX)
		hang_up(TAILQ_FIRST(&a->clients));
	c = calloc(1, sizeof(*c));
	if (c == NULL) {
		(void)close(fd);
		return;
	}
	c->agent = a;
	c->fd = fd;
	if (!wait_for_line(c)) {
		(void)close(fd);
		free(c);
		return;
	}
	TAILQ_INSERT_TAIL(&a->clients, c, next);
	a->count++;
}

struct agent *
agent_new(const struct gateway_env *env, int fd, struct err *err)
{
	struct agent *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		(void)close(fd);
		(void)err_set(err, ERR_UNAVAILABLE, "agent: out of memory");
		return NULL;
	}
	a->env = env;
	a->fd = fd;
	TAILQ_INIT(&a->clients);
	a->endings = endings_new(env->base, err);
	if (a->endings != NULL)
		a->door = door_new(env->base, fd, on_entered, a, err);
	if (a->door == NULL)
		agent_free(&a);
	return a;
}

void
agent_free(struct agent **ap)
{
	struct agent *a = *ap;
	struct client *c;

	*ap = NULL;
	if (a == NULL)
		return;
	while ((c = TAILQ_FIRST(&a->clients)) != NULL)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		hang_up(c);
	door_free(&a->door);
	endings_free(&a->endings);
	(void)close(a->fd);
	free(a);
}
