/*
 * conn: one open connection: receive, send, wait for a slow peer, end.
 *
 * Owned by the conn_list of its listener. Any call that sends or ends may
 * free it; so it is the last thing that a caller does with it.
 */
#ifndef MERCURY_POOL_CONN_H
#define MERCURY_POOL_CONN_H

#include <sys/queue.h>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/conn_end.h"
#include "common/conn_state.h"
#include "pool/wheel.h"

/* Most that is read at a time, and most that echo keeps for a slow peer. */
#define CONN_READ_SIZE 65536

struct conn_list;
struct conn_origin;
struct conn_output;
struct conn_record;
struct conn_tls;
struct handshake;
struct tls_session;
union addr;

struct conn {
	struct event
	    io; /* readable in CONN_HANDSHAKE and _OPEN, else writable */
	TAILQ_ENTRY(conn) entry;
	struct wheel_item timed; /* timeouts.h */
	struct conn_list *list;
	struct conn_output *output;  /* NULL: none waits */
	struct conn_record *record;  /* NULL: it is not recorded */
	struct handshake *handshake; /* NULL: it is over */
	struct conn_origin *origin;  /* NULL: no proxy has told one */
	struct tls_session *tls;     /* NULL: none, or not yet */
	struct conn_tls *agreed;     /* in its handshake; NULL: not yet */
	uint64_t id;                 /* conn_id.h */
	uint64_t opened_ms;          /* CLOCK_MONOTONIC, as the next one */
	uint64_t active_ms;          /* the last byte has come */
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint8_t address[16]; /* the socket's peer: conn_peer.h */
	uint16_t port;
	bool has_address;
	bool peer_finished;
	uint8_t probe; /* a set of enum probe_mark */
	enum conn_state state;
	max_align_t protocol_state[];
};

/*
 * Serve the socket fd as one more connection of the list. Takes fd; it does
 * not block. peer is as accept(2) has told it; probe is what is known of it, a
 * set of enum probe_mark. Returns 0, or -1 with errno, fd closed, nothing
 * counted.
 */
int conn_open(struct conn_list *, int fd, const union addr *peer,
    uint8_t probe);

/*
 * Its handshake is over: it is open. len bytes (0: none) came behind the
 * handshake; data is borrowed and may be written to. It may be gone after.
 */
void conn_begin(struct conn *, uint8_t *data, size_t len);

/* End it now: what waits is lost. Frees it. */
void conn_close(struct conn *, enum conn_end);

/* Poll for EV_READ or EV_WRITE instead. Returns 0, or -1: out of memory. */
int conn_poll(struct conn *, short what);

/* Bytes of output that the kernel has not taken yet. */
size_t conn_kept(const struct conn *);

static inline int
conn_fd(const struct conn *c)
{
	return event_get_fd(&c->io);
}

#endif /* MERCURY_POOL_CONN_H */
