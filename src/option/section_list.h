/*
 * section_list: the options of proxy, exec and module that are lists: of
 * upstreams, resolvers, words of a command, variables, options of a module.
 * Pure.
 */
#ifndef MERCURY_OPTION_SECTION_LIST_H
#define MERCURY_OPTION_SECTION_LIST_H

#include <jansson.h>
#include <stdbool.h>

#include "common/err.h"
#include "option/option_type.h"

/* Is an option of this type such a list? */
bool section_list_is(enum option_type);

/* Check one entry by itself. Returns 0, or -1 with *err. */
int section_list_check(const struct option *, const char *text,
    struct err *err);

/*
 * Read a list into the plan that it is part of: from an array of strings, or
 * a string with commas between the entries; options of a module from an
 * object, too. What an upstream does not say of itself is in the plan
 * already. Gives the list in its one form, or NULL with *err, whose text does
 * not name the option.
 */
json_t *section_list_make(const struct option *, const json_t *value,
    void *plan, struct err *err);

#endif /* MERCURY_OPTION_SECTION_LIST_H */
