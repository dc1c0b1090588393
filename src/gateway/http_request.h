/*
 * http_request: the head of a request of HTTP/1, read from the bytes that a
 * client has sent. Pure: every byte may be hostile.
 *
 * It is strict where two readers could see different requests (RFC 9112,
 * 11.2), since a proxy may stand before us.
 */
#ifndef MERCURY_GATEWAY_HTTP_REQUEST_H
#define MERCURY_GATEWAY_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "gateway/http_body.h"

#define HTTP_HEAD_MAX 8192u /* bytes, with the empty line behind it */
#define HTTP_TARGET_SIZE 2048
#define HTTP_VALUE_SIZE 256

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_OPTIONS, HTTP_OTHER };

struct http_request {
	enum http_method method;
	bool is_old;     /* HTTP/1.0 */
	bool keep_alive; /* the client may send another one behind it */
	bool continues;  /* it waits for "100 Continue" with the body */
	bool has_host;   /* left to whom it matters: many checks have none */
	struct http_body body;         /* how it comes */
	char target[HTTP_TARGET_SIZE]; /* "/path?query" or "*" */
	char host[HTTP_VALUE_SIZE];    /* as in the header, or the target */
	char authorization[HTTP_VALUE_SIZE];
	char accept[HTTP_VALUE_SIZE]; /* cut, where it does not fit */
};

/*
 * How many of the bytes are empty lines, which may stand before a request and
 * mean nothing.
 */
size_t http_request_skip(const char *bytes, size_t len);

/*
 * The size of the head that starts at bytes, with the empty line that ends it,
 * or 0: it has not come yet. *seen (0 at first) is how far that was looked at
 * before.
 */
size_t http_request_size(const char *bytes, size_t len, size_t *seen);

/*
 * Read a head of that size. Returns 0, or -1 with *fault, which is to be the
 * answer; where the next request begins can't be told then.
 */
int http_request_read(const char *bytes, size_t size, struct http_request *,
    struct http_fault *fault);

#endif /* MERCURY_GATEWAY_HTTP_REQUEST_H */
