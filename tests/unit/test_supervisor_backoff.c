#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <limits.h>

#include "supervisor/backoff.h"

struct backoff_case {
	unsigned int failures;
	uint32_t ms;
};

ParameterizedTestParameters(backoff, doubles_up_to_a_second)
{
	static struct backoff_case cases[] = {
		{ 0, 0 },
		{ 1, 0 },
		{ 2, 10 },
		{ 3, 20 },
		{ 4, 40 },
		{ 5, 80 },
		{ 6, 160 },
		{ 7, 320 },
		{ 8, 640 },
		{ 9, 1000 },
		{ 10, 1000 },
		{ 34, 1000 },
		{ 1000, 1000 },
		{ INT_MAX, 1000 },
		{ UINT_MAX, 1000 },
	};

	return cr_make_param_array(struct backoff_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct backoff_case *k, backoff, doubles_up_to_a_second)
{
	cr_expect_eq(backoff_ms(k->failures), k->ms, "%u: %u ms", k->failures,
	    backoff_ms(k->failures));
}

Test(backoff, never_gets_shorter)
{
	unsigned int i;

	for (i = 1; i < 1000; i++)
		cr_assert_geq(backoff_ms(i), backoff_ms(i - 1));
}
