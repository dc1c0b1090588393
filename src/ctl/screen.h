/*
 * screen: a terminal that is ours for a while: another screen without a
 * cursor, keys that come at once and unseen. It is as it was before when the
 * program ends, however it does, short of SIGKILL.
 *
 * There is one; signals_begin() comes first.
 */
#ifndef MERCURY_CTL_SCREEN_H
#define MERCURY_CTL_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

/* Take it: the standard output, and the standard input if it is a terminal. */
void screen_enter(void);

/* Give it back; also when the program ends. Nothing when it is not ours. */
void screen_leave(void);

/*
 * Show text: from the first line of the screen on, each line cut at width,
 * at most height of them, over what was there. Returns 0, or -1 when nobody
 * sees it any more or a signal is to end us.
 */
int screen_show(const char *text, size_t width, size_t height);

/* Where keys come from; -1: from nowhere. */
int screen_keys(void);

/* Has a key been pressed that ends us, or has the terminal gone? */
bool screen_is_left(void);

#endif /* MERCURY_CTL_SCREEN_H */
