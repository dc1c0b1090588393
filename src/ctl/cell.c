#include "ctl/cell.h"

#include <inttypes.h>

#include "ctl/listener_text.h"
#include "ctl/output.h"
#include "ctl/table.h"

static bool
is_number(const json_t *object, const char *key)
{
	return json_is_integer(json_object_get(object, key));
}

void
cell_text(struct table *t, const json_t *object, const char *key)
{
	table_add(t, "%s", listener_string(object, key));
}

void
cell_number(struct table *t, const json_t *object, const char *key)
{
	if (is_number(object, key))
		table_add(t, "%" PRIu64, listener_number(object, key));
	else
		table_add(t, "-");
}

void
cell_duration(struct table *t, const json_t *object, const char *key)
{
	char text[OUTPUT_HUMAN_SIZE] = "-";

	if (is_number(object, key))
		output_duration(listener_number(object, key), text);
	table_add(t, "%s", text);
}

void
cell_bytes(struct table *t, const json_t *object, const char *key,
    unsigned int unit)
{
	char text[OUTPUT_HUMAN_SIZE] = "-";

	if (is_number(object, key))
		output_bytes(listener_number(object, key) * unit, text);
	table_add(t, "%s", text);
}
