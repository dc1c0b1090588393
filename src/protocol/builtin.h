/*
 * builtin: the protocols that take bytes and are built in. They are written as
 * a module would be, against <mercury/protocol.h> alone.
 */
#ifndef MERCURY_PROTOCOL_BUILTIN_H
#define MERCURY_PROTOCOL_BUILTIN_H

#include <mercury/protocol.h>

/* Sends back what comes. */
extern const struct mercury_protocol builtin_echo;

/* Takes what comes, and says nothing. */
extern const struct mercury_protocol builtin_discard;

#endif /* MERCURY_PROTOCOL_BUILTIN_H */
