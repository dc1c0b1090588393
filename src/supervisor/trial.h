/*
 * trial: asks a process of its own whether a listener could be served as it is
 * wanted, before anything changes: whether its module can be loaded, and takes
 * its options. What that does to the process is of no harm to any worker.
 */
#ifndef MERCURY_SUPERVISOR_TRIAL_H
#define MERCURY_SUPERVISOR_TRIAL_H

#include <stdbool.h>

#include "common/err.h"
#include "common/ipc_msg.h"
#include "common/wanted.h"

/* It could (err NULL), or not, and why. */
typedef void trial_fn(void *ctx, const struct err *err);

/*
 * Is there something to be tried: a module, which the listener of that name
 * does not use already in this way?
 */
bool trial_is_due(const struct wanted *);

/*
 * Try it; settings say who workers are, and where they log. All is borrowed.
 * Returns 0, or -1 with *err: done won't be called.
 */
int trial_start(const struct wanted *, const struct daemon_settings *settings,
    trial_fn *done, void *ctx, struct err *err);

#endif /* MERCURY_SUPERVISOR_TRIAL_H */
