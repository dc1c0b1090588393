/*
 * pool: an acceptor-pool worker: does what the supervisor says over the
 * channel, until it says DRAIN or HAND_OVER, or is gone.
 */
#ifndef MERCURY_POOL_POOL_H
#define MERCURY_POOL_POOL_H

#include "common/spec.h"

struct protocol;

/*
 * Serve, with what is done with connections by enum protocol_id. Returns the
 * exit code of the process.
 */
int pool_run(const struct protocol *const protocols[static PROTOCOL_COUNT]);

#endif /* MERCURY_POOL_POOL_H */
