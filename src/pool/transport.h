/*
 * transport: how the bytes of a connection travel: a table of calls, so that
 * conn.c need not know. None of them ever waits.
 */
#ifndef MERCURY_POOL_TRANSPORT_H
#define MERCURY_POOL_TRANSPORT_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

struct conn;

/* What recv and send return beside a number of bytes (> 0). */
enum {
	TRANSPORT_FINISHED = 0, /* recv: the peer has sent all that it will */
	TRANSPORT_AGAIN = -1,   /* not now: poll */
	TRANSPORT_GONE = -2     /* the connection is broken */
};

struct transport {
	/* Receive up to size (> 0) bytes. */
	ssize_t (*recv)(struct conn *, uint8_t *data, size_t size);
	/* Send up to len (> 0) bytes; may take fewer. */
	ssize_t (*send)(struct conn *, const uint8_t *data, size_t len);
};

/* A plain socket: tcp and unix. */
extern const struct transport transport_socket;

#endif /* MERCURY_POOL_TRANSPORT_H */
