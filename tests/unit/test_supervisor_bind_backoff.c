#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <limits.h>

#include "supervisor/bind_backoff.h"

#define MIDDLE 0x80000000u /* no jitter */

struct bind_backoff_case {
	uint32_t first_ms;
	uint32_t max_ms;
	unsigned int failed;
	uint32_t random;
	uint32_t want_ms;
};

/* clang-format off */
ParameterizedTestParameters(bind_backoff, waits)
{
	static struct bind_backoff_case cases[] = {
		/* doubles, then stays */
		{ 1000, 30000, 0, MIDDLE, 1000 },
		{ 1000, 30000, 1, MIDDLE, 1000 },
		{ 1000, 30000, 2, MIDDLE, 2000 },
		{ 1000, 30000, 3, MIDDLE, 4000 },
		{ 1000, 30000, 4, MIDDLE, 8000 },
		{ 1000, 30000, 5, MIDDLE, 16000 },
		{ 1000, 30000, 6, MIDDLE, 30000 },
		{ 1000, 30000, 7, MIDDLE, 30000 },
		{ 1000, 30000, 33, MIDDLE, 30000 },
		{ 1000, 30000, 65, MIDDLE, 30000 },
		{ 1000, 30000, UINT_MAX, MIDDLE, 30000 },
		{ 1000, 8000, 4, MIDDLE, 8000 },
		{ 1000, 8000, 5, MIDDLE, 8000 },
		/* 10% either way */
		{ 1000, 30000, 1, 0, 900 },
		{ 1000, 30000, 1, UINT32_MAX, 1100 },
		{ 1000, 30000, 3, 0, 3600 },
		{ 1000, 30000, 3, UINT32_MAX, 4400 },
		{ 1000, 30000, 9, 0, 27000 },
		{ 1000, 30000, 9, UINT32_MAX, 33000 },
		{ 10, 30000, 1, 0, 9 },
		{ 10, 30000, 1, UINT32_MAX, 11 },
		/* too short to vary */
		{ 9, 30000, 1, 0, 9 },
		{ 9, 30000, 1, UINT32_MAX, 9 },
		{ 1, 30000, 1, 0, 1 },
		/* the maximum is less than the first */
		{ 5000, 1000, 1, MIDDLE, 1000 },
		{ 5000, 1000, 4, MIDDLE, 1000 },
		/* never 0 */
		{ 0, 30000, 1, 0, 1 },
		{ 0, 30000, UINT_MAX, UINT32_MAX, 1 },
		{ 1000, 0, 1, 0, 1 },
		{ 1000, 0, 5, UINT32_MAX, 1 },
		{ 0, 0, 0, 0, 1 },
		/* no overflow */
		{ UINT32_MAX, UINT32_MAX, 1, UINT32_MAX, UINT32_MAX },
		{ UINT32_MAX, UINT32_MAX, UINT_MAX, MIDDLE, UINT32_MAX },
		{ UINT32_MAX, UINT32_MAX, UINT_MAX, 0, 3865470566u },
		{ 1, UINT32_MAX, 33, MIDDLE, UINT32_MAX },
		{ 1, UINT32_MAX, 32, MIDDLE, 0x80000000u },
		{ 3000000000u, UINT32_MAX, 2, 0, 3865470566u },
		{ 86400000, 86400000, 1000, UINT32_MAX, 95040000 },
	};

	return cr_make_param_array(struct bind_backoff_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}
/* clang-format on */

static struct listener_spec
spec_of(uint32_t first_ms, uint32_t max_ms)
{
	return (struct listener_spec){ .bind_backoff_ms = first_ms,
		.bind_backoff_max_ms = max_ms };
}

ParameterizedTest(struct bind_backoff_case *k, bind_backoff, waits)
{
	struct listener_spec spec = spec_of(k->first_ms, k->max_ms);
	uint32_t got = bind_backoff_ms(&spec, k->failed, k->random);

	cr_expect_eq(got, k->want_ms, "%u to %u after %u with %u: %u",
	    k->first_ms, k->max_ms, k->failed, k->random, got);
}

/* Each wait from 10% less to 10% more comes, and equally often. */
Test(bind_backoff, jitter_is_even)
{
	struct listener_spec spec = spec_of(100, 100);
	unsigned int seen[21] = { 0 };
	uint64_t random;
	uint32_t ms, i;

	for (random = 0; random <= UINT32_MAX; random += 0x1000) {
		ms = bind_backoff_ms(&spec, 1, (uint32_t)random);
		cr_assert(ms >= 90 && ms <= 110, "%u", ms);
		seen[ms - 90]++;
	}
	for (i = 0; i < 21; i++)
		cr_expect(seen[i] >= 0x100000 / 21 - 1 &&
			seen[i] <= 0x100000 / 21 + 1,
		    "%u ms: %u times", 90 + i, seen[i]);
}

static const uint32_t edges[] = { 0, 1, 9, 10, 11, 1000, 86400000, INT32_MAX,
	0x80000000u, UINT32_MAX - 1, UINT32_MAX };
#define EDGES (sizeof(edges) / sizeof(edges[0]))

static void
expect_in_range(uint32_t first_ms, uint32_t max_ms)
{
	struct listener_spec spec = spec_of(first_ms, max_ms);
	uint64_t most = (uint64_t)max_ms + max_ms / 10 + (max_ms == 0);
	unsigned int failed, r;
	uint32_t ms;

	for (failed = 0; failed < 70; failed++)
		for (r = 0; r < EDGES; r++) {
			ms = bind_backoff_ms(&spec, failed, edges[r]);
			cr_assert(ms >= 1 && ms <= most, "%u to %u: %u",
			    first_ms, max_ms, ms);
		}
}

Test(bind_backoff, no_input_leaves_the_range)
{
	unsigned int a, b;

	for (a = 0; a < EDGES; a++)
		for (b = 0; b < EDGES; b++)
			expect_in_range(edges[a], edges[b]);
}
