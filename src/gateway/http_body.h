/*
 * http_body: the body of a request, of which nothing but its end matters: none
 * of our requests has a use for one. Pure: every byte may be hostile.
 */
#ifndef MERCURY_GATEWAY_HTTP_BODY_H
#define MERCURY_GATEWAY_HTTP_BODY_H

#include <stddef.h>
#include <stdint.h>

#define HTTP_BODY_MAX 65536u /* bytes */

/* What is wrong with a request. */
struct http_fault {
	unsigned int status; /* such as 400 */
	const char *why;     /* a sentence for people; a constant */
};

/* clang-format off */
enum http_body_at {
	HTTP_BODY_END,		/* all of it was read; 0: there is none */
	HTTP_BODY_LENGTH,	/* so many bytes are left */
	/* In chunks (RFC 9112, 7.1): */
	HTTP_CHUNK_SIZE,	/* the first digit of its size */
	HTTP_CHUNK_DIGITS,	/* more of them */
	HTTP_CHUNK_EXTENSION,	/* the rest of that line */
	HTTP_CHUNK_DATA,	/* so many bytes are left */
	HTTP_CHUNK_RETURN,	/* the line end behind them */
	HTTP_CHUNK_NEWLINE,
	HTTP_TRAILER_START,	/* of a line behind the last chunk */
	HTTP_TRAILER_RETURN,	/* of the empty one, which ends it */
	HTTP_TRAILER_LINE
};
/* clang-format on */

/* All 0: there is none. Start with LENGTH and left, or with CHUNK_SIZE. */
struct http_body {
	enum http_body_at at;
	uint64_t left;
	uint64_t total; /* bytes that have come, with all that frames them */
};

/*
 * Read on. Returns how many of the bytes belong to it; b->at is HTTP_BODY_END
 * if it ends there. Returns -1 with *fault.
 */
long http_body_read(struct http_body *b, const char *bytes, size_t len,
    struct http_fault *fault);

#endif /* MERCURY_GATEWAY_HTTP_BODY_H */
