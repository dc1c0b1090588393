/*
 * shared: memory that one process writes and another reads: a memfd of fixed
 * size, sealed, so that neither can take it away under the other.
 */
#ifndef MERCURY_COMMON_SHARED_H
#define MERCURY_COMMON_SHARED_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

/* Make one of size bytes, all 0. name is for /proc and errors. Returns its
 * descriptor, or -1 with *err. */
int shared_create(const char *name, size_t size, struct err *err);

/*
 * Map the one in fd (borrowed; it may be closed afterwards). Returns NULL with
 * *err when it is not sealed or not of that size.
 */
void *shared_map(int fd, const char *name, size_t size, bool write,
    struct err *err);

/* NULL is fine. */
void shared_unmap(const void *, size_t size);

#endif /* MERCURY_COMMON_SHARED_H */
