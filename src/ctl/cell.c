#include "ctl/cell.h"

#include <inttypes.h>
#include <stdio.h>

#include "ctl/listener_text.h"
#include "ctl/table.h"
#include "ctl/units.h"

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
cell_count(struct table *t, const json_t *object, const char *key)
{
	char text[UNITS_SIZE];

	if (!is_number(object, key) || table_is_wide(t)) {
		cell_number(t, object, key);
		return;
	}
	units_count(listener_number(object, key), text);
	table_add(t, "%s", text);
}

void
cell_duration(struct table *t, const json_t *object, const char *key)
{
	char text[UNITS_SIZE] = "-";

	if (is_number(object, key) && table_is_wide(t))
		units_seconds(listener_number(object, key), text);
	else if (is_number(object, key))
		units_duration(listener_number(object, key), text);
	table_add(t, "%s", text);
}

void
cell_bytes(struct table *t, const json_t *object, const char *key,
    unsigned int unit)
{
	const uint64_t bytes = listener_number(object, key) * unit;
	char text[UNITS_SIZE] = "-";

	if (is_number(object, key) && table_is_wide(t))
		(void)snprintf(text, sizeof(text), "%" PRIu64, bytes);
	else if (is_number(object, key))
		units_bytes(bytes, text);
	table_add(t, "%s", text);
}
