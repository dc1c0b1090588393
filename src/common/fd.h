/* fd: what is done with descriptors of files. */
#ifndef MERCURY_COMMON_FD_H
#define MERCURY_COMMON_FD_H

#include <stddef.h>

/*
 * Write all of len bytes, however often write(2) is interrupted or takes a
 * part; for files that never make one wait. Returns 0, or -1 with errno.
 */
int fd_write_all(int fd, const void *bytes, size_t len);

#endif /* MERCURY_COMMON_FD_H */
