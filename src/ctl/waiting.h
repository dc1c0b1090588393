/*
 * waiting: for what comes, until somebody has had enough: Ctrl-C, SIGTERM, or
 * nobody reads what we print.
 */
#ifndef MERCURY_CTL_WAITING_H
#define MERCURY_CTL_WAITING_H

#include <stdbool.h>

/* That nobody reads is from now on no signal, but what a write returns. */
void waiting_ignore_pipe(void);

/* From now on a first Ctrl-C only ends the waiting; a second one all. */
void waiting_begin(void);

/* Has it come? */
bool waiting_is_interrupted(void);

/*
 * Wait for something from fd (-1: nothing) at most so long (-1: for ever).
 * Returns whether out, which is written to, has a reader still. A signal ends
 * it also when it comes just before.
 */
bool waiting_for(int fd, int ms, int out);

#endif /* MERCURY_CTL_WAITING_H */
