/* status: what runs now, written into a snapshot (common/snapshot.h). */
#ifndef MERCURY_SUPERVISOR_STATUS_H
#define MERCURY_SUPERVISOR_STATUS_H

#include <stdint.h>

#include "common/err.h"

/*
 * The daemon and all listeners with their workers, or only the one named.
 * Returns a sealed memfd that the caller owns, or -1 with *err.
 */
int status_snapshot(const char *name, struct err *err);

/* The daemon and all processes. The same. */
int status_tree(struct err *err);

/*
 * The history of a listener and of its workers, or of all (name empty); how
 * often workers failed within the last window_ms. The same.
 */
int status_history(const char *name, struct err *err);
int status_failures(const char *name, uint32_t window_ms, struct err *err);

#endif /* MERCURY_SUPERVISOR_STATUS_H */
