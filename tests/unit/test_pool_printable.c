#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#include "pool/printable.h"

struct printable_case {
	char data[16];
	size_t len;
	char want[64];
};

ParameterizedTestParameters(printable, escapes_what_cannot_be_shown)
{
	static struct printable_case cases[] = {
		{ "", 0, "" },
		{ "meter-1", 7, "meter-1" },
		{ "\xc3\xa4\xf0\x9f\x98\x80", 6, "\xc3\xa4\xf0\x9f\x98\x80" },
		{ "a\\x0a", 5, "a\\\\x0a" },
		{ "a\nb\0c", 5, "a\\x0ab\\x00c" },
		{ "\x1b[2J\x7f", 5, "\\x1b[2J\\x7f" },
		{ "M\xfcller", 6, "M\\xfcller" },
		{ "\xc2\x9b", 2, "\\xc2\\x9b" },
		{ "cut \xe2\x82", 6, "cut \\xe2\\x82" },
		{ "\xe2\x82\xac", 2, "\\xe2\\x82" },
	};

	return cr_make_param_array(struct printable_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

/* From memory of just that size, where a sanitizer sees a byte too many. */
ParameterizedTest(struct printable_case *k, printable,
    escapes_what_cannot_be_shown)
{
	uint8_t *data = malloc(k->len == 0 ? 1 : k->len);
	char out[64];

	cr_assert_not_null(data);
	memcpy(data, k->data, k->len);
	cr_expect_eq(printable(data, k->len, out, sizeof(out)), 0);
	cr_expect_str_eq(out, k->want);
	cr_expect_eq(printable(data, k->len, out, strlen(k->want) + 1), 0);
	cr_expect_str_eq(out, k->want);
	free(data);
}

Test(printable, is_cut_between_characters)
{
	char out[7];

	cr_expect_eq(printable((const uint8_t *)"abcd\n", 5, out, 7), -1);
	cr_expect_str_eq(out, "abcd");
	cr_expect_eq(printable((const uint8_t *)"abcde\xc3\xa4", 7, out, 7),
	    -1);
	cr_expect_str_eq(out, "abcde");
	cr_expect_eq(printable((const uint8_t *)"a", 1, out, 1), -1);
	cr_expect_str_eq(out, "");
}
