/*
 * tls_peer: both ends of a connection for a test of src/tls: a session of
 * ours, and OpenSSL by itself as the device. Whatever fails, fails the
 * running test.
 */
#ifndef MERCURY_TESTS_TLS_PEER_H
#define MERCURY_TESTS_TLS_PEER_H

#include <openssl/ssl.h>

#include "tls/tls.h"
#include "tls/tls_material.h"
#include "unit/tls_certs.h"

struct pair {
	int ours; /* the sockets; neither blocks */
	int theirs;
	struct tls_session *session;
	SSL *peer;
	enum tls_handshake result; /* of ours */
	int peer_result;           /* 1: its handshake is done */
};

/* What a listener is asked to be; NULL and 0: not given. */
struct listener {
	const struct identity *identity;
	const char *chain; /* PEM behind the certificate */
	enum tls_verify verify;
	enum tls_role role;
	unsigned int min_version;
	const char *ciphers;
	const char *ciphersuites;
	const char *alpn; /* on the wire */
	const char *client_ca;
	const char *crl;
	const char *no_tickets; /* not NULL: none */
	const char *names[4];   /* further names */
	const struct identity *identities[4];
};

/* Its material; the caller frees it with tls_material_free(). */
struct tls_writer peer_material(const struct listener *);

/* Its context. */
struct tls_context *peer_context(const struct listener *);

/* An SSL_CTX for a device of this version of TLS (0: any), trusting all. */
SSL_CTX *peer_ctx(int version);

/* Let it show this. */
void peer_show(SSL_CTX *, const struct identity *);

/* Let it ask for this server name. */
void peer_ask(SSL *, const char *name);

/* Connect a device to a session of c. */
struct pair pair_new(struct tls_context *c, SSL_CTX *ctx);

/* The same of a session that wants a server of this name. */
struct pair pair_to(struct tls_context *c, SSL_CTX *ctx, const char *server);

/* Both ends go on until neither can; fills in the results. */
void pair_shake(struct pair *);

/* The same, and both must be done. */
void pair_must_shake(struct pair *);

/* The kind of our failure, and its text in *text if that is not NULL. */
enum tls_failure pair_failure(const struct pair *, const char **text);

/* Call recv until something comes; at most TLS_RECV_SIZE bytes. */
ssize_t pair_recv(struct pair *, uint8_t *data);

void pair_free(struct pair *);

#endif /* MERCURY_TESTS_TLS_PEER_H */
