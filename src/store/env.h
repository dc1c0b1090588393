/*
 * env: what the parts of the store get of it. Owned by the store (store.h),
 * and as old as the process; the parts borrow it.
 */
#ifndef MERCURY_STORE_ENV_H
#define MERCURY_STORE_ENV_H

#include <stdbool.h>

#include "common/event.h"
#include "common/spec.h"
#include "common/store_board.h"

struct db;
struct epochs;
struct event_base;

struct store_env {
	struct event_base *base;
	struct db *db; /* may be closed, and open again, at any turn */
	struct store_board *board;
	struct store_settings settings;
	struct epochs *epochs;

	/* Do events wait to be committed? Then give way. */
	bool (*recording_waits)(void *ctx);
	/*
	 * A query or the job failed with this SQLite result code, which is
	 * db->code. The database may be closed when it returns.
	 */
	void (*failed)(void *ctx, int code);
	/* Record an event of the store's own (borrowed). at_ms 0: now. */
	void (*record)(void *ctx, const struct health_event *);
	void *ctx;
};

#endif /* MERCURY_STORE_ENV_H */
