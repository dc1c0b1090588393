/* handshake_state: what the parts of a handshake share; private to them. */
#ifndef MERCURY_POOL_HANDSHAKE_STATE_H
#define MERCURY_POOL_HANDSHAKE_STATE_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;
struct proxy_reader;

/* In which queue of handshakes.h it is. */
enum handshake_place {
	HANDSHAKE_NOWHERE,
	HANDSHAKE_READY,  /* its next step is due */
	HANDSHAKE_WAITING /* too many are under way */
};

struct handshake {
	struct conn *conn;
	bool begun;                 /* a byte has come */
	bool over_proxy;            /* the header is read, or none is wanted */
	struct proxy_reader *proxy; /* NULL: nothing of a header has come */
	uint8_t *first; /* what came behind it, for TLS; NULL: nothing */
	size_t first_len;

	/* Of TLS, see handshakes.h. */
	enum handshake_place place;
	TAILQ_ENTRY(handshake) queued;
	bool placed;    /* it counts as one of those under way */
	bool under_way; /* it has a session */
	TAILQ_ENTRY(handshake) entry;
	uint64_t stepped_ms; /* CLOCK_MONOTONIC: its last step */
};

#endif /* MERCURY_POOL_HANDSHAKE_STATE_H */
