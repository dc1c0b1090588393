#include <criterion/criterion.h>
#include <string.h>

#include "gateway/http_answer.h"
#include "gateway/http_text.h"

/* The example of RFC 9110. */
#define WHEN_MS (784111777ull * 1000 + 999)

Test(http_answer, head)
{
	struct http_text *text = http_text_printf("%s\n", "alive");
	struct http_answer a = { .status = 200,
		.type = HTTP_TYPE_TEXT,
		.text = text };
	char head[HTTP_ANSWER_HEAD_SIZE];

	cr_expect_eq(http_answer_head(&a, HTTP_STAYS, WHEN_MS, head),
	    strlen(head));
	cr_expect_str_eq(head,
	    "HTTP/1.1 200 OK\r\n"
	    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Length: 6\r\n"
	    "Cache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "\r\n");
	a.more = "Allow: GET\r\n";
	a.status = 405;
	(void)http_answer_head(&a, HTTP_CLOSES, WHEN_MS, head);
	cr_expect_not_null(strstr(head, "405 Method Not Allowed\r\n"));
	cr_expect_not_null(
	    strstr(head, "\r\nAllow: GET\r\nConnection: close\r\n\r\n"));
	(void)http_answer_head(&a, HTTP_STAYS_OLD, WHEN_MS, head);
	cr_expect_not_null(strstr(head, "\r\nConnection: keep-alive\r\n\r\n"));
	http_text_drop(&text);
	cr_expect_eq(http_texts_bytes(), 0);
}

Test(http_text, is_counted_once)
{
	struct http_text *a = http_text_copy("abc", 3), *b = http_text_hold(a);

	cr_expect_eq(http_texts_bytes(), 3);
	http_text_drop(&a);
	cr_expect_null(a);
	cr_expect_eq(http_texts_bytes(), 3);
	http_text_drop(&b);
	cr_expect_eq(http_texts_bytes(), 0);
	cr_expect_null(http_text_take(NULL, 0));
}
