/* access: who may connect to a listener, by allow and deny. Pure. */
#ifndef MERCURY_POOL_ACCESS_H
#define MERCURY_POOL_ACCESS_H

#include "common/addr.h"
#include "common/cidr_set.h"

/*
 * Why an address may not connect: "deny" when a network of deny holds it that
 * is at least as long as the longest of allow that does; "allow" when none
 * does, and allow has any. NULL: it may. So may those of other families than
 * IPv4 and IPv6. Both sets are borrowed, and may be NULL.
 */
const char *access_denies(const struct cidr_set *allow,
    const struct cidr_set *deny, const union addr *peer);

#endif /* MERCURY_POOL_ACCESS_H */
