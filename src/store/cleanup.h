/*
 * cleanup: the job that prunes the database (prune.h): soon after the start,
 * then every cleanup_every, give or take a tenth, when somebody asks for it,
 * and when the disk is full.
 *
 * Recording goes first: between two slices the loop turns, and the job
 * stands back while events wait. Each run that deletes is told of with a
 * cleanup.completed event.
 *
 * Owned by the store (store.h); one for the life of the process.
 */
#ifndef MERCURY_STORE_CLEANUP_H
#define MERCURY_STORE_CLEANUP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/snapshot.h"

struct cleanup;
struct store_env;

/* Exactly one of result and err is not NULL. */
typedef void (*cleanup_done_fn)(void *ctx, uint32_t request,
    const struct snapshot_cleanup *result, const struct err *err);

/* A run by hand. */
struct cleanup_request {
	uint64_t older_than_ms; /* 0: as the job does */
	bool dry_run;           /* count only */
	uint32_t request;       /* for done */
	cleanup_done_fn done;   /* from the event loop */
	void *ctx;
};

/*
 * The first run is armed. env is borrowed until cleanup_free(). Returns NULL
 * with *err.
 */
struct cleanup *cleanup_new(struct store_env *env, struct err *err);

/* A run by hand, as soon as none is going on. Returns 0, or -1 with *err when
 * another one by hand is waiting already. */
int cleanup_start(struct cleanup *, const struct cleanup_request *,
    struct err *err);

/* Call none of the done functions that have this ctx; the runs go on. */
void cleanup_forget(struct cleanup *, const void *ctx);

/*
 * The disk is full: run at once, without standing back. The caller sees to it
 * that this is not asked for again and again when it frees nothing.
 */
void cleanup_now(struct cleanup *);

/* The settings have changed. */
void cleanup_reschedule(struct cleanup *);

/*
 * The database was closed: what is going on begins again when there is one. It
 * may be called from within env->failed().
 */
void cleanup_db_closed(struct cleanup *);

/* Nulls *c; NULL is fine. No done function is called. */
void cleanup_free(struct cleanup **c);

#endif /* MERCURY_STORE_CLEANUP_H */
