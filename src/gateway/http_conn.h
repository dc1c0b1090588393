/*
 * http_conn: one connection of a client: its requests one after the other,
 * the answer to each, and an end that the client can hear.
 *
 * It is in the list of its state, in the order in which they came there, so
 * that the oldest is at the front; http.h owns the lists and looks there for
 * what takes too long. A close is a FIN: what the client has sent by then, or
 * sends within LINGER, is read and forgotten, or it would make a RST of it.
 */
#ifndef MERCURY_GATEWAY_HTTP_CONN_H
#define MERCURY_GATEWAY_HTTP_CONN_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "gateway/http_io.h"

struct event;
struct event_base;
struct evbuffer;
struct http_answer;
struct http_conn;
struct http_request;
struct tls_context;

enum http_conn_state {
	HTTP_CONN_REQUEST, /* a request is read, or the first is awaited */
	HTTP_CONN_WAITING, /* it is read; what to answer is not known yet */
	HTTP_CONN_SENDING, /* the answer is on its way */
	HTTP_CONN_IDLE,    /* between two requests */
	HTTP_CONN_CLOSING, /* we are done; the client's end is awaited */
	HTTP_CONN_STATE_COUNT
};

/* How long one may be in each state, in ms. */
#define HTTP_REQUEST_MS 10000u
#define HTTP_SENDING_MS 10000u
#define HTTP_IDLE_MS 60000u
#define HTTP_CLOSING_MS 2000u

/* A client that sends so many bytes into a closed connection sees a RST. */
#define HTTP_DISCARD_MAX ((size_t)4 << 20)

TAILQ_HEAD(http_conn_list, http_conn);

/* What all connections have in common. */
struct http_conns {
	struct event_base *base;
	struct tls_context *tls; /* NULL: plain */
	struct http_conn_list lists[HTTP_CONN_STATE_COUNT];
	unsigned int count;
	/*
	 * A request is there, and borrowed: answer it with http_conn_answer()
	 * now, or say http_conn_wait() and do it later.
	 */
	void (*request)(void *ctx, struct http_conn *,
	    const struct http_request *);
	void *ctx;
	bool is_ending;          /* each closes behind its answer */
	void (*gone)(void *ctx); /* then: the last one has; NULL: no matter */
};

struct http_conn {
	TAILQ_ENTRY(http_conn) next; /* in the list of its state */
	struct http_conns *all;
	enum http_conn_state state;
	uint64_t since_ms; /* in that state; CLOCK_MONOTONIC */
	struct http_io io;
	struct event *readable;
	struct event *writable;
	struct evbuffer *in;  /* received, not looked at */
	struct evbuffer *out; /* not sent */
	size_t seen;          /* of in: there is no end of a head in it */
	size_t discarded;
	struct http_request *request; /* its head was read; NULL: not yet */
	union addr peer;
	void (*forget)(void *waits); /* see http_conn_wait() */
	void *waits;
	bool is_busy;     /* advancing: an answer goes out when that is done */
	bool is_last;     /* the connection closes behind the answer */
	bool is_shut;     /* CLOSING: FIN was sent */
	bool has_end;     /* the client has sent its FIN */
	bool wants_write; /* the handshake does */
};

/* Take a connected socket. Returns 0, or -1 when out of memory. */
int http_conn_new(struct http_conns *, int fd, const union addr *peer);

/*
 * Answer the request that was given last; the text is held as long as need
 * be. It may be gone when this returns, but not within request().
 */
void http_conn_answer(struct http_conn *, const struct http_answer *);

/*
 * Within request(): the answer comes later. Until then, forget(waits) is
 * called if the connection ends first.
 */
void http_conn_wait(struct http_conn *, void (*forget)(void *waits),
    void *waits);

/* It has been in its state for too long: answer so, or end it. */
void http_conn_expire(struct http_conn *);

/* If it is idle, close it. */
void http_conn_close_idle(struct http_conn *);

/* End it now, whatever it does. */
void http_conn_free(struct http_conn *);

#endif /* MERCURY_GATEWAY_HTTP_CONN_H */
