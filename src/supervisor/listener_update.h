/* listener_update: what can change of a listener while it serves. */
#ifndef MERCURY_SUPERVISOR_LISTENER_UPDATE_H
#define MERCURY_SUPERVISOR_LISTENER_UPDATE_H

#include "common/err.h"
#include "common/wanted.h"

struct listener;

/*
 * Change those of set that can change without new sockets; all or nothing.
 * Returns 0, or -1 with *err.
 */
int listener_update(struct listener *, const struct wanted *, option_set set,
    struct err *);

/* Its next workers get this spec, and its values. */
void listener_take_spec(struct listener *, const struct wanted *);

/* Its certificates were read anew, and its section is still the same. */
void listener_take_tls(struct listener *, const struct wanted *);

#endif /* MERCURY_SUPERVISOR_LISTENER_UPDATE_H */
