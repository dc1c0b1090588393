/*
 * boot: from the config file to all listeners answering, or to an exit that
 * says why and leaves nothing half-started.
 */
#ifndef MERCURY_SUPERVISOR_BOOT_H
#define MERCURY_SUPERVISOR_BOOT_H

struct err;
struct listener;

/* Begin; the rest comes from the loop. */
void boot_start(void);

/* A listener answers, or won't (err); as struct listener_waiter has it. */
void boot_listener_ready(struct listener *, const struct err *);

/* Starting fails: say so, and end with this exit code. */
void boot_fail(int exit_code, const char *why);

#endif /* MERCURY_SUPERVISOR_BOOT_H */
