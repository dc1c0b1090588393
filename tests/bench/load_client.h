/*
 * load_client: one connection of the load generator: connects, does the TLS
 * handshake, sends what it may, and compares what comes back byte by byte.
 *
 * A connection is a stream of equal messages; the process that owns the
 * client raises `wanted` when the next may go, and is told by the result of
 * client_step() what happened.
 */
#ifndef MERCURY_BENCH_LOAD_CLIENT_H
#define MERCURY_BENCH_LOAD_CLIENT_H

#include "load.h"

struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;

enum client_state {
	CLIENT_CLOSED,
	CLIENT_CONNECTING,
	CLIENT_HANDSHAKING,
	CLIENT_OPEN
};

struct client {
	int fd;
	enum client_state state;
	bool ending; /* set when epoll told of the end of what is to be read */
	unsigned int shift; /* where in the pattern its stream starts */
	uint64_t sent, received, wanted; /* bytes, of this connection */
	uint64_t began_ns; /* rate: to connect; echo: the last message */
	uint64_t due_ns;   /* pace: when the first message was due */
	uint64_t moved_ns; /* connected, or a byte came or went */
	struct ssl_st *ssl;
	struct ssl_session_st *session; /* the last one that was given to us */
};

/* What client_step() met. */
enum client_news {
	CLIENT_NOTHING,
	CLIENT_OPENED, /* may have sent and received too */
	CLIENT_FAILED  /* is closed; *failure says why */
};

/*
 * Make the bytes that clients send, and what TLS needs. Call once, before
 * the first client.
 */
void client_prepare(const struct settings *);

/*
 * Begin to connect, watched by that epoll descriptor, edge-triggered, with
 * the client as data. Returns 0, or -1 with *failure set; it is closed then.
 */
int client_start(struct client *, int epoll, enum load_failure *failure);

/* Go on as far as it goes: after an event, and after wanted was raised. */
enum client_news client_step(struct client *, enum load_failure *failure);

/* Close by a reset, so that no port stays in TIME_WAIT. Closed: nothing. */
void client_close(struct client *);

/* Was the TLS session one that went on? */
bool client_resumed(const struct client *);

#endif /* MERCURY_BENCH_LOAD_CLIENT_H */
