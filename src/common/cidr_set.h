/*
 * cidr_set: many networks, made to find the longest that an address is in.
 * Pure; a set never changes, and is owned by who made it.
 */
#ifndef MERCURY_COMMON_CIDR_SET_H
#define MERCURY_COMMON_CIDR_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct cidr_set;

/*
 * Make a set from size bytes that hold an array of struct cidr; they are
 * borrowed, and checked, as they may come from anywhere. Duplicates make no
 * difference. Returns 0 with a set that the caller gives to cidr_set_free(),
 * or -1 with *err (invalid, or unavailable when out of memory) and NULL.
 */
int cidr_set_new(const void *bytes, size_t size, struct cidr_set **out,
    struct err *err);

/* Takes a set, or NULL, and makes *set NULL. */
void cidr_set_free(struct cidr_set **set);

/* Has the set no network? NULL is one that has none. */
bool cidr_set_is_empty(const struct cidr_set *set);

/*
 * The bits of the longest network of the set that an address is in: 0 to
 * 128, at least 96 for IPv4; -1 when it is in none. The address has 16 bytes
 * as addr_bytes() makes them; NULL is an empty set. Takes time as the
 * logarithm of the count of networks.
 */
int cidr_set_longest(const struct cidr_set *set,
    const uint8_t address[static 16]);

#endif /* MERCURY_COMMON_CIDR_SET_H */
