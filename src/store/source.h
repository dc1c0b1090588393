/*
 * source: the ways on which events come, one for each sender. All get the same
 * share, a datagram at a time, however much some of them send; and none is
 * read while the queue is full.
 *
 * Owns the descriptors; puts what it reads into the queue, which it borrows.
 */
#ifndef MERCURY_STORE_SOURCE_H
#define MERCURY_STORE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct queue;
struct sources;
struct store_env;

/* Called from the event loop, or from within sources_read_all(). */
struct sources_handler {
	void (*added)(void *ctx);    /* there is more in the queue */
	void (*all_gone)(void *ctx); /* the last one was closed by its sender */
};

/*
 * No source is there yet. env, queue, handler and ctx are borrowed. Returns
 * NULL with *err.
 */
struct sources *sources_new(struct store_env *, struct queue *,
    const struct sources_handler *handler, void *ctx, struct err *err);

/*
 * Read from fd (taken), the store's end of event_sink_pair(), which a worker
 * of that pool has, or the supervisor if it is empty. Returns 0, or -1 with
 * *err, fd closed.
 */
int sources_add(struct sources *, int fd, const char *pool, struct err *err);

/* The queue has room again. */
void sources_resume(struct sources *);

/*
 * Read now, until the queue is full. Returns whether all that was sent has
 * been read. From the first call on no more is read of a source than it can
 * have held then.
 */
bool sources_read_all(struct sources *);

/* How many are there? */
unsigned int sources_count(const struct sources *);

/* Close all and free. Nulls *s; NULL is fine. */
void sources_free(struct sources **s);

#endif /* MERCURY_STORE_SOURCE_H */
