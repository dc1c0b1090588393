/*
 * record: what happens to listeners and workers, noted where it happens: in
 * the history that mercuryctl shows, and in the log.
 */
#ifndef MERCURY_SUPERVISOR_RECORD_H
#define MERCURY_SUPERVISOR_RECORD_H

#include <sys/types.h>

#include <stdint.h>

#include "common/event.h"

struct listener;
struct worker;

/* Into the listener's own history and the log. */
void record_listener(struct listener *, enum event_type, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Into the history of the worker's pool, which all its listeners share. An
 * end is logged by child.c, which knows what follows. uptime_ms is that of a
 * process that has ended.
 */
void record_worker(struct worker *, enum event_type, pid_t pid,
    uint64_t uptime_ms, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* The number of the newest record of all; they count up by one. */
uint64_t record_last_seq(void);

#endif /* MERCURY_SUPERVISOR_RECORD_H */
