/*
 * tls_certs: certificates and keys, made while a test runs, as PEM text.
 * Whatever fails, fails the running test. Nothing is freed but by its end.
 */
#ifndef MERCURY_TESTS_TLS_CERTS_H
#define MERCURY_TESTS_TLS_CERTS_H

#include <openssl/x509.h>
#include <stddef.h>

enum tls_certs_kind { KEY_EC, KEY_RSA, KEY_RSA_1024, KEY_ED25519 };

struct identity {
	X509 *cert;
	EVP_PKEY *key;
	char *cert_pem;
	char *key_pem;
};

/* What is to be signed; 0 and NULL: an ordinary end entity, by itself. */
struct wish {
	const char *name; /* CN */
	const char *sans; /* as in openssl.cnf: "DNS:a, IP:10.0.0.1" */
	const struct identity *issuer;
	enum tls_certs_kind kind;
	int from_days;  /* from now; 0: since yesterday */
	int until_days; /* 0: for a year */
	int is_ca;
};

struct identity tls_certs_make(const struct wish *);

/* A root with an EC key. */
struct identity tls_certs_root(const char *name);

/* A list of issuer, good until_days from now, that revokes one; NULL: none. */
char *tls_certs_crl(const struct identity *issuer,
    const struct identity *revoked, int until_days);

/* The key with a pass phrase. */
char *tls_certs_encrypted(const struct identity *);

/* Texts one behind the other; the last argument is NULL. */
char *tls_certs_join(const char *text, ...);

#endif /* MERCURY_TESTS_TLS_CERTS_H */
