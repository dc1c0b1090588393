/*
 * rules: which peers a listener takes, and for what: its lists of networks
 * (allow, deny, probes, proxy_trusted) made ready for use.
 */
#ifndef MERCURY_POOL_RULES_H
#define MERCURY_POOL_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "common/bulk.h"
#include "common/cidr_set.h"

/* Owned by the endpoint; zeroed, it takes everybody. */
struct rules {
	struct cidr_set *allow;
	struct cidr_set *deny;
	struct cidr_set *probes;
	struct cidr_set *trusted;
};

/*
 * Make the rules from the listener's values. Returns 0, or -1 with *err;
 * *rules holds nothing then.
 */
int rules_make(struct rules *rules, const struct bulks *values,
    struct err *err);

/* Free what it holds; it takes everybody then. */
void rules_clear(struct rules *);

/* In these networks? The address has 16 bytes, as addr_bytes() makes them. */
bool rules_is_probe(const struct rules *, const uint8_t address[static 16]);
bool rules_is_trusted(const struct rules *, const uint8_t address[static 16]);

#endif /* MERCURY_POOL_RULES_H */
