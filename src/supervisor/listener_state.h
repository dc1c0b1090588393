/*
 * listener_state: what a listener says that it is, from what is true of it.
 * Pure.
 *
 * Nothing sets a state: it follows from these facts each time that somebody
 * looks, so that none can say "listening" that does not serve.
 */
#ifndef MERCURY_SUPERVISOR_LISTENER_STATE_H
#define MERCURY_SUPERVISOR_LISTENER_STATE_H

#include <stdbool.h>

#include "common/snapshot.h"

/* What is wanted of it. */
enum listener_goal {
	GOAL_LISTEN,
	GOAL_PAUSE,
	GOAL_FAIL,   /* it was given up: keep its sockets closed */
	GOAL_REMOVE, /* drain and go */
	GOAL_COUNT
};

/* Where its listening sockets are. */
enum sockets_phase {
	SOCKETS_CLOSED,
	SOCKETS_RETRYING, /* its place is in use; a timer is armed */
	SOCKETS_OPEN,
	SOCKETS_CLOSING, /* the workers empty their queues and let go */
	SOCKETS_PHASE_COUNT
};

struct listener_facts {
	enum listener_goal goal;
	enum sockets_phase sockets;
	unsigned int slots;
	unsigned int live; /* slots whose own worker serves them and is well */
	unsigned int retired; /* that siblings serve, theirs won't come back */
	bool was_ready;       /* it has been listening since it was bound */
};

enum listener_state listener_state_of(const struct listener_facts *);

/* It serves all slots, and no worker is to come that it could wait for. */
bool listener_state_is_complete(const struct listener_facts *);

#endif /* MERCURY_SUPERVISOR_LISTENER_STATE_H */
