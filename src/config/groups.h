/*
 * groups: what can be said of the groups of a config only when its listeners
 * are known. Pure.
 */
#ifndef MERCURY_CONFIG_GROUPS_H
#define MERCURY_CONFIG_GROUPS_H

#include <jansson.h>
#include <stdbool.h>

#include "config/plan.h"

/*
 * The pools of all children that are among the listeners so far, each with
 * the name of its group: nobody else may join them. Gives a new reference;
 * NULL when out of memory.
 */
json_t *groups_pools(const struct plan *);

/*
 * Check the children of all groups against the listeners of the plan, and add
 * an error for each that is unknown, in two groups, twice in one, or in a
 * pool with other listeners. One whose name is a key of left_out is a saved
 * listener that is not used: it is taken out of its group, with a warning.
 * Unless all listeners are known, an unknown one is no error.
 */
void groups_check(struct plan *, const json_t *left_out, bool all_known);

#endif /* MERCURY_CONFIG_GROUPS_H */
