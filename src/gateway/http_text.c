#include "gateway/http_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	size_t bytes;
} texts;

struct http_text *
http_text_take(char *bytes, size_t len)
{
	struct http_text *t = bytes == NULL ? NULL : malloc(sizeof(*t));

	if (t == NULL) {
		free(bytes);
		return NULL;
	}
	*t = (struct http_text){ 1, len, bytes };
	texts.bytes += len;
	return t;
}

struct http_text *
http_text_copy(const void *bytes, size_t len)
{
	char *copy = malloc(len + 1);

	if (copy != NULL)
		memcpy(copy, bytes, len);
	return http_text_take(copy, len);
}

struct http_text *
http_text_printf(const char *fmt, ...)
{
	char *bytes = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&bytes, fmt, ap);
	va_end(ap);
	return len < 0 ? NULL : http_text_take(bytes, (size_t)len);
}

struct http_text *
http_text_hold(struct http_text *t)
{
	if (t != NULL)
		t->holders++;
	return t;
}

void
http_text_drop(struct http_text **tp)
{
	struct http_text *t = *tp;

	*tp = NULL;
	if (t == NULL || --t->holders > 0)
		return;
	texts.bytes -= t->len;
	free(t->bytes);
	free(t);
}

size_t
http_texts_bytes(void)
{
	return texts.bytes;
}
