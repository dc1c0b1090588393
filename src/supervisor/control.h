/*
 * control: the supervisor's side of the process that owns the control
 * connections.
 */
#ifndef MERCURY_SUPERVISOR_CONTROL_H
#define MERCURY_SUPERVISOR_CONTROL_H

#include <stdint.h>

#include "common/bulk.h"
#include "common/err.h"
#include "common/spec.h"
#include "supervisor/child.h"

struct control_watcher {
	void (*up)(void); /* each time that it has reported READY */
	/* It can't even be started; more attempts follow. */
	void (*hopeless)(const char *why);
	void (*gone)(void); /* down for good */
};

/* Start it. Takes listen_fd; watcher is borrowed. */
void control_start(const struct daemon_settings *, int listen_fd,
    const struct control_watcher *watcher);

/* Its process, for the tree. */
const struct child *control_child(void);

/*
 * Answer a request. err NULL: done; text (may be NULL) says more, and stands
 * for the text of err. Nothing happens for request 0, which nobody asked.
 */
void control_reply(uint32_t request, const struct err *err, uint64_t finished,
    uint64_t cut, const char *text);

/* Answer REQ_SHUTDOWN: the listeners close so long from now. */
void control_reply_shutdown(uint32_t request, uint32_t lame_duck_ms);

/* Answer a request with a snapshot. Takes fd. */
void control_reply_snapshot(uint32_t request, int fd);

/* Give it the values that the snapshot which follows refers to. */
void control_send_bulks(uint32_t request, const struct bulks *);

/* Give it its end (borrowed) of a new channel to a worker. */
void control_link_worker(const struct msg_worker_link *, int fd);

/* The same for a trace: what the worker sends about it comes over fd. */
void control_link_trace(const struct msg_trace_link *, int fd);

/* Tell it that the listener of a trace is gone. */
void control_end_trace(uint32_t trace);

/* Give it its end (borrowed) of a new channel to the store. */
void control_link_store(int fd);

/* It is not needed any more: it ends by itself, or is killed. */
void control_stop(void);

#endif /* MERCURY_SUPERVISOR_CONTROL_H */
