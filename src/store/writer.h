/*
 * writer: puts what waits in the queue into the database, a transaction at a
 * time, and brings the database back when something is wrong with it.
 *
 * Owns whether the database is open, its lock file and its ballast. Borrows
 * env, which names the database, and the queue.
 */
#ifndef MERCURY_STORE_WRITER_H
#define MERCURY_STORE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/ipc_msg.h"

struct queue;
struct store_env;
struct writer;

/* Each may be called from any call of this module but writer_new(). */
struct writer_handler {
	/* It is another one now; text is for people, empty with NONE. */
	void (*trouble)(void *ctx, enum store_trouble, const char *text);
	/* Rows were committed, and left the queue. */
	void (*written)(void *ctx);
	/* The database is about to be closed. */
	void (*closing)(void *ctx);
	/* Old events should go now: the disk is full. */
	void (*disk_full)(void *ctx);
};

/*
 * The database is opened from the event loop. handler and ctx are borrowed.
 * Returns NULL with *err.
 */
struct writer *writer_new(struct store_env *, struct queue *,
    const struct writer_handler *handler, void *ctx, struct err *err);

/* Something was put into the queue. */
void writer_wake(struct writer *);

/* Is a transaction due? */
bool writer_is_due(const struct writer *);

/* Somebody else's use of the database failed, as db->code says. */
void writer_failed(struct writer *);

/* To be called once a second: looks after the files, and tells the board. */
void writer_tick(struct writer *);

/*
 * Write now all that is in the queue; try again while it can't be written,
 * but not longer than patience_ms in a row. Returns whether it is empty.
 */
bool writer_flush(struct writer *, uint32_t patience_ms);

/* Another database is named: leave the old one, open that. */
void writer_move(struct writer *);

/* Empty the write-ahead log, close, and free. Nulls *w; NULL is fine. */
void writer_free(struct writer **w);

#endif /* MERCURY_STORE_WRITER_H */
