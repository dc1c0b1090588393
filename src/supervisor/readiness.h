/*
 * readiness: whether a listener, and the daemon, should get new clients, and
 * if not, why not. The one truth for the health board, and so for every
 * answer to a load balancer, and for daemon.status.
 *
 * The first half is pure; the second half gathers the facts.
 */
#ifndef MERCURY_SUPERVISOR_READINESS_H
#define MERCURY_SUPERVISOR_READINESS_H

#include <stdbool.h>

#include "common/snapshot.h"

struct listener;

/* What is true of the daemon, its listeners apart. */
struct readiness_daemon {
	enum daemon_state state;
	bool leaving; /* a shutdown was asked for */
	bool drained; /* by an operator */
};

/* What is true of a listener, the daemon apart. */
struct readiness_facts {
	enum listener_state state;
	unsigned int slots;
	unsigned int served; /* slots that a worker serves that is well */
	bool drained;        /* by an operator */
	bool required;
	bool counts; /* it has answered before, or another of its name has */
};

/*
 * Why the daemon is not ready whatever its listeners do: "mercuryd is
 * drained"; NULL: there is nothing.
 */
const char *readiness_check_daemon(const struct readiness_daemon *);

/* Is it meant to lose its clients: drained, or shutting down? */
bool readiness_is_draining(const struct readiness_daemon *);

/*
 * Is the listener ready, as far as it lies with itself? If not, why gets the
 * reason, without who: "is paused". Else why is empty.
 */
bool readiness_check(const struct readiness_facts *,
    char why[static READINESS_SIZE]);

/*
 * Is the daemon not ready while this listener is not? One that is not
 * required takes nothing away from the others, nor does one that has yet to
 * answer for the first time (nobody knows it), or is being removed (nobody
 * should).
 */
bool readiness_blocks(const struct readiness_facts *);

/* --- as things are --- */

/* Something is ready, or why it is not, for people; empty when it is. */
struct readiness {
	bool ready;
	bool draining;
	char why[READINESS_SIZE];
};

/*
 * The listener: *out says whether it should get clients ("it is paused",
 * "mercuryd is drained"). Returns whether the daemon is not ready for its
 * sake.
 */
bool readiness_of_listener(const struct listener *, struct readiness *out);

/*
 * The daemon, when so many listeners keep it from being ready, first (NULL
 * when there are none) being one: "pos is paused, and 3 more".
 */
void readiness_of_daemon(unsigned int blocking, const struct listener *first,
    struct readiness *out);

/* The same, after a look at all listeners. */
void readiness_now(struct readiness *out);

#endif /* MERCURY_SUPERVISOR_READINESS_H */
