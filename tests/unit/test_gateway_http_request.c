#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "gateway/http_request.h"

static int
read_text(const char *text, struct http_request *r, struct http_fault *fault)
{
	size_t seen = 0;
	const size_t size = http_request_size(text, strlen(text), &seen);

	cr_assert_neq(size, 0, "no end: %s", text);
	return http_request_read(text, size, r, fault);
}

/* --- good ones --- */

struct good_case {
	char text[200];
	enum http_method method;
	char target[32];
	char host[32];
	bool is_old;
	bool keep_alive;
	bool continues;
	enum http_body_at body;
	uint64_t left;
};

ParameterizedTestParameters(http_request, good)
{
	static struct good_case cases[] = {
		{ "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_GET, "/livez",
		    "a", false, true, false, HTTP_BODY_END, 0 },
		{ "GET /livez HTTP/1.1\nHost: a\n\n", HTTP_GET, "/livez", "a",
		    false, true, false, HTTP_BODY_END, 0 },
		{ "HEAD / HTTP/1.0\r\n\r\n", HTTP_HEAD, "/", "", true, false,
		    false, HTTP_BODY_END, 0 },
		{ "OPTIONS * HTTP/1.0\r\nConnection: x, Keep-Alive\r\n\r\n",
		    HTTP_OPTIONS, "*", "", true, true, false, HTTP_BODY_END,
		    0 },
		{ "GET / HTTP/1.1\r\nConnection: Close\r\n\r\n", HTTP_GET, "/",
		    "", false, false, false, HTTP_BODY_END, 0 },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
		    HTTP_GET, "/", "", true, false, false, HTTP_BODY_END, 0 },
		{ "GET / HTTP/1.7\r\nHOST:\t b \r\n\r\n", HTTP_GET, "/", "b",
		    false, true, false, HTTP_BODY_END, 0 },
		{ "POST /x?y HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n",
		    HTTP_OTHER, "/x?y", "a", false, true, false,
		    HTTP_BODY_LENGTH, 3 },
		{ "get / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
		    HTTP_OTHER, "/", "a", false, true, false, HTTP_BODY_END,
		    0 },
		{ "PUT / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n"
		  "Expect: 100-continue\r\n\r\n",
		    HTTP_OTHER, "/", "", false, true, true, HTTP_CHUNK_SIZE,
		    0 },
		{ "GET / HTTP/1.1\r\nExpect: 100-continue\r\n\r\n", HTTP_GET,
		    "/", "", false, true, false, HTTP_BODY_END, 0 },
		{ "GET http://b:1/x HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_GET,
		    "/x", "b:1", false, true, false, HTTP_BODY_END, 0 },
		{ "GET HTTPS://b HTTP/1.1\r\n\r\n", HTTP_GET, "/", "b", false,
		    true, false, HTTP_BODY_END, 0 },
	};

	return cr_make_param_array(struct good_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct good_case *k, http_request, good)
{
	struct http_fault fault = { 0 };
	struct http_request r;

	cr_assert_eq(read_text(k->text, &r, &fault), 0, "%s: %s", k->text,
	    fault.why);
	cr_expect_eq(r.method, k->method, "%s", k->text);
	cr_expect_str_eq(r.target, k->target);
	cr_expect_str_eq(r.host, k->host);
	cr_expect_eq(r.is_old, k->is_old, "%s", k->text);
	cr_expect_eq(r.keep_alive, k->keep_alive, "%s", k->text);
	cr_expect_eq(r.continues, k->continues, "%s", k->text);
	cr_expect_eq(r.body.at, k->body, "%s", k->text);
	cr_expect_eq(r.body.left, k->left, "%s", k->text);
}

Test(http_request, keeps_what_access_is_told_from)
{
	struct http_fault fault;
	struct http_request r;

	cr_assert_eq(read_text("GET / HTTP/1.1\r\nauthorization: Bearer x\r\n"
			       "ACCEPT: application/json\r\n\r\n",
			 &r, &fault),
	    0);
	cr_expect_str_eq(r.authorization, "Bearer x");
	cr_expect_str_eq(r.accept, "application/json");
	cr_expect_not(r.has_host);
}

/* --- bad ones --- */

struct bad_case {
	char text[160];
	unsigned int status;
};

ParameterizedTestParameters(http_request, bad)
{
#define HEAD "GET / HTTP/1.1\r\nHost: a\r\n"
	static struct bad_case cases[] = {
		{ "\x16\x03\x01 hello\n\n", 400 },
		{ "GET /\r\n\r\n", 400 },
		{ "GET / HTTP/2.0\r\n\r\n", 505 },
		{ "GET / HTTP/0.9\r\n\r\n", 505 },
		{ "PRI * HTTP/2.0\r\n\r\n", 505 },
		{ "GET / HTTP/1.\r\n\r\n", 400 },
		{ "GET / HTTP/1.11\r\n\r\n", 400 },
		{ "GET / http/1.1\r\n\r\n", 400 },
		{ "GET  / HTTP/1.1\r\n\r\n", 400 },
		{ "GET / HTTP/1.1 \r\n\r\n", 400 },
		{ " GET / HTTP/1.1\r\n\r\n", 400 },
		{ "GE(T / HTTP/1.1\r\n\r\n", 400 },
		{ "GET livez HTTP/1.1\r\n\r\n", 400 },
		{ "GET * HTTP/1.1\r\n\r\n", 400 },
		{ "GET ftp://a/ HTTP/1.1\r\n\r\n", 400 },
		{ "GET http:///x HTTP/1.1\r\n\r\n", 400 },
		{ "GET http://a?x HTTP/1.1\r\n\r\n", 400 },
		{ "GET /a\tb HTTP/1.1\r\n\r\n", 400 },
		{ "GET /a\rb HTTP/1.1\r\n\r\n", 400 },
		{ HEAD "no colon\r\n\r\n", 400 },
		{ HEAD ": x\r\n\r\n", 400 },
		{ HEAD "A : x\r\n\r\n", 400 },
		{ HEAD "A: x\r\n folded\r\n\r\n", 400 },
		{ HEAD "A: x\ry\r\n\r\n", 400 },
		{ HEAD "A: \001\r\n\r\n", 400 },
		{ HEAD "A: \177\r\n\r\n", 400 },
		{ HEAD "Host: a\r\n\r\n", 400 },
		{ HEAD "Content-Length: -1\r\n\r\n", 400 },
		{ HEAD "Content-Length: +1\r\n\r\n", 400 },
		{ HEAD "Content-Length: 0x1\r\n\r\n", 400 },
		{ HEAD "Content-Length: 1, 1\r\n\r\n", 400 },
		{ HEAD "Content-Length:\r\n\r\n", 400 },
		{ HEAD "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400 },
		{ HEAD "Content-Length: 65537\r\n\r\n", 413 },
		{ HEAD "Content-Length: 99999999999999999999999\r\n\r\n", 413 },
		{ HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n", 501 },
		{ HEAD "Transfer-Encoding: chunked\r\n"
		       "Transfer-Encoding: chunked\r\n\r\n",
		    400 },
		{ HEAD "Transfer-Encoding: chunked\r\n"
		       "Content-Length: 1\r\n\r\n",
		    400 },
		{ "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
		{ HEAD "Expect: a miracle\r\n\r\n", 417 },
		{ HEAD "Authorization: a\r\nAuthorization: b\r\n\r\n", 400 },
	};

	return cr_make_param_array(struct bad_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct bad_case *k, http_request, bad)
{
	struct http_fault fault = { 0 };
	struct http_request r;

	cr_assert_eq(read_text(k->text, &r, &fault), -1, "%s", k->text);
	cr_expect_eq(fault.status, k->status, "%s: %u %s", k->text,
	    fault.status, fault.why);
}

Test(http_request, too_long)
{
	char text[4000] = "GET /";
	struct http_fault fault;
	struct http_request r;

	memset(text + 5, 'a', HTTP_TARGET_SIZE);
	(void)strcpy(text + 5 + HTTP_TARGET_SIZE, " HTTP/1.1\r\n\r\n");
	cr_assert_eq(read_text(text, &r, &fault), -1);
	cr_expect_eq(fault.status, 414);
	(void)strcpy(text, "GET / HTTP/1.1\r\nHost: ");
	memset(text + strlen(text), 'a', HTTP_VALUE_SIZE);
	(void)strcpy(text + 22 + HTTP_VALUE_SIZE, "\r\n\r\n");
	cr_assert_eq(read_text(text, &r, &fault), -1);
	cr_expect_eq(fault.status, 400);
}

/* --- where it ends --- */

Test(http_request, the_end_is_found_however_it_comes)
{
	static const char *const texts[] = { "GET / HTTP/1.1\r\nA: b\r\n\r\n",
		"GET / HTTP/1.1\nA: b\n\n", "GET /\r\n\n", "GET /\n\r\n" };
	size_t i, len, seen;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		seen = 0;
		for (len = 0; len < strlen(texts[i]); len++)
			cr_expect_eq(http_request_size(texts[i], len, &seen), 0,
			    "%zu of %s", len, texts[i]);
		cr_expect_eq(http_request_size(texts[i], len, &seen), len, "%s",
		    texts[i]);
	}
}

Test(http_request, what_follows_is_not_looked_at)
{
	static const char text[] = "GET / HTTP/1.1\r\n\r\nGET /\r\n\r\n";
	size_t seen = 0;

	cr_expect_eq(http_request_size(text, strlen(text), &seen), 18);
}

Test(http_request, empty_lines_before_it_mean_nothing)
{
	cr_expect_eq(http_request_skip("\r\n\nGET", 6), 3);
	cr_expect_eq(http_request_skip("\r", 1), 0);
	cr_expect_eq(http_request_skip("\rG", 2), 0);
	cr_expect_eq(http_request_skip("GET", 3), 0);
	cr_expect_eq(http_request_skip("", 0), 0);
}
