/*
 * prepare: what is to be done before a listener is added or changed, and takes
 * a while: its certificates are read, its module is tried.
 */
#ifndef MERCURY_SUPERVISOR_PREPARE_H
#define MERCURY_SUPERVISOR_PREPARE_H

#include "common/err.h"
#include "common/wanted.h"

/* Done: it can be as it is wanted (err NULL), or not. */
typedef void prepare_fn(void *ctx, struct wanted *, const struct err *);

/*
 * Prepare wanted, which is copied; done gets the copy, and may take what it
 * holds. It may be called before this returns, but not if it returns -1 with
 * *err.
 */
int prepare(const struct wanted *wanted, prepare_fn *done, void *ctx,
    struct err *err);

#endif /* MERCURY_SUPERVISOR_PREPARE_H */
