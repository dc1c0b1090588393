/* proxy_bytes: PROXY headers, built byte by byte for tests. */
#ifndef MERCURY_TESTS_PROXY_BYTES_H
#define MERCURY_TESTS_PROXY_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pool/proxy_header.h"

#define V2_LOCAL 0x20
#define V2_PROXY 0x21

/* A header, or a part of one. */
struct bytes {
	size_t len;
	uint8_t data[70000];
};

/* A whole header that is good, with what it says in a word. */
struct sample {
	char name[48];
	enum proxy_kind kind;
	bool has_checksum;
	size_t checksum_at; /* its TLV, when has_checksum */
	struct bytes bytes;
};

void bytes_add(struct bytes *, const void *data, size_t len);

/* The fixed part; the length is set by bytes_end(). */
void bytes_begin(struct bytes *, uint8_t command, uint8_t family);

/* As above, with addresses that fit the family: see samples. */
void bytes_begin_with_addresses(struct bytes *, uint8_t command,
    uint8_t family);

/* A TLV with these bytes, or with a string. */
void bytes_tlv(struct bytes *, uint8_t type, const void *data, size_t len);
void bytes_tlv_text(struct bytes *, uint8_t type, const char *text);

/* Set the length of what was begun, and the checksum at this TLV if not 0. */
void bytes_end(struct bytes *, size_t checksum_at);

/* All samples; *count is how many. Owned here. */
const struct sample *samples(size_t *count);

/* Feed a fresh reader with all of it at once; *used may be NULL. */
enum proxy_result read_all(enum proxy_which, const struct bytes *, size_t *used,
    struct proxy_header *out);

/* Assert that it is refused, with this part of a text. */
void expect_bad(enum proxy_which, const struct bytes *, const char *text);

#endif /* MERCURY_TESTS_PROXY_BYTES_H */
