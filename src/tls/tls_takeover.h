/*
 * tls_takeover: what a connection needs without its SSL, taken from OpenSSL
 * while the handshake goes on: the traffic secrets, and how many records
 * have been used under them. See tls_record.h for why.
 *
 * A struct tls_takeover belongs to the session that watches with it; it holds
 * secrets until it is freed.
 */
#ifndef MERCURY_TLS_TLS_TAKEOVER_H
#define MERCURY_TLS_TLS_TAKEOVER_H

#include <openssl/types.h>
#include <stdbool.h>

#include "tls/tls_stream.h"

struct tls_takeover;

/*
 * Watch ssl, whose handshake has not begun, for as long as it lives or until
 * the watch is freed. Returns NULL when out of memory.
 */
struct tls_takeover *tls_takeover_new(SSL *ssl);

/* Wipe and free it; ssl is what it watches. NULL is fine. */
void tls_takeover_free(struct tls_takeover *, SSL *ssl);

/*
 * The handshake is done. May its SSL go? Then *secrets is all that is left of
 * it; the caller wipes that. Else, for whatever is not as it always is,
 * the SSL must stay.
 */
bool tls_takeover_secrets(const struct tls_takeover *, SSL *ssl,
    struct tls_secrets *secrets);

#endif /* MERCURY_TLS_TLS_TAKEOVER_H */
