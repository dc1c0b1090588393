#include "ctl/upstream_text.h"

#include <inttypes.h>
#include <stdbool.h>

#include "ctl/cell.h"
#include "ctl/listener_text.h"
#include "ctl/look.h"
#include "ctl/table.h"

/* clang-format off */
static const struct column columns[] = {
	{ "UPSTREAM", COLUMN_NAME, COLUMN_ALWAYS, 0, 16, 0 },
	{ "STATE", COLUMN_STATE, COLUMN_ALWAYS, 0, 0, 0 },
	{ "MODE", COLUMN_STATE, COLUMN_ALWAYS, 0, 0, 0 },
	{ "CONNS", COLUMN_RIGHT, COLUMN_ALWAYS, 0, 0, 0 },
	{ "MAX", COLUMN_RIGHT, COLUMN_ALWAYS, 4, 0, 0 },
	{ "WAITING", COLUMN_RIGHT, COLUMN_ALWAYS, 3, 0, 0 },
	{ "WEIGHT", COLUMN_RIGHT, COLUMN_ALWAYS, 6, 0, 0 },
	{ "BACKUP", COLUMN_LEFT, COLUMN_ALWAYS, 5, 0, 0 },
	{ "CONNECTED", COLUMN_RIGHT, COLUMN_ALWAYS, 7, 0, 0 },
	{ "FAILED", COLUMN_RIGHT, COLUMN_ALWAYS, 2, 0, 0 },
	{ "CHECKED", COLUMN_RIGHT, COLUMN_ALWAYS, 8, 0, 0 },
	{ "LAST ERROR", COLUMN_LEFT, COLUMN_ALWAYS, 1, 12, 0 },
};
/* clang-format on */

#define COLUMN_COUNT (sizeof(columns) / sizeof(columns[0]))

static bool
is_true(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

/* 0 is no limit. */
static void
add_limit(struct table *t, const json_t *u)
{
	if (listener_number(u, "max_connections") == 0)
		table_add(t, "-");
	else
		cell_number(t, u, "max_connections");
}

/* When it was checked last. */
static void
add_checked(struct table *t, const json_t *u)
{
	if (json_is_integer(json_object_get(u, "last_check_ms_ago")))
		cell_duration(t, u, "last_check_ms_ago");
	else
		table_add(t, "-");
}

static void
add_row(struct table *t, const json_t *u)
{
	cell_text(t, u, "name");
	cell_text(t, u, "state");
	cell_text(t, u, "mode");
	cell_number(t, u, "connections");
	add_limit(t, u);
	cell_number(t, u, "waiting");
	cell_number(t, u, "weight");
	table_add(t, "%s", is_true(u, "backup") ? "yes" : "-");
	cell_number(t, u, "connected");
	cell_number(t, u, "failed");
	add_checked(t, u);
	cell_text(t, u, "last_error");
}

void
upstream_text_all(FILE *f, const json_t *result, const struct look *look)
{
	struct table *t = table_new(columns, COLUMN_COUNT, look);
	const json_t *rows = json_object_get(result, "upstreams"), *row;
	size_t i;

	json_array_foreach (rows, i, row)
		add_row(t, row);
	table_end(&t, f);
}
