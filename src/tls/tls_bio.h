/*
 * tls_bio: the bytes between a socket and OpenSSL. OpenSSL never touches the
 * socket: one recv(2) fills a chunk that all sessions of the process share,
 * OpenSSL reads from there, and writes to another, which one send(2) empties.
 * So a session that waits owns no buffer.
 *
 * What could not be used or sent within a call stays with its session, in a
 * struct tls_flow, which the session owns.
 */
#ifndef MERCURY_TLS_TLS_BIO_H
#define MERCURY_TLS_TLS_BIO_H

#include <sys/types.h>

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of the chunk. With the plaintext of a record before it: TLS_RECV_SIZE. */
#define TLS_BIO_RECV_SIZE ((size_t)48 * 1024)

/* The most that OpenSSL makes of a record, and its plaintext. */
#define TLS_BIO_RECORD_SIZE ((size_t)16384 + 512)
#define TLS_BIO_PLAIN_SIZE ((size_t)16384)

struct tls_kept;

struct tls_flow {
	struct tls_kept *received; /* NULL: none */
	struct tls_kept *unsent;   /* NULL: none */
};

/* Free what it holds. */
void tls_bio_clear(struct tls_flow *);

/*
 * The one BIO that all sessions of the process use, a reference more of it;
 * NULL when out of memory.
 */
BIO *tls_bio_ref(void);

/* Keep bytes as if they had just come. Returns 0, or -1: out of memory. */
int tls_bio_keep(struct tls_flow *, const uint8_t *data, size_t len);

/*
 * Begin a call: from now on OpenSSL reads and writes what is f's. Each call
 * ends with tls_bio_end().
 */
void tls_bio_begin(struct tls_flow *f);

/*
 * Let OpenSSL have what was kept or, without that, what one recv(2) gives.
 * Returns the number of bytes that it can read now, 0 at the end of the
 * stream, or -1 with errno.
 */
ssize_t tls_bio_fill(int fd);

/* Bytes that OpenSSL could still read in this call. */
size_t tls_bio_left(void);

/* The next byte that it would read; there is one. */
uint8_t tls_bio_first(void);

/* Is there room for one more record? Else flush. */
bool tls_bio_has_room(void);

/*
 * Send what OpenSSL has written, behind what was unsent. Returns 0 when all
 * of it was taken, or -1 with errno; the rest is then unsent. EOVERFLOW: the
 * peer makes us answer and does not read the answers.
 */
int tls_bio_flush(int fd);

/* End the call. drop: what was received is of no use any more. Returns 0, or
 * -1 when out of memory. */
int tls_bio_end(bool drop);

/* Bytes. */
size_t tls_bio_unsent(const struct tls_flow *);

#endif /* MERCURY_TLS_TLS_BIO_H */
