/* base64: bytes as text that JSON can carry, RFC 4648 with padding. Pure. */
#ifndef MERCURY_COMMON_BASE64_H
#define MERCURY_COMMON_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Room for the text of len bytes, with its NUL. */
#define BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1)

/* Write len bytes as text with NUL to out, which has BASE64_SIZE(len). */
void base64_encode(const uint8_t *data, size_t len, char *out);

/*
 * Read text of len characters, which must be exactly what base64_encode()
 * makes of some bytes, into out, which has room for len / 4 * 3 bytes.
 * Returns 0 and how many they are in *out_len, or -1.
 */
int base64_decode(const char *text, size_t len, uint8_t *out, size_t *out_len);

#endif /* MERCURY_COMMON_BASE64_H */
