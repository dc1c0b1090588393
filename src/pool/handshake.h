/*
 * handshake: what a connection does before it is open: it reads the PROXY
 * header, if its listener wants one. Only then the protocol hears of it.
 *
 * It is over by handshake_timeout (timeouts.h).
 */
#ifndef MERCURY_POOL_HANDSHAKE_H
#define MERCURY_POOL_HANDSHAKE_H

#include <stdbool.h>

#include "common/conn_end.h"

struct conn;
struct conn_list;
struct handshake;

/* Do new connections of the listener begin with one? */
bool handshake_is_wanted(const struct conn_list *);

/*
 * Begin it, for a connection that is in its list and polled for input. Returns
 * 0, or -1 when out of memory.
 */
int handshake_begin(struct conn *);

/* The socket is readable. Ends with conn_begin(), or the connection's end. */
void handshake_go_on(struct conn *);

/*
 * It won't succeed: count and tell that, and close the connection, which is
 * freed. why is for the log, and may be NULL.
 */
void handshake_fail(struct conn *, enum conn_end, const char *why);

/* Free *h and null it; NULL is fine. */
void handshake_free(struct handshake **h);

#endif /* MERCURY_POOL_HANDSHAKE_H */
