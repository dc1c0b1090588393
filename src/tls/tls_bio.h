/*
 * tls_bio: the bytes between a socket and whoever does the cryptography:
 * OpenSSL, or a stream of ours (tls_kind.h). Neither touches the socket: one
 * recv(2) fills a chunk that all sessions of the process share, they read
 * from there, and write to another, which one send(2) empties. So a session
 * that waits owns no buffer.
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
	bool partial; /* received is of no use before more has come */
};

/* What becomes of received bytes that a call has left. */
enum tls_bio_rest {
	TLS_BIO_KEEP,    /* for the next call */
	TLS_BIO_PARTIAL, /* for the next call that receives more */
	TLS_BIO_DROP
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

/* How many bytes are kept as received; they wait for more if f->partial. */
size_t tls_bio_received(const struct tls_flow *f);

/*
 * Begin a call: what is read and written from now on is f's. Each call ends
 * with tls_bio_end().
 */
void tls_bio_begin(struct tls_flow *f);

/*
 * Let OpenSSL have what was kept or, without that, what one recv(2) gives.
 * Returns the number of bytes that it can read now, 0 at the end of the
 * stream, or -1 with errno.
 */
ssize_t tls_bio_fill(int fd);

/*
 * The same without OpenSSL, for tls_bio_input(): what was kept is at most
 * TLS_BIO_RECV_SIZE; if it is partial, one recv(2) gives more behind it.
 */
ssize_t tls_bio_gather(int fd);

/* After that: the *len bytes that are there, to be written to at will. */
uint8_t *tls_bio_input(size_t *len);

/* And they are used, so many from the front. */
void tls_bio_take(size_t n);

/* Bytes that OpenSSL could still read in this call. */
size_t tls_bio_left(void);

/* The next byte that it would read; there is one. */
uint8_t tls_bio_first(void);

/* Is there room for one more record? Else flush. */
bool tls_bio_has_room(void);

/* With that room: where to write without OpenSSL. */
uint8_t *tls_bio_output(void);

/* And so many bytes were written. */
void tls_bio_wrote(size_t n);

/*
 * Send what was written, behind what was unsent. Returns 0 when all
 * of it was taken, or -1 with errno; the rest is then unsent. EOVERFLOW: the
 * peer makes us answer and does not read the answers.
 */
int tls_bio_flush(int fd);

/* End the call. Returns 0; or -1: out of memory, and received bytes are lost.
 */
int tls_bio_end(enum tls_bio_rest);

/* Bytes. */
size_t tls_bio_unsent(const struct tls_flow *);

#endif /* MERCURY_TLS_TLS_BIO_H */
