/*
 * http_text: the body of an answer: bytes that many connections send at the
 * same time, so that an answer is made once and kept once.
 *
 * Owned by all who hold it. One thread only.
 */
#ifndef MERCURY_GATEWAY_HTTP_TEXT_H
#define MERCURY_GATEWAY_HTTP_TEXT_H

#include <stddef.h>

/* While all texts together take more bytes, no large one should be made. */
#define HTTP_TEXTS_MAX ((size_t)64 << 20)

struct http_text {
	unsigned int holders;
	size_t len;
	char *bytes;
};

/*
 * Make one, held by the caller: of a copy of bytes, of bytes for free() that
 * it takes (NULL: there was no memory), or of a text as of printf(3). NULL
 * when out of memory.
 */
struct http_text *http_text_copy(const void *bytes, size_t len);
struct http_text *http_text_take(char *bytes, size_t len);
struct http_text *http_text_printf(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* Hold one more time; NULL is fine. Returns it. */
struct http_text *http_text_hold(struct http_text *);

/* Let go, and free it after the last one. Nulls *t; NULL is fine. */
void http_text_drop(struct http_text **t);

/* Bytes of all that there are. */
size_t http_texts_bytes(void);

#endif /* MERCURY_GATEWAY_HTTP_TEXT_H */
