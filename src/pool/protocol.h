/*
 * protocol: what is done with the connections of a listener, as the worker
 * sees it. Those that take bytes (echo, discard, modules) are written against
 * <mercury/protocol.h>, and stream.c stands between. proxy and exec take the
 * socket itself, for that interface can't give what they live by: splice(2),
 * back-pressure from one socket to another, a socket for a program.
 */
#ifndef MERCURY_POOL_PROTOCOL_H
#define MERCURY_POOL_PROTOCOL_H

#include <mercury/protocol.h>
#include <stddef.h>
#include <stdint.h>

#include "common/conn_end.h"
#include "common/err.h"

struct bulks;
struct conn;
struct conn_list;
struct slab;

/* How much a protocol has said within a second: host.c. Zeroed, it is ready. */
struct protocol_quota {
	uint64_t second;
	uint32_t said;
	uint32_t dropped; /* and not told yet */
};

/*
 * The calls of a protocol that takes bytes, and the config that its
 * configure() made: held by the listener, until it is configured anew, and by
 * each connection that was opened meanwhile.
 */
struct protocol_use {
	const struct mercury_protocol *calls;
	void *config;
	uint32_t holders;
	struct slab *conns; /* of its connections; NULL: the listener's */
	/* After a call whose connection goes on; may doom it. May be NULL. */
	void (*check)(struct conn *);
	struct protocol_quota lines;
	struct protocol_quota reports;
	/* Nobody holds it any more. NULL: it is static. */
	void (*unused)(struct protocol_use *);
};

struct protocol {
	/*
	 * A listener begins to use it: set list->use or list->context, from
	 * the values of the listener. Returns 0, or -1 with *err.
	 */
	int (
	    *configure)(struct conn_list *, const struct bulks *, struct err *);
	/*
	 * Its values may have changed; NULL: that means nothing to it. Returns
	 * 0, or -1 with *err, and nothing has changed.
	 */
	int (*update)(struct conn_list *, const struct bulks *, struct err *);
	/* The listener goes; it has no connections. May be NULL. */
	void (*unconfigure)(struct conn_list *);

	/* Bytes of state in a connection whose list has no use. */
	size_t state_size;

	/* What one is polled for at first; 0: EV_READ. */
	short events;

	/*
	 * The connection is open, and polled for its first events if it had
	 * no handshake, else for anything. len bytes (0: none) came behind the
	 * handshake; data is borrowed and may be written to. It may be gone
	 * after this call, as after each of these.
	 */
	void (*begin)(struct conn *, uint8_t *data, size_t len);
	/* Of what it is polled for, this has come. */
	void (*ready)(struct conn *, short what);
	/* When timer_ms has come, which is 0 again. NULL: it sets none. */
	void (*timer)(struct conn *);
	/*
	 * It is to end, for this reason, as somebody or a timeout wants: the
	 * protocol calls conn_close() when it is ready for that, and counts
	 * on no more timeouts. NULL: it is closed at once.
	 */
	void (*stop)(struct conn *, enum conn_end);
	/* It ends for any reason, and only here; c->end says why. */
	void (*ended)(struct conn *);
	/* Bytes that wait for its peer. NULL: stream_kept(). */
	size_t (*kept)(const struct conn *);
};

/* Of those that take bytes. */
void stream_begin(struct conn *, uint8_t *data, size_t len);
void stream_ready(struct conn *, short what);
void stream_timer(struct conn *);
void stream_ended(struct conn *);

/* Hold one more time, or let go, of NULL too. */
void protocol_use_hold(struct protocol_use *);
void protocol_use_drop(struct protocol_use *);

/* echo and discard. */
extern const struct protocol protocol_echo;
extern const struct protocol protocol_discard;

#endif /* MERCURY_POOL_PROTOCOL_H */
