#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "supervisor/restart.h"

struct restart_case {
	enum restart_id type;
	bool wanted;
	bool normal;
	enum restart_decision want;
};

/* clang-format off */
ParameterizedTestParameters(restart, all_cells)
{
	static struct restart_case cases[] = {
		{ RESTART_PERMANENT, false, false, RESTART_YES },
		{ RESTART_PERMANENT, false, true, RESTART_YES },
		{ RESTART_PERMANENT, true, false, RESTART_NO_WANTED },
		{ RESTART_PERMANENT, true, true, RESTART_NO_WANTED },
		{ RESTART_TRANSIENT, false, false, RESTART_YES },
		{ RESTART_TRANSIENT, false, true, RESTART_NO_DONE },
		{ RESTART_TRANSIENT, true, false, RESTART_NO_WANTED },
		{ RESTART_TRANSIENT, true, true, RESTART_NO_WANTED },
		{ RESTART_TEMPORARY, false, false, RESTART_NO_FAILED },
		{ RESTART_TEMPORARY, false, true, RESTART_NO_DONE },
		{ RESTART_TEMPORARY, true, false, RESTART_NO_WANTED },
		{ RESTART_TEMPORARY, true, true, RESTART_NO_WANTED },
		{ RESTART_COUNT, false, false, RESTART_YES },
		{ RESTART_COUNT, false, true, RESTART_YES },
		{ RESTART_COUNT, true, true, RESTART_NO_WANTED },
		{ (enum restart_id)255, false, true, RESTART_YES },
	};

	return cr_make_param_array(struct restart_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}
/* clang-format on */

ParameterizedTest(struct restart_case *k, restart, all_cells)
{
	struct restart_facts facts = { .wanted = k->wanted,
		.normal = k->normal };
	enum restart_decision got = restart_decide(k->type, &facts);

	cr_expect_eq(got, k->want, "type %d wanted %d normal %d: %d",
	    (int)k->type, k->wanted, k->normal, (int)got);
}

/* A type that somebody adds later needs its rows above. */
Test(restart, no_type_is_left_out)
{
	cr_expect_eq(RESTART_COUNT, 3);
}
