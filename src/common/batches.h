/*
 * batches: what a process gathers to send over a SOCK_SEQPACKET socket, a
 * bounded number of datagrams at a time. Never waits. Owned by its sink.
 */
#ifndef MERCURY_COMMON_BATCHES_H
#define MERCURY_COMMON_BATCHES_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A datagram that is being filled, or waits for room. */
struct batch {
	STAILQ_ENTRY(batch) next;
	size_t len; /* used of the bytes */
	_Alignas(8) uint8_t bytes[];
};

struct batches {
	STAILQ_HEAD(, batch) queue; /* the last one is being filled */
	unsigned int count;
	unsigned int max;
	size_t size;         /* of each, in bytes */
	struct batch *spare; /* of those sent, for the next */
	bool starved;        /* the kernel had no memory for the first */
};

void batches_init(struct batches *, unsigned int max, size_t size);

/* The one that is being filled; NULL: there is none. */
struct batch *batches_last(const struct batches *);

/*
 * A new one that begins with len bytes of head. NULL when there are max
 * already, or no memory.
 */
struct batch *batches_add(struct batches *, const void *head, size_t len);

/* Bytes that it has room for. */
size_t batches_room(const struct batches *, const struct batch *);

/*
 * Send what the peer takes now; those that it does not take stay. If it is
 * starved then, its socket is writable all the same: wait a moment. Returns
 * false when nobody reads any more.
 */
bool batches_send(struct batches *, int fd);

/* Free all of them. */
void batches_clear(struct batches *);

#endif /* MERCURY_COMMON_BATCHES_H */
