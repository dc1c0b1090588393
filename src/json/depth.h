/* depth: how deep JSON of others may be nested. Pure. */
#ifndef MERCURY_JSON_DEPTH_H
#define MERCURY_JSON_DEPTH_H

#include <stdbool.h>
#include <stddef.h>

#define JSON_DEPTH_MAX 32

/* Are objects and arrays nested deeper than JSON_DEPTH_MAX? Parses nothing. */
bool json_is_too_deep(const char *text, size_t len);

#endif /* MERCURY_JSON_DEPTH_H */
