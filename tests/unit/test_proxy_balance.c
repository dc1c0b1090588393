/* Which upstream comes next (balance.h). */
#include "proxy/balance.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "common/upstream_board.h"

#define MANY 7

static void
fill(struct balance_entry e[static MANY], size_t count)
{
	size_t i;

	memset(e, 0, MANY * sizeof(*e));
	for (i = 0; i < count; i++)
		e[i] = (struct balance_entry){ .usable = true,
			.weight = 1,
			.key = upstream_key(
			    (const char[]){ (char)('a' + i), '\0' }) };
}

/* Letters of those that were picked in turn. */
struct turn_case {
	const char weights[MANY]; /* digits */
	const char unusable[MANY];
	const char want[24];
};

ParameterizedTestParameters(balance, takes_turns)
{
	static struct turn_case cases[] = {
		{ "111", "", "abcabcabc" },
		{ "511", "", "aabacaaaabacaa" },
		{ "12", "", "babbab" },
		{ "111", "b", "acacac" },
		{ "1", "", "aaa" },
		{ "11", "ab", "---" },
	};

	return cr_make_param_array(struct turn_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct turn_case *k, balance, takes_turns)
{
	struct balance_entry e[MANY];
	const size_t count = strlen(k->weights);
	size_t i, got;

	fill(e, count);
	for (i = 0; i < count; i++) {
		e[i].weight = (uint32_t)(k->weights[i] - '0');
		e[i].usable = strchr(k->unusable, 'a' + (int)i) == NULL ||
		    k->unusable[0] == '\0';
	}
	for (i = 0; k->want[i] != '\0'; i++) {
		got = balance_pick(BALANCE_ROUND_ROBIN, e, count, 0);
		cr_expect_eq(got == BALANCE_NONE ? '-' : 'a' + (int)got,
		    k->want[i], "%s: pick %zu is %zu", k->weights, i, got);
	}
}

Test(balance, takes_who_has_least_for_its_weight)
{
	struct balance_entry e[MANY];
	unsigned int counts[3] = { 0 };
	size_t i, got;

	fill(e, 3);
	e[0].weight = 2;
	for (i = 0; i < 400; i++) {
		got = balance_pick(BALANCE_LEAST_CONNECTIONS, e, 3, 0);
		cr_assert_lt(got, 3);
		e[got].connections++;
		counts[got]++;
	}
	cr_expect_eq(counts[0], 200);
	cr_expect_eq(counts[1], 100);
	cr_expect_eq(counts[2], 100);
	e[1].connections = 90;
	for (i = 0; i < 8; i++) {
		got = balance_pick(BALANCE_LEAST_CONNECTIONS, e, 3, 0);
		cr_expect_eq(got, 1);
		e[got].connections++;
	}
}

Test(balance, lets_those_with_the_same_load_take_turns)
{
	struct balance_entry e[MANY];
	unsigned int counts[3] = { 0 };
	size_t i;

	fill(e, 3);
	for (i = 0; i < 30; i++)
		counts[balance_pick(BALANCE_LEAST_CONNECTIONS, e, 3, 0)]++;
	cr_expect(counts[0] == 10 && counts[1] == 10 && counts[2] == 10);
}

Test(balance, takes_the_first_that_can_be_used)
{
	struct balance_entry e[MANY];

	fill(e, 3);
	cr_expect_eq(balance_pick(BALANCE_FIRST, e, 3, 0), 0);
	cr_expect_eq(balance_pick(BALANCE_FIRST, e, 3, 0), 0);
	e[0].usable = false;
	cr_expect_eq(balance_pick(BALANCE_FIRST, e, 3, 0), 1);
	e[1].usable = e[2].usable = false;
	cr_expect_eq(balance_pick(BALANCE_FIRST, e, 3, 0), BALANCE_NONE);
}

#define SOURCES 20000u

static uint64_t
source(uint32_t n)
{
	const uint8_t address[16] = { [10] = 0xff,
		[11] = 0xff,
		[12] = 10,
		[13] = (uint8_t)(n >> 16),
		[14] = (uint8_t)(n >> 8),
		[15] = (uint8_t)n };

	return balance_source(address);
}

static void
pick_all(struct balance_entry *e, size_t count, uint8_t *out)
{
	uint32_t n;
	size_t got;

	for (n = 0; n < SOURCES; n++) {
		got = balance_pick(BALANCE_SOURCE, e, count, source(n));
		cr_assert_lt(got, count);
		out[n] = (uint8_t)got;
	}
}

Test(balance, moves_only_the_peers_of_an_upstream_that_goes)
{
	static uint8_t before[SOURCES], after[SOURCES];
	struct balance_entry e[MANY];
	uint32_t n, moved = 0;

	fill(e, 5);
	pick_all(e, 5, before);
	pick_all(e, 5, after);
	cr_expect_arr_eq(before, after, SOURCES);
	e[2].usable = false;
	pick_all(e, 5, after);
	for (n = 0; n < SOURCES; n++) {
		if (before[n] != 2)
			cr_assert_eq(after[n], before[n]);
		else
			moved++;
	}
	cr_expect_gt(moved, SOURCES / 6);
	/* Its place in the list is of no account. */
	e[2] = e[4];
	pick_all(e, 4, after);
	for (n = 0; n < SOURCES; n++)
		if (before[n] == 4)
			cr_assert_eq(after[n], 2);
}

Test(balance, shares_sources_by_weight)
{
	static uint8_t picks[SOURCES];
	struct balance_entry e[MANY];
	unsigned int counts[MANY] = { 0 };
	static const uint32_t weights[] = { 1, 2, 3, 4 };
	uint32_t n;
	size_t i;

	fill(e, 4);
	for (i = 0; i < 4; i++)
		e[i].weight = weights[i];
	pick_all(e, 4, picks);
	for (n = 0; n < SOURCES; n++)
		counts[picks[n]]++;
	for (i = 0; i < 4; i++) {
		const double want = SOURCES * weights[i] / 10.0;

		cr_expect(counts[i] > want * 0.9 && counts[i] < want * 1.1,
		    "weight %u has %u of %u", weights[i], counts[i], SOURCES);
	}
}
