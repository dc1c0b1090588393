#include "option/bulk_type.h"

#include <stdlib.h>

#include "option/cidrs.h"

bool
bulk_type_is(enum option_type type)
{
	return type == OPTION_TYPE_CIDRS;
}

int
bulk_type_make(const struct option *o, const json_t *value, struct bulk **out,
    struct err *err)
{
	struct cidr *list;
	size_t count;

	*out = NULL;
	if (cidrs_parse(value, (size_t)o->max, &list, &count, err) == -1)
		return -1;
	if (count == 0)
		return 0;
	*out = bulk_new(list, count * sizeof(*list), err);
	free(list);
	return *out == NULL ? -1 : 0;
}

json_t *
bulk_type_json(const struct option *o, const struct bulk *b)
{
	const void *bytes;
	struct err err;
	json_t *value;

	(void)o;
	if (b == NULL)
		return json_array();
	bytes = bulk_map(b, &err);
	if (bytes == NULL)
		return NULL;
	value = cidrs_json(bytes, b->ref.size);
	bulk_unmap(b, bytes);
	return value;
}
