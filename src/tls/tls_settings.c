#include "tls/tls_settings.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tls/tls_error.h"
#include "tls/tls_pem.h"
#include "tls/tls_ticket.h"

/*
 * Of TLS 1.2: with forward secrecy and authenticated encryption. Who must
 * serve older devices names their ciphers.
 */
#define DEFAULT_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

/* What a peer may send us as its certificates, and how many they may be. */
#define PEER_CHAIN_BYTES_MAX 32768
#define PEER_CHAIN_LENGTH_MAX 8

#define OPTIONS                                            \
	(SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | \
	    SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA)
#define MODES                                                       \
	(SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS | \
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN)

/* --- ciphers --- */

/* As a string, which the caller frees; NULL: out of memory. */
static char *
copy_text(const struct tls_bytes *b, const char *fallback)
{
	if (b->data == NULL)
		return strdup(fallback);
	return strndup((const char *)b->data, b->len);
}

static bool
is_cipher(SSL_CTX *scratch, const char *rule)
{
	/* What is only taken away need not be there. */
	if (strchr("!-+@", rule[0]) != NULL)
		return true;
	return SSL_CTX_set_cipher_list(scratch, rule) == 1;
}

/* Only those suites that it knows are in its list then. */
static bool
is_suite(SSL_CTX *scratch, const char *name)
{
	const STACK_OF(SSL_CIPHER) * list;
	int i;

	if (SSL_CTX_set_ciphersuites(scratch, name) != 1)
		return false;
	list = SSL_CTX_get_ciphers(scratch);
	for (i = 0; i < sk_SSL_CIPHER_num(list); i++)
		if (strcmp(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(list, i)),
			name) == 0)
			return true;
	return false;
}

/*
 * OpenSSL passes over names that it doesn't know, without a word. text is
 * taken to pieces.
 */
static int
check_words(char *text, const char *separators,
    bool (*check)(SSL_CTX *, const char *), struct err *err)
{
	SSL_CTX *scratch = SSL_CTX_new(TLS_method());
	char *rest = text, *word;
	int result = 0;

	if (scratch == NULL)
		return err_set(err, ERR_UNAVAILABLE, "out of memory");
	while (result == 0 && (word = strsep(&rest, separators)) != NULL)
		if (word[0] != '\0' && !check(scratch, word))
			result = err_set(err, ERR_INVALID,
			    "OpenSSL has no \"%.60s\" there", word);
	SSL_CTX_free(scratch);
	ERR_clear_error();
	return result;
}

/* Check a list, and let OpenSSL have it. */
static int
set_list(SSL_CTX *ctx, const struct tls_bytes *b, bool suites, struct err *err)
{
	char *text = copy_text(b, DEFAULT_CIPHERS), *pieces = NULL;
	struct err why;
	int result;

	if (text != NULL)
		pieces = strdup(text);
	if (pieces == NULL)
		result = err_set(&why, ERR_UNAVAILABLE, "out of memory");
	else if (suites)
		result = check_words(pieces, ":", is_suite, &why);
	else
		result = check_words(pieces, ":,; ", is_cipher, &why);
	if (result == 0 &&
	    (suites ? SSL_CTX_set_ciphersuites(ctx, text)
		    : SSL_CTX_set_cipher_list(ctx, text)) != 1)
		result = tls_error_set(&why, "OpenSSL does not take it");
	free(pieces);
	free(text);
	if (result == -1)
		return err_set(err, why.code, "%s: %s",
		    suites ? "ciphersuites" : "ciphers", why.text);
	return 0;
}

static int
set_ciphers(SSL_CTX *ctx, const struct tls_material *m, struct err *err)
{
	if (set_list(ctx, &m->ciphers, false, err) == -1)
		return -1;
	if (m->ciphersuites.data == NULL)
		return 0;
	return set_list(ctx, &m->ciphersuites, true, err);
}

/* --- what this side shows --- */

static int
add_chain(SSL_CTX *ctx, STACK_OF(X509) * certs, struct err *err)
{
	int i;

	if (SSL_CTX_use_certificate(ctx, sk_X509_value(certs, 0)) != 1)
		return tls_error_set(err, "cert");
	for (i = 1; i < sk_X509_num(certs); i++)
		if (SSL_CTX_add1_chain_cert(ctx, sk_X509_value(certs, i)) != 1)
			return tls_error_set(err, "cert: its chain");
	return 0;
}

static int
set_certificate(SSL_CTX *ctx, const struct tls_bytes *text, struct err *err)
{
	struct err why;
	STACK_OF(X509) *certs = tls_pem_certs(text, &why);
	int result;

	if (certs == NULL)
		return err_set(err, why.code, "cert: %s", why.text);
	result = add_chain(ctx, certs, err);
	sk_X509_pop_free(certs, X509_free);
	return result;
}

static int
set_key(SSL_CTX *ctx, const struct tls_bytes *text, struct err *err)
{
	struct err why;
	EVP_PKEY *key = tls_pem_key(text, &why);
	int result = 0;

	if (key == NULL)
		return err_set(err, why.code, "key: %s", why.text);
	if (SSL_CTX_use_PrivateKey(ctx, key) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1)
		result = tls_error_set(err, "key");
	EVP_PKEY_free(key);
	return result;
}

static int
set_identity(SSL_CTX *ctx, const struct tls_identity *identity, struct err *err)
{
	if (identity->cert.data == NULL)
		return 0;
	if (set_certificate(ctx, &identity->cert, err) == -1)
		return -1;
	return set_key(ctx, &identity->key, err);
}

/* --- what the peer must show --- */

/*
 * The certificates before the peer's own need no list: who keeps none for the
 * root has not revoked its own authorities.
 */
static int
on_verify(int good, X509_STORE_CTX *store)
{
	if (good || X509_STORE_CTX_get_error_depth(store) == 0 ||
	    X509_STORE_CTX_get_error(store) != X509_V_ERR_UNABLE_TO_GET_CRL)
		return good;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

/* Trust these certificates, roots or not, and say so to the peer. */
static int
add_authorities(SSL_CTX *ctx, const struct tls_bytes *text, struct err *err)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	struct err why;
	STACK_OF(X509) *certs = tls_pem_certs(text, &why);
	int result = 0, i;

	if (certs == NULL)
		return err_set(err, why.code, "client_ca: %s", why.text);
	for (i = 0; result == 0 && i < sk_X509_num(certs); i++)
		if (X509_STORE_add_cert(store, sk_X509_value(certs, i)) != 1 ||
		    SSL_CTX_add_client_CA(ctx, sk_X509_value(certs, i)) != 1)
			result = tls_error_set(err, "client_ca");
	sk_X509_pop_free(certs, X509_free);
	(void)X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	return result;
}

static int
add_crls(SSL_CTX *ctx, const struct tls_bytes *text, struct err *err)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	struct err why;
	STACK_OF(X509_CRL) *crls = tls_pem_crls(text, &why);
	int result = 0, i;

	if (crls == NULL)
		return err_set(err, why.code, "crl: %s", why.text);
	for (i = 0; result == 0 && i < sk_X509_CRL_num(crls); i++)
		if (X509_STORE_add_crl(store, sk_X509_CRL_value(crls, i)) != 1)
			result = tls_error_set(err, "crl");
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	(void)X509_STORE_set_flags(store,
	    X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return result;
}

static int
verify_mode(enum tls_verify verify)
{
	switch (verify) {
	case TLS_VERIFY_REQUIRED:
		return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	case TLS_VERIFY_OPTIONAL:
		return SSL_VERIFY_PEER;
	default:
		return SSL_VERIFY_NONE;
	}
}

static int
set_verify(SSL_CTX *ctx, const struct tls_material *m, struct err *err)
{
	if (m->client_ca.data != NULL &&
	    add_authorities(ctx, &m->client_ca, err) == -1)
		return -1;
	if (m->crl.data != NULL && add_crls(ctx, &m->crl, err) == -1)
		return -1;
	if (m->verify != TLS_VERIFY_NONE && m->client_ca.data == NULL)
		return err_set(err, ERR_INVALID, "client_ca: is missing");
	SSL_CTX_set_verify(ctx, verify_mode(m->verify), on_verify);
	SSL_CTX_set_verify_depth(ctx, PEER_CHAIN_LENGTH_MAX);
	(void)SSL_CTX_set_max_cert_list(ctx, PEER_CHAIN_BYTES_MAX);
	return 0;
}

/*
 * A ticket is good only where peers are checked as it was when it was made:
 * who is on a new revocation list may not come in with an old ticket.
 */
static int
set_ticket_scope(SSL_CTX *ctx, const struct tls_material *m)
{
	const uint8_t verify = (uint8_t)m->verify;
	unsigned char scope[EVP_MAX_MD_SIZE];
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned int len = 0;
	int good;

	good = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) &&
	    EVP_DigestUpdate(md, &verify, sizeof(verify)) &&
	    EVP_DigestUpdate(md, m->client_ca.data, m->client_ca.len) &&
	    EVP_DigestUpdate(md, m->crl.data, m->crl.len) &&
	    EVP_DigestFinal_ex(md, scope, &len) &&
	    SSL_CTX_set_session_id_context(ctx, scope, len);
	EVP_MD_CTX_free(md);
	return good ? 0 : -1;
}

/* --- what both agree on --- */

static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *len,
    const unsigned char *offered, unsigned int offered_len, void *arg)
{
	const struct tls_context *context = arg;
	unsigned char *found;

	(void)ssl;
	/* The first of ours that the peer has; it is in one of both lists. */
	if (SSL_select_next_proto(&found, len, context->alpn.data,
		(unsigned int)context->alpn.len, offered,
		offered_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = found;
	return SSL_TLSEXT_ERR_OK;
}

/* Returns 0, or -1. */
static int
set_alpn(SSL_CTX *ctx, struct tls_context *context)
{
	const struct tls_bytes *alpn = &context->alpn;

	if (alpn->data == NULL)
		return 0;
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, context);
	/* This call has 0 for success. */
	return SSL_CTX_set_alpn_protos(ctx, alpn->data,
		   (unsigned int)alpn->len) == 0
	    ? 0
	    : -1;
}

static int
set_basics(SSL_CTX *ctx, struct tls_context *context,
    const struct tls_material *m, struct err *err)
{
	/* OpenSSL's macro wants it writable. */
	static char groups[] = "X25519:P-256:P-384:P-521";

	(void)SSL_CTX_set_app_data(ctx, context);
	(void)SSL_CTX_set_options(ctx, OPTIONS);
	(void)SSL_CTX_set_mode(ctx, MODES);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_quiet_shutdown(ctx, 0);
	tls_ticket_disable(ctx);
	if (SSL_CTX_set_min_proto_version(ctx, (int)m->min_version) != 1 ||
	    SSL_CTX_set1_groups_list(ctx, groups) != 1 ||
	    set_ticket_scope(ctx, m) == -1 || set_alpn(ctx, context) == -1)
		return tls_error_set(err, "OpenSSL");
	return 0;
}

SSL_CTX *
tls_settings_apply(struct tls_context *context, const struct tls_material *m,
    const struct tls_identity *identity, struct err *err)
{
	SSL_CTX *ctx;

	ERR_clear_error();
	ctx = SSL_CTX_new(TLS_method());
	if (ctx == NULL) {
		(void)tls_error_set(err, "OpenSSL");
		return NULL;
	}
	/* Ciphers before keys: they say how weak a key may be. */
	if (set_basics(ctx, context, m, err) == -1 ||
	    set_ciphers(ctx, m, err) == -1 ||
	    set_identity(ctx, identity, err) == -1 ||
	    set_verify(ctx, m, err) == -1) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}
