/*
 * stream: connections whose protocol takes bytes (<mercury/protocol.h>):
 * receive and hand over, keep what was not consumed, send, wait for a slow
 * peer, finish. Its part of struct protocol is in protocol.h.
 *
 * Nothing here frees a connection while a call of its protocol is under way:
 * it is doomed then, and ends after that call.
 */
#ifndef MERCURY_POOL_STREAM_H
#define MERCURY_POOL_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/conn_end.h"

struct conn;

/* Bytes that wait: for the kernel to take them, or for the protocol. */
struct stream_bytes {
	size_t gone; /* of len, those that were taken */
	size_t len;
	uint8_t data[];
};

/*
 * Send len bytes (borrowed). What the kernel does not take now is kept, and
 * reading stops until it has. Returns false when the connection is doomed or
 * has been finished.
 */
bool stream_send(struct conn *, const uint8_t *data, size_t len);

/*
 * Send what still waits, then finish. What comes from a peer that has not
 * finished is discarded, for STREAM_LINGER_MS at most: were it left unread,
 * the end would become a reset, and the peer lose what it was sent.
 */
#define STREAM_LINGER_MS 5000u
void stream_finish(struct conn *);

/* End it when no call of its protocol is under way. */
void stream_doom(struct conn *, enum conn_end);

/* Bytes of output that the kernel has not taken yet. */
size_t stream_kept(const struct conn *);

#endif /* MERCURY_POOL_STREAM_H */
