/*
 * reload: the config file is read again, and only the difference applied.
 * An error in it changes nothing.
 */
#ifndef MERCURY_SUPERVISOR_RELOAD_H
#define MERCURY_SUPERVISOR_RELOAD_H

#include <stdbool.h>

#include "common/err.h"

/*
 * Begin; request_reload_done() hears of the end, or request_reload_shown() of
 * what a dry run would do. Returns 0, or -1 with *err (busy) when one is
 * under way.
 */
int reload_start(bool dry_run, struct err *err);

/* As reload_start(), or once that is possible; errors go to the log only. */
void reload_soon(void);

/* mercuryd is running now: do what reload_soon() was asked before. */
void reload_if_wanted(void);

#endif /* MERCURY_SUPERVISOR_RELOAD_H */
