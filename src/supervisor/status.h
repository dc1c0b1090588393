/* status: what runs now, written into a snapshot (common/snapshot.h). */
#ifndef MERCURY_SUPERVISOR_STATUS_H
#define MERCURY_SUPERVISOR_STATUS_H

#include "common/err.h"

/*
 * The daemon and all listeners with their workers, or only the one named.
 * Returns a sealed memfd that the caller owns, or -1 with *err.
 */
int status_snapshot(const char *name, struct err *err);

/* The daemon and all processes. The same. */
int status_tree(struct err *err);

#endif /* MERCURY_SUPERVISOR_STATUS_H */
