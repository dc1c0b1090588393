/*
 * shutdown: everything stops, in parallel, against one deadline.
 *
 * Listeners close at once, workers drain, what is left at the deadline is
 * killed; then the control process and the gateway end, then the store, and
 * the supervisor last.
 */
#ifndef MERCURY_SUPERVISOR_SHUTDOWN_H
#define MERCURY_SUPERVISOR_SHUTDOWN_H

#include <stdbool.h>
#include <stdint.h>

/*
 * One is about to begin: readiness goes down, and stays down, before anybody
 * can hear of it. shutdown_begin() follows.
 */
void shutdown_announce(void);
bool shutdown_is_announced(void);

/* How long listeners would go on to serve if it began now: the lame duck. */
uint32_t shutdown_lame_duck_ms(void);

/*
 * Begin, with deadline_ms from now, or from the end of the lame duck's time.
 * Called again, that is cut short, and the earlier deadline holds. why (one
 * line; borrowed) is for those who ask later.
 */
void shutdown_begin(uint32_t deadline_ms, const char *why);

/* It will begin when the lame duck's time is over. */
bool shutdown_is_near(void);

/* Connections of a listener that is gone: for the tally at the end. */
void shutdown_count(uint64_t finished, uint64_t cut);

/* No more waiting: kill what is left. */
void shutdown_now(const char *why);

/* A pool, the control process, is gone for good. */
void shutdown_pool_gone(void);
void shutdown_control_gone(void);

void shutdown_free(void);

#endif /* MERCURY_SUPERVISOR_SHUTDOWN_H */
