/*
 * check_port: a TCP port that accepts only while something is ready, for load
 * balancers that can but connect. Its socket stays bound all the time, so
 * that nobody else gets the port; open, it listens.
 *
 * The port has to be one that was asked for: of one that the kernel chose
 * (0) nobody would know after it was closed.
 *
 * Whoever has the descriptor opens and closes it for all that have it. Pure,
 * but for the socket.
 */
#ifndef MERCURY_COMMON_CHECK_PORT_H
#define MERCURY_COMMON_CHECK_PORT_H

/*
 * Let it accept; so many may wait. Returns 0, or -1 with errno. An open one
 * stays as it is.
 */
int check_port_open(int fd, int backlog);

/*
 * Refuse from now on; who waits is reset. A closed one stays as it is.
 * Returns 0, or -1 with errno: then another process may take the port.
 */
int check_port_close(int fd);

/*
 * Close it for good: others may have the port, though somebody may have the
 * descriptor still. Who waits is reset.
 */
void check_port_leave(int fd);

#endif /* MERCURY_COMMON_CHECK_PORT_H */
