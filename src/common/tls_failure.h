/*
 * tls_failure: why a TLS handshake, or later the connection, failed: one
 * closed set for counters, events and JSON.
 */
#ifndef MERCURY_COMMON_TLS_FAILURE_H
#define MERCURY_COMMON_TLS_FAILURE_H

/*     FAILURE(ID, "word", "help") */
/* clang-format off */
#define TLS_FAILURES(FAILURE)						\
	FAILURE(CLOSED, "closed", "the peer closed or reset the connection") \
	FAILURE(NOT_TLS, "not_tls", "what came was not TLS")		\
	FAILURE(HTTP, "http", "what came was HTTP without TLS")		\
	FAILURE(VERSION, "version", "no version of TLS in common")	\
	FAILURE(CIPHER, "cipher", "no cipher, group or signature in common") \
	FAILURE(ALPN, "alpn", "no application protocol in common")	\
	FAILURE(NO_CERTIFICATE, "no_certificate", "the peer showed no certificate") \
	FAILURE(BAD_CERTIFICATE, "bad_certificate", "the peer's certificate was refused") \
	FAILURE(UNKNOWN_CA, "unknown_ca", "the peer does not trust our certificate") \
	FAILURE(ALERT, "alert", "the peer sent another alert")		\
	FAILURE(PROTOCOL, "protocol", "the peer broke the rules of TLS") \
	FAILURE(INTERNAL, "internal", "memory was short, or we are at fault")
/* clang-format on */

enum tls_failure {
#define FAILURE(ID, WORD, HELP) TLS_FAILURE_##ID,
	TLS_FAILURES(FAILURE)
#undef FAILURE
	    TLS_FAILURE_COUNT
};

/* "not_tls"; NULL out of range. */
const char *tls_failure_name(unsigned int failure);

#endif /* MERCURY_COMMON_TLS_FAILURE_H */
