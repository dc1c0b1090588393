#include "ctl/supervisor_text.h"

#include <inttypes.h>

#include "ctl/cell.h"
#include "ctl/listener_text.h"
#include "ctl/table.h"
#include "ctl/units.h"

#define COUNT(ARRAY) (sizeof(ARRAY) / sizeof((ARRAY)[0]))

/* clang-format off */
static const struct column record_columns[] = {
	{ "TIME", COLUMN_LEFT, COLUMN_ALWAYS, 1, 0, 0 },
	{ "LISTENER", COLUMN_NAME, COLUMN_ALWAYS, 2, 16, 0 },
	{ "EVENT", COLUMN_LEFT, COLUMN_ALWAYS, 0, 0, 0 },
	{ "SLOT", COLUMN_RIGHT, COLUMN_ALWAYS, 4, 0, 0 },
	{ "PID", COLUMN_RIGHT, COLUMN_ALWAYS, 6, 0, 0 },
	{ "UPTIME", COLUMN_RIGHT, COLUMN_ALWAYS, 5, 0, 0 },
	{ "REASON", COLUMN_LEFT, COLUMN_ALWAYS, 3, 24, 0 },
};

static const struct column rate_columns[] = {
	{ "NAME", COLUMN_NAME, COLUMN_ALWAYS, 0, 16, 0 },
	{ "FAILURES", COLUMN_RIGHT, COLUMN_ALWAYS, 0, 0, 0 },
	{ "PER MINUTE", COLUMN_RIGHT, COLUMN_ALWAYS, 1, 0, 0 },
};

static const struct column child_columns[] = {
	{ "PROCESS", COLUMN_NAME, COLUMN_ALWAYS, 0, 16, 0 },
	{ "PID", COLUMN_RIGHT, COLUMN_ALWAYS, 4, 0, 0 },
	{ "STATE", COLUMN_STATE, COLUMN_ALWAYS, 0, 0, 0 },
	{ "GEN", COLUMN_RIGHT, COLUMN_ALWAYS, 9, 0, 0 },
	{ "UPTIME", COLUMN_RIGHT, COLUMN_ALWAYS, 3, 0, 0 },
	{ "READY", COLUMN_RIGHT, COLUMN_ALWAYS, 8, 0, 0 },
	{ "MEMORY", COLUMN_RIGHT, COLUMN_ALWAYS, 2, 0, 0 },
	{ "CPU", COLUMN_RIGHT, COLUMN_ALWAYS, 5, 0, 0 },
	{ "RESTARTS", COLUMN_RIGHT, COLUMN_ALWAYS, 1, 0, 0 },
	{ "LAST END", COLUMN_LEFT, COLUMN_ALWAYS, 7, 0, 0 },
	{ "REASON", COLUMN_LEFT, COLUMN_ALWAYS, 6, 16, 0 },
};
/* clang-format on */

void
supervisor_text_history(FILE *f, const json_t *result, const struct look *look)
{
	const json_t *records = json_object_get(result, "records"), *r;
	struct table *t;
	size_t i;

	if (json_array_size(records) == 0) {
		(void)fputs("nothing has happened\n", f);
		return;
	}
	t = table_new(record_columns, COUNT(record_columns), look);
	json_array_foreach (records, i, r) {
		cell_text(t, r, "at");
		cell_text(t, r, "listener");
		cell_text(t, r, "type");
		cell_number(t, r, "slot");
		cell_number(t, r, "pid");
		cell_duration(t, r, "uptime_ms");
		cell_text(t, r, "reason");
	}
	table_end(&t, f);
}

void
supervisor_text_failure_rate(FILE *f, const json_t *result,
    const struct look *look)
{
	const json_t *listeners = json_object_get(result, "listeners"), *l;
	char window[UNITS_SIZE];
	struct table *t;
	size_t i;

	if (json_array_size(listeners) == 0) {
		(void)fputs("no listeners\n", f);
		return;
	}
	units_duration(listener_number(result, "window_ms"), window);
	(void)fprintf(f, "failures of workers in the last %s\n", window);
	t = table_new(rate_columns, COUNT(rate_columns), look);
	json_array_foreach (listeners, i, l) {
		cell_text(t, l, "name");
		cell_count(t, l, "failures");
		table_add(t, "%.1f",
		    json_number_value(json_object_get(l, "per_minute")));
	}
	table_end(&t, f);
}

/* What a child and the total have in common. */
static void
add_figures(struct table *t, const json_t *o)
{
	cell_duration(t, o, "uptime_ms");
	cell_duration(t, o, "ready_ms");
	cell_bytes(t, o, "memory_kb", 1024);
	cell_duration(t, o, "cpu_ms");
	cell_count(t, o, "restarts");
	cell_text(t, o, "last_end");
	cell_text(t, o, "last_reason");
}

static void
add_child(struct table *t, const json_t *child)
{
	if (json_is_integer(json_object_get(child, "slot")))
		table_add(t, "%s/%" PRIu64, listener_string(child, "name"),
		    listener_number(child, "slot"));
	else
		cell_text(t, child, "name");
	cell_number(t, child, "pid");
	cell_text(t, child, "state");
	cell_number(t, child, "generation");
	add_figures(t, child);
}

void
supervisor_text_stats(FILE *f, const json_t *result, const struct look *look)
{
	const json_t *total = json_object_get(result, "total"), *child;
	struct table *t = table_new(child_columns, COUNT(child_columns), look);
	size_t i;

	json_array_foreach (json_object_get(result, "children"), i, child)
		add_child(t, child);
	table_add(t, "total of %" PRIu64, listener_number(total, "children"));
	table_add(t, "-");
	table_add(t, "%" PRIu64 " running", listener_number(total, "running"));
	table_add(t, "-");
	add_figures(t, total);
	table_end(&t, f);
}
