#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tls/tls_error.h"
#include "tls/tls_kind.h"

/* The last call has failed: why? */
static void
note(struct tls_session *s)
{
	switch (SSL_get_error(s->ssl, 0)) {
	case SSL_ERROR_WANT_READ:
		break;
	case SSL_ERROR_ZERO_RETURN:
		s->end = TLS_FINISHED;
		break;
	default:
		tls_session_note(s, tls_error_take());
		s->end = TLS_ERROR;
		break;
	}
}

static size_t
read_ssl(struct tls_session *s, uint8_t *data, size_t size)
{
	size_t total = 0, n;

	ERR_clear_error();
	while (s->end == TLS_NO_END && tls_bio_left() > 0 && total < size) {
		if (SSL_read_ex(s->ssl, data + total, size - total, &n) == 1)
			total += n;
		else
			note(s);
	}
	return total;
}

static size_t
write_ssl(struct tls_session *s, const uint8_t *data, size_t len)
{
	size_t n;

	ERR_clear_error();
	if (SSL_write_ex(s->ssl, data, len, &n) == 1)
		return n;
	tls_session_note(s, tls_error_take());
	return 0;
}

static void
close_ssl(struct tls_session *s)
{
	ERR_clear_error();
	(void)SSL_shutdown(s->ssl);
	ERR_clear_error();
}

const struct tls_kind tls_by_openssl = {
	.fill = tls_bio_fill,
	.read = read_ssl,
	.write = write_ssl,
	.close = close_ssl,
	/* It has them all in its own buffer. */
	.rest = TLS_BIO_DROP,
};
