/*
 * request_restart: control asks for a hot restart; and what all requests have
 * in common, which request.c has.
 */
#ifndef MERCURY_SUPERVISOR_REQUEST_RESTART_H
#define MERCURY_SUPERVISOR_REQUEST_RESTART_H

#include <stdint.h>

#include "common/err.h"
#include "common/ipc_msg.h"
#include "supervisor/listener.h"

/* Restart the pool of a listener, or all: answered when that is done. */
void request_restart(const struct msg_req_name *);

/* --- of all requests --- */

/* Counts the control processes: a request is of the one that sent it. */
uint32_t request_epoch(void);

/* Answer with an error. Nobody hears of request 0. */
void request_refuse(uint32_t request, const struct err *);

/* Changes are possible only between start and shutdown. 0, or -1 with *err. */
int request_check_running(struct err *err);

/* The listener of that name; NULL with *err. */
struct listener *request_find(const char *name, struct err *err);

/* Answer with the status of a listener, or of all (NULL). */
void request_reply_status(uint32_t request, const char *name);

/* Answer request when what it asked of l has come. */
void request_wait_for(struct listener *l, enum wait_kind, uint32_t request);

#endif /* MERCURY_SUPERVISOR_REQUEST_RESTART_H */
