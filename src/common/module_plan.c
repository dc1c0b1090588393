#include "common/module_plan.h"

#include <string.h>

/* Do count pairs of texts fill size bytes, the names in order? */
static int
check_options(const struct module_plan *p, struct err *err)
{
	const char *at = p->texts, *end = p->texts + p->size, *before = NULL;
	uint32_t i;

	for (i = 0; i < 2 * p->options; i++) {
		if (at == end || memchr(at, '\0', (size_t)(end - at)) == NULL)
			return err_set(err, ERR_INVALID,
			    "module.options: a text does not end");
		if (i % 2 == 0) {
			if (at[0] == '\0' ||
			    (before != NULL && strcmp(before, at) >= 0))
				return err_set(err, ERR_INVALID,
				    "module.options: out of order");
			before = at;
		}
		at += strlen(at) + 1;
	}
	if (at != end)
		return err_set(err, ERR_INVALID,
		    "module.options: more texts than options");
	return 0;
}

int
module_plan_check(const struct module_plan *p, size_t size, struct err *err)
{
	if (size != sizeof(*p))
		return err_set(err, ERR_INVALID, "module: has another size");
	if (p->path[0] != '/' || memchr(p->path, '\0', sizeof(p->path)) == NULL)
		return err_set(err, ERR_INVALID,
		    "module.path: must be absolute");
	if (p->check_state > 1 || p->options > MODULE_OPTIONS_MAX ||
	    p->size > sizeof(p->texts))
		return err_set(err, ERR_INVALID,
		    "module: a value is out of range");
	return check_options(p, err);
}
