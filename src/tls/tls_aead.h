/*
 * tls_aead: the three ciphers of TLS 1.3: keys from secrets (RFC 8446, 7.1 to
 * 7.3) and the protection of one record, all by OpenSSL's EVP. Pure.
 *
 * A cipher's context of OpenSSL is over 1 KiB, so keys share one for each
 * cipher and way. It is given the key again where the last one was another.
 * What a struct tls_key holds is its owner's to wipe, with tls_key_wipe().
 */
#ifndef MERCURY_TLS_TLS_AEAD_H
#define MERCURY_TLS_TLS_AEAD_H

#include <stddef.h>
#include <stdint.h>

#define TLS_AEAD_HEADER 5
#define TLS_AEAD_TAG 16
#define TLS_AEAD_NONCE 12
#define TLS_AEAD_KEY_MAX 32
#define TLS_SECRET_MAX 48

enum tls_suite {
	TLS_SUITE_NONE,
	TLS_SUITE_AES_128_GCM,
	TLS_SUITE_AES_256_GCM,
	TLS_SUITE_CHACHA20_POLY1305,
	TLS_SUITE_COUNT
};

struct tls_key {
	uint64_t id; /* never used twice in a process; 0: wiped */
	enum tls_suite suite;
	uint8_t bytes[TLS_AEAD_KEY_MAX];
};

/* The suite with this number in TLS; NONE: not one of ours. */
enum tls_suite tls_suite_find(uint16_t id);

/* Bytes of a secret of that suite. */
size_t tls_suite_secret_size(enum tls_suite);

/*
 * HKDF-Expand-Label without a context: len bytes to out, which may be the
 * secret itself. Returns 0, or -1 when OpenSSL fails.
 */
int tls_suite_expand(enum tls_suite, const uint8_t *secret, const char *label,
    uint8_t *out, size_t len);

/* Make the key for a secret. Returns 0; or -1, and the key is wiped. */
int tls_key_derive(struct tls_key *, enum tls_suite, const uint8_t *secret);

/* Leave no trace of it here. Wiped and zeroed ones are fine. */
void tls_key_wipe(struct tls_key *);

/*
 * Encrypt a record of len bytes in place: a header, which is authenticated,
 * the text, and room for the tag. Returns 0, or -1 when OpenSSL fails.
 */
int tls_aead_seal(const struct tls_key *,
    const uint8_t nonce[static TLS_AEAD_NONCE], uint8_t *record, size_t len);

/*
 * Decrypt such a record in place. Returns 0; or -1 when it is not what was
 * sealed, and then nothing of its text is left in it.
 */
int tls_aead_open(const struct tls_key *,
    const uint8_t nonce[static TLS_AEAD_NONCE], uint8_t *record, size_t len);

#endif /* MERCURY_TLS_TLS_AEAD_H */
