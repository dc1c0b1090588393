/*
 * probe: connections that a load balancer opens only to see whether they
 * open. They are counted by kind and source, and make no event.
 *
 * A probe comes from the networks of the option probes, or its PROXY header
 * says LOCAL, or its peer ends it within a second and before the first byte
 * for the protocol: bytes of a PROXY header or a TLS handshake are none.
 */
#ifndef MERCURY_POOL_PROBE_H
#define MERCURY_POOL_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/conn_end.h"

struct conn;
struct conn_list;

/* Who has said nothing for so long is no probe. */
#define PROBE_MS 1000u

/* What is known of a connection: a set, in struct conn. */
enum probe_mark {
	PROBE_LISTED = 1,  /* it comes from the networks of the option probes */
	PROBE_OUTSIDE = 2, /* it holds no place of max_connections */
	PROBE_LOCAL = 4,   /* its PROXY header says LOCAL */
	PROBE_TLS = 8,     /* its TLS handshake was completed */
	PROBE_FAILED = 16  /* its handshake failed, and that was counted */
};

/* Is that address (addr_bytes()) in the networks of the option probes? */
bool probe_is_listed(const struct conn_list *,
    const uint8_t address[static 16]);

/* Is it a probe already, whatever becomes of it? */
bool probe_is_sure(const struct conn *);

/* It ends. Was it a probe? Then it is counted. */
bool probe_ends(const struct conn *, enum conn_end);

/* One was reset before it could be accepted. */
void probe_count_aborted(const struct conn_list *);

#endif /* MERCURY_POOL_PROBE_H */
