#include "supervisor/child_fsm.h"

/* Rows: where the child is. Columns: what happened. */
/* clang-format off */
static const struct child_transition
table[CHILD_STATE_COUNT][CHILD_INPUT_COUNT] = {
	[CHILD_DOWN] = {
		[CHILD_IN_START] = { CHILD_ACT_SPAWN,	CHILD_STARTING },
		[CHILD_IN_STOP]	 = { CHILD_ACT_GONE,	CHILD_DOWN },
	},
	[CHILD_STARTING] = {
		[CHILD_IN_READY] = { CHILD_ACT_UP,	CHILD_UP },
		[CHILD_IN_STOP]	 = { CHILD_ACT_STOP,	CHILD_STOPPING },
		[CHILD_IN_EXIT]	 = { CHILD_ACT_FAILED,	CHILD_BACKOFF },
		[CHILD_IN_TIMER] = { CHILD_ACT_KILL,	CHILD_STARTING },
	},
	[CHILD_UP] = {
		[CHILD_IN_STOP]	 = { CHILD_ACT_STOP,	CHILD_STOPPING },
		[CHILD_IN_EXIT]	 = { CHILD_ACT_FAILED,	CHILD_BACKOFF },
		[CHILD_IN_TIMER] = { CHILD_ACT_KILL,	CHILD_UP },
	},
	[CHILD_STOPPING] = {
		[CHILD_IN_READY] = { CHILD_ACT_NONE,	CHILD_STOPPING },
		[CHILD_IN_STOP]	 = { CHILD_ACT_STOP,	CHILD_STOPPING },
		[CHILD_IN_EXIT]	 = { CHILD_ACT_GONE,	CHILD_DOWN },
		[CHILD_IN_TIMER] = { CHILD_ACT_KILL,	CHILD_STOPPING },
	},
	[CHILD_BACKOFF] = {
		[CHILD_IN_START] = { CHILD_ACT_SPAWN,	CHILD_STARTING },
		[CHILD_IN_TIMER] = { CHILD_ACT_SPAWN,	CHILD_STARTING },
		[CHILD_IN_STOP]	 = { CHILD_ACT_GONE,	CHILD_DOWN },
	},
};
/* clang-format on */

struct child_transition
child_transition(enum child_state state, enum child_input in)
{
	return table[state][in];
}
