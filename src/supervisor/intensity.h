/*
 * intensity: how many restarts are tolerated in how long. Pure.
 *
 * OTP's rule (supervisor's MaxR and MaxT): a restart exceeds it if more than
 * max_restarts, this one included, lie within the last max_seconds. Both ends
 * of that window count.
 */
#ifndef MERCURY_SUPERVISOR_INTENSITY_H
#define MERCURY_SUPERVISOR_INTENSITY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

/*
 * One full of zeros, as intensity_free() leaves it, is valid: its limits are
 * 0, so that every restart exceeds them.
 */
/* As many as an option may say: a ring of them is made at once. */
#define INTENSITY_RESTARTS_MAX 100000u

struct intensity {
	uint32_t max_restarts;
	uint32_t max_seconds;
	uint32_t size;      /* of the ring: max_restarts + 1 */
	uint32_t count;     /* entries in use, at most size */
	uint32_t next;      /* where the next one goes */
	uint64_t *times_ms; /* a ring of the last restarts */
};

/*
 * Allocates all that it will ever need; free it with intensity_free().
 * Returns 0, or -1 with *err: then it is full of zeros. max_restarts 0: the
 * first restart exceeds it; more than INTENSITY_RESTARTS_MAX is an error.
 */
int intensity_init(struct intensity *, uint32_t max_restarts,
    uint32_t max_seconds, struct err *err);

/*
 * Count a restart at now_ms of a monotonic clock. Returns true if it is one
 * too many. It is counted in any case.
 */
bool intensity_exceeded(struct intensity *, uint64_t now_ms);

/*
 * Change the limits and keep what was counted. Returns 0, or -1 with *err:
 * then nothing has changed.
 */
int intensity_configure(struct intensity *, uint32_t max_restarts,
    uint32_t max_seconds, struct err *err);

/* Forget what was counted. */
void intensity_clear(struct intensity *);

void intensity_free(struct intensity *);

#endif /* MERCURY_SUPERVISOR_INTENSITY_H */
