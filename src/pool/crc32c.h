/* crc32c: the Castagnoli checksum of RFC 4960, Appendix B. */
#ifndef MERCURY_POOL_CRC32C_H
#define MERCURY_POOL_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/*
 * The checksum of len more bytes at data (NULL with 0) after those whose
 * checksum is before; 0 where these are the first.
 */
uint32_t crc32c(uint32_t before, const void *data, size_t len);

#endif /* MERCURY_POOL_CRC32C_H */
