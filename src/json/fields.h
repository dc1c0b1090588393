/*
 * fields: members of the JSON that users see, made of what other processes
 * have sent. Each gives a new reference; NULL when out of memory.
 */
#ifndef MERCURY_JSON_FIELDS_H
#define MERCURY_JSON_FIELDS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A JSON string of text that may be bad UTF-8 or not end within size bytes:
 * what is no UTF-8 becomes "?".
 */
json_t *field_string(const char *text, size_t size);

/* The same; null for an empty text. */
json_t *field_string_or_null(const char *text, size_t size);

json_t *field_number(uint64_t);         /* as large as JSON has them */
json_t *field_number_or_null(uint64_t); /* null for 0 */
json_t *field_known_or_null(int64_t);   /* null for what is below 0 */

/* CLOCK_REALTIME as RFC 3339 in UTC; null for 0. */
json_t *field_time(uint64_t real_ms);

/*
 * A word of a closed set. NULL, for a number out of range, can only be a bug:
 * "unknown".
 */
const char *field_word(const char *word);

#endif /* MERCURY_JSON_FIELDS_H */
