/*
 * timeouts: ends connections whose handshake takes too long, that were idle,
 * or open, for too long (handshake_timeout, idle_timeout, max_lifetime), and
 * has it told of those that can't be probes any more (conn_record.h).
 *
 * One for the whole worker. A message costs nothing here but the time that
 * the connection notes anyway; a listener without timeouts costs nothing.
 */
#ifndef MERCURY_POOL_TIMEOUTS_H
#define MERCURY_POOL_TIMEOUTS_H

#include "pool/wheel.h"

struct conn;
struct event;
struct event_base;

/* One that is zeroed is ready. */
struct timeouts {
	struct wheel wheel;
	struct event *turn; /* NULL until it is needed */
};

/*
 * A connection has come, or its listener's timeouts have changed. Without
 * memory it has none.
 */
void timeouts_watch(struct timeouts *, struct conn *);

/* It ends. */
void timeouts_forget(struct timeouts *, struct conn *);

/*
 * When a connection is due on CLOCK_MONOTONIC; UINT64_MAX: never. Of
 * max_lifetime, up to a tenth is taken off by its id, so that a fleet that
 * came at once does not go at once. For tests.
 */
uint64_t timeouts_due_ms(const struct conn *);

/* Free; no connection is left. */
void timeouts_clear(struct timeouts *);

#endif /* MERCURY_POOL_TIMEOUTS_H */
