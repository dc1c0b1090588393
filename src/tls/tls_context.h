/*
 * tls_context: what a listener's TLS is to be: an SSL_CTX for its certificate
 * and one for each further name, all with the same settings.
 *
 * Its maker holds one reference, each session one.
 */
#ifndef MERCURY_TLS_TLS_CONTEXT_H
#define MERCURY_TLS_TLS_CONTEXT_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/ticket_keys.h"
#include "tls/tls_material.h"

struct tls_name {
	char *name;   /* in lower case */
	SSL_CTX *ctx; /* with the certificate for it */
};

struct tls_context {
	unsigned int references;
	enum tls_role role;
	enum tls_verify verify;
	bool tickets;
	struct tls_bytes alpn;  /* a copy; as on the wire */
	SSL_CTX *ctx;           /* for all that have no name of their own */
	struct tls_name *names; /* sorted */
	size_t name_count;
	struct ticket_keys keys; /* count 0: none yet */
};

/* See tls.h for these three. */
struct tls_context *tls_context_new(const void *material, size_t size,
    struct err *err);
void tls_context_free(struct tls_context *);
int tls_context_set_tickets(struct tls_context *, const struct ticket_keys *);

/* The context that a session of OpenSSL belongs to. */
struct tls_context *tls_context_of(const SSL *);

/*
 * The one of names that fits the server name that a peer asks for: the very
 * name, or that with "*" for its first label; NULL: none.
 */
const struct tls_name *tls_context_find(const struct tls_context *,
    const char *name);

#endif /* MERCURY_TLS_TLS_CONTEXT_H */
