/*
 * endpoint: the worker's side of a listener: the sockets that it accepts on,
 * and the connections, which may outlive the sockets while they drain.
 *
 * Owned by the table in pool.c.
 */
#ifndef MERCURY_POOL_ENDPOINT_H
#define MERCURY_POOL_ENDPOINT_H

#include <sys/queue.h>
#include <sys/tree.h>

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/ipc_msg.h"
#include "common/spec.h"
#include "common/ticket_keys.h"
#include "pool/acceptor.h"
#include "pool/conn_list.h"
#include "pool/slab.h"

struct event;
struct worker;

struct endpoint {
	RB_ENTRY(endpoint) by_id;
	uint64_t id; /* listener_id */
	struct worker *worker;
	struct listener_spec spec;
	SLIST_HEAD(, acceptor) acceptors;
	struct conn_list conns;
	struct slab own;    /* of connections with more state than others */
	struct event *cut;  /* the deadline's timer; NULL unless draining */
	uint64_t cut_at_ms; /* CLOCK_MONOTONIC */
	bool handed_over;   /* nobody waits to hear that it has drained */
	struct ticket_keys keys; /* of TLS; count 0: none have come */
};

/*
 * Make the endpoint of a listener, without a socket, and claim its entry in
 * the scoreboard. The worker is borrowed; values are those that the spec
 * refers to: they are held where they are needed. Returns NULL with *err:
 * with ERR_INTERNAL the message makes no sense, else it can't be served.
 */
struct endpoint *endpoint_new(struct worker *, const struct msg_listen *,
    const struct bulks *values, struct err *err);

/*
 * Accept on the socket of one more slot; of one that we have, keep what we
 * have. Takes fd, also when it fails. Returns 0, or -1 with *err.
 */
int endpoint_listen(struct endpoint *, int fd, uint32_t slot, struct err *err);

/* Stop accepting on a slot whose socket others serve on. */
void endpoint_release(struct endpoint *, uint32_t slot);

/*
 * A new spec, for what can change while it listens, and its values. Returns 0,
 * or -1 with *err, and nothing has changed.
 */
int endpoint_update(struct endpoint *, const struct listener_spec *,
    const struct bulks *values, struct err *err);

/* What TLS encrypts its tickets with from now on. */
void endpoint_set_tickets(struct endpoint *, const struct ticket_keys *);

/*
 * Accept who waits, unless others do that (keep_queue), then close our side
 * of all sockets. endpoint_listen() may follow.
 */
void endpoint_stop(struct endpoint *, bool keep_queue);

/*
 * After endpoint_stop(): let the connections end until deadline_ms, cut what
 * is left, then call worker->drained(), which may be at once. Of several
 * deadlines the earliest counts.
 */
void endpoint_drain(struct endpoint *, uint64_t deadline_ms);

/* Is it draining? */
bool endpoint_is_draining(const struct endpoint *);

/* Free it; it has no connections any more. Nulls *e. */
void endpoint_free(struct endpoint **e);

#endif /* MERCURY_POOL_ENDPOINT_H */
