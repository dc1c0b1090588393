#include "ctl/command_tree.h"

#include <inttypes.h>

#include "ctl/listener_text.h"
#include "ctl/output.h"
#include "ctl/table.h"

/* clang-format off */
static const struct column columns[] = {
	{ "PROCESS", COLUMN_LEFT },
	{ "ROLE", COLUMN_LEFT },
	{ "PID", COLUMN_RIGHT },
	{ "STATE", COLUMN_STATE },
	{ "UPTIME", COLUMN_RIGHT },
	{ "RESTARTS", COLUMN_RIGHT },
	{ "MEMORY", COLUMN_RIGHT },
};
/* clang-format on */

/* The daemon nests three deep; a broken answer must not go on for ever. */
#define DEPTH_MAX 8

/* A number, or "-" where there is none. */
static void
add_number(struct table *t, const json_t *value)
{
	if (json_is_integer(value))
		table_add(t, "%" JSON_INTEGER_FORMAT,
		    json_integer_value(value));
	else
		table_add(t, "-");
}

static void
add_node(struct table *t, const json_t *node, int depth)
{
	const json_t *memory = json_object_get(node, "memory_bytes");
	char uptime[OUTPUT_HUMAN_SIZE], bytes[OUTPUT_HUMAN_SIZE] = "-";
	const json_t *child;
	size_t i;

	output_duration(listener_number(node, "uptime_ms"), uptime);
	if (json_is_integer(memory))
		output_bytes(listener_number(node, "memory_bytes"), bytes);
	table_add(t, "%*s%s", 2 * depth, "", listener_string(node, "name"));
	table_add(t, "%s", listener_string(node, "role"));
	add_number(t, json_object_get(node, "pid"));
	table_add(t, "%s", listener_string(node, "state"));
	table_add(t, "%s", uptime);
	table_add(t, "%" PRIu64, listener_number(node, "restarts"));
	table_add(t, "%s", bytes);
	if (depth == DEPTH_MAX)
		return;
	json_array_foreach (json_object_get(node, "children"), i, child)
		add_node(t, child, depth + 1);
}

enum ctl_exit
command_tree(const struct options *o, char **args, int count)
{
	json_t *result = NULL;
	struct table *t;
	enum ctl_exit code;

	(void)args;
	(void)count;
	code = command_call(o, "daemon.tree", NULL, &result);
	if (code == CTL_DONE && !(o->given & OPTION_JSON)) {
		t = table_new(columns, sizeof(columns) / sizeof(columns[0]));
		add_node(t, result, 0);
		table_end(&t, stdout, output_has_colour(stdout));
	}
	json_decref(result);
	return code;
}
