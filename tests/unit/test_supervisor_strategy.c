#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <limits.h>

#include "supervisor/strategy.h"

struct plan_case {
	enum strategy_id strategy;
	unsigned int n;
	unsigned int k;
	unsigned int first;
	unsigned int last;
};

ParameterizedTestParameters(strategy, plans)
{
	static struct plan_case cases[] = {
		{ STRATEGY_ONE_FOR_ONE, 1, 0, 0, 0 },
		{ STRATEGY_ONE_FOR_ONE, 4, 0, 0, 0 },
		{ STRATEGY_ONE_FOR_ONE, 4, 2, 2, 2 },
		{ STRATEGY_ONE_FOR_ONE, 4, 3, 3, 3 },
		{ STRATEGY_ONE_FOR_ALL, 1, 0, 0, 0 },
		{ STRATEGY_ONE_FOR_ALL, 4, 0, 0, 3 },
		{ STRATEGY_ONE_FOR_ALL, 4, 2, 0, 3 },
		{ STRATEGY_ONE_FOR_ALL, 4, 3, 0, 3 },
		{ STRATEGY_REST_FOR_ONE, 1, 0, 0, 0 },
		{ STRATEGY_REST_FOR_ONE, 4, 0, 0, 3 },
		{ STRATEGY_REST_FOR_ONE, 4, 2, 2, 3 },
		{ STRATEGY_REST_FOR_ONE, 4, 3, 3, 3 },
		{ STRATEGY_REST_FOR_ONE, UINT_MAX, UINT_MAX - 1, UINT_MAX - 1,
		    UINT_MAX - 1 },
		{ STRATEGY_ONE_FOR_ALL, UINT_MAX, 7, 0, UINT_MAX - 1 },
		{ STRATEGY_COUNT, 4, 2, 2, 2 },
	};

	return cr_make_param_array(struct plan_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct plan_case *k, strategy, plans)
{
	struct strategy_plan plan = strategy_plan(k->strategy, k->n, k->k);

	cr_expect_eq(plan.first, k->first, "strategy %d, %u of %u: first %u",
	    (int)k->strategy, k->k, k->n, plan.first);
	cr_expect_eq(plan.last, k->last, "strategy %d, %u of %u: last %u",
	    (int)k->strategy, k->k, k->n, plan.last);
}

/* OTP's words, child by child. */
static bool
belongs(enum strategy_id strategy, unsigned int k, unsigned int child)
{
	switch (strategy) {
	case STRATEGY_ONE_FOR_ALL:
		return true;
	case STRATEGY_REST_FOR_ONE:
		return child >= k;
	case STRATEGY_ONE_FOR_ONE:
	case STRATEGY_COUNT:
		break;
	}
	return child == k;
}

static bool
has(struct strategy_plan plan, unsigned int child)
{
	return child >= plan.first && child <= plan.last;
}

static void
check_plan(enum strategy_id strategy, unsigned int n, unsigned int k)
{
	struct strategy_plan plan = strategy_plan(strategy, n, k);
	unsigned int child;

	cr_assert_leq(plan.first, plan.last);
	cr_assert_lt(plan.last, n);
	for (child = 0; child < n; child++)
		cr_assert_eq(has(plan, child), belongs(strategy, k, child));
}

Test(strategy, every_child_of_every_group_is_in_or_out)
{
	unsigned int s, n, k;

	for (s = 0; s < STRATEGY_COUNT; s++)
		for (n = 1; n < 12; n++)
			for (k = 0; k < n; k++)
				check_plan(s, n, k);
}

struct merge_case {
	struct strategy_plan a;
	struct strategy_plan b;
	struct strategy_plan want;
};

ParameterizedTestParameters(strategy, merges)
{
	static struct merge_case cases[] = {
		{ { 2, 2 }, { 2, 2 }, { 2, 2 } },
		{ { 0, 5 }, { 3, 5 }, { 0, 5 } },
		{ { 2, 5 }, { 0, 5 }, { 0, 5 } },
		{ { 2, 5 }, { 4, 5 }, { 2, 5 } },
		{ { 0, 3 }, { 2, 5 }, { 0, 5 } },
		{ { 0, 5 }, { 2, 3 }, { 0, 5 } },
		{ { 0, 1 }, { 2, 3 }, { 0, 3 } },
		{ { 0, 0 }, { 3, 3 }, { 0, 3 } },
		{ { 0, UINT_MAX }, { 5, 5 }, { 0, UINT_MAX } },
	};

	return cr_make_param_array(struct merge_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct merge_case *k, strategy, merges)
{
	struct strategy_plan ab = strategy_merge(k->a, k->b);
	struct strategy_plan ba = strategy_merge(k->b, k->a);

	cr_expect_eq(ab.first, k->want.first);
	cr_expect_eq(ab.last, k->want.last);
	cr_expect_eq(ba.first, k->want.first);
	cr_expect_eq(ba.last, k->want.last);
}

/*
 * A restart under way for child k has started all before next (all of its
 * plan still stops if next is its first) when child j ends: nobody is left
 * out who is in either, and nobody is added.
 */
static void
check_second_end(enum strategy_id s, unsigned int k, unsigned int j)
{
	const unsigned int n = 6;
	struct strategy_plan a = strategy_plan(s, n, k), merged;
	unsigned int child;

	for (; a.first <= a.last; a.first++) {
		merged = strategy_merge(a, strategy_plan(s, n, j));
		for (child = 0; child < n; child++)
			cr_assert_eq(has(merged, child),
			    has(a, child) || belongs(s, j, child));
	}
}

Test(strategy, a_second_end_adds_only_its_own_children)
{
	unsigned int k, j;

	for (k = 0; k < 6; k++)
		for (j = 0; j < 6; j++) {
			check_second_end(STRATEGY_ONE_FOR_ALL, k, j);
			check_second_end(STRATEGY_REST_FOR_ONE, k, j);
		}
}
