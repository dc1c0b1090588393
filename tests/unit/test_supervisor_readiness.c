#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#include "supervisor/readiness.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct daemon_case {
	struct readiness_daemon facts;
	char why[32]; /* empty: nothing */
	bool draining;
};

/* clang-format off */
ParameterizedTestParameters(readiness, of_the_daemon)
{
	static struct daemon_case cases[] = {
		{ { DAEMON_RUNNING, false, false }, "", false },
		{ { DAEMON_RUNNING, false, true },
		    "mercuryd is drained", true },
		{ { DAEMON_RUNNING, true, false },
		    "mercuryd is shutting down", true },
		{ { DAEMON_RUNNING, true, true },
		    "mercuryd is shutting down", true },
		{ { DAEMON_STOPPING, false, false },
		    "mercuryd is shutting down", true },
		{ { DAEMON_STOPPING, true, true },
		    "mercuryd is shutting down", true },
		{ { DAEMON_STARTING, false, false },
		    "mercuryd is starting", false },
		{ { DAEMON_STATE_COUNT, false, false },
		    "mercuryd is shutting down", false },
	};

	return cr_make_param_array(struct daemon_case, cases, COUNT(cases));
}
/* clang-format on */

ParameterizedTest(struct daemon_case *k, readiness, of_the_daemon)
{
	const char *why = readiness_check_daemon(&k->facts);

	cr_expect_str_eq(why == NULL ? "" : why, k->why);
	cr_expect_eq(readiness_is_draining(&k->facts), k->draining);
}

struct listener_case {
	enum listener_state state;
	unsigned int slots, served;
	bool drained;
	char why[40]; /* empty: it is ready */
};

/* clang-format off */
ParameterizedTestParameters(readiness, of_a_listener)
{
	static struct listener_case cases[] = {
		{ LISTENER_LISTENING, 2, 2, false, "" },
		{ LISTENER_LISTENING, 1, 1, false, "" },
		{ LISTENER_LISTENING, 2, 2, true, "is drained" },
		/* what its state says may be older than that */
		{ LISTENER_LISTENING, 2, 1, false,
		    "is degraded: 1 of 2 slots served" },
		{ LISTENER_LISTENING, 0, 0, false,
		    "is degraded: 0 of 0 slots served" },
		/* a sibling has adopted the others */
		{ LISTENER_DEGRADED, 4, 4, false, "" },
		{ LISTENER_DEGRADED, 4, 4, true, "is drained" },
		{ LISTENER_DEGRADED, 4, 3, false,
		    "is degraded: 3 of 4 slots served" },
		{ LISTENER_DEGRADED, 1, 0, false,
		    "is degraded: 0 of 1 slots served" },
		{ LISTENER_STARTING, 2, 2, false, "is starting" },
		{ LISTENER_RETRYING, 0, 0, false, "is retrying to bind" },
		{ LISTENER_PAUSED, 2, 2, false, "is paused" },
		{ LISTENER_PAUSED, 0, 0, true, "is paused" },
		{ LISTENER_FAILED, 0, 0, false, "has failed" },
		{ LISTENER_DRAINING, 2, 2, false, "is being removed" },
		{ LISTENER_STATE_COUNT, 2, 2, false, "is in no state" },
	};

	return cr_make_param_array(struct listener_case, cases, COUNT(cases));
}
/* clang-format on */

ParameterizedTest(struct listener_case *k, readiness, of_a_listener)
{
	struct readiness_facts f = { .state = k->state,
		.slots = k->slots,
		.served = k->served,
		.drained = k->drained };
	const bool ready = k->why[0] == '\0';
	char why[READINESS_SIZE];
	unsigned int bits;

	cr_expect_eq(readiness_check(&f, why), ready);
	cr_expect_str_eq(why, k->why);
	/* Whom that concerns. */
	for (bits = 0; bits < 4; bits++) {
		f.required = bits & 1;
		f.counts = bits & 2;
		cr_expect_eq(readiness_check(&f, why), ready);
		cr_expect_eq(readiness_blocks(&f),
		    bits == 3 && !ready && k->state != LISTENER_DRAINING);
	}
}

/* The longest that it can say. */
Test(readiness, a_reason_fits)
{
	const struct readiness_facts f = { .state = LISTENER_DEGRADED,
		.slots = UINT32_MAX,
		.served = UINT32_MAX - 1 };
	char why[READINESS_SIZE];

	cr_expect_not(readiness_check(&f, why));
	cr_expect_str_eq(why,
	    "is degraded: 4294967294 of 4294967295 slots served");
}
