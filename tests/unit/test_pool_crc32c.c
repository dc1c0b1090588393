#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "pool/crc32c.h"

struct crc_case {
	uint8_t data[32];
	size_t len;
	uint32_t want;
};

/* The known answers of RFC 3720, B.4, and the usual check value. */
ParameterizedTestParameters(crc32c, known_answers)
{
	static struct crc_case cases[] = {
		{ { 0 }, 0, 0x00000000 },
		{ "123456789", 9, 0xe3069283 },
		{ { 0 }, 32, 0x8a9136aa },
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		      0xff, 0xff, 0xff, 0xff },
		    32, 0x62a8ab43 },
	};

	return cr_make_param_array(struct crc_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct crc_case *k, crc32c, known_answers)
{
	size_t i;

	cr_expect_eq(crc32c(0, k->data, k->len), k->want);
	for (i = 0; i <= k->len; i++)
		cr_expect_eq(
		    crc32c(crc32c(0, k->data, i), k->data + i, k->len - i),
		    k->want, "in two pieces, at %zu", i);
}
