/*
 * spawn: starts the program of an exec plan. It costs the same in a worker of
 * any size: nothing of its memory or of its descriptors is copied, and the
 * worker waits until the program is executed, or can't be.
 */
#ifndef MERCURY_EXEC_SPAWN_H
#define MERCURY_EXEC_SPAWN_H

#include <sys/types.h>

#include "common/err.h"

struct exec_plan;

/* Everything in it is borrowed. */
struct spawn_request {
	const struct exec_plan *plan;
	char *const *environment; /* all of it; NULL ends it */
	int socket;               /* its stdin and stdout */
	int error_output;         /* its stderr; -1: /dev/null */
};

struct spawned {
	pid_t pid; /* also its process group and session */
	int pidfd; /* close-on-exec; the caller closes it */
};

/*
 * Open what every start needs. To be called once before the first one; again,
 * nothing happens. Returns 0, or -1 with *err.
 */
int spawn_open(struct err *err);

/*
 * Start it: in a session and process group of its own, with the limits and
 * the directory of the plan, no descriptor but 0, 1 and 2, all signals as they
 * are by default, and a SIGKILL for the day when we end. Returns 0 with *out,
 * and the caller reaps it; or -1 with *err, which says what failed in the
 * child, and nobody has to be reaped.
 */
int spawn_program(const struct spawn_request *, struct spawned *out,
    struct err *err);

#endif /* MERCURY_EXEC_SPAWN_H */
