/*
 * listener_wait: requests that wait for something to come of a listener, and
 * are answered then. They are the listener's.
 */
#ifndef MERCURY_SUPERVISOR_LISTENER_WAIT_H
#define MERCURY_SUPERVISOR_LISTENER_WAIT_H

#include <sys/queue.h>

#include <stdint.h>

#include "common/err.h"

struct listener;

/* What a request about a listener waits for. */
enum wait_kind {
	WAIT_LISTENING, /* add, resume, restart */
	WAIT_PAUSED,
	WAIT_REMOVED
};

struct wait {
	STAILQ_ENTRY(wait) next;
	enum wait_kind kind;
	uint32_t request;
};

STAILQ_HEAD(wait_list, wait);

/* What a request waited for has come, or won't (err). */
typedef void listener_answer_fn(struct listener *, const struct wait *,
    const struct err *);

/* Who answers them; set once. */
void listener_wait_configure(listener_answer_fn *);

/* request is answered when what it waits for has come. Returns 0 or -1. */
int listener_wait(struct listener *, enum wait_kind, uint32_t request,
    struct err *);

/* It has come for all of a kind, or won't (err). */
void listener_answer_waits(struct listener *, enum wait_kind,
    const struct err *);

/* Nobody waits any more: the control process is gone. */
void listener_forget_waits(struct listener *);

#endif /* MERCURY_SUPERVISOR_LISTENER_WAIT_H */
