/*
 * queue: events that wait to be written, in the batches that they came in.
 * Bounded: who reads from senders stops while it is full. An event leaves it
 * only after its COMMIT has succeeded.
 *
 * Owns the bytes of its batches.
 */
#ifndef MERCURY_STORE_QUEUE_H
#define MERCURY_STORE_QUEUE_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/event.h"
#include "common/role.h"
#include "common/spec.h"

#define QUEUE_EVENTS_MAX 20000u
#define QUEUE_BYTES_MAX (8u << 20)

/* Who sent it. */
struct origin {
	enum role role;
	char pool[SPEC_NAME_SIZE]; /* ROLE_POOL only */
};

struct queue_batch;

struct queue {
	STAILQ_HEAD(, queue_batch) batches;
	uint64_t events;
	size_t bytes;
};

/* A place between two events. Lives until the queue is settled or cleared. */
struct queue_place {
	struct queue_batch *batch; /* NULL: behind the last */
	size_t offset;             /* of the next event in it */
	uint32_t left;             /* events in it from there on */
	uint64_t passed;           /* events from the first to here */
};

void queue_init(struct queue *);

/* Drop all. */
void queue_clear(struct queue *);

/*
 * Put in a datagram that event_log_check() has found to have count events;
 * copies it. now_ms is on CLOCK_MONOTONIC. Returns 0, or -1 when memory is
 * short. That it is full is no reason to refuse.
 */
int queue_add(struct queue *, const struct origin *, const void *datagram,
    size_t size, uint32_t count, uint64_t now_ms);

/* Should no more be read? */
bool queue_is_full(const struct queue *);

/* When the oldest came, on CLOCK_MONOTONIC; 0: it is empty. */
uint64_t queue_since_ms(const struct queue *);

struct queue_place queue_first(const struct queue *);

/*
 * The event at *place, which moves on behind it; its texts are borrowed from
 * the queue. Returns who sent it, or NULL when there is none.
 */
const struct origin *queue_next(struct queue_place *place,
    struct health_event *e);

/* All before place is written. */
void queue_settle(struct queue *, const struct queue_place *place);

#endif /* MERCURY_STORE_QUEUE_H */
