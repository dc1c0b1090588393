/*
 * The PROXY header: read at once and in pieces, which must come to the same.
 * The first byte says which versions are taken, whether to repair the length
 * and the checksum of version 2, and how large the pieces are.
 */
#include "common/err.h"
#include "common/utf8.h"
#include "fuzz.h"
#include "pool/crc32c.h"
#include "pool/proxy_header.h"

#define V2_FIXED 16
#define CHECKSUM_AT 28 /* in seeds: the first TLV behind IPv4 addresses */

enum how {
	HOW_WHICH = 0x03,
	HOW_REPAIR_LENGTH = 0x04,
	HOW_REPAIR_CHECKSUM = 0x08,
	HOW_PIECE = 0xf0,
};

/* Without this, hardly an input gets past length and checksum. */
static void
repair(uint8_t *header, size_t len, uint8_t how)
{
	uint8_t *tlv = header + CHECKSUM_AT;
	size_t all = len;
	uint32_t crc;

	if (len < V2_FIXED || len > PROXY_V2_MAX || header[0] != '\r')
		return;
	if (how & HOW_REPAIR_LENGTH) {
		header[14] = (uint8_t)((len - V2_FIXED) >> 8);
		header[15] = (uint8_t)(len - V2_FIXED);
	}
	all = V2_FIXED + ((size_t)header[14] << 8 | header[15]);
	if (!(how & HOW_REPAIR_CHECKSUM) || all > len || all < CHECKSUM_AT + 7)
		return;
	memcpy(tlv, "\3\0\4\0\0\0\0", 7);
	crc = crc32c(0, header, all);
	tlv[3] = (uint8_t)(crc >> 24);
	tlv[4] = (uint8_t)(crc >> 16);
	tlv[5] = (uint8_t)(crc >> 8);
	tlv[6] = (uint8_t)crc;
}

static void
check_header(const struct proxy_header *h)
{
	FUZZ_CHECK(h->kind <= PROXY_UNIX);
	FUZZ_CHECK(h->version == 1 || h->version == 2);
	FUZZ_CHECK_TEXT(h->source.path, sizeof(h->source.path));
	FUZZ_CHECK_TEXT(h->destination.path, sizeof(h->destination.path));
	FUZZ_CHECK_TEXT(h->alpn, sizeof(h->alpn));
	FUZZ_CHECK_TEXT(h->authority, sizeof(h->authority));
	FUZZ_CHECK_TEXT(h->netns, sizeof(h->netns));
	FUZZ_CHECK_TEXT(h->unique_id, sizeof(h->unique_id));
	FUZZ_CHECK_TEXT(h->ssl.version, sizeof(h->ssl.version));
	FUZZ_CHECK_TEXT(h->ssl.cn, sizeof(h->ssl.cn));
	FUZZ_CHECK_TEXT(h->ssl.cipher, sizeof(h->ssl.cipher));
	FUZZ_CHECK_TEXT(h->ssl.sig_alg, sizeof(h->ssl.sig_alg));
	FUZZ_CHECK_TEXT(h->ssl.key_alg, sizeof(h->ssl.key_alg));
}

static void
check_same(const struct proxy_header *a, const struct proxy_header *b)
{
	FUZZ_CHECK(a->kind == b->kind && a->version == b->version);
	FUZZ_CHECK(a->source.port == b->source.port);
	FUZZ_CHECK(a->destination.port == b->destination.port);
	FUZZ_CHECK(memcmp(a->source.address, b->source.address, 16) == 0);
	FUZZ_CHECK(strcmp(a->authority, b->authority) == 0);
	FUZZ_CHECK(strcmp(a->ssl.cn, b->ssl.cn) == 0);
}

/* Read it in pieces of that size; *used becomes the sum. */
static enum proxy_result
read_pieces(enum proxy_which which, const uint8_t *data, size_t *used,
    size_t piece, struct proxy_header *out)
{
	struct proxy_reader r = { .which = which };
	enum proxy_result result = PROXY_MORE;
	const size_t len = *used;
	struct err e = { 0 };
	uint8_t *copy;
	size_t n, had;

	*used = 0;
	while (result == PROXY_MORE && *used < len) {
		had = n = piece < len - *used ? piece : len - *used;
		copy = fuzz_copy(data + *used, n);
		result = proxy_read(&r, copy, &n, out, &e);
		free(copy);
		FUZZ_CHECK(n <= had);
		FUZZ_CHECK(result != PROXY_MORE || n == had);
		FUZZ_CHECK((result == PROXY_BAD) == (e.code != ERR_NONE));
		*used += n;
	}
	FUZZ_CHECK(*used <= PROXY_V2_MAX);
	return result;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = { data, len };
	const uint8_t how = fuzz_byte(&in);
	const enum proxy_which which =
	    (enum proxy_which)((how & HOW_WHICH) % 3);
	const size_t piece = (size_t)(how & HOW_PIECE) / 16 + 1;
	struct proxy_header once = { 0 }, pieces = { 0 };
	size_t used_once = in.left, used_pieces = in.left;
	uint8_t *header;
	enum proxy_result result;

	if (in.left == 0)
		return 0;
	header = fuzz_copy(in.at, in.left);
	repair(header, in.left, how);
	result = read_pieces(which, header, &used_once, in.left, &once);
	FUZZ_CHECK(
	    read_pieces(which, header, &used_pieces, piece, &pieces) == result);
	if (result == PROXY_DONE) {
		FUZZ_CHECK(used_once == used_pieces);
		check_header(&once);
		check_same(&once, &pieces);
	}
	free(header);
	return 0;
}
