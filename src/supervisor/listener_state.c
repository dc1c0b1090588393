#include "supervisor/listener_state.h"

bool
listener_state_is_complete(const struct listener_facts *facts)
{
	return facts->goal == GOAL_LISTEN && facts->sockets == SOCKETS_OPEN &&
	    facts->live > 0 && facts->live <= facts->slots &&
	    facts->retired == facts->slots - facts->live;
}

/* Its sockets are open: who serves them? */
static enum listener_state
open_state(const struct listener_facts *facts)
{
	if (facts->slots > 0 && facts->live == facts->slots)
		return LISTENER_LISTENING;
	return facts->was_ready || listener_state_is_complete(facts)
	    ? LISTENER_DEGRADED
	    : LISTENER_STARTING;
}

/* It is to listen: how far is it? */
static enum listener_state
listen_state(const struct listener_facts *facts)
{
	switch (facts->sockets) {
	case SOCKETS_OPEN:
		return open_state(facts);
	case SOCKETS_RETRYING:
		return LISTENER_RETRYING;
	case SOCKETS_CLOSED:
	case SOCKETS_CLOSING:
	case SOCKETS_PHASE_COUNT:
		break;
	}
	return LISTENER_STARTING;
}

enum listener_state
listener_state_of(const struct listener_facts *facts)
{
	switch (facts->goal) {
	case GOAL_REMOVE:
		return LISTENER_DRAINING;
	case GOAL_FAIL:
		return LISTENER_FAILED;
	case GOAL_PAUSE:
		return LISTENER_PAUSED;
	case GOAL_LISTEN:
	case GOAL_COUNT:
		break;
	}
	return listen_state(facts);
}
