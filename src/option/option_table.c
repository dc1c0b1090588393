#include "option/option_table.h"

#include <string.h>

#include "option/suggest.h"
#include "option/value.h"

size_t
option_table_find(const struct option_table *t, const char *key)
{
	size_t i;

	for (i = 0; i < t->count; i++)
		if (strcmp(t->options[i].name, key) == 0)
			break;
	return i;
}

int
option_table_unknown(const struct option_table *t, const char *key,
    struct err *err)
{
	const char *names[OPTION_TABLE_MAX], *near;
	char quoted[VALUE_QUOTE_SIZE], known[256];
	size_t i;

	for (i = 0; i < t->count; i++)
		names[i] = t->options[i].name;
	value_quote(key, quoted);
	near = suggest(key, names, t->count);
	if (near != NULL)
		return err_set(err, ERR_INVALID,
		    "%s is no option of %s: did you mean \"%s\"?", quoted,
		    t->name, near);
	value_list(names, t->count, known, sizeof(known));
	return err_set(err, ERR_INVALID, "%s is no option of %s: must be %s",
	    quoted, t->name, known);
}

int
option_blame(const char *option, struct err *err)
{
	const struct err cause = *err;

	return err_set(err, cause.code, "%s: %s", option, cause.text);
}
