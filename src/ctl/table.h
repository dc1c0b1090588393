/*
 * table: rows of cells, aligned under their titles, in lines that don't wrap
 * on a terminal: there, columns are cut or left out as their table says.
 */
#ifndef MERCURY_CTL_TABLE_H
#define MERCURY_CTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "ctl/look.h"

enum column_kind {
	COLUMN_LEFT,
	COLUMN_NAME, /* left; cut in its middle */
	COLUMN_RIGHT,
	COLUMN_STATE
};

/* With what look it is there. */
enum column_when { COLUMN_ALWAYS, COLUMN_WIDE, COLUMN_TERSE };

struct column {
	const char *title;
	enum column_kind kind;
	enum column_when when;
	unsigned int rank; /* 0: never left out; the highest goes first */
	size_t snug;       /* may be cut to this many characters; 0: not cut */
	/* As wide at least, also when it says nothing; 0: it may go first. */
	size_t least;
};

struct table;

/*
 * An empty table of count columns, which are borrowed for life. Never NULL:
 * without memory the program ends.
 */
struct table *table_new(const struct column *columns, size_t count,
    const struct look *);

/* Are exact numbers wanted? */
bool table_is_wide(const struct table *);

/* Add the next cell, row by row; control characters are escaped. */
void table_add(struct table *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Print text on a line below the row that was added last; it is escaped. */
void table_note(struct table *, const char *text);

/*
 * Print the rows so far, under their titles the first time, and go on without
 * them. The columns keep the width that they have got, or grow. Where others
 * are shown now, the titles are printed again.
 */
void table_page(struct table *, FILE *);

/* The same, then free. Nulls *t. */
void table_end(struct table **t, FILE *);

#endif /* MERCURY_CTL_TABLE_H */
