/*
 * bind: the listening sockets of a listener. No lookups, nothing waits.
 */
#ifndef MERCURY_SUPERVISOR_BIND_H
#define MERCURY_SUPERVISOR_BIND_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/spec.h"

/*
 * Bind and listen on n TCP sockets that share the spec's address and port
 * (SO_REUSEPORT). A port that anybody else listens on is an error, also when
 * that one used SO_REUSEPORT. Sets fds[0..n-1], *port to the bound port and
 * address to the bound address. Returns 0, or -1 with *err and no socket.
 */
int bind_tcp(const struct listener_spec *, unsigned int n, int *fds,
    uint16_t *port, char address[static SPEC_ADDRESS_SIZE], struct err *err);

/*
 * Bind one TCP socket to a numeric address and a port (0: the kernel chooses),
 * and listen with so long a queue; 0: do not listen, for it is a port of
 * checks (check_port.h). Returns it, or -1 with *err.
 */
int bind_plain(const char *address, uint16_t port, int backlog,
    struct err *err);

/*
 * Bind and listen on n more TCP sockets beside those of bind_tcp(); address
 * is the one that it gave, and the spec has the port. Returns 0, or -1 with
 * *err and no socket.
 */
int bind_tcp_join(const struct listener_spec *, const char *address,
    unsigned int n, int *fds, struct err *err);

/*
 * Apply what an update can change: backlog, nodelay, keepalive. Accepted
 * sockets inherit the options, so workers need no system call for them.
 * Returns 0, or -1 with *err.
 */
int bind_apply(const struct listener_spec *, int fd, struct err *err);

#endif /* MERCURY_SUPERVISOR_BIND_H */
