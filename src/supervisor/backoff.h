/* backoff: how long to wait before a child that died is started again. */
#ifndef MERCURY_SUPERVISOR_BACKOFF_H
#define MERCURY_SUPERVISOR_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 10u
#define BACKOFF_MAX_MS 1000u

/* A run of this length is healthy: what failed before is forgotten. */
#define BACKOFF_HEALTHY_MS 1000u

/*
 * Milliseconds to wait after so many failures in a row: none after the
 * first, then BACKOFF_FIRST_MS doubled each time up to BACKOFF_MAX_MS.
 */
uint32_t backoff_ms(unsigned int failures);

#endif /* MERCURY_SUPERVISOR_BACKOFF_H */
