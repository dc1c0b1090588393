/*
 * handshake: what a connection does before it is open: it reads the PROXY
 * header, then shakes hands over TLS, each if its listener wants that. Only
 * then the protocol hears of it.
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
 * Begin it, for a connection that is in its list and polled for input, which
 * it may end.
 */
void handshake_begin(struct conn *);

/*
 * The socket is ready. Ends with conn_begin(), or with the end of the
 * connection.
 */
void handshake_go_on(struct conn *);

/*
 * It won't succeed: count and tell that, and close the connection, which is
 * freed. reason is the word for events, why is for the log; NULL: that of end.
 */
void handshake_fail(struct conn *, enum conn_end, const char *reason,
    const char *why);

/*
 * The peer closed or reset the connection: a failure, unless it never said a
 * word. The connection is freed.
 */
void handshake_lose_peer(struct conn *, enum conn_end);

/* Free that of the connection, if it has one. */
void handshake_free(struct conn *);

#endif /* MERCURY_POOL_HANDSHAKE_H */
