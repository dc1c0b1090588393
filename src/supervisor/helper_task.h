/*
 * helper_task: runs mercury-config for what the supervisor may not do itself,
 * since it waits for the disk or for others (/proc), without waiting for it;
 * or mercury-pool, to try what a worker would do.
 */
#ifndef MERCURY_SUPERVISOR_HELPER_TASK_H
#define MERCURY_SUPERVISOR_HELPER_TASK_H

#include <stdint.h>

#include "common/err.h"
#include "common/ipc.h"

struct event_base;

/*
 * An answer has come; the message of kind last is the last call. So is NULL,
 * which stands for it when the helper failed or took too long.
 */
typedef void helper_answer_fn(void *ctx, const struct ipc_message *answer);

/* What is to be asked, and by when all must have been answered. */
struct helper_request {
	enum role role; /* 0: ROLE_CONFIG */
	enum ipc_kind kind;
	union ipc_payload payload;
	int fd; /* borrowed, for kinds that carry one */
	enum ipc_kind last;
	uint32_t deadline_ms; /* from now */
};

/*
 * Start a helper and ask it; the request is copied. Several may run at the
 * same time. Returns 0, or -1 with *err: answer won't be called.
 */
int helper_task_start(struct event_base *, const struct helper_request *,
    helper_answer_fn *answer, void *ctx, struct err *err);

#endif /* MERCURY_SUPERVISOR_HELPER_TASK_H */
