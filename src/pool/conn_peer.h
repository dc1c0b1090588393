/* conn_peer: who is at the other end of a connection. */
#ifndef MERCURY_POOL_CONN_PEER_H
#define MERCURY_POOL_CONN_PEER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/trace_wire.h"

struct conn;
union addr;

#define CONN_PEER_SIZE 64 /* "[v6 address]:port" and NUL */

/*
 * The socket's peer, as accept(2) has told it: the kernel forgets it when the
 * connection is reset.
 */
void conn_peer_set(struct conn *, const union addr *);

/*
 * Whose connection it is: as a proxy says, or the socket's peer. Empty when
 * there is no address (a Unix socket).
 */
void conn_peer(const struct conn *, char out[static CONN_PEER_SIZE]);

/* The socket's peer, whatever a proxy says. */
void conn_peer_socket(const struct conn *, char out[static CONN_PEER_SIZE]);

/* As conn_peer(): its bytes (addr_bytes()). Returns false if there is none. */
bool conn_peer_address(const struct conn *, uint8_t out[static 16]);

/*
 * The addresses of both ends of c, as a proxy says, or those of its socket;
 * all zero: it has none, as with a Unix socket.
 */
void conn_addresses(const struct conn *c, struct trace_address *peer,
    struct trace_address *local);

/* The process at the other end of a Unix socket; 0: not known. */
uint32_t conn_peer_pid(int fd);

#endif /* MERCURY_POOL_CONN_PEER_H */
