/*
 * tls_session: one connection's TLS. See tls.h for these calls.
 */
#ifndef MERCURY_TLS_TLS_SESSION_H
#define MERCURY_TLS_TLS_SESSION_H

#include "tls/tls.h"

struct tls_session *tls_session_new(struct tls_context *, const uint8_t *first,
    size_t len);
struct tls_session *tls_session_connect(struct tls_context *,
    const char *server);
void tls_session_free(struct tls_session *);
enum tls_handshake tls_session_handshake(struct tls_session *, int fd);
ssize_t tls_session_recv(struct tls_session *, int fd, uint8_t *data,
    size_t size);
bool tls_session_pending(const struct tls_session *);
ssize_t tls_session_send(struct tls_session *, int fd, const uint8_t *data,
    size_t len);
size_t tls_session_unsent(const struct tls_session *);
int tls_session_flush(struct tls_session *, int fd);
void tls_session_finish(struct tls_session *, int fd);
void tls_session_describe(struct tls_session *, struct tls_facts *);
enum tls_failure tls_session_failure(const struct tls_session *,
    const char **text);

#endif /* MERCURY_TLS_TLS_SESSION_H */
