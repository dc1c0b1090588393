/*
 * cidrs: lists of networks as values of options: from text or JSON, and back.
 *
 * Text has commas between its networks ("10.0.0.0/8, ::1"), and none when it
 * is empty. Errors say which network is wrong, and what would be right; the
 * caller puts the name of the option before them.
 */
#ifndef MERCURY_OPTION_CIDRS_H
#define MERCURY_OPTION_CIDRS_H

#include <jansson.h>
#include <stddef.h>

#include "common/cidr.h"
#include "common/err.h"

/* Is text a list of at most max networks? 0, or -1 with *err. */
int cidrs_check(const char *text, size_t max, struct err *err);

/*
 * Read a string, or an array of such strings, of at most max networks. Each
 * is kept once, in the order of the value. Gives *count networks, to be freed
 * with free(3), NULL for none. Returns 0, or -1 with *err and *out NULL.
 */
int cidrs_parse(const json_t *value, size_t max, struct cidr **out,
    size_t *count, struct err *err);

/*
 * size bytes that hold an array of struct cidr, as a JSON array of strings.
 * Gives a new reference; NULL when out of memory, or if they hold none.
 */
json_t *cidrs_json(const void *bytes, size_t size);

#endif /* MERCURY_OPTION_CIDRS_H */
