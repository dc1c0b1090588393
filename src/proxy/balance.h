/*
 * balance: which upstream the next connection goes to. Pure: it takes what is
 * known of them and says which; who may be chosen at all is the caller's.
 */
#ifndef MERCURY_PROXY_BALANCE_H
#define MERCURY_PROXY_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/proxy_plan.h"

struct balance_entry {
	bool usable; /* it may be chosen this time */
	uint32_t weight;
	uint32_t connections; /* that it has */
	uint64_t key;         /* of its name: SOURCE goes by it */
	int64_t turn; /* whose turn it is; kept from pick to pick, at first 0 */
};

/* What balance_pick() returns when none is usable. */
#define BALANCE_NONE SIZE_MAX

/*
 * Choose one of count entries. source is a hash of the peer's address
 * (balance_source()), for SOURCE: the same goes to the same entry for as long
 * as that is usable, whatever else comes and goes. Returns its index, or
 * BALANCE_NONE.
 */
size_t balance_pick(enum balance, struct balance_entry *entries, size_t count,
    uint64_t source);

/* The hash of an address, as addr_bytes() makes it. */
uint64_t balance_source(const uint8_t address[static 16]);

#endif /* MERCURY_PROXY_BALANCE_H */
