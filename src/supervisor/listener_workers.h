/* listener_workers: what the workers of its pool mean to a listener. */
#ifndef MERCURY_SUPERVISOR_LISTENER_WORKERS_H
#define MERCURY_SUPERVISOR_LISTENER_WORKERS_H

struct listener;
struct worker;

/*
 * Each of them computes the listener's state anew, and the last two may free
 * it.
 */

/* Tell w what is to be done with l: to serve it, or to let go of it. */
void listener_tell(struct listener *l, struct worker *w);

/* w has said CLOSED, or DRAINED (ipc_msg.h). */
void listener_heard_closed(struct listener *l, struct worker *w);
void listener_heard_drained(struct listener *l, struct worker *w);

/* w has ended; reason, for people, is NULL where that was wanted. */
void listener_worker_lost(struct listener *l, struct worker *w,
    const char *reason);

#endif /* MERCURY_SUPERVISOR_LISTENER_WORKERS_H */
