/*
 * transport: how the bytes of a connection travel: a table of calls, so that
 * conn.c need not know. None of them ever waits.
 */
#ifndef MERCURY_POOL_TRANSPORT_H
#define MERCURY_POOL_TRANSPORT_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct conn;

/* What recv, send and flush return beside a number of bytes (> 0). */
enum {
	TRANSPORT_FINISHED = 0, /* recv: the peer has sent all that it will */
	TRANSPORT_AGAIN = -1,   /* not now: poll */
	TRANSPORT_GONE = -2     /* it is broken; errno says why: EPROTO, TLS */
};

/* What one that keeps nothing of its own has no use for is NULL. */
struct transport {
	/* Receive up to size (at least CONN_READ_SIZE) bytes. */
	ssize_t (*recv)(struct conn *, uint8_t *data, size_t size);
	/* Send up to len (> 0) bytes; may take fewer. */
	ssize_t (*send)(struct conn *, const uint8_t *data, size_t len);
	/* recv has something to give, readable or not. */
	bool (*pending)(const struct conn *);
	/* It has taken what the socket has not. */
	bool (*unsent)(const struct conn *);
	/* The socket is writable: > 0 when nothing is unsent any more. */
	ssize_t (*flush)(struct conn *);
	/* Nothing more is to be sent; the last of it may be unsent. */
	void (*finish)(struct conn *);
	/* The connection ends; its socket is still open. */
	void (*close)(struct conn *);
};

/* A plain socket: tcp and unix. */
extern const struct transport transport_socket;

/* TLS over it, once its handshake is done. */
extern const struct transport transport_tls;

#endif /* MERCURY_POOL_TRANSPORT_H */
