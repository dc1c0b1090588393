/*
 * access: who may connect to a listener, by allow and deny. Pure; owned by
 * the listener's endpoint.
 */
#ifndef MERCURY_POOL_ACCESS_H
#define MERCURY_POOL_ACCESS_H

#include <stddef.h>

#include "common/addr.h"
#include "common/cidr_set.h"
#include "common/err.h"

/* One that is zeroed lets everybody in. */
struct access {
	struct cidr_set *allow; /* NULL: none */
	struct cidr_set *deny;
};

/*
 * Set one of both to the networks in size bytes, which hold an array of struct
 * cidr and are borrowed; size 0 for none. Returns 0, or -1 with *err, and
 * nothing has changed.
 */
int access_set_allow(struct access *, const void *bytes, size_t size,
    struct err *err);
int access_set_deny(struct access *, const void *bytes, size_t size,
    struct err *err);

/*
 * Why an address may not connect: "deny" when a network of deny holds it that
 * is at least as long as the longest of allow that does; "allow" when none
 * does, and allow has any. NULL: it may. So may those of other families than
 * IPv4 and IPv6.
 */
const char *access_denies(const struct access *, const union addr *);

/* Free what it holds; it lets everybody in. */
void access_clear(struct access *);

#endif /* MERCURY_POOL_ACCESS_H */
