/*
 * proxied: a connection of protocol proxy, on its way to an upstream and
 * there. Part of its struct conn.
 */
#ifndef MERCURY_PROXY_PROXIED_H
#define MERCURY_PROXY_PROXIED_H

#include <event2/event_struct.h>
#include <stdint.h>

#include "common/proxy_plan.h"
#include "proxy/relay.h"
#include "proxy/upstreams.h"

struct conn;
struct tls_context;

/* A listener of protocol proxy; its list's context. */
struct proxy {
	struct proxy_plan *plan;
	struct upstreams *upstreams;
	struct tls_context *tls; /* to upstreams; NULL: plain */
};

enum proxied_state {
	PROXIED_SEEKING,    /* it waits for a place at an upstream */
	PROXIED_CONNECTING, /* to one */
	PROXIED_SHAKING,    /* hands over TLS, with it */
	PROXIED_OPEN
};

/* What is needed until the upstream is there. */
struct proxied_search {
	struct upstream_asker asker;
	struct upstream_address to; /* that was picked last */
	uint64_t deadline_ms;       /* of connecting; CLOCK_MONOTONIC */
	uint32_t failures;
	bool takes_long; /* so look whether the device is still there */
};

struct proxied {
	struct relay relay; /* the first: one is found by the other */
	struct event io;    /* of the upstream's socket; -1: none */
	struct conn *conn;
	struct upstream_claim claim;
	struct proxied_search *search; /* NULL: it is over */
	enum proxied_state state;
};

/* That of a connection of protocol proxy. */
struct proxied *proxied_of(struct conn *);

/* Calls of struct protocol. */
void proxied_begin(struct conn *, uint8_t *data, size_t len);
void proxied_ready(struct conn *, short what);
void proxied_timer(struct conn *);
void proxied_ended(struct conn *);
size_t proxied_kept(const struct conn *);

/* What relays want of their owner. */
extern const struct relay_owner proxied_owner;

/* The relays of this worker, which it does not own. */
void proxied_use(struct relays *);

#endif /* MERCURY_PROXY_PROXIED_H */
