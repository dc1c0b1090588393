/*
 * tls_error: what OpenSSL's errors mean to people and counters. OpenSSL keeps
 * them in a queue, the oldest first.
 */
#ifndef MERCURY_TLS_TLS_ERROR_H
#define MERCURY_TLS_TLS_ERROR_H

#include <openssl/types.h>
#include <stdbool.h>

#include "common/err.h"
#include "common/tls_failure.h"

/*
 * The cause of what has just failed, as OpenSSL packs it; 0: it has none to
 * say. The queue is empty then.
 */
unsigned long tls_error_take(void);

/* Its kind. tls: what the peer sent began as TLS does. */
enum tls_failure tls_error_failure(unsigned long error, bool tls);

/* A sentence about it, valid until the next call. */
const char *tls_error_text(const SSL *, unsigned long error, bool tls);

/* Fill *err with "<what>: <OpenSSL's cause>" and empty the queue. Returns -1.
 */
int tls_error_set(struct err *err, const char *what);

#endif /* MERCURY_TLS_TLS_ERROR_H */
