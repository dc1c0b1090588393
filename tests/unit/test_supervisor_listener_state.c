#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <limits.h>

#include "supervisor/listener_state.h"

struct goal_case {
	enum listener_goal goal;
	enum sockets_phase sockets;
	enum listener_state want; /* whatever the workers do */
};

/* clang-format off */
ParameterizedTestParameters(listener_state, goals_and_sockets)
{
	static struct goal_case cases[] = {
		{ GOAL_LISTEN, SOCKETS_CLOSED, LISTENER_STARTING },
		{ GOAL_LISTEN, SOCKETS_RETRYING, LISTENER_RETRYING },
		{ GOAL_LISTEN, SOCKETS_CLOSING, LISTENER_STARTING },
		{ GOAL_PAUSE, SOCKETS_CLOSED, LISTENER_PAUSED },
		{ GOAL_PAUSE, SOCKETS_RETRYING, LISTENER_PAUSED },
		{ GOAL_PAUSE, SOCKETS_OPEN, LISTENER_PAUSED },
		{ GOAL_PAUSE, SOCKETS_CLOSING, LISTENER_PAUSED },
		{ GOAL_FAIL, SOCKETS_CLOSED, LISTENER_FAILED },
		{ GOAL_FAIL, SOCKETS_RETRYING, LISTENER_FAILED },
		{ GOAL_FAIL, SOCKETS_OPEN, LISTENER_FAILED },
		{ GOAL_FAIL, SOCKETS_CLOSING, LISTENER_FAILED },
		{ GOAL_REMOVE, SOCKETS_CLOSED, LISTENER_DRAINING },
		{ GOAL_REMOVE, SOCKETS_RETRYING, LISTENER_DRAINING },
		{ GOAL_REMOVE, SOCKETS_OPEN, LISTENER_DRAINING },
		{ GOAL_REMOVE, SOCKETS_CLOSING, LISTENER_DRAINING },
	};

	return cr_make_param_array(struct goal_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}
/* clang-format on */

ParameterizedTest(struct goal_case *k, listener_state, goals_and_sockets)
{
	struct listener_facts facts = { .goal = k->goal,
		.sockets = k->sockets };
	enum listener_state got;

	for (facts.slots = 0; facts.slots < 4; facts.slots++)
		for (facts.live = 0; facts.live <= facts.slots; facts.live++) {
			facts.was_ready = false;
			got = listener_state_of(&facts);
			cr_expect_eq(got, k->want, "goal %d sockets %d: %s",
			    (int)k->goal, (int)k->sockets,
			    listener_state_name(got));
			facts.was_ready = true;
			cr_expect_eq(listener_state_of(&facts), k->want);
		}
}

struct open_case {
	unsigned int slots;
	unsigned int live;
	bool was_ready;
	enum listener_state want;
};

/* clang-format off */
ParameterizedTestParameters(listener_state, open_sockets)
{
	static struct open_case cases[] = {
		{ 1, 1, false, LISTENER_LISTENING },
		{ 1, 1, true, LISTENER_LISTENING },
		{ 4, 4, false, LISTENER_LISTENING },
		{ 4, 4, true, LISTENER_LISTENING },
		{ 1, 0, false, LISTENER_STARTING },
		{ 1, 0, true, LISTENER_DEGRADED },
		{ 4, 0, false, LISTENER_STARTING },
		{ 4, 0, true, LISTENER_DEGRADED },
		{ 4, 3, false, LISTENER_STARTING },
		{ 4, 3, true, LISTENER_DEGRADED },
		{ 0, 0, false, LISTENER_STARTING },
		{ 0, 0, true, LISTENER_DEGRADED },
		{ UINT_MAX, UINT_MAX - 1, true, LISTENER_DEGRADED },
		{ UINT_MAX, UINT_MAX, true, LISTENER_LISTENING },
		/* facts that can't be are no reason to say listening */
		{ 4, 5, true, LISTENER_DEGRADED },
		{ 0, 1, false, LISTENER_STARTING },
	};

	return cr_make_param_array(struct open_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}
/* clang-format on */

ParameterizedTest(struct open_case *k, listener_state, open_sockets)
{
	struct listener_facts facts = { .goal = GOAL_LISTEN,
		.sockets = SOCKETS_OPEN,
		.slots = k->slots,
		.live = k->live,
		.was_ready = k->was_ready };
	enum listener_state got = listener_state_of(&facts);

	cr_expect_eq(got, k->want, "%u of %u, was ready %d: %s", k->live,
	    k->slots, k->was_ready, listener_state_name(got));
}

struct retired_case {
	unsigned int slots;
	unsigned int live;
	unsigned int retired;
	bool want_complete;
	enum listener_state want;
};

/* clang-format off */
ParameterizedTestParameters(listener_state, retired)
{
	static struct retired_case cases[] = {
		{ 4, 4, 0, true, LISTENER_LISTENING },
		{ 4, 3, 1, true, LISTENER_DEGRADED },
		{ 4, 1, 3, true, LISTENER_DEGRADED },
		{ 4, 2, 1, false, LISTENER_STARTING },
		{ 4, 3, 0, false, LISTENER_STARTING },
		/* facts that can't be */
		{ 0, 0, 0, false, LISTENER_STARTING },
		{ 4, 0, 4, false, LISTENER_STARTING },
		{ 4, 4, 1, false, LISTENER_LISTENING },
		{ 4, 5, UINT_MAX, false, LISTENER_STARTING },
	};

	return cr_make_param_array(struct retired_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}
/* clang-format on */

/* It was never ready: is it, now that some workers won't come? */
ParameterizedTest(struct retired_case *k, listener_state, retired)
{
	const struct listener_facts facts = { .goal = GOAL_LISTEN,
		.sockets = SOCKETS_OPEN,
		.slots = k->slots,
		.live = k->live,
		.retired = k->retired };

	cr_expect_eq(listener_state_is_complete(&facts), k->want_complete);
	cr_expect_eq(listener_state_of(&facts), k->want);
}

Test(listener_state, complete_only_while_it_is_to_listen)
{
	struct listener_facts f = { .slots = 2, .live = 1, .retired = 1 };
	unsigned int goal, sockets, complete = 0;

	for (goal = 0; goal < GOAL_COUNT; goal++)
		for (sockets = 0; sockets < SOCKETS_PHASE_COUNT; sockets++) {
			f.goal = goal;
			f.sockets = sockets;
			complete += listener_state_is_complete(&f);
		}
	cr_expect_eq(complete, 1);
}

/* The promise: listening only where all slots are served. */
Test(listener_state, says_listening_in_one_cell_only)
{
	struct listener_facts f = { .slots = 2 };
	unsigned int goal, sockets, listening = 0;

	for (goal = 0; goal < GOAL_COUNT; goal++)
		for (sockets = 0; sockets < SOCKETS_PHASE_COUNT; sockets++)
			for (f.live = 0; f.live <= 2; f.live++) {
				f.goal = goal;
				f.sockets = sockets;
				listening +=
				    listener_state_of(&f) == LISTENER_LISTENING;
			}
	cr_expect_eq(listening, 1);
}
