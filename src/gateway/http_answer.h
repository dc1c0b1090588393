/* http_answer: what is said to a request, and its head as bytes. Pure. */
#ifndef MERCURY_GATEWAY_HTTP_ANSWER_H
#define MERCURY_GATEWAY_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_text;

#define HTTP_TYPE_TEXT "text/plain; charset=utf-8"
#define HTTP_TYPE_JSON "application/json"
#define HTTP_TYPE_HTML "text/html; charset=utf-8"

struct http_answer {
	unsigned int status;
	const char *type;       /* of the text */
	const char *more;       /* header lines, each with CRLF; NULL: none */
	struct http_text *text; /* NULL: none */
};

/* How the connection goes on. */
enum http_next {
	HTTP_CLOSES,
	HTTP_STAYS,    /* as HTTP/1.1 does unless told */
	HTTP_STAYS_OLD /* HTTP/1.0 has to be told */
};

/* Enough for the head of any answer; more is at most 1,000 bytes. */
#define HTTP_ANSWER_HEAD_SIZE 1536

/*
 * Write the head of an answer that is given at real_ms (CLOCK_REALTIME).
 * Returns its length.
 */
size_t http_answer_head(const struct http_answer *, enum http_next,
    uint64_t real_ms, char out[static HTTP_ANSWER_HEAD_SIZE]);

#endif /* MERCURY_GATEWAY_HTTP_ANSWER_H */
