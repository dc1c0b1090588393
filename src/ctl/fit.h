/*
 * fit: which columns of a table are shown, and how wide, where they don't all
 * fit. Pure.
 *
 * Columns that may be cut are brought to a width in which they can still be
 * read; then the least important ones go, one after the other; what room is
 * left then goes back to those that were cut.
 */
#ifndef MERCURY_CTL_FIT_H
#define MERCURY_CTL_FIT_H

#include <stdbool.h>
#include <stddef.h>

/* Spaces between two columns. */
#define FIT_GAP 2

struct fit {
	size_t natural;    /* how wide its cells are */
	size_t snug;       /* may be cut to this; 0: never cut */
	unsigned int rank; /* 0: never dropped; the highest goes first */
	bool is_empty;     /* says nothing: goes before all others */
	size_t width;      /* the result; 0: it is dropped */
};

/* Fill in the widths of count columns for width in all; 0: no limit. */
void fit_columns(struct fit *, size_t count, size_t width);

#endif /* MERCURY_CTL_FIT_H */
