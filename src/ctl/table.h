/* table: rows of cells, aligned under their titles. */
#ifndef MERCURY_CTL_TABLE_H
#define MERCURY_CTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum column_kind { COLUMN_LEFT, COLUMN_RIGHT, COLUMN_STATE };

struct column {
	const char *title;
	enum column_kind kind;
};

struct table;

/*
 * An empty table of count columns, which are borrowed for life. Never NULL:
 * without memory the program ends.
 */
struct table *table_new(const struct column *columns, size_t count);

/* Add the next cell, row by row; control characters are escaped. */
void table_add(struct table *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Print the rows so far, under their titles the first time, and go on without
 * them. The columns keep the width that they have got, or grow.
 */
void table_page(struct table *, FILE *, bool colour);

/* The same, then free. Nulls *t. */
void table_end(struct table **t, FILE *, bool colour);

#endif /* MERCURY_CTL_TABLE_H */
