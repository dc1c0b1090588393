/*
 * record_daemon: what happens to the daemon itself, as events for the store.
 * The log is told where it is decided.
 */
#ifndef MERCURY_SUPERVISOR_RECORD_DAEMON_H
#define MERCURY_SUPERVISOR_RECORD_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The config was read; so many listeners are to be bound. */
void record_started(size_t listeners);

/* All required listeners answer. */
void record_ready(void);

/* An operator drains the daemon, or ends that. */
void record_drain(bool on);

/* why: who wanted it; one line. */
void record_draining(uint32_t lame_duck_ms, const char *why);
void record_stopping(uint32_t deadline_ms, const char *why);

/* Connections that finished, and that were cut; duration since stopping. */
void record_stopped(uint64_t finished, uint64_t cut, uint64_t duration_ms);

/* What a reload did: how many listeners were added, and so on. */
struct reload_counts {
	unsigned int added;
	unsigned int updated;
	unsigned int restarted; /* bound anew included */
	unsigned int removed;
};
void record_reloaded(const struct reload_counts *, const char *text);

#endif /* MERCURY_SUPERVISOR_RECORD_DAEMON_H */
