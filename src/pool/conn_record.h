/*
 * conn_record: what a connection of a listener with record_connections tells
 * the store: connection.opened, and connection.closed with what it carried.
 */
#ifndef MERCURY_POOL_CONN_RECORD_H
#define MERCURY_POOL_CONN_RECORD_H

#include <stdbool.h>
#include <stdint.h>

struct event_sink;

/* One for the whole worker. */
struct recorder {
	struct event_sink *sink; /* NULL: there is no store */
	uint32_t nonce;          /* 0: not drawn yet; part of each id */
	uint64_t count;          /* of connections recorded */
};

/* Of one connection; made and freed by the calls below. */
struct conn_record {
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t opened_ms; /* CLOCK_MONOTONIC */
	char id[32];        /* unique, over restarts too */
	char peer[64];      /* empty: it has no address */
};

/*
 * A connection of listener has come as the socket fd. Returns its record, or
 * NULL when there is no store, or no memory: it is not recorded then.
 */
struct conn_record *conn_record_open(struct recorder *, const char *listener,
    int fd);

/* It has ended; why is one word. Frees *r and nulls it; NULL is fine. */
void conn_record_close(struct conn_record **r, struct recorder *,
    const char *listener, const char *why);

#endif /* MERCURY_POOL_CONN_RECORD_H */
