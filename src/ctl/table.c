#include "ctl/table.h"

#include <err.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/output.h"

struct table {
	const struct column *columns;
	size_t column_count;
	size_t *wide; /* each column, of the cells that were printed */
	bool titled;  /* the titles were printed */
	char **cells; /* row by row, escaped */
	size_t count;
	size_t size;
};

struct table *
table_new(const struct column *columns, size_t count)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		err(CTL_REFUSED, NULL);
	t->columns = columns;
	t->column_count = count;
	t->wide = calloc(count, sizeof(*t->wide));
	if (t->wide == NULL)
		err(CTL_REFUSED, NULL);
	return t;
}

void
table_add(struct table *t, const char *fmt, ...)
{
	char *text = NULL, *escaped;
	va_list ap;
	int n;

	if (t->count == t->size) {
		t->size = t->size == 0 ? 64 : t->size * 2;
		t->cells = reallocarray(t->cells, t->size, sizeof(char *));
		if (t->cells == NULL)
			err(CTL_REFUSED, NULL);
	}
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	escaped = n == -1 ? NULL : output_escape(text, false);
	if (escaped == NULL)
		err(CTL_REFUSED, NULL);
	free(text);
	t->cells[t->count++] = escaped;
}

static size_t
column_width(const struct table *t, size_t column)
{
	size_t widest = output_width(t->columns[column].title), w, i;

	for (i = column; i < t->count; i += t->column_count) {
		w = output_width(t->cells[i]);
		if (w > widest)
			widest = w;
	}
	return widest;
}

static void
print_cell(const struct table *t, FILE *f, size_t column, const char *text,
    bool colour)
{
	const enum column_kind kind = t->columns[column].kind;
	const size_t gap = t->wide[column] - output_width(text);

	if (column > 0)
		output_spaces(f, 2);
	if (kind == COLUMN_RIGHT)
		output_spaces(f, gap);
	if (kind == COLUMN_STATE)
		output_state(f, text, colour);
	else
		(void)fputs(text, f);
	if (column + 1 == t->column_count)
		(void)fputc('\n', f);
	else if (kind != COLUMN_RIGHT)
		output_spaces(f, gap);
}

static void
print_titles(const struct table *t, FILE *f, bool colour)
{
	size_t i;

	if (colour)
		(void)fputs("\033[1m", f);
	for (i = 0; i < t->column_count; i++)
		print_cell(t, f, i, t->columns[i].title, false);
	if (colour)
		(void)fputs("\033[0m", f);
}

void
table_page(struct table *t, FILE *f, bool colour)
{
	size_t i, w;

	for (i = 0; i < t->column_count; i++) {
		w = column_width(t, i);
		if (w > t->wide[i])
			t->wide[i] = w;
	}
	if (!t->titled)
		print_titles(t, f, colour);
	t->titled = true;
	for (i = 0; i < t->count; i++) {
		print_cell(t, f, i % t->column_count, t->cells[i], colour);
		free(t->cells[i]);
	}
	t->count = 0;
}

void
table_end(struct table **tp, FILE *f, bool colour)
{
	struct table *t = *tp;

	table_page(t, f, colour);
	free(t->wide);
	free(t->cells);
	free(t);
	*tp = NULL;
}
