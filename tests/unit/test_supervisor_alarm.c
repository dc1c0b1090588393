#include "supervisor/alarm.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>

struct alarm_case {
	unsigned int last;
	uint64_t connections;
	uint64_t max;
	unsigned int want;
};

ParameterizedTestParameters(alarm, level)
{
	static struct alarm_case cases[] = {
		{ 0, 0, 100, 0 },
		{ 0, 79, 100, 0 },
		{ 0, 80, 100, 80 },
		{ 0, 94, 100, 80 },
		{ 0, 95, 100, 95 },
		{ 0, 100, 100, 100 },
		{ 0, 140, 100, 100 },
		/* It falls only when it is clearly below. */
		{ 80, 79, 100, 80 },
		{ 80, 75, 100, 80 },
		{ 80, 74, 100, 0 },
		{ 95, 90, 100, 95 },
		{ 95, 89, 100, 80 },
		{ 100, 95, 100, 100 },
		{ 100, 94, 100, 95 },
		{ 100, 89, 100, 80 },
		{ 100, 10, 100, 0 },
		{ 80, 95, 100, 95 },
		{ 0, 4, 5, 80 },
		{ 0, 1, 1, 100 },
		{ 100, 0, 1, 0 },
		/* Without a limit there is no alarm. */
		{ 100, 500, 0, 0 },
	};

	return cr_make_param_array(struct alarm_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct alarm_case *k, alarm, level)
{
	cr_expect_eq(alarm_level(k->last, k->connections, k->max), k->want,
	    "%u, %llu of %llu: %u", k->last, (unsigned long long)k->connections,
	    (unsigned long long)k->max,
	    alarm_level(k->last, k->connections, k->max));
}
