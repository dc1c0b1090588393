/*
 * handshakes: the TLS handshakes of a worker, which take turns with what the
 * open connections do: a step costs as much as hundreds of messages, and those
 * who only shake hands must not keep the others waiting.
 *
 * At most HANDSHAKES_MAX are under way, so that their memory is bounded, too;
 * others wait, unread. When there are so many, one that has not gone on for a
 * second gives its place away.
 */
#ifndef MERCURY_POOL_HANDSHAKES_H
#define MERCURY_POOL_HANDSHAKES_H

#include <sys/queue.h>

#include <stdint.h>

struct conn;
struct event;
struct handshake;
struct worker;

#define HANDSHAKES_MAX 256u

TAILQ_HEAD(handshake_queue, handshake);

struct handshakes {
	struct handshake_queue ready;
	struct handshake_queue waiting;
	struct handshake_queue
	    under_way;         /* the one longest without a step first */
	uint32_t placed_count; /* under way, or about to be */
	struct event *turn;
};

/* Returns 0, or -1 when out of memory. The worker is borrowed. */
int handshakes_init(struct worker *);
void handshakes_clear(struct handshakes *);

/* The next step of this one is due: the peer has sent something. */
void handshakes_ready(struct conn *);

/* It is over, one way or the other. */
void handshakes_forget(struct conn *);

#endif /* MERCURY_POOL_HANDSHAKES_H */
