/*
 * cursor: where a query goes on with its next page: a few numbers as a text
 * that the client gives back. Pure.
 */
#ifndef MERCURY_JSON_CURSOR_H
#define MERCURY_JSON_CURSOR_H

#include <stddef.h>
#include <stdint.h>

/* Enough for that many numbers, with its NUL. */
#define CURSOR_SIZE(COUNT) ((COUNT)*17)

/* Write count numbers into a text of CURSOR_SIZE(count). */
void cursor_format(const uint64_t *numbers, size_t count, char *out);

/*
 * Read count numbers. Returns 0, or -1 when text is none that cursor_format()
 * made of so many.
 */
int cursor_parse(const char *text, uint64_t *numbers, size_t count);

#endif /* MERCURY_JSON_CURSOR_H */
