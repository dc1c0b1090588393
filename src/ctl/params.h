/*
 * params: words of the command line as JSON. Pure, but for the file.
 */
#ifndef MERCURY_CTL_PARAMS_H
#define MERCURY_CTL_PARAMS_H

#include <jansson.h>

#include "common/err.h"

/*
 * Put a word "key=value" into object as a string; "a.b=c" goes into the
 * object "a". The daemon knows what is a number and what a list. Returns 0,
 * or -1 with *err.
 */
int params_add(json_t *object, const char *word, struct err *err);

/* What messages call the file at path: "standard input" for "-". */
const char *params_source(const char *path);

/*
 * Read a JSON object from a file; "-" is the standard input. Gives a new
 * reference, or NULL with *err.
 */
json_t *params_read(const char *path, struct err *err);

#endif /* MERCURY_CTL_PARAMS_H */
