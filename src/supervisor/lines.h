/* lines: the errors of a config file, a line each, as one text. Pure. */
#ifndef MERCURY_SUPERVISOR_LINES_H
#define MERCURY_SUPERVISOR_LINES_H

#include <stddef.h>

/* Enough for the line that says how many more there are. */
#define LINES_MORE_SIZE 64

/*
 * Copy lines, separated by newlines, to out of size bytes, at least
 * LINES_MORE_SIZE. Those that don't fit are left out as a whole, and one
 * more says how many; only a first one that is too long is cut.
 */
void lines_fit(const char *lines, char *out, size_t size);

#endif /* MERCURY_SUPERVISOR_LINES_H */
