/* conn_peer: who is at the other end of a connection, as text. */
#ifndef MERCURY_POOL_CONN_PEER_H
#define MERCURY_POOL_CONN_PEER_H

#include <stdint.h>

#define CONN_PEER_SIZE 64 /* "[v6 address]:port" and NUL */

/* Empty when fd has no address (a Unix socket), or no peer any more. */
void conn_peer(int fd, char out[static CONN_PEER_SIZE]);

/* The process at the other end of a Unix socket; 0: not known. */
uint32_t conn_peer_pid(int fd);

#endif /* MERCURY_POOL_CONN_PEER_H */
