#include "tls/tls_session.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "tls/tls_bio.h"
#include "tls/tls_context.h"
#include "tls/tls_error.h"
#include "tls/tls_facts.h"
#include "tls/tls_kind.h"
#include "tls/tls_takeover.h"

/* The first byte of a handshake's first record. */
#define RECORD_HANDSHAKE 22

/* A DNS name as text, with its NUL. */
#define NAME_SIZE 256

_Static_assert(TLS_RECV_SIZE >= TLS_BIO_RECV_SIZE + TLS_BIO_PLAIN_SIZE,
    "all that one recv(2) completes fits");

/* --- life --- */

static int
give_bio(SSL *ssl)
{
	BIO *in = tls_bio_ref(), *out = tls_bio_ref();

	if (in == NULL || out == NULL) {
		(void)BIO_free(in);
		(void)BIO_free(out);
		return -1;
	}
	SSL_set0_rbio(ssl, in);
	SSL_set0_wbio(ssl, out);
	return 0;
}

struct tls_session *
tls_session_new(struct tls_context *c, const uint8_t *first, size_t len)
{
	struct tls_session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	ERR_clear_error();
	s->end = TLS_NO_END;
	s->kind = &tls_by_openssl;
	s->context = c;
	c->references++;
	s->ssl = SSL_new(c->ctx);
	if (s->ssl == NULL || give_bio(s->ssl) == -1 ||
	    tls_bio_keep(&s->flow, first, len) == -1) {
		tls_session_free(s);
		ERR_clear_error();
		return NULL;
	}
	/* Without, the SSL stays. */
	s->takeover = tls_takeover_new(s->ssl);
	if (c->role == TLS_ROLE_SERVER) {
		SSL_set_accept_state(s->ssl);
	} else {
		SSL_set_connect_state(s->ssl);
		s->tls = true;
	}
	return s;
}

/* Is it a numeric address, which a certificate names in another way? */
static bool
is_address(const char *server)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, server, bytes) == 1 ||
	    inet_pton(AF_INET6, server, bytes) == 1;
}

/*
 * As a certificate has it: a name without the dot of the root at its end, an
 * address without its scope. Returns false when it is too long.
 */
static bool
plain_name(const char *server, char out[static NAME_SIZE])
{
	size_t len = strcspn(server, "%");

	if (len > 0 && server[len - 1] == '.')
		len--;
	if (len >= NAME_SIZE)
		return false;
	memcpy(out, server, len);
	out[len] = '\0';
	return true;
}

/* Ask for server, and want a certificate that is for it. */
static bool
set_server(SSL *ssl, const char *server)
{
	char name[NAME_SIZE];

	if (!plain_name(server, name))
		return false;
	if (is_address(name))
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl),
			   name) == 1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set_tlsext_host_name(ssl, name) == 1 &&
	    SSL_set1_host(ssl, name) == 1;
}

struct tls_session *
tls_session_connect(struct tls_context *c, const char *server)
{
	struct tls_session *s = tls_session_new(c, NULL, 0);

	if (s == NULL || server == NULL || server[0] == '\0' ||
	    set_server(s->ssl, server))
		return s;
	tls_session_free(s);
	ERR_clear_error();
	return NULL;
}

void
tls_session_free(struct tls_session *s)
{
	if (s == NULL)
		return;
	tls_by_stream_end(s);
	tls_takeover_free(s->takeover, s->ssl);
	SSL_free(s->ssl);
	tls_bio_clear(&s->flow);
	tls_context_free(s->context);
	free(s);
}

/* --- errors --- */

static bool
is_again(int error)
{
	return error == EAGAIN || error == EINTR;
}

void
tls_session_note(struct tls_session *s, unsigned long error)
{
	s->error = error;
	s->failure = (uint8_t)tls_error_failure(s->error, s->tls);
}

static void
note_closed(struct tls_session *s, int error)
{
	s->sys = error;
	s->failure = TLS_FAILURE_CLOSED;
}

static void
note_no_memory(struct tls_session *s)
{
	s->sys = ENOMEM;
	s->failure = TLS_FAILURE_INTERNAL;
}

enum tls_failure
tls_session_failure(const struct tls_session *s, const char **text)
{
	if (s->stale)
		*text = "the peer's certificate has expired since its ticket "
			"was made";
	else if (s->sys == EOVERFLOW)
		*text = "the peer makes us answer and reads no answers";
	else if (s->sys == ENOMEM)
		*text = "out of memory";
	else if (s->failure != TLS_FAILURE_CLOSED)
		*text = tls_error_text(s->ssl, s->error, s->tls);
	else if (s->sys != 0)
		*text = strerror(s->sys);
	else
		*text = "the peer closed the connection";
	return (enum tls_failure)s->failure;
}

/* Flushing has failed with errno: what a call returns then. */
static int
flush_result(struct tls_session *s)
{
	const int error = errno;

	if (is_again(error))
		return TLS_AGAIN;
	if (error == EOVERFLOW || error == ENOMEM) {
		s->sys = error;
		s->failure = error == ENOMEM ? TLS_FAILURE_INTERNAL
					     : TLS_FAILURE_PROTOCOL;
		return TLS_ERROR;
	}
	return TLS_GONE;
}

/* --- the handshake --- */

/* Look at what came first: is it TLS at all? */
static void
look_at_first(struct tls_session *s)
{
	if (s->begun || tls_bio_left() == 0)
		return;
	s->begun = true;
	if (s->context->role == TLS_ROLE_SERVER)
		s->tls = tls_bio_first() == RECORD_HANDSHAKE;
}

/*
 * A ticket holds a certificate that was good when the ticket was made. Is it
 * out of date by now?
 */
static bool
is_stale(const struct tls_session *s)
{
	X509 *cert = SSL_get0_peer_certificate(s->ssl);

	return s->context->verify != TLS_VERIFY_NONE && cert != NULL &&
	    SSL_session_reused(s->ssl) &&
	    X509_cmp_current_time(X509_get0_notAfter(cert)) < 0;
}

static enum tls_handshake
handshake_done(struct tls_session *s)
{
	if (is_stale(s)) {
		s->failure = TLS_FAILURE_BAD_CERTIFICATE;
		s->stale = true;
		return TLS_FAILED;
	}
	s->established = true;
	return TLS_DONE;
}

/* Let OpenSSL go on with what it has. */
static enum tls_handshake
step_handshake(struct tls_session *s)
{
	int result;

	ERR_clear_error();
	result = SSL_do_handshake(s->ssl);
	if (result == 1)
		return handshake_done(s);
	switch (SSL_get_error(s->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return TLS_AGAIN_READ;
	case SSL_ERROR_ZERO_RETURN:
		note_closed(s, 0);
		return TLS_FAILED;
	default:
		tls_session_note(s, tls_error_take());
		return TLS_FAILED;
	}
}

/* Receive; false: *result says how the call ends. */
static bool
receive_handshake(struct tls_session *s, int fd, enum tls_handshake *result)
{
	const ssize_t n = tls_bio_fill(fd);

	look_at_first(s);
	*result = TLS_AGAIN_READ;
	if (n > 0)
		return true;
	if (n == -1 && is_again(errno)) {
		/* As a client we say the first word. */
		return s->context->role == TLS_ROLE_CLIENT && !s->begun;
	}
	note_closed(s, n == 0 ? 0 : errno);
	*result = TLS_FAILED;
	return false;
}

static enum tls_handshake
flush_handshake(struct tls_session *s, int fd, enum tls_handshake result)
{
	if (tls_bio_flush(fd) == 0 || result == TLS_FAILED)
		return result;
	if (is_again(errno))
		return result == TLS_DONE ? TLS_DONE : TLS_AGAIN_WRITE;
	if (flush_result(s) != TLS_GONE)
		return TLS_FAILED;
	/* Only tickets were left: the next to receive sees the peer gone. */
	if (result == TLS_DONE)
		return TLS_DONE;
	note_closed(s, errno);
	return TLS_FAILED;
}

enum tls_handshake
tls_session_handshake(struct tls_session *s, int fd)
{
	enum tls_handshake result = TLS_AGAIN_READ;

	tls_bio_begin(&s->flow);
	if (s->flow.unsent != NULL)
		result = flush_handshake(s, fd, result);
	if (result == TLS_AGAIN_READ && receive_handshake(s, fd, &result))
		result = flush_handshake(s, fd, step_handshake(s));
	if (tls_bio_end(result == TLS_FAILED ? TLS_BIO_DROP : TLS_BIO_KEEP) ==
	    -1) {
		note_no_memory(s);
		result = TLS_FAILED;
	}
	return result;
}

/* --- data --- */

bool
tls_session_pending(const struct tls_session *s)
{
	return (s->flow.received != NULL && !s->flow.partial) ||
	    (s->end != TLS_NO_END && !s->told);
}

/* The call has total bytes of plaintext; the result of recv. */
static ssize_t
recv_result(struct tls_session *s, size_t total)
{
	if (total > 0)
		return (ssize_t)total;
	if (s->end == TLS_NO_END)
		return TLS_AGAIN;
	s->told = true;
	return s->end;
}

/* Bytes have come: decrypt them. */
static size_t
read_some(struct tls_session *s, int fd, uint8_t *data, size_t size)
{
	const size_t total = s->kind->read(s, data, size);

	/* There may be an answer to the peer. */
	if (tls_bio_flush(fd) == -1 && flush_result(s) == TLS_ERROR &&
	    s->end == TLS_NO_END)
		s->end = TLS_ERROR;
	return total;
}

ssize_t
tls_session_recv(struct tls_session *s, int fd, uint8_t *data, size_t size)
{
	size_t total = 0;
	ssize_t n;
	int error;

	assert(size >= TLS_RECV_SIZE);
	if (s->end != TLS_NO_END)
		return recv_result(s, 0);
	tls_bio_begin(&s->flow);
	n = s->kind->fill(fd);
	error = errno;
	if (n > 0)
		total = read_some(s, fd, data, size);
	if (tls_bio_end(s->end == TLS_NO_END ? s->kind->rest : TLS_BIO_DROP) ==
	    -1) {
		note_no_memory(s);
		s->end = TLS_ERROR;
	}
	if (n > 0)
		return recv_result(s, total);
	if (n == 0)
		return TLS_FINISHED;
	errno = error;
	return is_again(error) ? TLS_AGAIN : TLS_GONE;
}

/* Encrypt and send; how many bytes were taken, or -1 when that can't be. */
static ssize_t
write_some(struct tls_session *s, int fd, const uint8_t *data, size_t len)
{
	size_t taken = 0, n;

	while (taken < len) {
		if (!tls_bio_has_room() && tls_bio_flush(fd) == -1)
			break;
		n = len - taken;
		if (n > TLS_BIO_PLAIN_SIZE)
			n = TLS_BIO_PLAIN_SIZE;
		n = s->kind->write(s, data + taken, n);
		if (n == 0)
			return -1;
		taken += n;
	}
	return (ssize_t)taken;
}

/* The end of a call that receives nothing. */
static void
end_unread(const struct tls_session *s)
{
	/* Nothing was added to what is kept, so it can't fail. */
	(void)tls_bio_end(s->flow.partial ? TLS_BIO_PARTIAL : TLS_BIO_KEEP);
}

ssize_t
tls_session_send(struct tls_session *s, int fd, const uint8_t *data, size_t len)
{
	ssize_t result;

	tls_bio_begin(&s->flow);
	if (s->flow.unsent != NULL && tls_bio_flush(fd) == -1) {
		result = flush_result(s);
	} else {
		result = write_some(s, fd, data, len);
		if (result == -1)
			result = TLS_ERROR;
	}
	if (result > 0 && tls_bio_flush(fd) == -1 &&
	    flush_result(s) != TLS_AGAIN)
		result = flush_result(s);
	end_unread(s);
	return result;
}

size_t
tls_session_unsent(const struct tls_session *s)
{
	return tls_bio_unsent(&s->flow);
}

int
tls_session_flush(struct tls_session *s, int fd)
{
	int result = 0;

	tls_bio_begin(&s->flow);
	if (tls_bio_flush(fd) == -1)
		result = flush_result(s);
	end_unread(s);
	return result;
}

void
tls_session_finish(struct tls_session *s, int fd)
{
	if (!s->established || s->end == TLS_ERROR)
		return;
	tls_bio_begin(&s->flow);
	s->kind->close(s);
	(void)tls_bio_flush(fd);
	end_unread(s);
}

void
tls_session_describe(struct tls_session *s, struct tls_facts *facts)
{
	tls_facts_fill(s->ssl, s->context->verify != TLS_VERIFY_NONE, facts);
	tls_by_stream_begin(s);
	/* Now or never: it has secrets. */
	tls_takeover_free(s->takeover, s->ssl);
	s->takeover = NULL;
}
