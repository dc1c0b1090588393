/*
 * relays: what all relays of a worker share: the pipes, and whose turn it is.
 *
 * One that has moved much lets others go first. And as edge-triggered events
 * do not tell an error that comes at once with the last bytes from those
 * bytes, one whose last read was short is read once more when it has been
 * quiet for a while: a message costs no call that finds nothing.
 */
#ifndef MERCURY_PROXY_RELAYS_H
#define MERCURY_PROXY_RELAYS_H

#include "proxy/pipes.h"
#include "proxy/relay.h"

struct tls_api;

/* How long one is quiet before it is looked at: this, to twice this. */
#define RELAYS_QUIET_MS 250

/* A row of calls of the owner of all relays. */
struct relay_owner {
	/*
	 * So many bytes have come from the device, or were sent to it. data is
	 * borrowed; NULL: nobody has seen them.
	 */
	void (*in)(struct relay *, const uint8_t *data, size_t len);
	void (*out)(struct relay *, const uint8_t *data, size_t len);
	/* Call relay_go_on(); from the event loop. */
	void (*turn)(struct relay *);
	/*
	 * Of one that is watched, once: it is no short one. What only those
	 * that last have use for can be done now.
	 */
	void (*lasts)(struct relay *);
};

struct relays {
	const struct relay_owner *owner;
	const struct tls_api *tls; /* NULL while no end of a relay has TLS */
	struct pipes pipes;
	struct relay_queue turn;
	struct relay_queue unsure;
	unsigned int turns; /* how many are in turn */
	struct event *on_turn;
	struct event *on_quiet;
};

/* Zeroed before. Returns 0, or -1 when out of memory. The owner is borrowed. */
int relays_init(struct relays *, struct event_base *,
    const struct relay_owner *);

/* There is no relay any more. */
void relays_clear(struct relays *);

/* Have its owner's turn() called when others had theirs. */
void relays_queue(struct relay *);

/* It is new, or an end is unsure. */
void relays_watch(struct relay *);

/* It ends. */
void relays_forget(struct relay *);

#endif /* MERCURY_PROXY_RELAYS_H */
