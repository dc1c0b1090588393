/*
 * record: what happens to listeners and workers, noted where it happens: in
 * the history that mercuryctl shows, in the log, and as an event for the
 * store.
 */
#ifndef MERCURY_SUPERVISOR_RECORD_H
#define MERCURY_SUPERVISOR_RECORD_H

#include <sys/types.h>

#include <stdint.h>

#include "common/event.h"

struct child_exit;
struct listener;
struct worker;

/*
 * Into the listener's own history, the log and the store. The text is the
 * reason.
 */
void record_listener(struct listener *, enum event_type, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with facts: *e has the type, and those that only the caller knows.
 */
void record_listener_event(struct listener *, struct health_event *e,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * Into the history of the worker's pool, which all its listeners share, and
 * the store. An end is logged by child.c, which knows what follows. *e as
 * above; it gets uptime_ms, that of a process that has ended, unless that is
 * 0.
 */
void record_worker(struct worker *, struct health_event *e, pid_t pid,
    uint64_t uptime_ms, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* The end of a worker: its type is one of worker.exited|killed|crashed. */
void record_worker_end(struct worker *, enum event_type,
    const struct child_exit *, uint64_t uptime_ms);

/* The number of the newest record of all; they count up by one. */
uint64_t record_last_seq(void);

#endif /* MERCURY_SUPERVISOR_RECORD_H */
