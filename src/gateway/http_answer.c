#include "gateway/http_answer.h"

#include <stdio.h>

#include "gateway/http_text.h"

static const char *
phrase(unsigned int status)
{
	static const struct {
		unsigned int status;
		const char *phrase;
	} phrases[] = {
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 408, "Request Timeout" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 417, "Expectation Failed" },
		{ 421, "Misdirected Request" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};
	size_t i;

	for (i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return "Unknown";
}

size_t
http_answer_head(const struct http_answer *a, enum http_next next,
    char out[static HTTP_ANSWER_HEAD_SIZE])
{
	static const char *const connection[] = {
		[HTTP_CLOSES] = "Connection: close\r\n",
		[HTTP_STAYS] = "",
		[HTTP_STAYS_OLD] = "Connection: keep-alive\r\n",
	};
	const int n = snprintf(out, HTTP_ANSWER_HEAD_SIZE,
	    "HTTP/1.1 %u %s\r\n"
	    "Content-Type: %s\r\n"
	    "Content-Length: %zu\r\n"
	    "Cache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "%.1000s%s\r\n",
	    a->status, phrase(a->status), a->type,
	    a->text == NULL ? (size_t)0 : a->text->len,
	    a->more == NULL ? "" : a->more, connection[next]);

	return n < 0 ? 0 : (size_t)n;
}
