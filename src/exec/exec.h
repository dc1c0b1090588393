/*
 * exec: the protocol that starts a program for each connection, with the
 * socket as its stdin and stdout. The connection lasts until the program has
 * ended.
 */
#ifndef MERCURY_EXEC_EXEC_H
#define MERCURY_EXEC_EXEC_H

struct protocol;

extern const struct protocol protocol_exec;

#endif /* MERCURY_EXEC_EXEC_H */
