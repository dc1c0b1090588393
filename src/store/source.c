#include "store/source.h"

#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/event_wire.h"
#include "common/log.h"
#include "common/store_board.h"
#include "store/env.h"
#include "store/event_log.h"
#include "store/queue.h"

/* Datagrams before others get their turn: 2 MiB at most. */
#define DATAGRAMS_PER_TURN 64

/* More than the kernel keeps for one. */
#define HELD_MAX_BYTES (16u << 20)

/* Its state is the list that it is in. */
struct source {
	TAILQ_ENTRY(source) next;
	struct sources *all;
	int fd;
	struct event *readable; /* pending while it is in waiting */
	struct origin origin;
	bool refused;      /* nothing more of it is taken */
	size_t last_bytes; /* read by sources_read_all() */
};

TAILQ_HEAD(source_list, source);

struct sources {
	struct store_env *env;
	struct queue *queue;
	const struct sources_handler *handler;
	void *ctx;
	struct source_list waiting; /* nothing to be read */
	struct source_list ready;   /* in the order of their turns */
	struct event *turn;         /* read of those that are ready */
	unsigned int count;
	bool last; /* sources_read_all() was called */
	_Alignas(8) uint8_t datagram[EVENT_BATCH_SIZE + 8];
};

static void
free_source(struct source *s)
{
	if (s->readable != NULL)
		event_free(s->readable);
	(void)close(s->fd);
	free(s);
}

/* It is in from. */
static void
close_source(struct sources *all, struct source *s, struct source_list *from)
{
	TAILQ_REMOVE(from, s, next);
	free_source(s);
	all->count--;
}

/* NULL for the supervisor itself, as the log has it. */
static const char *
pool_of(const struct source *s)
{
	return s->origin.role == ROLE_POOL ? s->origin.pool : NULL;
}

static void
complain(const struct source *s, const char *what)
{
	log_error(pool_of(s) == NULL ? NULL : "pool", pool_of(s), "%s", what);
}

/*
 * What came is no batch: whoever sent it can't be trusted any more. It is read
 * all the same: left in the kernel, it would be kept for the next store.
 */
static void
refuse(struct sources *all, struct source *s, uint32_t claimed)
{
	if (!s->refused)
		complain(s,
		    "what was sent are no events that it may send: nothing "
		    "more is taken from that process");
	s->refused = true;
	store_board_add(all->env->board, STORE_DROPPED, claimed);
	store_board_add(all->env->board, STORE_SETTLED, claimed);
}

/* Put what was read into the queue. */
static void
keep(struct sources *all, const struct source *s, size_t size, uint32_t count)
{
	struct store_board *board = all->env->board;

	if (queue_add(all->queue, &s->origin, all->datagram, size, count,
		clock_mono_ms()) == 0)
		return;
	store_board_add(board, STORE_DROPPED, count);
	store_board_add(board, STORE_SETTLED, count);
}

/* It has claimed so many events, which count as taken. */
static void
take(struct sources *all, struct source *s, size_t size, uint32_t claimed)
{
	uint64_t dropped = 0;
	const uint32_t count =
	    event_log_check(all->datagram, size, s->origin.role, &dropped);

	if (s->refused || count == 0) {
		refuse(all, s, claimed);
	} else {
		keep(all, s, size, count);
		store_board_add(all->env->board, STORE_DROPPED, dropped);
	}
	TAILQ_REMOVE(&all->ready, s, next);
	TAILQ_INSERT_TAIL(&all->ready, s, next);
}

static void
wait_for(struct sources *all, struct source *s)
{
	TAILQ_REMOVE(&all->ready, s, next);
	TAILQ_INSERT_TAIL(&all->waiting, s, next);
	if (event_add(s->readable, NULL) == -1)
		complain(s, "its events can't be waited for: out of memory");
}

/* How many events does the next datagram say that it has? */
static uint32_t
count_next(const struct source *s)
{
	uint8_t head[sizeof(struct event_batch)];
	const ssize_t size = recv(s->fd, head, sizeof(head),
	    MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);

	return size <= 0 ? 0 : event_batch_count(head, (size_t)size);
}

/*
 * Read a datagram of the first that is ready. It counts as taken before it is:
 * if we are killed meanwhile, rather too many are said to be lost than too few.
 */
static void
read_one(struct sources *all)
{
	struct source *s = TAILQ_FIRST(&all->ready);
	const uint32_t claimed = count_next(s);
	ssize_t n;

	store_board_add(all->env->board, STORE_TAKEN, claimed);
	n = recv(s->fd, all->datagram, sizeof(all->datagram), MSG_DONTWAIT);
	if (n <= 0)
		store_board_add(all->env->board, STORE_SETTLED, claimed);
	if (n > 0) {
		s->last_bytes += (size_t)n;
		take(all, s, (size_t)n, claimed);
	} else if (n == -1 &&
	    (errno == EAGAIN || errno == EINTR || errno == ENOMEM ||
		errno == ENOBUFS)) {
		wait_for(all, s);
	} else {
		close_source(all, s, &all->ready);
		if (all->count == 0)
			all->handler->all_gone(all->ctx);
	}
}

static bool
may_read(const struct sources *all)
{
	return !TAILQ_EMPTY(&all->ready) && !queue_is_full(all->queue);
}

void
sources_resume(struct sources *all)
{
	if (may_read(all) && !event_pending(all->turn, EV_TIMEOUT, NULL))
		event_active(all->turn, EV_TIMEOUT, 0);
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval soon;
	struct sources *all = arg;
	unsigned int i;

	(void)fd;
	(void)what;
	for (i = 0; i < DATAGRAMS_PER_TURN && may_read(all); i++)
		read_one(all);
	if (may_read(all))
		(void)event_add(all->turn, &soon);
	if (i > 0)
		all->handler->added(all->ctx);
}

static void
make_ready(struct sources *all, struct source *s)
{
	TAILQ_REMOVE(&all->waiting, s, next);
	TAILQ_INSERT_TAIL(&all->ready, s, next);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct source *s = arg;
	struct sources *all = s->all;

	(void)fd;
	(void)what;
	make_ready(all, s);
	sources_resume(all);
}

struct sources *
sources_new(struct store_env *env, struct queue *queue,
    const struct sources_handler *handler, void *ctx, struct err *err)
{
	struct sources *all = calloc(1, sizeof(*all));

	if (all != NULL)
		all->turn = event_new(env->base, -1, 0, on_turn, all);
	if (all == NULL || all->turn == NULL) {
		free(all);
		(void)err_set(err, ERR_UNAVAILABLE, "sources: out of memory");
		return NULL;
	}
	all->env = env;
	all->queue = queue;
	all->handler = handler;
	all->ctx = ctx;
	TAILQ_INIT(&all->waiting);
	TAILQ_INIT(&all->ready);
	return all;
}

int
sources_add(struct sources *all, int fd, const char *pool, struct err *err)
{
	struct source *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		(void)close(fd);
		return err_sys(err, "a source of events");
	}
	s->all = all;
	s->fd = fd;
	s->origin.role = pool[0] == '\0' ? ROLE_SUPERVISOR : ROLE_POOL;
	(void)snprintf(s->origin.pool, sizeof(s->origin.pool), "%s", pool);
	s->readable = event_new(all->env->base, fd, EV_READ, on_readable, s);
	if (s->readable == NULL || event_add(s->readable, NULL) == -1) {
		free_source(s);
		return err_set(err, ERR_UNAVAILABLE,
		    "a source of events: out of memory");
	}
	TAILQ_INSERT_TAIL(&all->waiting, s, next);
	all->count++;
	return 0;
}

/* All may have something, and not all have been told of it yet. */
static void
make_all_ready(struct sources *all)
{
	struct source *s;

	all->last = true;
	TAILQ_FOREACH (s, &all->ready, next)
		s->last_bytes = 0;
	while ((s = TAILQ_FIRST(&all->waiting)) != NULL) {
		(void)event_del(s->readable);
		s->last_bytes = 0;
		make_ready(all, s);
	}
}

/* One that sends on and on must not keep us: it has had its share. */
static bool
is_done(struct sources *all)
{
	struct source *s = TAILQ_FIRST(&all->ready);

	while (s != NULL && s->last_bytes > HELD_MAX_BYTES) {
		wait_for(all, s);
		s = TAILQ_FIRST(&all->ready);
	}
	return s == NULL;
}

bool
sources_read_all(struct sources *all)
{
	if (!all->last)
		make_all_ready(all);
	while (!is_done(all) && !queue_is_full(all->queue))
		read_one(all);
	return TAILQ_EMPTY(&all->ready);
}

unsigned int
sources_count(const struct sources *all)
{
	return all->count;
}

static void
free_list(struct source_list *list)
{
	struct source *s;

	while ((s = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, s, next);
		free_source(s);
	}
}

void
sources_free(struct sources **sp)
{
	struct sources *all = *sp;

	*sp = NULL;
	if (all == NULL)
		return;
	free_list(&all->waiting);
	free_list(&all->ready);
	event_free(all->turn);
	free(all);
}
