/*
 * http_io: the bytes of one connection, plain or over TLS. No call waits.
 *
 * A struct http_io is part of its connection, which polls the socket.
 */
#ifndef MERCURY_GATEWAY_HTTP_IO_H
#define MERCURY_GATEWAY_HTTP_IO_H

#include <stdbool.h>
#include <stddef.h>

struct evbuffer;
struct tls_context;
struct tls_session;

struct http_io {
	int fd;
	struct tls_session *tls; /* NULL: plain */
	bool is_open;            /* the handshake is done, if there is one */
};

enum http_io_result {
	HTTP_IO_DONE,
	HTTP_IO_READ,  /* go on when the socket is readable */
	HTTP_IO_WRITE, /* when it is writable */
	HTTP_IO_END,   /* receiving: the peer has sent all that it will */
	HTTP_IO_GONE   /* it is broken */
};

/*
 * Begin with a socket (taken, also when it fails); context NULL: plain.
 * Returns 0, or -1 when out of memory.
 */
int http_io_open(struct http_io *, int fd, struct tls_context *);

/* Go on with the handshake. GONE: it failed. */
enum http_io_result http_io_handshake(struct http_io *);

/* Receive once, and append that to in: DONE, READ, END or GONE. */
enum http_io_result http_io_receive(struct http_io *, struct evbuffer *in);

/* Has receive something to give, though the socket may not be readable? */
bool http_io_pending(const struct http_io *);

/* Send what is in out: DONE when all is on its way; WRITE or GONE. */
enum http_io_result http_io_send(struct http_io *, struct evbuffer *out);

/*
 * Send what is left on its way (TLS only): DONE, WRITE or GONE. To be done
 * while http_io_unsent().
 */
enum http_io_result http_io_flush(struct http_io *);
bool http_io_unsent(const struct http_io *);

/* Tell the peer's TLS that nothing more comes; it may be unsent. */
void http_io_finish(struct http_io *);

/* After that: FIN. Returns 0, or -1. */
int http_io_shut(struct http_io *);

/* Receive after that and forget it: READ, DONE (*bytes more), END or GONE. */
enum http_io_result http_io_discard(struct http_io *, size_t *bytes);

/* Close; with reset, what the peer has not taken is lost, and it hears so. */
void http_io_close(struct http_io *, bool reset);

#endif /* MERCURY_GATEWAY_HTTP_IO_H */
