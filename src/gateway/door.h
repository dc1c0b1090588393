/*
 * door: a listening socket whose connections go to somebody. It accepts a
 * bounded number a turn, and rests for a moment when a resource is used up.
 */
#ifndef MERCURY_GATEWAY_DOOR_H
#define MERCURY_GATEWAY_DOOR_H

#include <stdbool.h>

struct door;
struct err;
struct event_base;

/* Somebody has come: takes fd, which does not block. Must not free the door. */
typedef void door_fn(void *ctx, int fd);

/*
 * Accept on fd, which listens and is borrowed until door_free(), as ctx is.
 * NULL with *err.
 */
struct door *door_new(struct event_base *, int fd, door_fn *entered, void *ctx,
    struct err *err);

/* Has somebody else ended its listening? Then nobody comes any more. */
bool door_is_shut(const struct door *);

/* Accept at once who waits, as far as it is a sensible number. */
void door_empty(struct door *);

/* Accept no more. Nulls *d; NULL is fine. */
void door_free(struct door **d);

#endif /* MERCURY_GATEWAY_DOOR_H */
