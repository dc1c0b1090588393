/*
 * relay_io: one end of a relay: a socket, plain or with TLS, how it is read
 * from and written to, and what was read from it but not passed on. No call
 * waits.
 */
#ifndef MERCURY_PROXY_RELAY_IO_H
#define MERCURY_PROXY_RELAY_IO_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pipe;
struct tls_api;
struct tls_session;

/* What the calls return beside a number of bytes (> 0). */
enum {
	RELAY_IO_FINISHED = 0, /* recv: it has sent all that it will */
	RELAY_IO_AGAIN = -1,   /* not now */
	RELAY_IO_GONE = -2     /* it is broken; errno says why: EPROTO, TLS */
};

/* Bytes that the other end did not take. */
struct relay_bytes {
	size_t gone; /* so many of them it has */
	size_t len;
	uint8_t data[];
};

struct relay_end {
	int fd;
	struct tls_session *tls;  /* NULL: plain */
	struct relay_bytes *kept; /* to be passed on; NULL: none */
	struct pipe *pipe;        /* then what is in it; NULL: none */
	bool ready;               /* there may be something to read */
	bool closing;             /* read on, up to the end of the stream */
	bool finished;            /* the end was read */
	bool told;                /* TLS only: close_notify was sent for it */
	bool passed;              /* the other end knows of it */
	bool spliced;             /* its reads are large */
	bool unsure;              /* an error may have come with what it sent */
};

/* The largest read. */
#define RELAY_READ_SIZE 65536

/* The api may be NULL when no end has TLS. */
ssize_t relay_recv(const struct tls_api *, struct relay_end *, uint8_t *data,
    size_t size);
ssize_t relay_send(const struct tls_api *, struct relay_end *,
    const uint8_t *data, size_t len);

/* Returns 1 when the socket has all that was sent; else AGAIN or GONE. */
int relay_flush(const struct tls_api *, struct relay_end *);

/*
 * Pass on that from has finished: nothing is pending for the other end any
 * more. When both have passed that on, the sockets are to be closed. Returns
 * as relay_flush().
 */
int relay_pass_end(const struct tls_api *, struct relay_end *from,
    struct relay_end *to);

/* Keep these bytes (copied) behind those. Returns 0, or -1: no memory. */
int relay_keep(struct relay_bytes **, const uint8_t *data, size_t len);

/* Has the socket had an error? It is errno then. */
bool relay_is_broken(const struct relay_end *);

#endif /* MERCURY_PROXY_RELAY_IO_H */
