/*
 * event_wire: events as bytes, in batches, as they travel to the store. Pure.
 *
 * A batch is one datagram: struct event_batch, then its events, each a head
 * with its own size, its texts with their NUL, and its facts. The reader
 * takes every byte for what a broken or hostile process may have written.
 */
#ifndef MERCURY_COMMON_EVENT_WIRE_H
#define MERCURY_COMMON_EVENT_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "common/event.h"

#define EVENT_BATCH_SIZE 32768u /* bytes, at most */

/* Longer texts are cut, between two characters. */
#define EVENT_NAME_MAX 64u /* of a listener, or a peer */
#define EVENT_REASON_MAX 255u
#define EVENT_FACT_TEXT_MAX 127u

struct event_batch {
	uint32_t version; /* EVENT_WIRE_VERSION */
	uint32_t count;   /* of events that follow; at least 1 */
};

#define EVENT_WIRE_VERSION 1u

/*
 * Write e to out. Returns its size, a multiple of 8, or 0 when it does not
 * fit into size bytes. EVENT_WIRE_MAX is always enough.
 */
#define EVENT_WIRE_MAX 2304u
size_t event_encode(const struct health_event *e, uint8_t *out, size_t size);

/*
 * Read one event from the bytes at in, where it starts at a multiple of 8;
 * its texts stay there. Returns its size, or 0 when what stands there is no
 * event.
 */
size_t event_decode(const uint8_t *in, size_t size, struct health_event *e);

/*
 * Check the head of a datagram of size bytes. Returns how many events it
 * should have, 0 when it is no batch. They start behind struct event_batch.
 */
uint32_t event_batch_count(const uint8_t *datagram, size_t size);

#endif /* MERCURY_COMMON_EVENT_WIRE_H */
