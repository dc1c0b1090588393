/*
 * signals: those that a program with a screen of its own has to act on. They
 * are noted, and seen to between two waits; they come only during a wait, so
 * that none is overlooked.
 */
#ifndef MERCURY_CTL_SIGNALS_H
#define MERCURY_CTL_SIGNALS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * From now on note them: SIGINT, SIGTERM, SIGHUP and SIGQUIT (to end),
 * SIGTSTP (to stop), SIGCONT, SIGWINCH. SIGPIPE is ignored.
 */
void signals_begin(void);

/* As poll(2), with ms -1 for ever; they come during it only. */
int signals_poll(struct pollfd *, size_t count, int ms);

/* Has one come that ends us? */
bool signals_end(void);

/* Has this one come since the last time that it was asked for? */
bool signals_take(int number);

/* Stop as by SIGTSTP; returns when we are continued. */
void signals_stop(void);

#endif /* MERCURY_CTL_SIGNALS_H */
