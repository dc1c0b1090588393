#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "ctl/fit.h"

#define COLUMNS 4

/* NAME, STATE, A COUNT, A NOTE: 16 + 9 + 6 + 12 and three gaps are 49. */
struct fit_case {
	size_t width;
	size_t want[COLUMNS];
};

ParameterizedTestParameters(fit, columns)
{
	static struct fit_case cases[] = {
		{ 0, { 16, 9, 6, 12 } },
		{ 80, { 16, 9, 6, 12 } },
		{ 49, { 16, 9, 6, 12 } },
		/* The name gets what the note has left of it. */
		{ 48, { 15, 9, 6, 12 } },
		{ 45, { 12, 9, 6, 12 } },
		{ 41, { 8, 9, 6, 12 } },
		/* The note goes, and gives its room to the name. */
		{ 40, { 16, 9, 6, 0 } },
		{ 35, { 16, 9, 6, 0 } },
		{ 30, { 11, 9, 6, 0 } },
		{ 26, { 15, 9, 0, 0 } },
		{ 20, { 9, 9, 0, 0 } },
		{ 16, { 5, 9, 0, 0 } },
		/* No room for two. */
		{ 15, { 15, 0, 0, 0 } },
		{ 4, { 4, 0, 0, 0 } },
		{ 1, { 1, 0, 0, 0 } },
	};

	return cr_make_param_array(struct fit_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct fit_case *k, fit, columns)
{
	struct fit c[COLUMNS] = { { .natural = 16, .snug = 8 },
		{ .natural = 9 }, { .natural = 6, .rank = 1 },
		{ .natural = 12, .rank = 2 } };
	size_t i;

	fit_columns(c, COLUMNS, k->width);
	for (i = 0; i < COLUMNS; i++)
		cr_expect_eq(c[i].width, k->want[i], "%zu: column %zu is %zu",
		    k->width, i, c[i].width);
}

Test(fit, what_says_nothing_goes_first)
{
	struct fit c[] = { { .natural = 10 },
		{ .natural = 10, .rank = 1, .is_empty = true },
		{ .natural = 10, .rank = 9 } };

	fit_columns(c, 3, 30);
	cr_expect_eq(c[1].width, 0);
	cr_expect_eq(c[2].width, 10);
}

Test(fit, never_takes_more_than_there_is)
{
	struct fit c[COLUMNS];
	size_t width, i, sum;

	for (width = 1; width < 120; width++) {
		for (i = 0; i < COLUMNS; i++)
			c[i] = (struct fit){ .natural = 7 * (i + 1),
				.snug = i % 2 == 0 ? 6 : 0,
				.rank = (unsigned int)(3 * i % 4) };
		fit_columns(c, COLUMNS, width);
		for (i = 0, sum = 0; i < COLUMNS; i++)
			if (c[i].width > 0)
				sum += c[i].width + (sum > 0 ? FIT_GAP : 0);
		cr_expect_leq(sum, width, "%zu in %zu", sum, width);
		cr_expect_gt(sum, 0);
	}
}
