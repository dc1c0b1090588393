/*
 * tls_ticket: session tickets with keys from outside, so that all workers of
 * a listener, and those that come later, take each other's.
 */
#ifndef MERCURY_TLS_TLS_TICKET_H
#define MERCURY_TLS_TLS_TICKET_H

#include <openssl/types.h>

#include "common/ticket_keys.h"

/*
 * Let sessions of ctx, whose application data is the struct tls_context,
 * make tickets and take them, with the keys of that context.
 */
void tls_ticket_enable(SSL_CTX *ctx);

/* The opposite. Sessions that exist keep what they had. */
void tls_ticket_disable(SSL_CTX *ctx);

/* How long a ticket may be used. */
#define TLS_TICKET_SECONDS (12L * 60 * 60)

#endif /* MERCURY_TLS_TLS_TICKET_H */
