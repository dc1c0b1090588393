#include "unit/tls_peer.h"

#include <sys/socket.h>

#include <criterion/criterion.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 10000

static void
put_text(struct tls_writer *w, enum tls_tag tag, const char *text)
{
	if (text != NULL)
		tls_material_put(w, tag, text, strlen(text));
}

static void
put_identity(struct tls_writer *w, const struct identity *id, const char *chain)
{
	put_text(w, TLS_TAG_CERT,
	    tls_certs_join(id->cert_pem, chain == NULL ? "" : chain, NULL));
	put_text(w, TLS_TAG_KEY, id->key_pem);
}

struct tls_writer
peer_material(const struct listener *l)
{
	struct tls_writer w = { 0 };
	size_t i;

	tls_material_put_number(&w, TLS_TAG_ROLE, l->role, 1);
	tls_material_put_number(&w, TLS_TAG_VERIFY, l->verify, 1);
	if (l->min_version != 0)
		tls_material_put_number(&w, TLS_TAG_MIN_VERSION, l->min_version,
		    2);
	if (l->no_tickets != NULL)
		tls_material_put_number(&w, TLS_TAG_TICKETS, 0, 1);
	put_text(&w, TLS_TAG_CIPHERS, l->ciphers);
	put_text(&w, TLS_TAG_CIPHERSUITES, l->ciphersuites);
	put_text(&w, TLS_TAG_ALPN, l->alpn);
	put_text(&w, TLS_TAG_CLIENT_CA, l->client_ca);
	put_text(&w, TLS_TAG_CRL, l->crl);
	if (l->identity != NULL)
		put_identity(&w, l->identity, l->chain);
	for (i = 0; i < 4 && l->names[i] != NULL; i++) {
		put_text(&w, TLS_TAG_NAME, l->names[i]);
		put_identity(&w, l->identities[i], NULL);
	}
	cr_assert(!w.failed);
	return w;
}

struct tls_context *
peer_context(const struct listener *l)
{
	struct tls_writer w = peer_material(l);
	struct tls_context *c;
	struct err err;

	c = mercury_tls.context_new(w.bytes, w.size, &err);
	cr_assert_not_null(c, "%s", err.text);
	tls_material_free(w.bytes, w.size);
	return c;
}

SSL_CTX *
peer_ctx(int version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());

	cr_assert_not_null(ctx);
	if (version != 0) {
		SSL_CTX_set_min_proto_version(ctx, version);
		SSL_CTX_set_max_proto_version(ctx, version);
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
	return ctx;
}

void
peer_show(SSL_CTX *ctx, const struct identity *id)
{
	cr_assert_eq(SSL_CTX_use_certificate(ctx, id->cert), 1);
	cr_assert_eq(SSL_CTX_use_PrivateKey(ctx, id->key), 1);
}

void
peer_ask(SSL *ssl, const char *name)
{
	char *copy = strdup(name);

	/* OpenSSL's macro wants it writable. */
	cr_assert_eq(SSL_set_tlsext_host_name(ssl, copy), 1);
	free(copy);
}

/* A device, and a session of c. */
static struct pair
pair_of(struct tls_context *c, struct tls_session *session, SSL_CTX *ctx)
{
	struct pair p = { 0 };
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
	    0);
	p.ours = fds[0];
	p.theirs = fds[1];
	p.result = TLS_AGAIN_READ;
	p.session = session;
	cr_assert_not_null(p.session);
	if (ctx == NULL)
		return p;
	p.peer = SSL_new(ctx);
	cr_assert_not_null(p.peer);
	cr_assert_eq(SSL_set_fd(p.peer, p.theirs), 1);
	if (mercury_tls.context_speaks_first(c))
		SSL_set_accept_state(p.peer);
	else
		SSL_set_connect_state(p.peer);
	return p;
}

struct pair
pair_new(struct tls_context *c, SSL_CTX *ctx)
{
	return pair_of(c, mercury_tls.session_new(c, NULL, 0), ctx);
}

struct pair
pair_to(struct tls_context *c, SSL_CTX *ctx, const char *server)
{
	return pair_of(c, mercury_tls.session_connect(c, server), ctx);
}

static bool
peer_goes_on(const struct pair *p)
{
	return p->peer_result != 1 &&
	    SSL_get_error(p->peer, p->peer_result) == SSL_ERROR_WANT_READ;
}

void
pair_shake(struct pair *p)
{
	int turns;

	for (turns = 0; turns < 20; turns++) {
		if (p->peer_result != 1)
			p->peer_result = SSL_do_handshake(p->peer);
		if (p->result == TLS_AGAIN_READ || p->result == TLS_AGAIN_WRITE)
			p->result = mercury_tls.handshake(p->session, p->ours);
		if (!peer_goes_on(p) && p->result != TLS_AGAIN_READ)
			break;
	}
	/* The alert, or the ticket. */
	if (p->result == TLS_FAILED && p->peer_result != 1)
		p->peer_result = SSL_do_handshake(p->peer);
}

void
pair_must_shake(struct pair *p)
{
	const char *text = "";

	pair_shake(p);
	if (p->result == TLS_FAILED)
		(void)pair_failure(p, &text);
	cr_assert_eq(p->result, TLS_DONE, "%d: %s", p->result, text);
	cr_assert_eq(p->peer_result, 1, "%s",
	    ERR_reason_error_string(ERR_peek_error()));
}

enum tls_failure
pair_failure(const struct pair *p, const char **text)
{
	const char *ours;
	const enum tls_failure failure = mercury_tls.failure(p->session, &ours);

	cr_expect_not_null(tls_failure_name(failure));
	cr_assert_not_null(ours);
	if (text != NULL)
		*text = ours;
	return failure;
}

ssize_t
pair_recv(struct pair *p, uint8_t *data)
{
	struct pollfd poll_fd = { .fd = p->ours, .events = POLLIN };
	ssize_t n;

	while ((n = mercury_tls.recv(p->session, p->ours, data,
		    TLS_RECV_SIZE)) == TLS_AGAIN)
		if (!mercury_tls.pending(p->session))
			cr_assert_eq(poll(&poll_fd, 1, WAIT_MS), 1);
	return n;
}

void
pair_free(struct pair *p)
{
	mercury_tls.session_free(p->session);
	SSL_free(p->peer);
	if (p->ours != -1)
		(void)close(p->ours);
	if (p->theirs != -1)
		(void)close(p->theirs);
}
