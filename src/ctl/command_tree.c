#include "ctl/command_tree.h"

#include "ctl/cell.h"
#include "ctl/listener_text.h"
#include "ctl/look.h"
#include "ctl/table.h"

/* clang-format off */
static const struct column columns[] = {
	{ "PROCESS", COLUMN_NAME, COLUMN_ALWAYS, 0, 20, 0 },
	{ "ROLE", COLUMN_LEFT, COLUMN_ALWAYS, 6, 0, 0 },
	{ "GROUP", COLUMN_NAME, COLUMN_ALWAYS, 8, 12, 0 },
	{ "PID", COLUMN_RIGHT, COLUMN_ALWAYS, 1, 0, 0 },
	{ "STATE", COLUMN_STATE, COLUMN_ALWAYS, 0, 0, 0 },
	{ "GEN", COLUMN_RIGHT, COLUMN_ALWAYS, 7, 0, 0 },
	{ "UPTIME", COLUMN_RIGHT, COLUMN_ALWAYS, 3, 0, 0 },
	{ "RESTARTS", COLUMN_RIGHT, COLUMN_ALWAYS, 2, 0, 0 },
	{ "MEMORY", COLUMN_RIGHT, COLUMN_ALWAYS, 4, 0, 0 },
	{ "CPU", COLUMN_RIGHT, COLUMN_ALWAYS, 5, 0, 0 },
};
/* clang-format on */

/* The daemon nests three deep; a broken answer must not go on for ever. */
#define DEPTH_MAX 8

static void
add_node(struct table *t, const json_t *node, int depth)
{
	const json_t *child;
	size_t i;

	table_add(t, "%*s%s", 2 * depth, "", listener_string(node, "name"));
	cell_text(t, node, "role");
	cell_text(t, node, "group");
	cell_number(t, node, "pid");
	cell_text(t, node, "state");
	cell_number(t, node, "generation");
	cell_duration(t, node, "uptime_ms");
	cell_count(t, node, "restarts");
	cell_bytes(t, node, "memory_bytes", 1);
	cell_duration(t, node, "cpu_ms");
	if (depth == DEPTH_MAX)
		return;
	json_array_foreach (json_object_get(node, "children"), i, child)
		add_node(t, child, depth + 1);
}

enum ctl_exit
command_tree(const struct options *o, char **args, int count)
{
	json_t *result = NULL;
	struct look look;
	struct table *t;
	enum ctl_exit code;

	(void)args;
	(void)count;
	code = command_call(o, "daemon.tree", NULL, &result);
	if (code == CTL_DONE && !(o->given & OPTION_JSON)) {
		look = look_at(stdout, o);
		t = table_new(columns, sizeof(columns) / sizeof(columns[0]),
		    &look);
		add_node(t, result, 0);
		table_end(&t, stdout);
	}
	json_decref(result);
	return code;
}
