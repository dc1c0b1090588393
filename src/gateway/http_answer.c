#include "gateway/http_answer.h"

#include <stdio.h>
#include <time.h>

#include "gateway/http_text.h"

/* "Sun, 06 Nov 1994 08:49:37 GMT", and any year that an int can hold. */
#define DATE_SIZE 64

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

/* As RFC 9110, 5.6.7 has it: in English, whatever the locale is. */
static void
format_date(uint64_t real_ms, char out[static DATE_SIZE])
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	const time_t t = (time_t)(real_ms / 1000);
	struct tm tm;

	out[0] = '\0';
	if (gmtime_r(&t, &tm) == NULL)
		return;
	(void)snprintf(out, DATE_SIZE, "%s, %02d %s %d %02d:%02d:%02d GMT",
	    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
	    tm.tm_hour, tm.tm_min, tm.tm_sec);
}

size_t
http_answer_head(const struct http_answer *a, enum http_next next,
    uint64_t real_ms, char out[static HTTP_ANSWER_HEAD_SIZE])
{
	static const char *const connection[] = {
		[HTTP_CLOSES] = "Connection: close\r\n",
		[HTTP_STAYS] = "",
		[HTTP_STAYS_OLD] = "Connection: keep-alive\r\n",
	};
	char date[DATE_SIZE];
	int n;

	format_date(real_ms, date);
	n = snprintf(out, HTTP_ANSWER_HEAD_SIZE,
	    "HTTP/1.1 %u %s\r\n"
	    "Date: %s\r\n"
	    "Content-Type: %s\r\n"
	    "Content-Length: %zu\r\n"
	    "Cache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "%.1000s%s\r\n",
	    a->status, phrase(a->status), date, a->type,
	    a->text == NULL ? (size_t)0 : a->text->len,
	    a->more == NULL ? "" : a->more, connection[next]);
	return n < 0 ? 0 : (size_t)n;
}
