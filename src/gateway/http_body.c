#include "gateway/http_body.h"

#include <sys/param.h>

#include "common/hex.h"

/* What frames the chunks may be as much again. */
#define FRAMED_MAX (2 * (uint64_t)HTTP_BODY_MAX)

static long
fail(struct http_fault *fault, unsigned int status, const char *why)
{
	*fault = (struct http_fault){ status, why };
	return -1;
}

static long
bad_chunk(struct http_fault *fault)
{
	return fail(fault, 400, "The body is not chunked as it should be.");
}

/* A digit of a chunk's size. Returns 0, or -1: it is none, or too much. */
static long
take_digit(struct http_body *b, char c, struct http_fault *fault)
{
	const int n = hex_digit(c);

	if (n == -1)
		return bad_chunk(fault);
	b->left = b->left * 16 + (uint64_t)n;
	b->at = HTTP_CHUNK_DIGITS;
	if (b->left > HTTP_BODY_MAX)
		return fail(fault, 413, "The body is too large.");
	return 0;
}

/* The line with a chunk's size is over. */
static void
begin_data(struct http_body *b)
{
	b->at = b->left == 0 ? HTTP_TRAILER_START : HTTP_CHUNK_DATA;
}

/* Behind the size: an extension, or the end of the line. */
static long
end_size(struct http_body *b, char c, struct http_fault *fault)
{
	if (hex_digit(c) != -1)
		return take_digit(b, c, fault);
	if (c == '\n')
		begin_data(b);
	else if (c == '\r' || c == ';' || c == ' ' || c == '\t')
		b->at = HTTP_CHUNK_EXTENSION;
	else
		return bad_chunk(fault);
	return 0;
}

/* A byte of what frames the chunks. Returns 0, or -1 with *fault. */
static long
step(struct http_body *b, char c, struct http_fault *fault)
{
	switch (b->at) {
	case HTTP_CHUNK_SIZE:
		b->left = 0;
		return take_digit(b, c, fault);
	case HTTP_CHUNK_DIGITS:
		return end_size(b, c, fault);
	case HTTP_CHUNK_EXTENSION:
		if (c == '\n')
			begin_data(b);
		return 0;
	case HTTP_CHUNK_RETURN:
		if (c == '\r')
			b->at = HTTP_CHUNK_NEWLINE;
		else if (c == '\n')
			b->at = HTTP_CHUNK_SIZE;
		else
			return bad_chunk(fault);
		return 0;
	case HTTP_CHUNK_NEWLINE:
		b->at = HTTP_CHUNK_SIZE;
		return c == '\n' ? 0 : bad_chunk(fault);
	case HTTP_TRAILER_START:
		if (c == '\n')
			b->at = HTTP_BODY_END;
		else
			b->at =
			    c == '\r' ? HTTP_TRAILER_RETURN : HTTP_TRAILER_LINE;
		return 0;
	case HTTP_TRAILER_RETURN:
		b->at = HTTP_BODY_END;
		return c == '\n' ? 0 : bad_chunk(fault);
	case HTTP_TRAILER_LINE:
		if (c == '\n')
			b->at = HTTP_TRAILER_START;
		return 0;
	default:
		return bad_chunk(fault);
	}
}

/* Pass over bytes of data. Returns how many. */
static size_t
pass_data(struct http_body *b, size_t len)
{
	const size_t n = b->left < len ? (size_t)b->left : len;

	b->left -= n;
	if (b->left == 0)
		b->at = b->at == HTTP_BODY_LENGTH ? HTTP_BODY_END
						  : HTTP_CHUNK_RETURN;
	return n;
}

long
http_body_read(struct http_body *b, const char *bytes, size_t len,
    struct http_fault *fault)
{
	size_t used = 0, n;

	while (b->at != HTTP_BODY_END && used < len) {
		n = 1;
		if (b->at == HTTP_BODY_LENGTH || b->at == HTTP_CHUNK_DATA)
			n = pass_data(b, len - used);
		else if (step(b, bytes[used], fault) == -1)
			return -1;
		used += n;
		b->total += n;
		if (b->total > FRAMED_MAX)
			return fail(fault, 413, "The body is too large.");
	}
	return (long)used;
}
