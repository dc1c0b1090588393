/* child_fsm: what a supervised process does next. Pure: a table. */
#ifndef MERCURY_SUPERVISOR_CHILD_FSM_H
#define MERCURY_SUPERVISOR_CHILD_FSM_H

#include <stdbool.h>

#include "common/snapshot.h"

enum child_input {
	CHILD_IN_START,
	CHILD_IN_READY,
	CHILD_IN_STOP,  /* it is not wanted any more */
	CHILD_IN_EXIT,  /* reaped, or could not be started */
	CHILD_IN_TIMER, /* the timer of the state that it is in */
	CHILD_INPUT_COUNT
};

enum child_action {
	CHILD_ACT_INVALID, /* that makes no sense in this state */
	CHILD_ACT_NONE,
	CHILD_ACT_SPAWN,
	CHILD_ACT_UP,
	CHILD_ACT_STOP, /* arm the deadline; the owner has asked it to end */
	CHILD_ACT_KILL,
	CHILD_ACT_FAILED, /* count it and arm the backoff */
	CHILD_ACT_GONE
};

struct child_transition {
	enum child_action action;
	enum child_state next;
};

/* The cell of the table; CHILD_ACT_INVALID keeps the state as it is. */
struct child_transition child_transition(enum child_state, enum child_input);

#endif /* MERCURY_SUPERVISOR_CHILD_FSM_H */
