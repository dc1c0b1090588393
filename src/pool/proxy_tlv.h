/*
 * proxy_tlv: the type-length-value part of a PROXY header of version 2, see
 * proxy_header.h.
 */
#ifndef MERCURY_POOL_PROXY_TLV_H
#define MERCURY_POOL_PROXY_TLV_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct proxy_header;

/* Those of the protocol; both levels have numbers of their own. */
enum proxy_tlv_type {
	TLV_ALPN = 0x01,
	TLV_AUTHORITY = 0x02,
	TLV_CRC32C = 0x03,
	TLV_UNIQUE_ID = 0x05,
	TLV_SSL = 0x20,
	TLV_SSL_VERSION = 0x21,
	TLV_SSL_CN = 0x22,
	TLV_SSL_CIPHER = 0x23,
	TLV_SSL_SIG_ALG = 0x24,
	TLV_SSL_KEY_ALG = 0x25,
	TLV_NETNS = 0x30,
};

/*
 * Read the TLVs of a whole header of len bytes, which begin at its byte at,
 * into *out, and check the checksum where there is one. Returns 0, or -1 with
 * *e set.
 */
int proxy_tlv_read(const uint8_t *header, size_t len, size_t at,
    struct proxy_header *out, struct err *e);

/*
 * As above for a LOCAL header: only a checksum is looked for, and what is no
 * TLV ends the search without an error.
 */
int proxy_tlv_check(const uint8_t *header, size_t len, size_t at,
    struct proxy_header *out, struct err *e);

#endif /* MERCURY_POOL_PROXY_TLV_H */
