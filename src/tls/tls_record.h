/*
 * tls_record: the record protection of TLS 1.3 (RFC 8446, section 5), without
 * a socket: bytes in, bytes out.
 *
 * Why it exists: memory for each idle device. Once a handshake is done, all
 * that a connection needs is two secrets, two keys and two counters, but
 * OpenSSL has no call that makes an SSL smaller than its 8 KiB and more. So
 * a session takes its secrets from OpenSSL (tls_takeover.h), lets go of the
 * SSL, and has this, with tls_stream.h above and tls_aead.h below.
 *
 * What it does not do: handshakes, other versions than 1.3, early data,
 * cryptography of its own, padding of what we send, shorter records for
 * peers that ask for them, authentication after the handshake.
 *
 * A direction is its owner's, who ends it with tls_direction_end(). It never
 * uses a nonce twice: the one function that makes nonces counts them, too,
 * and a direction in which anything has failed is dead.
 */
#ifndef MERCURY_TLS_TLS_RECORD_H
#define MERCURY_TLS_TLS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/tls_aead.h"

#define TLS_RECORD_PLAIN ((size_t)16384)
/* What a record has beside the bytes in it: header, type and tag. */
#define TLS_RECORD_EXTRA ((size_t)TLS_AEAD_HEADER + 1 + TLS_AEAD_TAG)
/* A record from the peer has so many bytes at most, header and all. */
#define TLS_RECORD_MAX ((size_t)TLS_AEAD_HEADER + 16384 + 256)

enum tls_record_type {
	TLS_RECORD_ALERT = 21,
	TLS_RECORD_HANDSHAKE = 22,
	TLS_RECORD_DATA = 23
};

/*     FAULT(ID, alert, OpenSSL's reason, which has the text for people) */
/* clang-format off */
#define TLS_FAULTS(FAULT)						\
	FAULT(RECORD, SSL_AD_UNEXPECTED_MESSAGE, SSL_R_BAD_RECORD_TYPE)	\
	FAULT(VERSION, SSL_AD_PROTOCOL_VERSION, SSL_R_WRONG_VERSION_NUMBER) \
	FAULT(LENGTH, SSL_AD_RECORD_OVERFLOW,				\
	    SSL_R_ENCRYPTED_LENGTH_TOO_LONG)				\
	FAULT(MAC, SSL_AD_BAD_RECORD_MAC,				\
	    SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC)			\
	FAULT(PLAIN, SSL_AD_RECORD_OVERFLOW, SSL_R_DATA_LENGTH_TOO_LONG) \
	FAULT(EMPTY, SSL_AD_UNEXPECTED_MESSAGE, SSL_R_RECORD_TOO_SMALL)	\
	FAULT(MESSAGE, SSL_AD_UNEXPECTED_MESSAGE, SSL_R_UNEXPECTED_MESSAGE) \
	FAULT(BOUNDARY, SSL_AD_UNEXPECTED_MESSAGE,			\
	    SSL_R_NOT_ON_RECORD_BOUNDARY)				\
	FAULT(UPDATE, SSL_AD_ILLEGAL_PARAMETER, SSL_R_BAD_KEY_UPDATE)	\
	FAULT(DECODE, SSL_AD_DECODE_ERROR, SSL_R_LENGTH_MISMATCH)	\
	FAULT(INTERNAL, SSL_AD_INTERNAL_ERROR, ERR_R_INTERNAL_ERROR)
/* clang-format on */

/* What a peer did wrong. */
enum tls_fault {
	TLS_FAULT_NONE,
#define FAULT(ID, ALERT, REASON) TLS_FAULT_##ID,
	TLS_FAULTS(FAULT)
#undef FAULT
	    TLS_FAULT_COUNT
};

/* The alert that the peer gets. */
uint8_t tls_fault_alert(enum tls_fault);

/* The same as an error of OpenSSL's (tls_error.h). */
unsigned long tls_fault_error(enum tls_fault);

struct tls_direction {
	uint64_t sequence; /* of the next record */
	struct tls_key key;
	uint8_t iv[TLS_AEAD_NONCE];
	uint8_t secret[TLS_SECRET_MAX];
	bool dead;
};

/* A record that was opened. */
struct tls_plain {
	enum tls_record_type type; /* or any other number */
	const uint8_t *data;       /* in the record */
	size_t len;
};

/*
 * Start with a traffic secret, copied, of which so many records have been
 * used already. Returns 0; or -1 when OpenSSL fails, and it is dead.
 */
int tls_direction_start(struct tls_direction *, enum tls_suite,
    const uint8_t *secret, uint64_t sequence);

/* Go on with the next secret. Returns 0; or -1, and it is dead. */
int tls_direction_update(struct tls_direction *);

/* Wipe it; it is dead. */
void tls_direction_end(struct tls_direction *);

/*
 * Make a record of len (at most TLS_RECORD_PLAIN) bytes at out, which has
 * room for TLS_RECORD_EXTRA more; data is elsewhere. Returns its size, or 0
 * when the direction is dead, or died.
 */
size_t tls_record_seal(struct tls_direction *, enum tls_record_type,
    const uint8_t *data, size_t len, uint8_t *out);

/*
 * Look at the header of a record, and give the size of all of it, which is
 * then within TLS_RECORD_MAX.
 */
enum tls_fault tls_record_header(const uint8_t header[static TLS_AEAD_HEADER],
    size_t *size);

/*
 * Open a record whose header was fine, in place. On a fault the direction is
 * dead, and *plain is not filled in.
 */
enum tls_fault tls_record_open(struct tls_direction *, uint8_t *record,
    size_t size, struct tls_plain *plain);

#endif /* MERCURY_TLS_TLS_RECORD_H */
