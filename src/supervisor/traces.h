/*
 * traces: who is to trace which listener, so that each worker is told before
 * it first accepts. What is traced goes from worker to control directly; here
 * nobody looks at it.
 */
#ifndef MERCURY_SUPERVISOR_TRACES_H
#define MERCURY_SUPERVISOR_TRACES_H

#include <stdint.h>

#include "common/err.h"
#include "common/ipc_msg.h"

struct listener;
struct worker;

/*
 * Begin what control asks for, in all workers that know l, and give control
 * its ends. Returns 0, or -1 with *err: there are too many.
 */
int traces_begin(const struct msg_req_trace *, const struct listener *l,
    struct err *err);

/* The worker is about to be told to LISTEN for l: trace it there, too. */
void traces_tell(const struct listener *l, struct worker *);

/* The worker has let go of l, and so it has ended the traces of it. */
void traces_drained(const struct listener *l, struct worker *);

/* l is gone: tell control, and forget its traces. */
void traces_listener_gone(const struct listener *l);

/* Control has ended one; one that there is no more is no error. */
void traces_end(uint32_t trace);

/* Control has died. */
void traces_forget_all(void);

#endif /* MERCURY_SUPERVISOR_TRACES_H */
