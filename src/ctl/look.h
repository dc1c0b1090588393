/* look: in which form output is wanted, and what its place can show. */
#ifndef MERCURY_CTL_LOOK_H
#define MERCURY_CTL_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct options;

struct look {
	bool colour;
	bool wide;    /* all columns, and exact numbers */
	size_t width; /* columns of the terminal; 0: lines may be any length */
};

/* Is f a terminal that obeys sequences (TERM is not dumb)? */
bool look_is_screen(FILE *f);

/* Its size; 80 and 24 where it does not know. */
void look_size(FILE *f, size_t *width, size_t *height);

/*
 * For output on f as the options want it: colour only on a terminal, and not
 * where NO_COLOR is set; cut only on a terminal, and not with -o wide.
 */
struct look look_at(FILE *f, const struct options *);

#endif /* MERCURY_CTL_LOOK_H */
