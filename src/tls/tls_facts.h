/*
 * tls_facts: what was agreed in a handshake, as text for people.
 */
#ifndef MERCURY_TLS_TLS_FACTS_H
#define MERCURY_TLS_TLS_FACTS_H

#include <openssl/types.h>
#include <stdbool.h>

#include "tls/tls.h"

/* Fill in *facts for an established session; verified: its peer is known by
 * its certificate, if it has shown one. */
void tls_facts_fill(const SSL *, bool verified, struct tls_facts *facts);

#endif /* MERCURY_TLS_TLS_FACTS_H */
