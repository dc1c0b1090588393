/*
 * workers: the channels to the workers of a listener, for the one call that
 * asks them, which owns them and ends them with itself.
 *
 * What a worker sends is not trusted: an answer is handed over whole, when it
 * is known to make sense, or not at all. A worker that breaks the protocol, is
 * gone or does not answer within 2 s is lost for the call.
 */
#ifndef MERCURY_CONTROL_WORKERS_H
#define MERCURY_CONTROL_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/ipc_msg.h"

struct event_base;
struct workers;

/* Who can be asked. Those of one listener are in the order of these three. */
struct worker {
	uint32_t slot;
	uint32_t generation;
	uint32_t pid;
};

/* What came of asking one. */
struct worker_answer {
	unsigned int index; /* which */
	bool lost;          /* it has not answered; the rest is not set */
	bool more;          /* as in struct msg_conn_done */
	uint64_t last_id;   /* behind it there may be more */
	const struct msg_conn_row *rows;       /* in the order of their ids */
	const struct msg_conn_detail *details; /* of those that are detailed */
	size_t count;
};

/* Called from the event loop; a may only be used meanwhile. */
typedef void (*workers_fn)(void *ctx, const struct worker_answer *a);

/*
 * None yet. fn may free them; ctx is borrowed for life. NULL when out of
 * memory.
 */
struct workers *workers_new(struct event_base *, workers_fn fn, void *ctx);

/*
 * One more, with an end (taken) of a channel to it. Only before the first is
 * asked. Returns 0, or -1 when out of memory or when there are too many.
 */
int workers_add(struct workers *, const struct msg_worker_link *, int fd);

/* All of them in their order, for life, once they are complete. */
const struct worker *workers_sorted(struct workers *, unsigned int *count);

/*
 * Ask one, which is not being asked, CONN_LIST or CONN_KICK: m, with
 * everything but the listener_id set. The answer always comes, from the loop.
 */
void workers_ask(struct workers *, unsigned int index, enum ipc_kind,
    const union ipc_payload *m);

/* Close all and free. Nulls *w; NULL is fine. */
void workers_free(struct workers **w);

#endif /* MERCURY_CONTROL_WORKERS_H */
