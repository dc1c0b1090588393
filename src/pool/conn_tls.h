/*
 * conn_tls: what was agreed in a TLS handshake, as far as it is kept while the
 * connection lasts.
 */
#ifndef MERCURY_POOL_CONN_TLS_H
#define MERCURY_POOL_CONN_TLS_H

#include <stdbool.h>

struct tls_facts;

/* The texts, those of struct tls_facts, are in it. */
struct conn_tls {
	const char *version;
	const char *cipher;
	const char *alpn;
	const char *server_name;
	const char *name;
	const char *subject;
	const char *sans;
	const char *serial;
	bool resumed;
	char text[];
};

/* To be freed with free(3). NULL when out of memory. */
struct conn_tls *conn_tls_new(const struct tls_facts *);

#endif /* MERCURY_POOL_CONN_TLS_H */
