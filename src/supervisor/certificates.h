/*
 * certificates: has mercury-config read the files that a listener names, and
 * make of them what workers need: certificates and keys, also for TLS to
 * upstreams. Programs and modules are only looked at.
 */
#ifndef MERCURY_SUPERVISOR_CERTIFICATES_H
#define MERCURY_SUPERVISOR_CERTIFICATES_H

#include <stdbool.h>

#include "common/err.h"
#include "common/wanted.h"

/* Done: the listener has its material now (err NULL), or it can't have it. */
typedef void certificates_fn(void *ctx, struct wanted *, const struct err *);

/* Does it name files? Its protocol counts. */
bool certificates_wanted(const struct wanted *);

/*
 * Read the files of a listener that names some. wanted is copied; done gets
 * the copy, with the material, and may take what it holds. Several may run at
 * the same time. Returns 0, or -1 with *err: done won't be called.
 */
int certificates_read(const struct wanted *wanted, certificates_fn *done,
    void *ctx, struct err *err);

#endif /* MERCURY_SUPERVISOR_CERTIFICATES_H */
