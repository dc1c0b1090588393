#include "tls/tls_error.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stddef.h>
#include <stdio.h>

/* OpenSSL's reason for an alert from the peer is this and the alert. */
#define ALERT_OFFSET SSL_AD_REASON_OFFSET

static const struct cause {
	int reason;
	enum tls_failure failure;
	const char *text; /* NULL: OpenSSL's own */
} causes[] = {
	{ SSL_R_HTTP_REQUEST, TLS_FAILURE_HTTP, "what came is HTTP, not TLS" },
	{ SSL_R_HTTPS_PROXY_REQUEST, TLS_FAILURE_HTTP,
	    "what came is a request to an HTTP proxy, not TLS" },
	{ SSL_R_UNSUPPORTED_PROTOCOL, TLS_FAILURE_VERSION,
	    "the peer's version of TLS is too old" },
	{ SSL_R_VERSION_TOO_LOW, TLS_FAILURE_VERSION,
	    "the peer's version of TLS is too old" },
	{ SSL_R_UNKNOWN_PROTOCOL, TLS_FAILURE_VERSION, NULL },
	{ SSL_R_INAPPROPRIATE_FALLBACK, TLS_FAILURE_VERSION, NULL },
	{ SSL_R_NO_SHARED_CIPHER, TLS_FAILURE_CIPHER,
	    "no cipher in common with the peer" },
	{ SSL_R_NO_SUITABLE_KEY_SHARE, TLS_FAILURE_CIPHER,
	    "no group in common with the peer" },
	{ SSL_R_NO_SUITABLE_GROUPS, TLS_FAILURE_CIPHER,
	    "no group in common with the peer" },
	{ SSL_R_NO_SHARED_GROUPS, TLS_FAILURE_CIPHER,
	    "no group in common with the peer" },
	{ SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, TLS_FAILURE_CIPHER,
	    "no signature algorithm in common with the peer" },
	{ SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, TLS_FAILURE_CIPHER,
	    "no signature algorithm in common with the peer" },
	{ SSL_R_NO_APPLICATION_PROTOCOL, TLS_FAILURE_ALPN,
	    "no application protocol in common with the peer" },
	{ SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, TLS_FAILURE_NO_CERTIFICATE,
	    "the peer showed no certificate" },
	{ SSL_R_CERTIFICATE_VERIFY_FAILED, TLS_FAILURE_BAD_CERTIFICATE, NULL },
	{ ALERT_OFFSET + SSL_AD_BAD_CERTIFICATE, TLS_FAILURE_UNKNOWN_CA, NULL },
	{ ALERT_OFFSET + SSL_AD_UNSUPPORTED_CERTIFICATE, TLS_FAILURE_UNKNOWN_CA,
	    NULL },
	{ ALERT_OFFSET + SSL_AD_CERTIFICATE_REVOKED, TLS_FAILURE_UNKNOWN_CA,
	    NULL },
	{ ALERT_OFFSET + SSL_AD_CERTIFICATE_EXPIRED, TLS_FAILURE_UNKNOWN_CA,
	    NULL },
	{ ALERT_OFFSET + SSL_AD_CERTIFICATE_UNKNOWN, TLS_FAILURE_UNKNOWN_CA,
	    NULL },
	{ ALERT_OFFSET + SSL_AD_UNKNOWN_CA, TLS_FAILURE_UNKNOWN_CA, NULL },
	{ ALERT_OFFSET + SSL_AD_PROTOCOL_VERSION, TLS_FAILURE_VERSION, NULL },
	{ ALERT_OFFSET + SSL_AD_INSUFFICIENT_SECURITY, TLS_FAILURE_CIPHER,
	    NULL },
	{ ALERT_OFFSET + SSL_AD_NO_APPLICATION_PROTOCOL, TLS_FAILURE_ALPN,
	    NULL },
};

static bool
is_ssl(unsigned long e, int reason)
{
	return ERR_GET_LIB(e) == ERR_LIB_SSL && ERR_GET_REASON(e) == reason;
}

static const struct cause *
find(unsigned long e)
{
	size_t i;

	for (i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		if (is_ssl(e, causes[i].reason))
			return &causes[i];
	return NULL;
}

static const char *
reason_text(unsigned long e)
{
	const char *text = ERR_reason_error_string(e);

	return text != NULL ? text : "unknown error";
}

/* Did the peer send it? */
static bool
is_alert(unsigned long e)
{
	const int reason = ERR_GET_REASON(e);

	return ERR_GET_LIB(e) == ERR_LIB_SSL && reason >= ALERT_OFFSET &&
	    reason <= ALERT_OFFSET + 255;
}

/* Libraries below may have complained first. */
unsigned long
tls_error_take(void)
{
	unsigned long first = 0, e;

	while ((e = ERR_get_error()) != 0) {
		if (first == 0 ||
		    (ERR_GET_LIB(first) != ERR_LIB_SSL &&
			ERR_GET_LIB(e) == ERR_LIB_SSL))
			first = e;
	}
	return first;
}

enum tls_failure
tls_error_failure(unsigned long e, bool tls)
{
	const struct cause *c = find(e);

	if (c != NULL && (tls || c->failure == TLS_FAILURE_HTTP))
		return c->failure;
	if (!tls)
		return TLS_FAILURE_NOT_TLS;
	if (e == 0 || ERR_GET_LIB(e) == ERR_LIB_SYS || ERR_FATAL_ERROR(e))
		return TLS_FAILURE_INTERNAL;
	return is_alert(e) ? TLS_FAILURE_ALERT : TLS_FAILURE_PROTOCOL;
}

/* Of an error that has no text in the table. */
static const char *
other_text(const SSL *ssl, unsigned long e)
{
	static char text[192];

	if (is_ssl(e, SSL_R_CERTIFICATE_VERIFY_FAILED))
		(void)snprintf(text, sizeof(text),
		    "the peer's certificate was refused: %s",
		    X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
	else if (is_alert(e))
		(void)snprintf(text, sizeof(text),
		    "the peer sent the alert \"%s\"",
		    SSL_alert_desc_string_long(
			ERR_GET_REASON(e) - ALERT_OFFSET));
	else
		(void)snprintf(text, sizeof(text), "%s", reason_text(e));
	return text;
}

const char *
tls_error_text(const SSL *ssl, unsigned long e, bool tls)
{
	const struct cause *c = find(e);

	if (tls_error_failure(e, tls) == TLS_FAILURE_NOT_TLS)
		return "what came is not TLS";
	return c != NULL && c->text != NULL ? c->text : other_text(ssl, e);
}

int
tls_error_set(struct err *err, const char *what)
{
	return err_set(err, ERR_INVALID, "%s: %s", what,
	    reason_text(tls_error_take()));
}
