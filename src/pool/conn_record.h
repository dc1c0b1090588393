/*
 * conn_record: what a connection of a listener with record_connections tells
 * the store: connection.opened, and connection.closed with what it carried.
 */
#ifndef MERCURY_POOL_CONN_RECORD_H
#define MERCURY_POOL_CONN_RECORD_H

#include "common/conn_end.h"

struct conn;
struct conn_record;

/*
 * c has come. Returns what is kept for its end, or NULL when there is no
 * store, or no memory: it is not recorded then.
 */
struct conn_record *conn_record_open(const struct conn *c);

/* c ends. Frees *r and nulls it; NULL is fine. */
void conn_record_close(struct conn_record **r, const struct conn *c,
    enum conn_end);

#endif /* MERCURY_POOL_CONN_RECORD_H */
