/*
 * itself: finds connections that lead nowhere. Who connects to a port of this
 * machine where nobody listens may be given that very port by the kernel; then
 * the socket is connected to itself, and keeps the port from who is to listen.
 */
#ifndef MERCURY_PROXY_ITSELF_H
#define MERCURY_PROXY_ITSELF_H

#include <stdbool.h>
#include <stdint.h>

/* Is this socket, which was connected to port (0: to none), its own peer? */
bool itself_is(int fd, uint16_t port);

#endif /* MERCURY_PROXY_ITSELF_H */
