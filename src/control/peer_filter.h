/* peer_filter: which peers are wanted, by their address. Pure. */
#ifndef MERCURY_CONTROL_PEER_FILTER_H
#define MERCURY_CONTROL_PEER_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cidr.h"
#include "common/err.h"

/* All zero: lets every peer pass. */
struct peer_filter {
	bool is_set;   /* false: all pass */
	uint16_t port; /* 0: any */
	struct cidr network;
};

/*
 * Read an address ("10.0.0.1", "::1"), one with its port ("10.0.0.1:5555",
 * "[::1]:5555") or a network ("10.0.0.0/8", "2001:db8::/32"). An IPv4 address
 * that is mapped into IPv6 is taken for what it is. Returns 0, or -1 with
 * *err, whose text says what would be right.
 */
int peer_filter_parse(const char *text, struct peer_filter *out,
    struct err *err);

/*
 * Does a peer pass, whose address and port are text as addr_text() makes it?
 * One that has none, or makes no sense, only passes where all do.
 */
bool peer_filter_passes(const struct peer_filter *, const char *text);

#endif /* MERCURY_CONTROL_PEER_FILTER_H */
