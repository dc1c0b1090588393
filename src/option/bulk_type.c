#include "option/bulk_type.h"

#include <stdlib.h>
#include <string.h>

#include "option/cidrs.h"
#include "option/section.h"
#include "option/tls_section.h"

_Static_assert(SECTION_PARTS <= BULK_TYPE_VALUES, "there is room for them");

bool
bulk_type_is(enum option_type type)
{
	return type == OPTION_TYPE_CIDRS || bulk_type_is_section(type);
}

bool
bulk_type_is_section(enum option_type type)
{
	return type == OPTION_TYPE_TLS || type == OPTION_TYPE_PROXY ||
	    type == OPTION_TYPE_EXEC || type == OPTION_TYPE_MODULE;
}

/* --- lists of networks --- */

static int
make_cidrs(const struct option *o, const json_t *value, struct bulk **out,
    struct err *err)
{
	struct cidr *list;
	size_t count;

	if (cidrs_parse(value, (size_t)o->max, &list, &count, err) == -1)
		return -1;
	if (count == 0)
		return 0;
	*out = bulk_new(list, count * sizeof(*list), err);
	free(list);
	return *out == NULL ? -1 : 0;
}

/* --- sections --- */

static int
make_tls(const struct option *o, const json_t *value, struct bulk **out,
    struct err *err)
{
	json_t *section;
	char *text;

	if (!json_is_object(value))
		return err_set(err, ERR_INVALID, "%s: must be %s", o->name,
		    option_type_wants(o->type));
	section = tls_section_make(value, err);
	if (section == NULL)
		return -1;
	text = json_dumps(section, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(section);
	if (text == NULL)
		return err_set(err, ERR_UNAVAILABLE, "out of memory");
	*out = bulk_new(text, strlen(text), err);
	free(text);
	return *out == NULL ? -1 : 0;
}

/* --- both --- */

int
bulk_type_make(const struct option *o, const json_t *value,
    struct bulk *out[static BULK_TYPE_VALUES], struct err *err)
{
	memset(out, 0, BULK_TYPE_VALUES * sizeof(out[0]));
	if (o->type == OPTION_TYPE_CIDRS)
		return make_cidrs(o, value, out, err);
	return o->type == OPTION_TYPE_TLS ? make_tls(o, value, out, err)
					  : section_make(o, value, out, err);
}

json_t *
bulk_type_json(const struct option *o, const struct bulk *b)
{
	const bool is_section = bulk_type_is_section(o->type);
	const void *bytes;
	struct err err;
	json_t *value;

	if (b == NULL)
		return is_section ? json_object() : json_array();
	bytes = bulk_map(b, &err);
	if (bytes == NULL)
		return NULL;
	value = is_section ? json_loadb(bytes, b->ref.size, 0, NULL)
			   : cidrs_json(bytes, b->ref.size);
	bulk_unmap(b, bytes);
	return value;
}
