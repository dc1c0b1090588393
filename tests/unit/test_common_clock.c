#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"

struct format_case {
	uint64_t real_ms;
	char want[CLOCK_RFC3339_SIZE];
};

ParameterizedTestParameters(clock, is_rfc3339_in_utc)
{
	static struct format_case cases[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ 1, "1970-01-01T00:00:00.001Z" },
		{ 999, "1970-01-01T00:00:00.999Z" },
		{ 1000, "1970-01-01T00:00:01.000Z" },
		{ 86399999, "1970-01-01T23:59:59.999Z" },
		{ 86400000, "1970-01-02T00:00:00.000Z" },
		{ 68169599999, "1972-02-28T23:59:59.999Z" },
		{ 68169600000, "1972-02-29T00:00:00.000Z" },
		{ 68256000000, "1972-03-01T00:00:00.000Z" },
		{ 94694399000, "1972-12-31T23:59:59.000Z" },
		{ 94694400000, "1973-01-01T00:00:00.000Z" },
		{ 951782399999, "2000-02-28T23:59:59.999Z" },
		{ 951782400000, "2000-02-29T00:00:00.000Z" },
		{ 951868800000, "2000-03-01T00:00:00.000Z" },
		{ 1483228799000, "2016-12-31T23:59:59.000Z" },
		{ 1483228800000, "2017-01-01T00:00:00.000Z" },
		{ 1767225600000, "2026-01-01T00:00:00.000Z" },
		{ 2147483648000, "2038-01-19T03:14:08.000Z" },
		{ 4107542399000, "2100-02-28T23:59:59.000Z" },
		{ 4107542400000, "2100-03-01T00:00:00.000Z" },
		{ 253402300799999, "9999-12-31T23:59:59.999Z" },
	};

	return cr_make_param_array(struct format_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct format_case *k, clock, is_rfc3339_in_utc)
{
	char got[CLOCK_RFC3339_SIZE];

	clock_format(k->real_ms, got);
	cr_expect_str_eq(got, k->want, "%s", got);
}

/* Neither a time zone nor its leap seconds change what is written. */
Test(clock, knows_no_time_zone)
{
	static const char *const zones[] = { "America/New_York", "right/UTC",
		"XYZ-14" };
	char got[CLOCK_RFC3339_SIZE];
	size_t i;

	for (i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		cr_assert_eq(setenv("TZ", zones[i], 1), 0);
		tzset();
		clock_format(1767225600000, got);
		cr_expect_str_eq(got, "2026-01-01T00:00:00.000Z", "%s: %s",
		    zones[i], got);
	}
}

Test(clock, a_time_beyond_all_years_stays_in_its_room)
{
	struct {
		char got[CLOCK_RFC3339_SIZE];
		char behind[8];
	} s = { .behind = "behind" };

	clock_format(UINT64_MAX, s.got);
	cr_expect_lt(strnlen(s.got, sizeof(s.got)), sizeof(s.got));
	cr_expect_str_eq(s.behind, "behind");
}

static uint64_t
now_ms(clockid_t id)
{
	struct timespec ts;

	cr_assert_eq(clock_gettime(id, &ts), 0);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

Test(clock, monotonic_is_in_milliseconds)
{
	const uint64_t before = now_ms(CLOCK_MONOTONIC);
	const uint64_t got = clock_mono_ms();

	cr_expect_geq(got, before);
	cr_expect_leq(got, now_ms(CLOCK_MONOTONIC));
}

Test(clock, real_time_is_in_milliseconds)
{
	const uint64_t before = now_ms(CLOCK_REALTIME);
	const uint64_t got = clock_real_ms();

	/* Somebody may set the clock just now. */
	cr_expect_geq(got + 60000, before);
	cr_expect_leq(got, now_ms(CLOCK_REALTIME) + 60000);
}
