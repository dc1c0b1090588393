/* utf8: text that may come from anywhere, one character at a time. */
#ifndef MERCURY_COMMON_UTF8_H
#define MERCURY_COMMON_UTF8_H

#include <stddef.h>

/*
 * Length in bytes of the well-formed character at text (RFC 3629), or 0 if
 * there is none; control characters, C1 and NUL included, count as none.
 */
size_t utf8_length(const char *text);

#endif /* MERCURY_COMMON_UTF8_H */
