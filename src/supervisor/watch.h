/*
 * watch: looks whether the event loops of the workers turn. One that does not
 * is stuck: its siblings adopt its slots; for longer than hang_timeout, it
 * hangs: it is killed and replaced.
 */
#ifndef MERCURY_SUPERVISOR_WATCH_H
#define MERCURY_SUPERVISOR_WATCH_H

#include <stdint.h>

#include "common/err.h"

struct crew;
struct event_base;

/* Begin to look. base is borrowed. Returns 0, or -1 with *err. */
int watch_start(struct event_base *base, struct err *err);
void watch_stop(void);

/* How often a worker of this crew must say that its loop turns. */
uint32_t watch_heartbeat_ms(const struct crew *);

#endif /* MERCURY_SUPERVISOR_WATCH_H */
