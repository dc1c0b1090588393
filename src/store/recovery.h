/*
 * recovery: sets a corrupt database aside, under a name with the time, so
 * that a new one can be begun. Nothing is ever deleted.
 */
#ifndef MERCURY_STORE_RECOVERY_H
#define MERCURY_STORE_RECOVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* More within that time, and it is the disk that is bad: leave it alone. */
#define RECOVERY_MAX 3u
#define RECOVERY_WINDOW_MS (10u * 60u * 1000u)

/* When it was done last. Zeroed: never. */
struct recovery {
	uint64_t at_ms[RECOVERY_MAX]; /* CLOCK_MONOTONIC; 0: not yet */
};

/* May it be done once more? If so, it counts. Pure. */
bool recovery_may(struct recovery *, uint64_t now_ms);

/*
 * Rename the database at path (closed by us) to PATH.corrupt-TIME, its
 * write-ahead log with it. name gets the new name, without its folder.
 * Returns 0, or -1 with *err.
 */
#define RECOVERY_NAME_SIZE 320
int recovery_set_aside(const char *path, char name[static RECOVERY_NAME_SIZE],
    struct err *err);

#endif /* MERCURY_STORE_RECOVERY_H */
