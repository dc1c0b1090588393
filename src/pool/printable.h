/* printable: bytes of a peer as text that can be shown and kept anywhere. */
#ifndef MERCURY_POOL_PRINTABLE_H
#define MERCURY_POOL_PRINTABLE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Write the len bytes at data to out, of size bytes, as a string: printable
 * UTF-8 is kept, a backslash becomes "\\" and any other byte "\x0a", so that
 * two values never look the same. Returns 0, or -1 when size is too small
 * (4 * len + 1 is always enough); out is then what fits, still a string.
 */
int printable(const uint8_t *data, size_t len, char *out, size_t size);

#endif /* MERCURY_POOL_PRINTABLE_H */
