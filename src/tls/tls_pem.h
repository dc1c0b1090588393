/*
 * tls_pem: certificates, keys and revocation lists from PEM text in memory.
 * It asks nobody for a pass phrase.
 *
 * Each returns an object that the caller frees with OpenSSL's own call, or
 * NULL with *err, whose text says what is wrong with "it", the text or file
 * that the caller names before it.
 */
#ifndef MERCURY_TLS_TLS_PEM_H
#define MERCURY_TLS_TLS_PEM_H

#include <openssl/x509.h>

#include "common/err.h"
#include "tls/tls_material.h"

/* All certificates of the text, in order: one at least. */
STACK_OF(X509) * tls_pem_certs(const struct tls_bytes *, struct err *);

/* Its first private key. */
EVP_PKEY *tls_pem_key(const struct tls_bytes *, struct err *);

/* All its revocation lists: one at least. */
STACK_OF(X509_CRL) * tls_pem_crls(const struct tls_bytes *, struct err *);

#endif /* MERCURY_TLS_TLS_PEM_H */
