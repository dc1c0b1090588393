/*
 * pool: an acceptor-pool worker: does what the supervisor says over the
 * channel, until it says DRAIN or HAND_OVER, or is gone.
 */
#ifndef MERCURY_POOL_POOL_H
#define MERCURY_POOL_POOL_H

/* Serve. Returns the exit code of the process. */
int pool_run(void);

#endif /* MERCURY_POOL_POOL_H */
