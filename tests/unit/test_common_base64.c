#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64.h"

struct base64_case {
	char data[8];
	char text[16];
};

/* The examples of RFC 4648, and every digit that is none of ASCII's. */
ParameterizedTestParameters(base64, there_and_back)
{
	static struct base64_case cases[] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xbf", "+/+/" },
	};

	return cr_make_param_array(struct base64_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct base64_case *k, base64, there_and_back)
{
	const size_t len = strlen(k->data);
	char text[16];
	uint8_t data[16];
	size_t back = 99;

	base64_encode((const uint8_t *)k->data, len, text);
	cr_expect_str_eq(text, k->text);
	cr_expect_eq(strlen(text) + 1, BASE64_SIZE(len));
	cr_assert_eq(base64_decode(text, strlen(text), data, &back), 0);
	cr_expect_eq(back, len);
	cr_expect_arr_eq(data, k->data, len);
}

Test(base64, all_bytes)
{
	uint8_t data[256], back[256];
	char text[BASE64_SIZE(256)];
	size_t i, len;

	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	base64_encode(data, sizeof(data), text);
	cr_assert_eq(base64_decode(text, sizeof(text) - 1, back, &len), 0);
	cr_expect_eq(len, sizeof(data));
	cr_expect_arr_eq(back, data, sizeof(data));
}

struct bad_case {
	char text[16];
};

ParameterizedTestParameters(base64, what_is_none)
{
	static struct bad_case cases[] = {
		{ "Z" },        /* half a byte */
		{ "Zg" },       /* no padding */
		{ "Zg=" },      /* not all of it */
		{ "Zh==" },     /* bits behind the end */
		{ "Zm9=" },     /* the same */
		{ "Z===" },     /* too much of it */
		{ "====" },     /* nothing else */
		{ "Zg==Zg==" }, /* in the middle */
		{ "Zm9*" },
		{ "Zm-_" }, /* of URLs */
		{ "Zm 9" },
		{ "Zm9\n" },
	};

	return cr_make_param_array(struct bad_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct bad_case *k, base64, what_is_none)
{
	uint8_t data[16];
	size_t len;

	cr_expect_eq(base64_decode(k->text, strlen(k->text), data, &len), -1,
	    "%s", k->text);
}
