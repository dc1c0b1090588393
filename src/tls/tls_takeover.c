#include "tls/tls_takeover.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

/* One way of a connection. */
struct side {
	uint8_t secret[TLS_SECRET_MAX];
	size_t secret_len; /* 0: not known yet */
	bool finished;     /* its last handshake message has gone by */
	bool odd;          /* something behind it that we do not expect */
	uint64_t records;  /* behind it */
};

struct tls_takeover {
	struct side client;
	struct side server;
};

static struct side *
side_of(struct tls_takeover *t, const SSL *ssl, bool ours)
{
	return (SSL_is_server(ssl) == 1) == ours ? &t->server : &t->client;
}

/* --- secrets --- */

/* The secret of a line "LABEL random secret"; false: of another label. */
static bool
read_line(struct side *side, const char *line, const char *label)
{
	const size_t len = strlen(label);
	const char *at = strrchr(line, ' ');

	if (at == NULL || strncmp(line, label, len) != 0 || line[len] != ' ')
		return false;
	/* A second one makes no sense. */
	side->odd |= side->secret_len > 0;
	if (OPENSSL_hexstr2buf_ex(side->secret, sizeof(side->secret),
		&side->secret_len, at + 1, '\0') != 1)
		side->odd = true;
	return true;
}

/*
 * OpenSSL writes down each of five secrets, in hex, if there is one to read
 * it, and takes its time. So there is one from a Finished message, behind
 * which a secret comes that we want, up to that.
 */
static void
on_key(const SSL *ssl, const char *line)
{
	struct tls_takeover *t = SSL_get_app_data(ssl);

	if (t == NULL)
		return;
	if (read_line(&t->client, line, "CLIENT_TRAFFIC_SECRET_0") ||
	    read_line(&t->server, line, "SERVER_TRAFFIC_SECRET_0"))
		SSL_CTX_set_keylog_callback(SSL_get_SSL_CTX(ssl), NULL);
}

/* --- records --- */

static void
on_message(int written, int version, int type, const void *bytes, size_t len,
    SSL *ssl, void *arg)
{
	struct side *side = side_of(arg, ssl, written == 1);
	const uint8_t first = len > 0 ? *(const uint8_t *)bytes : 0;

	(void)version;
	if (type == SSL3_RT_HEADER && side->finished) {
		side->records++;
		side->odd |= first != SSL3_RT_APPLICATION_DATA;
	} else if (type == SSL3_RT_HANDSHAKE && side->finished) {
		side->odd |= first != SSL3_MT_NEWSESSION_TICKET;
	} else if (type == SSL3_RT_HANDSHAKE && first == SSL3_MT_FINISHED) {
		side->finished = true;
		SSL_CTX_set_keylog_callback(SSL_get_SSL_CTX(ssl), on_key);
	}
}

struct tls_takeover *
tls_takeover_new(SSL *ssl)
{
	struct tls_takeover *t = calloc(1, sizeof(*t));

	if (t == NULL || SSL_set_app_data(ssl, t) != 1) {
		free(t);
		return NULL;
	}
	SSL_set_msg_callback(ssl, on_message);
	SSL_set_msg_callback_arg(ssl, t);
	return t;
}

void
tls_takeover_free(struct tls_takeover *t, SSL *ssl)
{
	if (t == NULL)
		return;
	SSL_set_msg_callback(ssl, NULL);
	SSL_set_msg_callback_arg(ssl, NULL);
	(void)SSL_set_app_data(ssl, NULL);
	OPENSSL_cleanse(t, sizeof(*t));
	free(t);
}

/* --- the end --- */

/* Nothing is under way inside of OpenSSL, nor was anything unusual agreed. */
static bool
is_plain(SSL *ssl)
{
	const SSL_SESSION *session = SSL_get0_session(ssl);

	return SSL_version(ssl) == TLS1_3_VERSION &&
	    SSL_is_init_finished(ssl) && SSL_has_pending(ssl) == 0 &&
	    SSL_get_shutdown(ssl) == 0 &&
	    SSL_get_key_update_type(ssl) == SSL_KEY_UPDATE_NONE &&
	    SSL_get_early_data_status(ssl) != SSL_EARLY_DATA_ACCEPTED &&
	    session != NULL &&
	    SSL_SESSION_get_max_fragment_length(session) ==
	    TLSEXT_max_fragment_length_DISABLED;
}

static bool
is_complete(const struct side *side, enum tls_suite suite)
{
	return side->finished && !side->odd &&
	    side->secret_len == tls_suite_secret_size(suite);
}

bool
tls_takeover_secrets(const struct tls_takeover *t, SSL *ssl,
    struct tls_secrets *secrets)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
	const bool client = SSL_is_server(ssl) == 0;
	const struct side *ours = client ? &t->client : &t->server;
	const struct side *theirs = client ? &t->server : &t->client;
	enum tls_suite suite;

	if (cipher == NULL || !is_plain(ssl))
		return false;
	suite = tls_suite_find(SSL_CIPHER_get_protocol_id(cipher));
	if (suite == TLS_SUITE_NONE || !is_complete(ours, suite) ||
	    !is_complete(theirs, suite) || theirs->records > 0)
		return false;
	/* As a client we have said nothing yet. */
	if (client && ours->records > 0)
		return false;
	secrets->suite = suite;
	secrets->client = client;
	secrets->sent = ours->records;
	memcpy(secrets->ours, ours->secret, sizeof(secrets->ours));
	memcpy(secrets->theirs, theirs->secret, sizeof(secrets->theirs));
	return true;
}
