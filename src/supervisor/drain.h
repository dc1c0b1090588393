/*
 * drain: an operator takes the daemon, or a listener, out of a load
 * balancer's rotation: it is not ready, and serves as before. A listener
 * stays drained over reloads and restarts.
 */
#ifndef MERCURY_SUPERVISOR_DRAIN_H
#define MERCURY_SUPERVISOR_DRAIN_H

#include <stdbool.h>

#include "common/err.h"

struct listener;

/* Is the daemon drained? */
bool drain_is_on(void);

/* Drain the daemon, or end that. Twice is as once. */
void drain_daemon(bool on);

/*
 * Drain one listener, or end that. Twice is as once. Returns 0, or -1 with
 * *err for one that is being removed.
 */
int drain_listener(struct listener *, bool on, struct err *err);

#endif /* MERCURY_SUPERVISOR_DRAIN_H */
