/* bind_backoff: how long to wait before a place is tried again. Pure. */
#ifndef MERCURY_SUPERVISOR_BIND_BACKOFF_H
#define MERCURY_SUPERVISOR_BIND_BACKOFF_H

#include <stdint.h>

#include "common/spec.h"

/*
 * Milliseconds to wait after so many failed attempts to bind (0 counts as
 * 1): bind_backoff doubled for each after the first, up to bind_backoff_max;
 * then up to 10% less or more, as random says, which is any number of 32
 * bits, so that listeners that failed together don't come back together.
 * Never 0.
 */
uint32_t bind_backoff_ms(const struct listener_spec *, unsigned int failed,
    uint32_t random);

#endif /* MERCURY_SUPERVISOR_BIND_BACKOFF_H */
