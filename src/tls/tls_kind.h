/*
 * tls_kind: the two ways in which an established session is protected: by
 * OpenSSL's SSL (tls_by_openssl.c), and by a stream of our own
 * (tls_by_stream.c), which costs a tenth of the memory. tls_session.c has
 * what both have in common; nobody else includes this.
 *
 * The functions of a kind are called between tls_bio_begin() and
 * tls_bio_end().
 */
#ifndef MERCURY_TLS_TLS_KIND_H
#define MERCURY_TLS_TLS_KIND_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/tls.h"
#include "tls/tls_bio.h"

struct tls_session;
struct tls_stream;
struct tls_takeover;

struct tls_kind {
	/* As tls_bio_fill(). */
	ssize_t (*fill)(int fd);

	/*
	 * Decrypt what was received, at most TLS_RECV_SIZE bytes, and answer
	 * if need be. What ends the stream is noted. Returns how many bytes.
	 */
	size_t (*read)(struct tls_session *, uint8_t *data, size_t size);

	/*
	 * Encrypt 1 to TLS_BIO_PLAIN_SIZE bytes; there is room. Returns how
	 * many were taken; 0: none ever will, and why is noted.
	 */
	size_t (*write)(struct tls_session *, const uint8_t *data, size_t len);

	/* Write close_notify. */
	void (*close)(struct tls_session *);

	/* What becomes of received bytes that read has left. */
	enum tls_bio_rest rest;
};

extern const struct tls_kind tls_by_openssl;
extern const struct tls_kind tls_by_stream;

/* Nothing has ended it; else what recv returns from now on. */
#define TLS_NO_END 1

struct tls_session {
	const struct tls_kind *kind;
	struct tls_context *context;
	SSL *ssl;                      /* NULL: by_stream */
	struct tls_takeover *takeover; /* NULL: too late */
	struct tls_stream *stream;     /* NULL: by_openssl */
	struct tls_flow flow;
	unsigned long error; /* tls_error.h */
	int sys;             /* errno, where that is why it failed */
	int8_t end;          /* TLS_NO_END, TLS_FINISHED or TLS_ERROR */
	uint8_t failure;
	bool begun;       /* the first byte has come */
	bool tls;         /* and it was one of TLS */
	bool established; /* the handshake is done */
	bool told;        /* recv has returned end */
	bool stale;       /* failed for a certificate that is out of date */
};

/* Remember an error of OpenSSL's as the reason of a failure. */
void tls_session_note(struct tls_session *, unsigned long error);

/*
 * Go on with a stream, if the SSL of an established session may go. The
 * session is as good as it was if not.
 */
void tls_by_stream_begin(struct tls_session *);

/* Wipe and free the stream of a session, if it has one. */
void tls_by_stream_end(struct tls_session *);

#endif /* MERCURY_TLS_TLS_KIND_H */
