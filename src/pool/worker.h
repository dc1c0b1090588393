/* worker: what all listeners of one worker process share. */
#ifndef MERCURY_POOL_WORKER_H
#define MERCURY_POOL_WORKER_H

#include "common/scoreboard.h"
#include "common/spec.h"
#include "pool/conn_record.h"
#include "pool/slab.h"

struct endpoint;
struct event_base;

struct worker {
	struct event_base *base;
	struct scoreboard *board;
	struct slab conns[PROTOCOL_COUNT];
	struct recorder recorder;
	/*
	 * A draining endpoint has no more connections. Called from the event
	 * loop or from endpoint_drain(); frees it.
	 */
	void (*drained)(struct endpoint *);
};

#endif /* MERCURY_POOL_WORKER_H */
