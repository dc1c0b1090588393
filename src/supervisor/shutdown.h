/*
 * shutdown: everything stops, in parallel, against one deadline.
 *
 * Listeners close at once, workers drain, what is left at the deadline is
 * killed; then the control process ends, and the supervisor last.
 */
#ifndef MERCURY_SUPERVISOR_SHUTDOWN_H
#define MERCURY_SUPERVISOR_SHUTDOWN_H

#include <stdint.h>

/*
 * Begin, with deadline_ms from now. Called again while it runs, the new
 * deadline holds.
 */
void shutdown_begin(uint32_t deadline_ms);

/* No more waiting: kill what is left. */
void shutdown_now(void);

/* A pool, the control process, is gone for good. */
void shutdown_pool_gone(void);
void shutdown_control_gone(void);

#endif /* MERCURY_SUPERVISOR_SHUTDOWN_H */
