/* request: what the control process asks the supervisor to do. */
#ifndef MERCURY_SUPERVISOR_REQUEST_H
#define MERCURY_SUPERVISOR_REQUEST_H

#include <stdint.h>

#include "common/ipc.h"

struct listener;
struct snapshot_writer;
struct wait;

/*
 * Handle a message from control. Every value in it is checked here. Returns
 * -1 when it is not one that control may send.
 */
int request_handle(struct ipc_message *);

/* As struct listener_watcher has them. */
void request_answer(struct listener *, const struct wait *, const struct err *);
void request_listener_removed(struct listener *, uint64_t finished,
    uint64_t cut);

/*
 * Answer whoever waits for a reload: text is what was done, or, with err, the
 * errors of the config, a line each (NULL: only err).
 */
void request_reload_done(const struct err *, const char *text);

/* The same, for a dry run: its rows, which are freed. */
void request_reload_shown(struct snapshot_writer *);

/* Control has died: nobody waits for anything. */
void request_forget_all(void);

#endif /* MERCURY_SUPERVISOR_REQUEST_H */
