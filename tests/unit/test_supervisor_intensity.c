#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/intensity.h"

#define TIMES_MAX 8

static bool no_memory;

void *__real_reallocarray(void *, size_t, size_t);
void *__wrap_reallocarray(void *, size_t, size_t);

/* The linker puts this in the place of reallocarray(3). */
void *
__wrap_reallocarray(void *old, size_t count, size_t size)
{
	return no_memory ? NULL : __real_reallocarray(old, count, size);
}

static struct intensity
make(uint32_t max_restarts, uint32_t max_seconds)
{
	struct intensity in;
	struct err err;

	cr_assert_eq(intensity_init(&in, max_restarts, max_seconds, &err), 0);
	return in;
}

static void
configure(struct intensity *in, uint32_t max_restarts, uint32_t max_seconds)
{
	struct err err;

	cr_assert_eq(intensity_configure(in, max_restarts, max_seconds, &err),
	    0);
}

/* Restarts at times_ms; bit n of exceeded: the one at times_ms[n] does. */
struct intensity_case {
	uint32_t max_restarts;
	uint32_t max_seconds;
	unsigned int count;
	uint64_t times_ms[TIMES_MAX];
	unsigned int exceeded;
};

/* clang-format off */
ParameterizedTestParameters(intensity, windows)
{
	static struct intensity_case cases[] = {
		/* none is tolerated */
		{ 0, 60, 1, { 0 }, 0x1 },
		{ 0, 0, 3, { 5, 5, 900000 }, 0x7 },
		/* one more than max_restarts */
		{ 1, 60, 2, { 0, 0 }, 0x2 },
		{ 1, 60, 2, { 0, 59999 }, 0x2 },
		{ 3, 10, 5, { 1, 2, 3, 4, 5 }, 0x18 },
		/* both ends of the window count; a millisecond later not */
		{ 1, 60, 2, { 0, 60000 }, 0x2 },
		{ 1, 60, 2, { 0, 60001 }, 0x0 },
		{ 2, 1, 3, { 1000, 1500, 2000 }, 0x4 },
		{ 2, 1, 3, { 1000, 1500, 2001 }, 0x0 },
		/* the window slides, it does not begin anew */
		{ 2, 1, 6, { 0, 900, 1100, 1800, 2200, 2300 }, 0x28 },
		/* steady, just slow enough */
		{ 2, 1, 6, { 0, 501, 1002, 1503, 2004, 2505 }, 0x0 },
		/* steady, just too fast */
		{ 2, 1, 6, { 0, 500, 1000, 1500, 2000, 2500 }, 0x3c },
		/* exceeded, then quiet: tolerated again */
		{ 1, 1, 5, { 0, 10, 20, 5000, 6001 }, 0x6 },
		/* a window of nothing: only the same millisecond */
		{ 1, 0, 4, { 7, 7, 8, 9 }, 0x2 },
		/* extremes */
		{ 1, UINT32_MAX, 2, { 0, UINT64_MAX }, 0x0 },
		{ 1, UINT32_MAX, 2, { UINT64_MAX - 1, UINT64_MAX }, 0x2 },
		{ 1, UINT32_MAX, 2, { 0, 4294967295000u }, 0x2 },
		{ 1, UINT32_MAX, 2, { 0, 4294967295001u }, 0x0 },
		/* a clock that went back is no reason to tolerate more */
		{ 1, 1, 2, { 90000, 10 }, 0x2 },
	};

	return cr_make_param_array(struct intensity_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}
/* clang-format on */

ParameterizedTest(struct intensity_case *k, intensity, windows)
{
	struct intensity in = make(k->max_restarts, k->max_seconds);
	unsigned int i;

	for (i = 0; i < k->count; i++)
		cr_expect_eq(intensity_exceeded(&in, k->times_ms[i]),
		    (k->exceeded >> i & 1) != 0,
		    "%u in %u s: restart %u at %llu", k->max_restarts,
		    k->max_seconds, i, (unsigned long long)k->times_ms[i]);
	intensity_free(&in);
}

/* Compare with counting all that ever happened, over many turns of the ring. */
Test(intensity, agrees_with_a_plain_count)
{
	static uint64_t times[3000];
	struct intensity in;
	uint64_t now = 0;
	uint32_t max;
	unsigned int i, k, in_window, random = 1, exceeded = 0;

	for (max = 0; max < 12; max++) {
		in = make(max, 2);
		for (i = 0; i < 3000; i++) {
			random = random * 1103515245u + 12345u;
			now += random >> 16 & 0x1ff;
			times[i] = now;
			for (k = i + 1, in_window = 0; k-- > 0;)
				in_window += now - times[k] <= 2000;
			cr_assert_eq(intensity_exceeded(&in, now),
			    in_window > max);
			exceeded += in_window > max;
		}
		intensity_free(&in);
	}
	cr_expect_gt(exceeded, 3000);
	cr_expect_lt(exceeded, 12 * 3000);
}

/*
 * The limits were max_restarts in 10 s when count restarts came, one each
 * second from 1000 ms on; then they change, and another comes at at_ms.
 */
struct configure_case {
	uint32_t max_restarts;
	unsigned int count;
	uint32_t to_restarts;
	uint32_t to_seconds;
	uint64_t at_ms;
	bool exceeded;
};

/* clang-format off */
ParameterizedTestParameters(intensity, limits_change)
{
	static struct configure_case cases[] = {
		/* nothing was counted yet */
		{ 3, 0, 1, 10, 1000, false },
		{ 3, 0, 0, 10, 1000, true },
		/* the same again */
		{ 3, 3, 3, 10, 4000, true },
		{ 3, 2, 3, 10, 4000, false },
		/* fewer: what was counted is too many already */
		{ 5, 5, 2, 10, 6000, true },
		{ 5, 5, 4, 10, 6000, true },
		/* fewer, and it is the newest that are kept */
		{ 5, 5, 2, 2, 6000, true },
		{ 5, 5, 2, 1, 6000, false },
		{ 5, 5, 0, 1, 90000, true },
		/* more */
		{ 2, 2, 4, 10, 3000, false },
		{ 2, 3, 3, 10, 4000, true },
		{ 3, 3, 100, 10, 4000, false },
		/* more, after the ring has turned: it held the newest 3 */
		{ 2, 7, 3, 10, 8000, true },
		{ 2, 7, 3, 2, 8000, false },
		/* another window */
		{ 3, 3, 3, 2, 4000, false },
		{ 3, 3, 3, 3, 4000, true },
		{ 3, 3, 3, 100, 90000, true },
	};

	return cr_make_param_array(struct configure_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}
/* clang-format on */

ParameterizedTest(struct configure_case *k, intensity, limits_change)
{
	struct intensity in = make(k->max_restarts, 10);
	unsigned int i;

	for (i = 1; i <= k->count; i++)
		(void)intensity_exceeded(&in, i * 1000);
	configure(&in, k->to_restarts, k->to_seconds);
	cr_expect_eq(intensity_exceeded(&in, k->at_ms), k->exceeded,
	    "%u in 10 s, %u restarts, then %u in %u s", k->max_restarts,
	    k->count, k->to_restarts, k->to_seconds);
	intensity_free(&in);
}

Test(intensity, limits_may_change_all_the_time)
{
	struct intensity in = make(4, 10);

	cr_expect_not(intensity_exceeded(&in, 1000));
	configure(&in, 9, 10);
	cr_expect_not(intensity_exceeded(&in, 2000));
	configure(&in, 2, 10);
	configure(&in, 5, 10);
	configure(&in, 2, 10);
	cr_expect(intensity_exceeded(&in, 3000));
	configure(&in, 3, 10);
	cr_expect(intensity_exceeded(&in, 4000));
	intensity_free(&in);
}

Test(intensity, clear_forgets_the_restarts_and_keeps_the_limits)
{
	struct intensity in = make(2, 10);
	unsigned int i;

	for (i = 0; i < 4; i++)
		(void)intensity_exceeded(&in, 1000);
	intensity_clear(&in);
	cr_expect_not(intensity_exceeded(&in, 1000));
	cr_expect_not(intensity_exceeded(&in, 1000));
	cr_expect(intensity_exceeded(&in, 1000));
	intensity_free(&in);
}

Test(intensity, zeros_tolerate_nothing_and_may_be_used)
{
	struct intensity in = { 0 };

	cr_expect(intensity_exceeded(&in, 1000));
	intensity_clear(&in);
	cr_expect(intensity_exceeded(&in, 1000));
	configure(&in, 1, 1);
	cr_expect_not(intensity_exceeded(&in, 1000));
	intensity_free(&in);
	cr_expect_null(in.times_ms);
	cr_expect(intensity_exceeded(&in, 90000));
	intensity_free(&in);
}

Test(intensity, without_memory_nothing_changes)
{
	struct intensity in = make(1, 10);
	struct err err;

	cr_expect_not(intensity_exceeded(&in, 1000));
	no_memory = true;
	cr_expect_eq(intensity_configure(&in, 50, 20, &err), -1);
	no_memory = false;
	cr_expect_eq(err.code, ERR_UNAVAILABLE);
	cr_expect_eq(in.max_restarts, 1);
	cr_expect_eq(in.max_seconds, 10);
	cr_expect(intensity_exceeded(&in, 2000));
	intensity_free(&in);
}

Test(intensity, init_without_memory_leaves_zeros)
{
	static const struct intensity zeros;
	struct intensity in;
	struct err err;

	memset(&in, 0xff, sizeof(in));
	no_memory = true;
	cr_expect_eq(intensity_init(&in, 5, 10, &err), -1);
	no_memory = false;
	cr_expect_eq(err.code, ERR_UNAVAILABLE);
	cr_expect_eq(in.size, zeros.size);
	cr_expect_eq(in.count, zeros.count);
	cr_expect_null(in.times_ms);
	intensity_free(&in);
}

/* Control may be hostile: nobody gets gigabytes by asking. */
Test(intensity, a_ring_that_is_too_large_is_refused)
{
	struct intensity in;
	struct err err;

	cr_expect_eq(intensity_init(&in, UINT32_MAX, 10, &err), -1);
	cr_expect_eq(err.code, ERR_INVALID);
	cr_expect_eq(intensity_init(&in, INTENSITY_RESTARTS_MAX + 1, 10, &err),
	    -1);
	cr_expect_eq(err.code, ERR_INVALID);
	cr_expect_eq(intensity_init(&in, INTENSITY_RESTARTS_MAX, 10, &err), 0);
	intensity_free(&in);
}
