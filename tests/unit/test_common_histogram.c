#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "common/histogram.h"
#include "common/scoreboard.h"

Test(histogram, bounds_rise)
{
	const struct histogram *h;
	unsigned int id, i;

	for (id = 0; id < HISTOGRAM_COUNT; id++) {
		h = histogram_shape(id);
		cr_assert_geq(h->bounds, 2);
		for (i = 1; i < h->bounds; i++)
			cr_expect_gt(h->bounds_ms[i], h->bounds_ms[i - 1]);
	}
}

Test(histogram, cells_are_buckets_one_more_and_the_sum)
{
	cr_expect_eq(histogram_shape(HISTOGRAM_HANDSHAKE)->bounds + 2,
	    HANDSHAKE_CELLS);
	cr_expect_eq(histogram_shape(HISTOGRAM_LIFE)->bounds + 2, LIFE_CELLS);
	cr_expect_eq(histogram_shape(HISTOGRAM_LOOP_LAG)->bounds + 2,
	    LOOP_LAG_CELLS);
}

struct bucket_case {
	uint64_t ms;
	unsigned int bucket;
};

/* Those of the lag are 1, 5, 10, 25, 50, 100, 250 and 1000. */
ParameterizedTestParameters(histogram, buckets)
{
	static struct bucket_case cases[] = {
		{ 0, 0 },
		{ 1, 0 },
		{ 2, 1 },
		{ 5, 1 },
		{ 6, 2 },
		{ 1000, 7 },
		{ 1001, 8 },
		{ UINT64_MAX, 8 },
	};

	return cr_make_param_array(struct bucket_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct bucket_case *k, histogram, buckets)
{
	const struct histogram *h = histogram_shape(HISTOGRAM_LOOP_LAG);

	cr_expect_eq(histogram_bucket(h, k->ms), k->bucket);
}

Test(histogram, observations_are_counted_and_added_up)
{
	const struct histogram *h = histogram_shape(HISTOGRAM_LOOP_LAG);
	uint64_t cells[LOOP_LAG_CELLS + 1] = { 0 };

	histogram_observe(HISTOGRAM_LOOP_LAG, cells, 0);
	histogram_observe(HISTOGRAM_LOOP_LAG, cells, 7);
	histogram_observe(HISTOGRAM_LOOP_LAG, cells, 8);
	histogram_observe(HISTOGRAM_LOOP_LAG, cells, 100000);
	cr_expect_eq(cells[0], 1);
	cr_expect_eq(cells[2], 2);
	cr_expect_eq(cells[h->bounds], 1);
	cr_expect_eq(cells[histogram_sum(h)], 100015);
	cr_expect_eq(cells[LOOP_LAG_CELLS], 0, "behind its own cells");
}

Test(histogram, a_scoreboard_has_room_for_each)
{
	static struct scoreboard_entry e;
	unsigned int i;

	scoreboard_observe(&e, COUNTER_HANDSHAKE, HISTOGRAM_HANDSHAKE,
	    UINT32_MAX);
	scoreboard_observe(&e, COUNTER_LIFE, HISTOGRAM_LIFE, 3);
	cr_expect_eq(scoreboard_get(&e, COUNTER_LIFE - 2), 1, "above all");
	cr_expect_eq(scoreboard_get(&e, COUNTER_LIFE - 1), UINT32_MAX);
	cr_expect_eq(scoreboard_get(&e, COUNTER_LIFE), 1);
	cr_expect_eq(scoreboard_get(&e, COUNTER_MODULE - 1), 3);
	for (i = 0; i < COUNTER_HANDSHAKE; i++)
		cr_expect_eq(scoreboard_get(&e, i), 0);
}
