/*
 * conn: one open connection, from accept to its end. What is done with its
 * bytes is its protocol's (protocol.h).
 *
 * Owned by the conn_list of its listener. A call that may end it may free it;
 * so it is the last thing that a caller does with it.
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

/* Most that is read at a time. */
#define CONN_READ_SIZE 65536

struct conn_list;
struct conn_origin;
struct conn_record;
struct conn_tls;
struct handshake;
struct protocol_use;
struct stream_bytes;
struct tls_session;
union addr;

struct conn {
	struct event io; /* of its socket; -1: it was given away */
	TAILQ_ENTRY(conn) entry;
	struct wheel_item timed; /* timeouts.h */
	struct conn_list *list;
	struct protocol_use *use;    /* held; NULL: it takes sockets */
	struct stream_bytes *output; /* stream.h: that waits; NULL: none */
	struct stream_bytes *input;  /* and what was not consumed */
	struct conn_record *record;  /* NULL: it is not recorded */
	struct handshake *handshake; /* NULL: it is over */
	struct conn_origin *origin;  /* NULL: no proxy has told one */
	struct tls_session *tls;     /* NULL: none, or not yet */
	struct conn_tls *agreed;     /* in its handshake; NULL: not yet */
	uint64_t id;                 /* conn_id.h */
	uint64_t opened_ms;          /* CLOCK_MONOTONIC, as the next one */
	uint64_t active_ms;          /* the last byte has come */
	uint64_t timer_ms;           /* of its protocol; 0: none */
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint8_t address[16]; /* the socket's peer: conn_peer.h */
	uint16_t port;
	bool has_address;
	bool peer_finished;
	bool reset;    /* what ends it is to be a reset */
	bool inside;   /* a call of its protocol is under way */
	bool doomed;   /* after that it ends, as end says */
	bool stopping; /* conn_stop(): it is about to end */
	bool unopened; /* closed() is not to be called */
	bool shifted;  /* its state is in the other half of its room */
	uint8_t probe; /* a set of enum probe_mark */
	uint8_t end;   /* enum conn_end: when doomed, or while it ends */
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

/*
 * Somebody, or a timeout, wants it to end: the protocol sees to that, which may
 * take it a while. It may be gone after.
 */
void conn_stop(struct conn *, enum conn_end);

/*
 * Take its socket from it: it is polled no more, and has none. Returns the
 * descriptor, which is the caller's now.
 */
int conn_give_away(struct conn *);

/*
 * Poll for EV_READ, EV_WRITE, or what else libevent knows, instead. Returns 0,
 * or -1: out of memory.
 */
int conn_poll(struct conn *, short what);

/*
 * The state of a protocol that takes bytes. Where it is checked (struct
 * protocol_use) there is room for two of that size.
 */
size_t conn_state_room(size_t state_size);
void *conn_state(struct conn *);

/* What a call on its socket that failed means; errno says why. */
enum conn_end conn_broken_end(const struct conn *);

/* So many bytes (> 0) have come from the peer, or were sent to it. */
void conn_count_in(struct conn *, uint64_t n);
void conn_count_out(struct conn *, uint64_t n);

/* Have the protocol's timer() called in so many ms, or not any more (0). */
void conn_set_timer(struct conn *, uint64_t ms);

static inline int
conn_fd(const struct conn *c)
{
	return event_get_fd(&c->io);
}

#endif /* MERCURY_POOL_CONN_H */
