/*
 * reload: the config file is read again, and only the difference applied.
 * An error in it changes nothing.
 */
#ifndef MERCURY_SUPERVISOR_RELOAD_H
#define MERCURY_SUPERVISOR_RELOAD_H

#include "common/err.h"

struct listener;

/*
 * Begin; request_reload_done() hears of the end. Returns 0, or -1 with *err
 * (busy) when one is under way.
 */
int reload_start(struct err *err);

/* As reload_start(), or once that is possible; errors go to the log only. */
void reload_soon(void);

/* mercuryd is running now: do what reload_soon() was asked before. */
void reload_if_wanted(void);

/* A listener is gone: if it was to be bound anew, now is the time. */
void reload_listener_removed(const struct listener *);

#endif /* MERCURY_SUPERVISOR_RELOAD_H */
