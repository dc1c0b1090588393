/*
 * method_start: begin a call of a method of the control socket, as a client's
 * line does.
 */
#ifndef MERCURY_UNIT_METHOD_START_H
#define MERCURY_UNIT_METHOD_START_H

#include "control/method.h"

/*
 * Clear *call and start the method of that name in it, as request 7, with
 * params, JSON. state_dir may be NULL. Returns what the method did; where the
 * params don't fit, METHOD_FAILED with the call's error.
 */
enum method_step method_start(struct call *call, const char *state_dir,
    const char *name, const char *params);

#endif /* MERCURY_UNIT_METHOD_START_H */
