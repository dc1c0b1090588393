/*
 * http: the HTTP server: who may connect, how many, and for how long.
 *
 * It is not libevent's evhttp, which can't hold what health checks need: that
 * knows no deadline for a whole request (only between two bytes), no limit of
 * connections and no list of them from which the oldest could give way, and
 * closes with what the client sends still unread, which becomes a RST.
 *
 * It is a module of its own: what is asked and answered is site.h's.
 */
#ifndef MERCURY_GATEWAY_HTTP_H
#define MERCURY_GATEWAY_HTTP_H

#include "common/err.h"

struct event_base;
struct http;
struct http_conn;
struct http_request;
struct tls_context;

/*
 * Connections at a time. With one more, the oldest whose request is not whole
 * gives way, or one that is idle.
 */
#define HTTP_CONNS_MAX 2048u

/* Who answers; see http_conn.h. */
typedef void http_request_fn(void *ctx, struct http_conn *,
    const struct http_request *);

/*
 * Serve a socket that listens (taken, also when it fails). tls (borrowed for
 * life) is NULL for plain HTTP, and so is ctx. Returns NULL with *err.
 */
struct http *http_new(struct event_base *, int fd, struct tls_context *tls,
    http_request_fn *, void *ctx, struct err *err);

/*
 * Accept no more, and close each connection behind the answer to what it has
 * asked. gone(ctx), with the ctx of http_new(), hears when all are closed,
 * maybe before this returns.
 */
void http_drain(struct http *, void (*gone)(void *ctx));

/* End all connections. Nulls *h; NULL is fine. */
void http_free(struct http **h);

#endif /* MERCURY_GATEWAY_HTTP_H */
