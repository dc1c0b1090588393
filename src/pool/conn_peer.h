/* conn_peer: who is at the other end of a connection, as text. */
#ifndef MERCURY_POOL_CONN_PEER_H
#define MERCURY_POOL_CONN_PEER_H

#include <stdint.h>

struct conn;

#define CONN_PEER_SIZE 64 /* "[v6 address]:port" and NUL */

/*
 * Whose connection it is: as a proxy says, or the socket's peer. Empty when
 * there is no address (a Unix socket), or no peer any more.
 */
void conn_peer(const struct conn *, char out[static CONN_PEER_SIZE]);

/* The peer of a socket, whatever a proxy says. */
void conn_peer_socket(int fd, char out[static CONN_PEER_SIZE]);

/* The process at the other end of a Unix socket; 0: not known. */
uint32_t conn_peer_pid(int fd);

#endif /* MERCURY_POOL_CONN_PEER_H */
