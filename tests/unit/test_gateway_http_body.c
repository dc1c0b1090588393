#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "gateway/http_body.h"

struct body_case {
	char text[96];
	size_t size; /* of the body; 0: it is bad */
};

ParameterizedTestParameters(http_body, chunks)
{
	static struct body_case cases[] = {
		{ "0\r\n\r\n", 5 },
		{ "0\n\n", 3 },
		{ "3\r\nabc\r\n0\r\n\r\nGET /", 13 },
		{ "3\nabc\n0\n\nx", 9 },
		{ "1;name=\"a b\"\r\na\r\n0;x\r\n\r\n", 24 },
		{ "1 \r\na\r\n00\r\nTrailer: x\r\nB: y\r\n\r\nrest", 31 },
		{ "0a\r\n0123456789\r\n0\r\n\r\n", 21 },
		{ "A\r\n0123456789\r\n0\r\n\r\n", 20 },
		{ "\r\n", 0 },
		{ "g\r\n", 0 },
		{ "-1\r\n", 0 },
		{ "1x\r\n", 0 },
		{ "1\r\nab", 0 },
		{ "1\r\na\rb", 0 },
		{ "0\r\n\rx", 0 },
		{ "10001\r\n", 0 },
		{ "ffffffffffffffffffff\r\n", 0 },
	};

	return cr_make_param_array(struct body_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

/* Read in pieces. Returns the size of the body; 0: it is bad. */
static size_t
read_pieces(const char *text, size_t piece)
{
	struct http_body b = { .at = HTTP_CHUNK_SIZE };
	const size_t len = strlen(text);
	struct http_fault fault;
	size_t used = 0, n;
	long r;

	while (b.at != HTTP_BODY_END) {
		cr_assert_lt(used, len, "no end: %s", text);
		n = piece < len - used ? piece : len - used;
		r = http_body_read(&b, text + used, n, &fault);
		if (r == -1)
			return 0;
		used += (size_t)r;
	}
	return used;
}

ParameterizedTest(struct body_case *k, http_body, chunks)
{
	size_t piece;

	for (piece = 1; piece < 10; piece++)
		cr_expect_eq(read_pieces(k->text, piece), k->size,
		    "%zu of %s: %zu", piece, k->text,
		    read_pieces(k->text, piece));
}

Test(http_body, of_a_length)
{
	struct http_body b = { .at = HTTP_BODY_LENGTH, .left = 5 };
	struct http_fault fault;

	cr_expect_eq(http_body_read(&b, "abc", 3, &fault), 3);
	cr_expect_eq(b.at, HTTP_BODY_LENGTH);
	cr_expect_eq(http_body_read(&b, "deGET", 5, &fault), 2);
	cr_expect_eq(b.at, HTTP_BODY_END);
	cr_expect_eq(http_body_read(&b, "x", 1, &fault), 0);
}

Test(http_body, many_chunks_are_too_much)
{
	struct http_body b = { .at = HTTP_CHUNK_SIZE };
	struct http_fault fault = { 0 };
	size_t used = 0;
	long n = 0;

	while (n != -1 && used <= 1u << 20) {
		n = http_body_read(&b, "1\r\na\r\n", 6, &fault);
		used += 6;
	}
	cr_expect_eq(n, -1);
	cr_expect_eq(fault.status, 413);
	cr_expect_leq(used, 3u * HTTP_BODY_MAX);
}
