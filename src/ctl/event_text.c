#include "ctl/event_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/clip.h"
#include "ctl/listener_text.h"
#include "ctl/output.h"
#include "ctl/units.h"

#define SEVERITY_WIDTH sizeof("warning") - 1
#define TYPE_WIDTH sizeof("worker.restart_limit") - 1

/* A longer text only shifts its own line. */
#define GROWS_TO 40

/* A line under construction. */
struct line {
	FILE *f;
	size_t gap; /* spaces before the next cell */
};

/* An event's text, for free(); "-" where there is none. */
static char *
escaped(const json_t *event, const char *key)
{
	char *text = output_escape(listener_string(event, key), false);

	return text == NULL ? strdup("?") : text;
}

static void
widen(size_t *width, const json_t *event, const char *key)
{
	char *text = escaped(event, key);
	const size_t w = text == NULL ? 0 : clip_width(text);

	if (w > *width)
		*width = w > GROWS_TO ? GROWS_TO : w;
	free(text);
}

void
event_text_widen(struct event_layout *layout, const json_t *event)
{
	widen(&layout->listener, event, "listener");
	widen(&layout->peer, event, "peer");
}

static void
begin_cell(struct line *l)
{
	output_spaces(l->f, l->gap);
	l->gap = 2;
}

static void
print_cell(struct line *l, const json_t *event, const char *key, size_t width)
{
	char *text = escaped(event, key);
	const size_t w = text == NULL ? 0 : clip_width(text);

	begin_cell(l);
	if (text != NULL)
		(void)fputs(text, l->f);
	if (w < width)
		l->gap += width - w;
	free(text);
}

/* NULL: as it is. */
static const char *
severity_colour(const char *severity)
{
	if (strcmp(severity, "error") == 0)
		return "\033[31m";
	return strcmp(severity, "warning") == 0 ? "\033[33m" : NULL;
}

static void
print_severity(struct line *l, const json_t *event, bool colour)
{
	const char *on =
	    colour ? severity_colour(listener_string(event, "severity")) : NULL;

	begin_cell(l);
	l->gap = 0;
	if (on != NULL)
		(void)fputs(on, l->f);
	print_cell(l, event, "severity", SEVERITY_WIDTH);
	if (on != NULL)
		(void)fputs("\033[0m", l->f);
}

/* Can it stand in key=value as it is? */
static bool
is_plain(const char *text)
{
	return text[0] != '\0' && strpbrk(text, " \"'=\\") == NULL;
}

static void
print_value(FILE *f, const json_t *value)
{
	const char *plain = json_string_value(value);
	char *text = NULL;

	if (plain == NULL || !is_plain(plain))
		plain = text = json_dumps(value,
		    JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
	output_text(f, plain == NULL ? "?" : plain);
	free(text);
}

static void
print_detail(struct line *l, const json_t *detail)
{
	json_t *object = (json_t *)(uintptr_t)detail, *value;
	const char *key;

	json_object_foreach (object, key, value) {
		begin_cell(l);
		output_text(l->f, key);
		(void)fputc('=', l->f);
		print_value(l->f, value);
		l->gap = 1;
	}
}

void
event_text_print(FILE *f, const struct event_layout *layout,
    const json_t *event)
{
	struct line l = { .f = f };

	print_cell(&l, event, "at", 0);
	print_severity(&l, event, layout->colour);
	print_cell(&l, event, "type", TYPE_WIDTH);
	print_cell(&l, event, "listener", layout->listener);
	print_cell(&l, event, "peer", layout->peer);
	if (json_is_string(json_object_get(event, "reason")))
		print_cell(&l, event, "reason", 0);
	print_detail(&l, json_object_get(event, "detail"));
	(void)fputc('\n', f);
}

/* "5.0 MiB" */
static void
print_size(FILE *f, uint64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double n = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		(void)fprintf(f, "%" PRIu64 " bytes", bytes);
		return;
	}
	for (; n >= 1023.95 && unit + 1 < sizeof(units) / sizeof(units[0]);
	     unit++)
		n /= 1024;
	(void)fprintf(f, "%.1f %s", n, units[unit]);
}

void
event_text_cleanup(FILE *f, const json_t *result)
{
	const uint64_t rows = listener_number(result, "rows");
	const uint64_t bytes = listener_number(result, "bytes");
	char count[UNITS_SIZE];

	units_grouped(rows, count);
	if (json_is_true(json_object_get(result, "dry_run"))) {
		(void)fprintf(f, "would delete %s row%s\n", count,
		    rows == 1 ? "" : "s");
		return;
	}
	(void)fprintf(f, "deleted %s row%s", count, rows == 1 ? "" : "s");
	if (bytes > 0) {
		(void)fputs(", gave back ", f);
		print_size(f, bytes);
	}
	(void)fprintf(f, " in %.1f s\n",
	    (double)listener_number(result, "duration_ms") / 1000);
}
