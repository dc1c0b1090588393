#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "supervisor/child_fsm.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CELLS (CHILD_STATE_COUNT * CHILD_INPUT_COUNT)

struct cell {
	enum child_state state;
	enum child_input input;
	enum child_action action;
	enum child_state next; /* as long as the action is not INVALID */
};

/* Every cell, in words of its own: who changes the table changes this. */
/* clang-format off */
static struct cell cells[] = {
	{ CHILD_DOWN,	  CHILD_IN_START, CHILD_ACT_SPAWN,   CHILD_STARTING },
	{ CHILD_DOWN,	  CHILD_IN_READY, CHILD_ACT_INVALID, CHILD_DOWN },
	{ CHILD_DOWN,	  CHILD_IN_STOP,  CHILD_ACT_GONE,    CHILD_DOWN },
	{ CHILD_DOWN,	  CHILD_IN_EXIT,  CHILD_ACT_INVALID, CHILD_DOWN },
	{ CHILD_DOWN,	  CHILD_IN_TIMER, CHILD_ACT_INVALID, CHILD_DOWN },

	{ CHILD_STARTING, CHILD_IN_START, CHILD_ACT_INVALID, CHILD_STARTING },
	{ CHILD_STARTING, CHILD_IN_READY, CHILD_ACT_UP,	     CHILD_UP },
	{ CHILD_STARTING, CHILD_IN_STOP,  CHILD_ACT_STOP,    CHILD_STOPPING },
	{ CHILD_STARTING, CHILD_IN_EXIT,  CHILD_ACT_FAILED,  CHILD_BACKOFF },
	{ CHILD_STARTING, CHILD_IN_TIMER, CHILD_ACT_KILL,    CHILD_STARTING },

	{ CHILD_UP,	  CHILD_IN_START, CHILD_ACT_INVALID, CHILD_UP },
	{ CHILD_UP,	  CHILD_IN_READY, CHILD_ACT_INVALID, CHILD_UP },
	{ CHILD_UP,	  CHILD_IN_STOP,  CHILD_ACT_STOP,    CHILD_STOPPING },
	{ CHILD_UP,	  CHILD_IN_EXIT,  CHILD_ACT_FAILED,  CHILD_BACKOFF },
	{ CHILD_UP,	  CHILD_IN_TIMER, CHILD_ACT_KILL,    CHILD_UP },

	{ CHILD_STOPPING, CHILD_IN_START, CHILD_ACT_INVALID, CHILD_STOPPING },
	{ CHILD_STOPPING, CHILD_IN_READY, CHILD_ACT_NONE,    CHILD_STOPPING },
	{ CHILD_STOPPING, CHILD_IN_STOP,  CHILD_ACT_STOP,    CHILD_STOPPING },
	{ CHILD_STOPPING, CHILD_IN_EXIT,  CHILD_ACT_GONE,    CHILD_DOWN },
	{ CHILD_STOPPING, CHILD_IN_TIMER, CHILD_ACT_KILL,    CHILD_STOPPING },

	{ CHILD_BACKOFF,  CHILD_IN_START, CHILD_ACT_SPAWN,   CHILD_STARTING },
	{ CHILD_BACKOFF,  CHILD_IN_READY, CHILD_ACT_INVALID, CHILD_BACKOFF },
	{ CHILD_BACKOFF,  CHILD_IN_STOP,  CHILD_ACT_GONE,    CHILD_DOWN },
	{ CHILD_BACKOFF,  CHILD_IN_EXIT,  CHILD_ACT_INVALID, CHILD_BACKOFF },
	{ CHILD_BACKOFF,  CHILD_IN_TIMER, CHILD_ACT_SPAWN,   CHILD_STARTING },
};
/* clang-format on */
_Static_assert(COUNT(cells) == CELLS, "a cell is missing");

ParameterizedTestParameters(child_fsm, cell)
{
	return cr_make_param_array(struct cell, cells, COUNT(cells));
}

ParameterizedTest(struct cell *k, child_fsm, cell)
{
	const struct child_transition t = child_transition(k->state, k->input);

	cr_expect_eq(t.action, k->action, "state %s, input %d: action %d",
	    child_state_name(k->state), (int)k->input, (int)t.action);
	if (k->action != CHILD_ACT_INVALID)
		cr_expect_eq(t.next, k->next, "state %s, input %d: next %s",
		    child_state_name(k->state), (int)k->input,
		    child_state_name(t.next));
}

Test(child_fsm, each_cell_is_there_once)
{
	unsigned int seen[CHILD_STATE_COUNT][CHILD_INPUT_COUNT] = { 0 };
	size_t i;
	int s, in;

	for (i = 0; i < COUNT(cells); i++)
		seen[cells[i].state][cells[i].input]++;
	for (s = 0; s < CHILD_STATE_COUNT; s++)
		for (in = 0; in < CHILD_INPUT_COUNT; in++)
			cr_expect_eq(seen[s][in], 1, "state %d, input %d", s,
			    in);
}

/* Where does this input lead from here, if anywhere? */
static bool
leads(enum child_state from, enum child_input input, enum child_state to)
{
	const struct child_transition t = child_transition(from, input);

	return t.action != CHILD_ACT_INVALID && t.next == to;
}

/* However it stands, two words and an exit end a child for good. */
Test(child_fsm, every_state_can_be_left_for_down)
{
	enum child_state s;
	struct child_transition t;

	for (s = CHILD_DOWN; s < CHILD_STATE_COUNT; s++) {
		t = child_transition(s, CHILD_IN_STOP);
		cr_assert_neq(t.action, CHILD_ACT_INVALID);
		if (t.next == CHILD_DOWN) {
			cr_expect_eq(t.action, CHILD_ACT_GONE);
			continue;
		}
		t = child_transition(t.next, CHILD_IN_EXIT);
		cr_expect_eq(t.action, CHILD_ACT_GONE);
		cr_expect_eq(t.next, CHILD_DOWN);
	}
}

/* There is a process in STARTING, UP and STOPPING: only its exit ends them. */
Test(child_fsm, a_process_is_never_forgotten)
{
	static const enum child_state with[] = { CHILD_STARTING, CHILD_UP,
		CHILD_STOPPING };
	static const enum child_state without[] = { CHILD_DOWN, CHILD_BACKOFF };
	size_t i, k;
	int in;

	for (in = 0; in < CHILD_INPUT_COUNT; in++)
		for (i = 0; i < COUNT(with); i++)
			for (k = 0; k < COUNT(without); k++)
				if (in != CHILD_IN_EXIT)
					cr_expect_not(leads(with[i],
					    (enum child_input)in, without[k]));
}
