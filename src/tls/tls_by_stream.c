#include <assert.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "tls/tls_kind.h"
#include "tls/tls_stream.h"
#include "tls/tls_takeover.h"

_Static_assert(TLS_STREAM_ROOM <= TLS_BIO_RECORD_SIZE, "a record has room");
/* NOLINTNEXTLINE(misc-redundant-expression) */
_Static_assert(TLS_RECORD_PLAIN == TLS_BIO_PLAIN_SIZE, "one call, one record");
_Static_assert(TLS_RECORD_MAX <= TLS_BIO_RECV_SIZE, "a record can be whole");

/* --- reading --- */

static void
give_up(struct tls_session *s, enum tls_fault fault)
{
	tls_session_note(s, tls_fault_error(fault));
	s->end = TLS_ERROR;
	tls_bio_wrote(tls_stream_give_up(s->stream, fault, tls_bio_output()));
}

/* One record; how many bytes of data, or -1: there is no whole one. */
static ssize_t
read_record(struct tls_session *s, uint8_t *data, size_t size)
{
	struct tls_read r;
	uint8_t *bytes;
	size_t len;

	bytes = tls_bio_input(&len);
	switch (tls_stream_read(s->stream, bytes, len, &r)) {
	case TLS_EVENT_MORE:
		return -1;
	case TLS_EVENT_NOTHING:
		break;
	case TLS_EVENT_DATA:
		assert(r.len <= size);
		memcpy(data, r.data, r.len);
		break;
	case TLS_EVENT_CLOSED:
		s->end = TLS_FINISHED;
		break;
	case TLS_EVENT_ALERT:
		tls_session_note(s,
		    ERR_PACK(ERR_LIB_SSL, 0, SSL_AD_REASON_OFFSET + r.alert));
		s->end = TLS_ERROR;
		break;
	case TLS_EVENT_FAULT:
		give_up(s, r.fault);
		break;
	}
	tls_bio_take(r.taken);
	return (ssize_t)r.len;
}

static size_t
read_stream(struct tls_session *s, uint8_t *data, size_t size)
{
	size_t total = 0;
	ssize_t n = 0;

	while (s->end == TLS_NO_END && n != -1) {
		n = read_record(s, data + total, size - total);
		total += n > 0 ? (size_t)n : 0;
	}
	if (s->end != TLS_ERROR)
		tls_bio_wrote(tls_stream_answer(s->stream, tls_bio_output()));
	return total;
}

/* --- writing --- */

static size_t
write_stream(struct tls_session *s, const uint8_t *data, size_t len)
{
	const size_t n =
	    tls_stream_write(s->stream, data, len, tls_bio_output());

	if (n == 0) {
		if (s->end != TLS_ERROR)
			tls_session_note(s,
			    tls_fault_error(TLS_FAULT_INTERNAL));
		return 0;
	}
	tls_bio_wrote(n);
	return len;
}

static void
close_stream(struct tls_session *s)
{
	tls_bio_wrote(tls_stream_close(s->stream, tls_bio_output()));
}

/* --- life --- */

void
tls_by_stream_begin(struct tls_session *s)
{
	struct tls_secrets secrets;

	if (s->takeover == NULL ||
	    tls_bio_received(&s->flow) > TLS_BIO_RECV_SIZE ||
	    !tls_takeover_secrets(s->takeover, s->ssl, &secrets))
		return;
	s->stream = malloc(sizeof(*s->stream));
	if (s->stream != NULL && tls_stream_start(s->stream, &secrets) == 0) {
		s->kind = &tls_by_stream;
		tls_takeover_free(s->takeover, s->ssl);
		s->takeover = NULL;
		SSL_free(s->ssl);
		s->ssl = NULL;
	} else {
		free(s->stream);
		s->stream = NULL;
	}
	OPENSSL_cleanse(&secrets, sizeof(secrets));
}

void
tls_by_stream_end(struct tls_session *s)
{
	if (s->stream == NULL)
		return;
	tls_stream_end(s->stream);
	free(s->stream);
	s->stream = NULL;
}

const struct tls_kind tls_by_stream = {
	.fill = tls_bio_gather,
	.read = read_stream,
	.write = write_stream,
	.close = close_stream,
	.rest = TLS_BIO_PARTIAL,
};
