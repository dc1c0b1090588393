/*
 * restart: whether a child that ended is started again. Pure: a table.
 *
 * OTP's rule: a permanent child always, a transient one only after an
 * abnormal end, a temporary one never; one that was asked to end is not.
 */
#ifndef MERCURY_SUPERVISOR_RESTART_H
#define MERCURY_SUPERVISOR_RESTART_H

#include <stdbool.h>

#include "common/spec.h"

enum restart_decision {
	RESTART_YES,
	RESTART_NO_WANTED, /* we had asked it to end */
	RESTART_NO_DONE,   /* it ended normally and is done for good */
	RESTART_NO_FAILED  /* it failed, and its type says: never again */
};

struct restart_facts {
	bool wanted; /* we had asked it to end: whatever its status says */
	/*
	 * It exited with status 0. What died by a signal, exited with
	 * another status, hung, or was killed for it did not.
	 */
	bool normal;
};

/* A type out of range counts as permanent. */
enum restart_decision restart_decide(enum restart_id,
    const struct restart_facts *);

#endif /* MERCURY_SUPERVISOR_RESTART_H */
