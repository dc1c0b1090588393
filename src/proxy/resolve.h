/*
 * resolve: keeps the addresses of upstreams that are names fresh, without
 * blocking. While a name can't be resolved, its last addresses stay.
 *
 * What asks the name servers is shared by all upstreams of the worker that
 * use the same ones, and made when the first needs it.
 */
#ifndef MERCURY_PROXY_RESOLVE_H
#define MERCURY_PROXY_RESOLVE_H

#include <stdbool.h>

#include "common/err.h"

struct upstream;

/*
 * Look its name up, now and whenever the plan says, until resolve_end(); for
 * what is no name nothing is done. Also after the plan has changed. Returns 0,
 * or -1 with *err, and nothing has changed.
 */
int resolve_begin(struct upstream *, struct err *err);

/* No more. Twice is as once. */
void resolve_end(struct upstream *);

/* Has the last look-up of its name failed? */
bool resolve_failed(const struct upstream *);

#endif /* MERCURY_PROXY_RESOLVE_H */
