/*
 * cidr: a network, as "10.0.0.0/8" and "2001:db8::/32" are written. Pure.
 *
 * An IPv4 address is one of IPv6 that it is mapped into: ::ffff:a.b.c.d, and
 * its network has 96 to 128 bits. A network of less bits is IPv6, and holds
 * no IPv4 address: "::/0" is all of IPv6, "0.0.0.0/0" all of IPv4.
 */
#ifndef MERCURY_COMMON_CIDR_H
#define MERCURY_COMMON_CIDR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

/* Has neither padding nor an alignment, so an array of it is its bytes. */
struct cidr {
	uint8_t address[16]; /* network order; 0 behind the first bits */
	uint8_t bits;        /* 0 to 128 */
};

_Static_assert(sizeof(struct cidr) == 17, "an array of it is its bytes");

/* Enough for the longest network as text, and its NUL. */
#define CIDR_TEXT_SIZE 52

/*
 * Read a network, or an address, which is a network of one. What is mapped
 * IPv4 is taken for IPv4. Returns 0, or -1 with *err, whose text goes behind
 * the text that is wrong: "is no ...", and says what would be right.
 */
int cidr_parse(const char *text, struct cidr *out, struct err *err);

/* The same, but bits of the address behind the mask are no error. */
int cidr_parse_loose(const char *text, struct cidr *out, struct err *err);

/* Is *c IPv4? */
bool cidr_is_v4(const struct cidr *c);

/* Could cidr_parse() have made *c? */
bool cidr_is_valid(const struct cidr *c);

/* "10.0.0.0/8"; a network of one without its bits: "192.0.2.7". */
void cidr_format(const struct cidr *c, char out[static CIDR_TEXT_SIZE]);

/* Is an address of 16 bytes, as addr_bytes() makes it, in the network? */
bool cidr_contains(const struct cidr *c, const uint8_t address[static 16]);

#endif /* MERCURY_COMMON_CIDR_H */
