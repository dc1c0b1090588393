/*
 * pump: copies between a connection whose bytes only this worker can read and
 * write (TLS, or some came behind a PROXY header) and a program, over a
 * socketpair. Both ways are of their own: each stops reading while its reader
 * is slow, and ends when its writer has finished. It has no buffer but for what
 * a slow reader has left.
 *
 * Owned by the exec state of its connection, whose calls it ends with.
 */
#ifndef MERCURY_EXEC_PUMP_H
#define MERCURY_EXEC_PUMP_H

#include <stddef.h>
#include <stdint.h>

#include "common/conn_end.h"

struct conn;
struct pump;

/*
 * Make one for the connection, polled by it for input from now on. *end is
 * the program's, blocking; the caller closes it. Returns NULL when out of
 * memory or descriptors.
 */
struct pump *pump_new(struct conn *, int *end);

/* Bytes that have come already; borrowed. Returns 0, or -1: out of memory. */
int pump_feed(struct pump *, const uint8_t *data, size_t len);

/*
 * The program has ended: send the peer what it has left, finish, and then
 * close the connection, for which end is given. It may be gone after.
 */
void pump_finish(struct pump *, enum conn_end end);

/* The connection's ready() and timer(). It may be gone after. */
void pump_ready(struct pump *);
void pump_timer(struct pump *);

/* Nulls *p; NULL is fine. */
void pump_free(struct pump **p);

#endif /* MERCURY_EXEC_PUMP_H */
