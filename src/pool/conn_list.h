/*
 * conn_list: the open connections of one listener in this worker, in the
 * order in which they came, and what they have in common.
 */
#ifndef MERCURY_POOL_CONN_LIST_H
#define MERCURY_POOL_CONN_LIST_H

#include <sys/queue.h>

#include <stdint.h>

#include "pool/conn.h"
#include "pool/folds.h"
#include "pool/rules.h"

struct gate;
struct listener_spec;
struct protocol;
struct protocol_use;
struct scoreboard_entry;
struct slab;
struct tls_context;
struct traced;
struct transport;
struct worker;

/* What the end of a connection counts as. */
enum conn_list_phase {
	CONN_LIST_SERVING,
	CONN_LIST_DRAINING, /* it finished in time */
	CONN_LIST_CUTTING   /* it did not */
};

/* Everything that it points to is borrowed. */
struct conn_list {
	TAILQ_HEAD(, conn) all; /* the oldest first */
	uint32_t open;
	enum conn_list_phase phase;
	struct worker *worker;
	const struct transport *transport;
	struct tls_context *tls; /* NULL: it is not TLS */
	const struct protocol *protocol;
	struct protocol_use *use; /* of one that takes bytes; else NULL */
	void *context;            /* the protocol's own */
	uint32_t max_inside; /* what it can bear over all workers; 0: any */
	struct scoreboard_entry *board;
	struct gate *gate;
	struct folds folds;
	struct rules rules;
	struct traced *traced; /* trace.h; NULL: nobody looks */
	struct slab *slab;     /* of struct conn with the protocol's state */
	const struct listener_spec *spec;
	/* Called when the last one has ended while draining; may free us. */
	void (*emptied)(void *ctx);
	void *ctx;
};

/* Count a new connection in. The list owns it from now on. */
void conn_list_insert(struct conn_list *, struct conn *);

/* Count it out and free it; its descriptor is closed already. */
void conn_list_remove(struct conn *, enum conn_end);

/* The first behind after_id, in the order in which they came; or NULL. */
struct conn *conn_list_behind(const struct conn_list *, uint64_t after_id);

/* The one with this id, or NULL. */
struct conn *conn_list_find(const struct conn_list *, uint64_t id);

/* The listener's timeouts have changed. */
void conn_list_watch(struct conn_list *);

/*
 * From now on an end counts as drained. Does not call emptied(), so look at
 * open first.
 */
void conn_list_drain(struct conn_list *);

/* End all now; does not call emptied(). */
void conn_list_cut(struct conn_list *);

#endif /* MERCURY_POOL_CONN_LIST_H */
