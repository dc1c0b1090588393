/* module_options: what a module is told, as name and value. Pure. */
#ifndef MERCURY_OPTION_MODULE_OPTIONS_H
#define MERCURY_OPTION_MODULE_OPTIONS_H

#include <jansson.h>

#include "common/err.h"
#include "common/module_plan.h"
#include "option/option_type.h"

/* Is it "name=value"? Returns 0, or -1 with *err. */
int module_options_check(const char *text, struct err *err);

/*
 * Read options into the plan, from an object, an array of texts as above, or
 * a text with commas between those. In an object a value may be a string, a
 * number or a truth, and an object stands for longer names: "a" within "b" is
 * "b.a". Gives them as an object, or NULL with *err.
 */
json_t *module_options_make(const struct option *, const json_t *value,
    struct module_plan *plan, struct err *err);

#endif /* MERCURY_OPTION_MODULE_OPTIONS_H */
