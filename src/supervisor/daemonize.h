/*
 * daemonize: to the background, while the command that was typed waits for
 * the outcome: an init script can trust its exit code.
 */
#ifndef MERCURY_SUPERVISOR_DAEMONIZE_H
#define MERCURY_SUPERVISOR_DAEMONIZE_H

#include <stdbool.h>

/*
 * Go to the background. Returns in the daemon only; the process that called
 * exits when daemonize_report() is called there. Exits on failure.
 */
void daemonize(void);

/*
 * Tell the waiting command to exit with this code, and let go of its
 * terminal unless keep_stderr. Once; without daemonize() nothing happens.
 */
void daemonize_report(int exit_code, bool keep_stderr);

#endif /* MERCURY_SUPERVISOR_DAEMONIZE_H */
