/*
 * limits: may one more connection of a listener be accepted now? Those are
 * max_connections and accept_rate, over all workers (gate.h).
 */
#ifndef MERCURY_POOL_LIMITS_H
#define MERCURY_POOL_LIMITS_H

#include <stdint.h>

struct conn_list;

enum limit {
	LIMIT_PASS,   /* a place and a token are taken */
	LIMIT_WAIT,   /* not now: others may wait in the queue */
	LIMIT_REJECT, /* too many, and they shall not wait */
};

/*
 * Before a connection is accepted. *wait_ms is set with LIMIT_WAIT: look
 * again then.
 */
enum limit limits_enter(struct conn_list *, uint32_t *wait_ms);

/* The same for one that waits on a socket that closes: it can't wait. */
enum limit limits_enter_last(struct conn_list *);

/* Nobody came: give place and token back. */
void limits_return(struct conn_list *);

/* A connection has ended: its place is free. */
void limits_leave(struct conn_list *);

#endif /* MERCURY_POOL_LIMITS_H */
