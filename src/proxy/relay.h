/*
 * relay: passes the bytes of a pair of sockets to each other, both ways, each
 * end plain or with TLS. It never waits, and keeps at most one chunk for each
 * direction, while the other end does not take it: an idle pair owns no memory
 * but its struct.
 *
 * Both sockets are polled once and for all, edge-triggered, for RELAY_EVENTS;
 * whoever owns them tells what has come. A plain direction is copied through
 * one buffer of the worker, and spliced while reads fill that.
 *
 * The owner of the pair owns sockets and sessions, and struct relay.
 */
#ifndef MERCURY_PROXY_RELAY_H
#define MERCURY_PROXY_RELAY_H

#include <sys/queue.h>

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proxy/relay_io.h"

#define RELAY_EVENTS (EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST)

struct relays;

enum relay_place { RELAY_DEVICE, RELAY_UPSTREAM };

/* How it goes on. */
enum relay_result {
	RELAY_ON,
	RELAY_DONE,          /* both have finished, and each was told */
	RELAY_LOST_DEVICE,   /* reset, or it broke TLS: see errno (EPROTO) */
	RELAY_LOST_UPSTREAM, /* the same */
	RELAY_NO_MEMORY
};

struct relay {
	struct relay_end ends[2]; /* by enum relay_place */
	struct relays *all;
	TAILQ_ENTRY(relay) queued;  /* in all->turn, if is_queued */
	TAILQ_ENTRY(relay) watched; /* in all->unsure, if is_watched */
	bool is_queued;
	bool is_watched;
	bool stirred;     /* something has come since it was looked at */
	bool has_lasted;  /* its owner was told so */
	bool may_splice;  /* both ends are plain, and nobody wants to look */
	uint8_t finished; /* 1 + the place that finished first; 0: none */
};

/* What a worker's relays share; relays.h makes one. */
TAILQ_HEAD(relay_queue, relay);

/*
 * Zeroed before, with its ends set; nothing is read yet. The struct relays is
 * borrowed.
 */
void relay_init(struct relay *, struct relays *);

/* Free what is pending, of both directions. */
void relay_clear(struct relay *);

/* The socket of one end has had these events. */
enum relay_result relay_event(struct relay *, enum relay_place, short what);

/* Go on with both directions, whatever has come before. */
enum relay_result relay_go_on(struct relay *);

/* Bytes for this end that its socket has not taken yet. */
size_t relay_kept(const struct relay *, enum relay_place);

#endif /* MERCURY_PROXY_RELAY_H */
