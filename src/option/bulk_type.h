/*
 * bulk_type: options whose value does not fit into a spec (common/bulk.h):
 * from JSON and back.
 */
#ifndef MERCURY_OPTION_BULK_TYPE_H
#define MERCURY_OPTION_BULK_TYPE_H

#include <jansson.h>
#include <stdbool.h>

#include "common/bulk.h"
#include "option/option_type.h"

/* Is the value of an option of this type bulk? */
bool bulk_type_is(enum option_type);

/* Is it a section, whose errors name the key within it? */
bool bulk_type_is_section(enum option_type);

/* The most values that an option has; all but the first may be NULL. */
#define BULK_TYPE_VALUES 4

/*
 * Make the values, those of the bulk_id of the option and behind it: each is
 * held by the caller; the first is NULL for an empty list. Returns 0, or -1
 * with *err, whose text does not name the option, but for that of a section.
 */
int bulk_type_make(const struct option *, const json_t *value,
    struct bulk *out[static BULK_TYPE_VALUES], struct err *err);

/* The first value (NULL: none) as JSON. A new reference; NULL: out of memory.
 */
json_t *bulk_type_json(const struct option *, const struct bulk *);

#endif /* MERCURY_OPTION_BULK_TYPE_H */
