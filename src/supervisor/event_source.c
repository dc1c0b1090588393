#include "supervisor/event_source.h"

#include <sys/queue.h>
#include <sys/socket.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/event_sink.h"

/*
 * Workers that died with something left to say: what the newest of them had
 * is kept for a store, but not for ever more of them.
 */
#define ENDED_MAX 256u

struct event_source {
	TAILQ_ENTRY(event_source) next;
	int fd;     /* the store's end */
	bool ended; /* no more will be sent, and not all is read yet */
	struct msg_store_source hello;
};

static struct {
	TAILQ_HEAD(, event_source) all; /* the oldest first */
	struct child *store;            /* NULL: none runs */
	unsigned int ended;
} sources = { .all = TAILQ_HEAD_INITIALIZER(sources.all) };

static void
drop(struct event_source *s)
{
	TAILQ_REMOVE(&sources.all, s, next);
	sources.ended -= s->ended;
	(void)close(s->fd);
	free(s);
}

static void
tell(const struct event_source *s)
{
	child_send(sources.store, IPC_STORE_SOURCE, &s->hello, s->fd);
}

struct event_source *
event_source_open(const char *pool, int *sender_fd, struct err *err)
{
	struct event_source *s = calloc(1, sizeof(*s));
	int ends[2];

	if (s == NULL) {
		(void)err_sys(err, "a way to the store");
		return NULL;
	}
	if (event_sink_pair(ends, err) == -1) {
		free(s);
		return NULL;
	}
	s->fd = ends[0];
	*sender_fd = ends[1];
	(void)strlcpy(s->hello.pool, pool, sizeof(s->hello.pool));
	TAILQ_INSERT_TAIL(&sources.all, s, next);
	if (sources.store != NULL)
		tell(s);
	return s;
}

/* Has a store read all that was sent, now that the sender is gone? */
static bool
is_read(const struct event_source *s)
{
	char byte;

	return recv(s->fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void
drop_oldest_ended(void)
{
	struct event_source *s;

	TAILQ_FOREACH (s, &sources.all, next) {
		if (s->ended) {
			drop(s);
			return;
		}
	}
}

void
event_source_close(struct event_source **sp)
{
	struct event_source *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	/* The store that has it may die before it has read it. */
	if (is_read(s)) {
		drop(s);
		return;
	}
	s->ended = true;
	if (++sources.ended > ENDED_MAX)
		drop_oldest_ended();
}

void
event_sources_look(void)
{
	struct event_source *s, *next;

	if (sources.ended == 0)
		return;
	TAILQ_FOREACH_SAFE (s, &sources.all, next, next)
		if (s->ended && is_read(s))
			drop(s);
}

void
event_sources_attach(struct child *store)
{
	struct event_source *s;

	sources.store = store;
	if (store == NULL)
		return;
	TAILQ_FOREACH (s, &sources.all, next)
		tell(s);
}

void
event_sources_free(void)
{
	struct event_source *s;

	while ((s = TAILQ_FIRST(&sources.all)) != NULL)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		drop(s);
	sources.store = NULL;
}
