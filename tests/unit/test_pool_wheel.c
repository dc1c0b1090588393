/* What comes up when (wheel.h). */
#include "pool/wheel.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>

#define START_MS 1000000u

static struct wheel w;

static void
teardown(void)
{
	wheel_clear(&w);
}

TestSuite(wheel, .fini = teardown, .timeout = 20);

/* When it comes up, looking each millisecond from now on; 0: not within. */
static uint64_t
comes_up(struct wheel_item *item, uint64_t from_ms, uint64_t within_ms)
{
	uint64_t ms;

	for (ms = from_ms; ms <= from_ms + within_ms; ms++)
		if (wheel_next(&w, ms) == item)
			return ms;
	return 0;
}

struct due_case {
	uint64_t after_ms; /* it is due */
	uint64_t earliest; /* after START_MS that it comes up */
	uint64_t latest;
};

ParameterizedTestParameters(wheel, comes_up_in_time)
{
	static struct due_case cases[] = {
		{ 0, 1, WHEEL_TICK_MS },
		{ 1, 1, WHEEL_TICK_MS },
		{ 99, 99, 199 },
		{ 100, 100, 200 },
		{ 12345, 12345, 12445 },
		/* Beyond its reach it comes up early. */
		{ 10000000, (WHEEL_SLOTS - 2) * WHEEL_TICK_MS,
		    WHEEL_SLOTS * WHEEL_TICK_MS },
	};

	return cr_make_param_array(struct due_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct due_case *k, wheel, comes_up_in_time)
{
	struct wheel_item item = { .is_in = false };
	uint64_t up_ms;

	cr_assert_eq(wheel_put(&w, &item, START_MS + k->after_ms, START_MS), 0);
	up_ms = comes_up(&item, START_MS, WHEEL_SLOTS * WHEEL_TICK_MS);
	cr_expect_geq(up_ms, START_MS + k->earliest);
	cr_expect_leq(up_ms, START_MS + k->latest);
	cr_expect_not(item.is_in);
	cr_expect_eq(w.count, 0);
}

Test(wheel, one_that_is_taken_out_does_not_come_up)
{
	struct wheel_item item = { .is_in = false };

	wheel_take(&w, &item);
	cr_assert_eq(wheel_put(&w, &item, START_MS + 100, START_MS), 0);
	wheel_take(&w, &item);
	wheel_take(&w, &item);
	cr_expect_eq(w.count, 0);
	cr_expect_null(wheel_next(&w, START_MS + 100000));
}

Test(wheel, one_that_is_put_in_again_moves)
{
	struct wheel_item item = { .is_in = false };

	cr_assert_eq(wheel_put(&w, &item, START_MS + 300, START_MS), 0);
	cr_assert_eq(wheel_put(&w, &item, START_MS + 5000, START_MS), 0);
	cr_expect_eq(w.count, 1);
	cr_expect_geq(comes_up(&item, START_MS, 10000), START_MS + 5000);
}

Test(wheel, all_come_up_after_a_long_sleep)
{
	struct wheel_item items[500] = { 0 };
	unsigned int i, n = 0;

	for (i = 0; i < 500; i++)
		cr_assert_eq(
		    wheel_put(&w, &items[i], START_MS + i * 10, START_MS), 0);
	while (wheel_next(&w, START_MS + 100 * WHEEL_SLOTS * WHEEL_TICK_MS) !=
	    NULL)
		n++;
	cr_expect_eq(n, 500);
	/* And it goes on from there. */
	cr_assert_eq(wheel_put(&w, &items[0], START_MS, START_MS), 0);
	cr_expect_eq(w.count, 1);
}

Test(wheel, one_that_goes_in_while_others_come_up_waits_for_its_turn)
{
	struct wheel_item a = { .is_in = false }, b = { .is_in = false };
	const uint64_t later_ms = START_MS + 1000;
	struct wheel_item *first;

	cr_assert_eq(wheel_put(&w, &a, START_MS, START_MS), 0);
	cr_assert_eq(wheel_put(&w, &b, START_MS, START_MS), 0);
	first = wheel_next(&w, later_ms);
	cr_assert_not_null(first);
	cr_assert_eq(wheel_put(&w, first, later_ms, later_ms), 0);
	cr_assert_not_null(wheel_next(&w, later_ms));
	cr_expect_null(wheel_next(&w, later_ms));
	cr_expect_eq(w.count, 1);
}
