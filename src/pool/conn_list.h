/*
 * conn_list: the open connections of one listener in this worker, and what
 * they have in common. A connection's state is the list that it is in.
 */
#ifndef MERCURY_POOL_CONN_LIST_H
#define MERCURY_POOL_CONN_LIST_H

#include <sys/queue.h>

#include <stdint.h>

#include "pool/conn.h"

struct event_base;
struct listener_spec;
struct protocol;
struct recorder;
struct scoreboard_entry;
struct slab;
struct transport;

/* What the end of a connection counts as. */
enum conn_list_phase {
	CONN_LIST_SERVING,
	CONN_LIST_DRAINING, /* it finished in time */
	CONN_LIST_CUTTING   /* it did not */
};

/* Everything that it points to is borrowed. */
struct conn_list {
	LIST_HEAD(, conn) by_state[CONN_STATE_COUNT];
	uint32_t open; /* in all states */
	enum conn_list_phase phase;
	struct event_base *base;
	const struct transport *transport;
	const struct protocol *protocol;
	struct scoreboard_entry *board;
	struct slab *slab; /* of struct conn with the protocol's state */
	struct recorder *recorder;
	const struct listener_spec *spec;
	/* Called when the last one has ended while draining; may free us. */
	void (*emptied)(void *ctx);
	void *ctx;
};

/* Count a new connection in, in CONN_OPEN. The list owns it from now on. */
void conn_list_insert(struct conn_list *, struct conn *);

/* Move it to another state. */
void conn_list_move(struct conn *, enum conn_state);

/* Count it out and free it; its descriptor is closed already. */
void conn_list_remove(struct conn *);

/*
 * From now on an end counts as drained. Does not call emptied(), so look at
 * open first.
 */
void conn_list_drain(struct conn_list *);

/* End all now; does not call emptied(). */
void conn_list_cut(struct conn_list *);

#endif /* MERCURY_POOL_CONN_LIST_H */
