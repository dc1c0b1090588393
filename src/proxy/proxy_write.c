#include "proxy/proxy_write.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "pool/crc32c.h"
#include "pool/proxy_tlv.h"

#define V2_FIXED 16u
#define UNIX_PATH_LENGTH 108u
#define TEXT_MAX 255u
#define ID_MAX 128u
#define CHECKSUM_LENGTH 4u

/* Families of version 2, over a stream. */
#define FAMILY_UNKNOWN 0x00
#define FAMILY_TCP4 0x11
#define FAMILY_TCP6 0x21
#define FAMILY_UNIX 0x31

/* All that can be written, each as long as it can be. */
_Static_assert(V2_FIXED + 2 * UNIX_PATH_LENGTH + 2 * (3 + TEXT_MAX) +
	    (3 + ID_MAX) + (3 + 5) + 3 * (3 + TEXT_MAX) +
	    (3 + CHECKSUM_LENGTH) <=
	PROXY_V2_MAX,
    "it fits");

/* What is written so far. */
struct writing {
	uint8_t *out;
	size_t len;
};

static void
put(struct writing *w, const void *bytes, size_t len)
{
	memcpy(w->out + w->len, bytes, len);
	w->len += len;
}

static void
put8(struct writing *w, uint8_t value)
{
	w->out[w->len++] = value;
}

static void
set16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void
set32(uint8_t *at, uint32_t value)
{
	set16(at, value >> 16);
	set16(at + 2, value & 0xffff);
}

static void
put16(struct writing *w, size_t value)
{
	set16(w->out + w->len, value);
	w->len += 2;
}

/* --- version 1 --- */

static void
address_text(const struct proxy_header *h, const struct proxy_end *end,
    char out[static INET6_ADDRSTRLEN])
{
	if (h->kind == PROXY_TCP4)
		(void)inet_ntop(AF_INET, end->address + 12, out,
		    INET6_ADDRSTRLEN);
	else
		(void)inet_ntop(AF_INET6, end->address, out, INET6_ADDRSTRLEN);
}

static size_t
write_v1(const struct proxy_header *h, uint8_t *out)
{
	char source[INET6_ADDRSTRLEN], destination[INET6_ADDRSTRLEN];
	char *line = (char *)out;
	int n;

	if (h->kind != PROXY_TCP4 && h->kind != PROXY_TCP6) {
		n = snprintf(line, PROXY_V1_MAX + 1, "PROXY UNKNOWN\r\n");
		return (size_t)n;
	}
	address_text(h, &h->source, source);
	address_text(h, &h->destination, destination);
	n = snprintf(line, PROXY_V1_MAX + 1, "PROXY %s %s %s %u %u\r\n",
	    h->kind == PROXY_TCP4 ? "TCP4" : "TCP6", source, destination,
	    h->source.port, h->destination.port);
	return (size_t)n;
}

/* --- version 2 --- */

/* Zeros fill it up; the first byte of an abstract name is one. */
static void
put_path(struct writing *w, const char *path)
{
	const size_t len = strnlen(path, UNIX_PATH_LENGTH);

	memset(w->out + w->len, 0, UNIX_PATH_LENGTH);
	if (path[0] == '@')
		memcpy(w->out + w->len + 1, path + 1, len - 1);
	else
		memcpy(w->out + w->len, path, len);
	w->len += UNIX_PATH_LENGTH;
}

static void
put_addresses(struct writing *w, const struct proxy_header *h)
{
	const bool v4 = h->kind == PROXY_TCP4;

	if (h->kind == PROXY_UNIX) {
		put_path(w, h->source.path);
		put_path(w, h->destination.path);
	} else if (v4 || h->kind == PROXY_TCP6) {
		put(w, h->source.address + (v4 ? 12 : 0), v4 ? 4 : 16);
		put(w, h->destination.address + (v4 ? 12 : 0), v4 ? 4 : 16);
		put16(w, h->source.port);
		put16(w, h->destination.port);
	}
}

/* How much of it there is room for: whole characters of UTF-8. */
static size_t
cut_length(const char *text, size_t max)
{
	size_t len = strnlen(text, max);

	while (len == max && len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80)
		max = --len;
	return len;
}

static void
put_text(struct writing *w, enum proxy_tlv_type type, const char *text,
    size_t max)
{
	const size_t len = cut_length(text, max);

	if (len == 0)
		return;
	put8(w, (uint8_t)type);
	put16(w, len);
	put(w, text, len);
}

static void
put_ssl(struct writing *w, const struct proxy_ssl *ssl)
{
	size_t begun;

	if (!ssl->is_present)
		return;
	put8(w, TLV_SSL);
	put16(w, 0);
	begun = w->len;
	put8(w, ssl->client);
	set32(w->out + w->len, ssl->verify);
	w->len += 4;
	put_text(w, TLV_SSL_VERSION, ssl->version, TEXT_MAX);
	put_text(w, TLV_SSL_CN, ssl->cn, TEXT_MAX);
	put_text(w, TLV_SSL_CIPHER, ssl->cipher, TEXT_MAX);
	set16(w->out + begun - 2, w->len - begun);
}

/* Returns where the checksum is to be set; 0: there is none. */
static size_t
put_tlvs(struct writing *w, const struct proxy_header *h)
{
	size_t checksum_at = 0;

	if (h->has_checksum) {
		put8(w, TLV_CRC32C);
		put16(w, CHECKSUM_LENGTH);
		checksum_at = w->len;
		memset(w->out + w->len, 0, CHECKSUM_LENGTH);
		w->len += CHECKSUM_LENGTH;
	}
	if (h->kind == PROXY_LOCAL)
		return checksum_at;
	put_text(w, TLV_ALPN, h->alpn, TEXT_MAX);
	put_text(w, TLV_AUTHORITY, h->authority, TEXT_MAX);
	put_text(w, TLV_UNIQUE_ID, h->unique_id, ID_MAX);
	put_ssl(w, &h->ssl);
	return checksum_at;
}

static uint8_t
family_of(enum proxy_kind kind)
{
	switch (kind) {
	case PROXY_TCP4:
		return FAMILY_TCP4;
	case PROXY_TCP6:
		return FAMILY_TCP6;
	case PROXY_UNIX:
		return FAMILY_UNIX;
	case PROXY_LOCAL:
	case PROXY_UNKNOWN:
		break;
	}
	return FAMILY_UNKNOWN;
}

static size_t
write_v2(const struct proxy_header *h, uint8_t *out)
{
	static const uint8_t signature[] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
		0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };
	struct writing w = { .out = out };
	size_t checksum_at;

	put(&w, signature, sizeof(signature));
	put8(&w, h->kind == PROXY_LOCAL ? 0x20 : 0x21);
	put8(&w, family_of(h->kind));
	put16(&w, 0);
	put_addresses(&w, h);
	checksum_at = put_tlvs(&w, h);
	set16(out + V2_FIXED - 2, w.len - V2_FIXED);
	if (checksum_at > 0)
		set32(out + checksum_at, crc32c(0, out, w.len));
	return w.len;
}

size_t
proxy_write(const struct proxy_header *h, uint8_t out[static PROXY_V2_MAX])
{
	return h->version == 1 ? write_v1(h, out) : write_v2(h, out);
}
