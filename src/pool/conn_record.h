/*
 * conn_record: what a connection of a listener with record_connections tells
 * the store: connection.opened, and connection.closed with what it carried.
 */
#ifndef MERCURY_POOL_CONN_RECORD_H
#define MERCURY_POOL_CONN_RECORD_H

#include <stdint.h>

#include "common/conn_end.h"

struct conn;
struct conn_record;

/*
 * c has come; nothing is told yet, as it may turn out to be a probe. Returns
 * what is kept for its end, or NULL when there is no store, or no memory: it
 * is not recorded then.
 */
struct conn_record *conn_record_open(const struct conn *c);

/* It is no probe: tell that it has come. Nothing happens again; r may be NULL.
 */
void conn_record_tell(struct conn_record *r, const struct conn *c);

/*
 * When that is to be told at the latest, on CLOCK_MONOTONIC; UINT64_MAX when
 * it was told, or r is NULL.
 */
uint64_t conn_record_due_ms(const struct conn_record *r, const struct conn *c);

/* c ends. Frees *r and nulls it; NULL is fine. */
void conn_record_close(struct conn_record **r, const struct conn *c,
    enum conn_end);

/* It ends, and was a probe: tell nothing. Frees and nulls as above. */
void conn_record_drop(struct conn_record **r);

#endif /* MERCURY_POOL_CONN_RECORD_H */
