/* worker: what all listeners of one worker process share. */
#ifndef MERCURY_POOL_WORKER_H
#define MERCURY_POOL_WORKER_H

#include "common/scoreboard.h"
#include "common/spec.h"
#include "pool/conn_ids.h"
#include "pool/handshakes.h"
#include "pool/slab.h"
#include "pool/timeouts.h"

struct dns_api;
struct endpoint;
struct protocol;
struct event_base;
struct event_sink;
struct gates;
struct tls_api;
struct tracer;
struct upstream_board;

struct worker {
	struct event_base *base;
	struct scoreboard *board;
	struct gates *gates;
	const struct protocol *const *protocols; /* by enum protocol_id */
	struct upstream_board *upstreams;        /* NULL: no proxy has come */
	struct slab conns[PROTOCOL_COUNT];
	struct conn_ids ids;
	struct event_sink *events; /* NULL: there is no store */
	struct timeouts timeouts;
	struct handshakes handshakes;
	const struct tls_api *tls; /* NULL: no TLS listener has come */
	const struct dns_api *dns; /* NULL: no upstream that is a name has */
	struct tracer *tracer;
	/*
	 * A draining endpoint has no more connections. Called from the event
	 * loop or from endpoint_drain(); frees it.
	 */
	void (*drained)(struct endpoint *);
};

#endif /* MERCURY_POOL_WORKER_H */
