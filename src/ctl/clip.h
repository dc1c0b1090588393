/*
 * clip: how wide text is on a terminal, and text that is cut to a width, so
 * that no line wraps. Pure but for the locale.
 */
#ifndef MERCURY_CTL_CLIP_H
#define MERCURY_CTL_CLIP_H

#include <stddef.h>
#include <stdio.h>

/* Where the ellipsis stands. */
enum clip_where { CLIP_END, CLIP_MIDDLE };

/* What stands for what was cut out, as the locale has it: "…" or "..". */
const char *clip_ellipsis(void);

/* Columns that UTF-8 text takes. */
size_t clip_width(const char *text);

/*
 * text with an ellipsis where it is cut to at most width columns, for free();
 * NULL when out of memory.
 */
char *clip_text(const char *text, size_t width, enum clip_where);

/*
 * Print the line of len bytes, cut at its end to at most width columns. The
 * sequences that set colours take no room, and end with the line. Returns how
 * many columns it has taken.
 */
size_t clip_print(FILE *, const char *line, size_t len, size_t width);

#endif /* MERCURY_CTL_CLIP_H */
