/*
 * calls: the requests of clients that wait for an answer, of the supervisor,
 * of the store or of workers: which answer belongs to which, and what comes
 * next.
 */
#ifndef MERCURY_CONTROL_CALLS_H
#define MERCURY_CONTROL_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ipc_msg.h"

struct calls;
struct channel;
struct client;
struct event_base;
struct followers;
struct rpc_request;
struct store_link;
struct traces;

/* What calls need; all of it is borrowed for life. */
struct calls_env {
	struct event_base *base;
	struct channel *supervisor;
	struct store_link *store;
	struct followers *followers;
	struct traces *traces;
	const char *state_dir; /* where saved listeners are */
};

/* NULL when out of memory. */
struct calls *calls_new(const struct calls_env *);

/* Begin with a request of a client; it is answered now or later. */
void calls_start(struct calls *, struct client *, const struct rpc_request *);

/*
 * The answer of from (ROLE_SUPERVISOR or ROLE_STORE) to one of them; fd is
 * borrowed. One that nobody waits for is ignored.
 */
void calls_reply(struct calls *, enum role from, struct msg_reply *);
void calls_snapshot(struct calls *, enum role from, uint32_t request, int fd);

/*
 * A value that the snapshot which follows refers to; takes *fd, and sets it to
 * -1. Returns 0, or -1 with *err when it makes no sense.
 */
int calls_bulk(struct calls *, const struct msg_bulk *, int *fd, struct err *);

/* A worker that one of them can ask; fd (taken) leads to it. */
void calls_worker_link(struct calls *, const struct msg_worker_link *, int fd);

/* The trace that one of them has begun is armed, or has no client. */
void calls_armed(struct calls *, uint32_t request);

/* This client is about to go; what it asked for is done nevertheless. */
void calls_gone(struct calls *, struct client *);

/* Ask another store what was not answered; or there is none any more. */
void calls_store_up(struct calls *);
void calls_store_down(struct calls *);

/* Fail all that is left and free. Nulls *c; NULL is fine. */
void calls_free(struct calls **c);

#endif /* MERCURY_CONTROL_CALLS_H */
