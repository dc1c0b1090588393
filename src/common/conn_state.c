#include "common/conn_state.h"

#include <stddef.h>

const char *
conn_state_name(unsigned int state)
{
	static const char *const words[CONN_STATE_COUNT] = {
#define X(NAME, WORD) [CONN_##NAME] = WORD,
		CONN_STATES(X)
#undef X
	};

	return state < CONN_STATE_COUNT ? words[state] : NULL;
}
