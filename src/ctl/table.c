#include "ctl/table.h"

#include <err.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/clip.h"
#include "ctl/fit.h"
#include "ctl/output.h"

struct row {
	char *note; /* escaped; NULL: none */
	char **cells;
};

struct table {
	const struct column *columns;
	size_t column_count;
	struct look look;
	struct fit *fit; /* each column, with all cells so far */
	bool titled;     /* the titles were printed */
	struct row *rows;
	size_t count; /* of rows; the last may have few cells still */
	size_t size;
	size_t cells; /* of the last row */
};

static void *
or_die(void *memory)
{
	if (memory == NULL)
		err(CTL_REFUSED, NULL);
	return memory;
}

struct table *
table_new(const struct column *columns, size_t count, const struct look *look)
{
	struct table *t = or_die(calloc(1, sizeof(*t)));

	t->columns = columns;
	t->column_count = count;
	t->look = *look;
	t->fit = or_die(calloc(count, sizeof(*t->fit)));
	t->cells = count;
	return t;
}

bool
table_is_wide(const struct table *t)
{
	return t->look.wide;
}

static void
add_row(struct table *t)
{
	struct row *r;

	if (t->count == t->size) {
		t->size = t->size == 0 ? 16 : t->size * 2;
		t->rows =
		    or_die(reallocarray(t->rows, t->size, sizeof(*t->rows)));
	}
	r = &t->rows[t->count++];
	r->note = NULL;
	r->cells = or_die(calloc(t->column_count, sizeof(*r->cells)));
	t->cells = 0;
}

void
table_add(struct table *t, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	if (t->cells == t->column_count)
		add_row(t);
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n == -1)
		err(CTL_REFUSED, NULL);
	t->rows[t->count - 1].cells[t->cells++] =
	    or_die(output_escape(text, false));
	free(text);
}

void
table_note(struct table *t, const char *text)
{
	char **note = &t->rows[t->count - 1].note;

	free(*note);
	*note = or_die(output_escape(text, false));
}

static bool
is_wanted(const struct table *t, size_t column)
{
	const enum column_when when = t->columns[column].when;

	return when == COLUMN_ALWAYS ||
	    when == (t->look.wide ? COLUMN_WIDE : COLUMN_TERSE);
}

static bool
says_nothing(const char *cell)
{
	return cell[0] == '\0' || strcmp(cell, "-") == 0;
}

/* Take the cells of a column into account. */
static void
measure(struct table *t, size_t column)
{
	const struct column *c = &t->columns[column];
	struct fit *fit = &t->fit[column];
	const char *cell;
	size_t w, i;

	if (!t->titled) {
		fit->natural = clip_width(c->title);
		fit->snug = c->snug;
		fit->rank = c->rank;
		fit->is_empty = c->least == 0;
		if (fit->natural < c->least)
			fit->natural = c->least;
	}
	for (i = 0; i < t->count; i++) {
		cell = t->rows[i].cells[column];
		w = cell == NULL ? 0 : clip_width(cell);
		if (w > fit->natural)
			fit->natural = w;
		if (cell != NULL && !says_nothing(cell))
			fit->is_empty = false;
	}
}

/* Lay the wanted columns out. Are others shown than before? */
static bool
lay_out(struct table *t)
{
	struct fit *fits = or_die(calloc(t->column_count, sizeof(*fits)));
	bool changed = false;
	size_t count = 0, i;

	for (i = 0; i < t->column_count; i++) {
		measure(t, i);
		if (is_wanted(t, i))
			fits[count++] = t->fit[i];
	}
	fit_columns(fits, count, t->look.width);
	while (i-- > 0) {
		const bool was = t->fit[i].width > 0;

		t->fit[i].width = is_wanted(t, i) ? fits[--count].width : 0;
		changed |= was != (t->fit[i].width > 0);
	}
	free(fits);
	return changed;
}

static bool
is_last(const struct table *t, size_t column)
{
	while (++column < t->column_count)
		if (t->fit[column].width > 0)
			return false;
	return true;
}

/* A cell that is cut to its width. A title has no colour of its own. */
static void
print_cell(const struct table *t, FILE *f, size_t column, const char *text,
    bool title)
{
	const enum column_kind kind = t->columns[column].kind;
	const size_t width = t->fit[column].width;
	char *cut = or_die(clip_text(text, width,
	    kind == COLUMN_NAME ? CLIP_MIDDLE : CLIP_END));
	const size_t gap = width - clip_width(cut);

	if (kind == COLUMN_RIGHT)
		output_spaces(f, gap);
	if (kind == COLUMN_STATE && !title)
		output_state_as(f, cut, text, t->look.colour);
	else
		(void)fputs(cut, f);
	if (kind != COLUMN_RIGHT && !is_last(t, column))
		output_spaces(f, gap);
	free(cut);
}

/* One line. cells NULL: the titles. */
static void
print_line(const struct table *t, FILE *f, char **cells)
{
	const char *text;
	size_t i, shown = 0;

	for (i = 0; i < t->column_count; i++) {
		if (t->fit[i].width == 0)
			continue;
		if (shown++ > 0)
			output_spaces(f, FIT_GAP);
		text = cells == NULL ? t->columns[i].title : cells[i];
		print_cell(t, f, i, text == NULL ? "" : text, cells == NULL);
	}
	(void)fputc('\n', f);
}

static void
print_titles(const struct table *t, FILE *f)
{
	if (t->look.colour)
		(void)fputs("\033[1m", f);
	print_line(t, f, NULL);
	if (t->look.colour)
		(void)fputs("\033[0m", f);
}

static void
print_note(const struct table *t, FILE *f, const char *note)
{
	const size_t indent = 2, width = t->look.width;

	output_spaces(f, indent);
	(void)clip_print(f, note, strlen(note),
	    width > indent ? width - indent : (size_t)-1);
	(void)fputc('\n', f);
}

static void
free_row(struct table *t, struct row *r)
{
	size_t i;

	for (i = 0; i < t->column_count; i++)
		free(r->cells[i]);
	free(r->cells);
	free(r->note);
}

void
table_page(struct table *t, FILE *f)
{
	const bool changed = lay_out(t);
	size_t i;

	if (!t->titled || changed)
		print_titles(t, f);
	t->titled = true;
	for (i = 0; i < t->count; i++) {
		print_line(t, f, t->rows[i].cells);
		if (t->rows[i].note != NULL)
			print_note(t, f, t->rows[i].note);
		free_row(t, &t->rows[i]);
	}
	t->count = 0;
	t->cells = t->column_count;
}

void
table_end(struct table **tp, FILE *f)
{
	struct table *t = *tp;

	table_page(t, f);
	free(t->fit);
	free(t->rows);
	free(t);
	*tp = NULL;
}
