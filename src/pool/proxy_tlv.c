#include "pool/proxy_tlv.h"

#include <stdbool.h>

#include "common/err.h"
#include "pool/crc32c.h"
#include "pool/printable.h"
#include "pool/proxy_header.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define CHECKSUM_LENGTH 4u
#define SSL_FIXED_LENGTH 5u

struct tlv {
	uint8_t type;
	size_t len;
	const uint8_t *value;
};

/* A place in a row of TLVs, that ends at end. */
struct place {
	const uint8_t *at;
	const uint8_t *end;
	uint64_t seen; /* known types, as bits */
	struct tlv tlv;
};

/* Where a TLV that is text goes to. */
struct text_field {
	enum proxy_tlv_type type;
	const char *name;
	size_t max; /* length of the value, in bytes */
	char *out;
	size_t size;
};

/* What is read, and where to. */
struct reading {
	const uint8_t *header;
	size_t len;
	struct proxy_header *out;
};

/* Go to the next TLV. Returns 1, 0 at the end, or -1 where it is cut off. */
static int
next(struct place *p)
{
	const size_t left = (size_t)(p->end - p->at);

	if (left == 0)
		return 0;
	p->tlv.type = p->at[0];
	if (left < 3)
		return -1;
	p->tlv.len = (size_t)p->at[1] << 8 | p->at[2];
	p->tlv.value = p->at + 3;
	if (p->tlv.len > left - 3)
		return -1;
	p->at += 3 + p->tlv.len;
	return 1;
}

static int
cut_off(const struct place *p, struct err *e)
{
	return err_set(e, ERR_INVALID,
	    "TLV 0x%02x of the PROXY header is longer than what holds it",
	    p->tlv.type);
}

/* A known type has come; it must be for the first time. */
static int
mark_seen(struct place *p, struct err *e)
{
	const uint64_t bit = UINT64_C(1) << p->tlv.type;

	if ((p->seen & bit) != 0)
		return err_set(e, ERR_INVALID,
		    "TLV 0x%02x of the PROXY header came twice", p->tlv.type);
	p->seen |= bit;
	return 0;
}

static int
read_checksum(const struct tlv *t, const struct reading *r, struct err *e)
{
	static const uint8_t zeros[CHECKSUM_LENGTH];
	const uint8_t *after = t->value + CHECKSUM_LENGTH;
	uint32_t want, have;

	if (t->len != CHECKSUM_LENGTH)
		return err_set(e, ERR_INVALID,
		    "the PROXY header's checksum has %zu bytes, not %u", t->len,
		    CHECKSUM_LENGTH);
	want = (uint32_t)t->value[0] << 24 | (uint32_t)t->value[1] << 16 |
	    (uint32_t)t->value[2] << 8 | t->value[3];
	have = crc32c(0, r->header, (size_t)(t->value - r->header));
	have = crc32c(have, zeros, sizeof(zeros));
	have = crc32c(have, after, (size_t)(r->header + r->len - after));
	if (have != want)
		return err_set(e, ERR_INVALID,
		    "the PROXY header's checksum is %08x, but says %08x", have,
		    want);
	r->out->has_checksum = true;
	return 0;
}

/* Take the TLV at p if it is one of the fields; others are left alone. */
static int
read_text(struct place *p, const struct text_field *fields, size_t count,
    struct err *e)
{
	const struct text_field *f = fields;

	while (f < fields + count && f->type != p->tlv.type)
		f++;
	if (f == fields + count)
		return 0;
	if (mark_seen(p, e) == -1)
		return -1;
	if (p->tlv.len > f->max ||
	    printable(p->tlv.value, p->tlv.len, f->out, f->size) == -1)
		return err_set(e, ERR_INVALID,
		    "the PROXY header's %s, of %zu bytes, is too long", f->name,
		    p->tlv.len);
	return 0;
}

static int
read_ssl(const struct tlv *t, struct proxy_ssl *out, struct err *e)
{
	const struct text_field fields[] = {
		{ TLV_SSL_VERSION, "TLS version", 255, out->version,
		    sizeof(out->version) },
		{ TLV_SSL_CN, "client name", 256, out->cn, sizeof(out->cn) },
		{ TLV_SSL_CIPHER, "cipher", 255, out->cipher,
		    sizeof(out->cipher) },
		{ TLV_SSL_SIG_ALG, "signature algorithm", 255, out->sig_alg,
		    sizeof(out->sig_alg) },
		{ TLV_SSL_KEY_ALG, "key algorithm", 255, out->key_alg,
		    sizeof(out->key_alg) },
	};
	struct place p = { .end = t->value + t->len };
	int got;

	if (t->len < SSL_FIXED_LENGTH)
		return err_set(e, ERR_INVALID,
		    "the PROXY header's TLS part has %zu bytes, less than %u",
		    t->len, SSL_FIXED_LENGTH);
	out->is_present = true;
	out->client = t->value[0];
	out->verify = (uint32_t)t->value[1] << 24 |
	    (uint32_t)t->value[2] << 16 | (uint32_t)t->value[3] << 8 |
	    t->value[4];
	p.at = t->value + SSL_FIXED_LENGTH;
	while ((got = next(&p)) == 1)
		if (read_text(&p, fields, COUNT(fields), e) == -1)
			return -1;
	return got == 0 ? 0 : cut_off(&p, e);
}

static int
read_one(struct place *p, const struct reading *r, struct err *e)
{
	struct proxy_header *out = r->out;
	const struct text_field fields[] = {
		{ TLV_ALPN, "ALPN", 255, out->alpn, sizeof(out->alpn) },
		{ TLV_AUTHORITY, "authority", 255, out->authority,
		    sizeof(out->authority) },
		{ TLV_UNIQUE_ID, "unique id", 128, out->unique_id,
		    sizeof(out->unique_id) },
		{ TLV_NETNS, "network namespace", 255, out->netns,
		    sizeof(out->netns) },
	};

	switch (p->tlv.type) {
	case TLV_CRC32C:
		if (mark_seen(p, e) == -1)
			return -1;
		return read_checksum(&p->tlv, r, e);
	case TLV_SSL:
		if (mark_seen(p, e) == -1)
			return -1;
		return read_ssl(&p->tlv, &out->ssl, e);
	default:
		return read_text(p, fields, COUNT(fields), e);
	}
}

int
proxy_tlv_read(const uint8_t *header, size_t len, size_t at,
    struct proxy_header *out, struct err *e)
{
	const struct reading r = { header, len, out };
	struct place p = { .at = header + at, .end = header + len };
	int got;

	while ((got = next(&p)) == 1)
		if (read_one(&p, &r, e) == -1)
			return -1;
	return got == 0 ? 0 : cut_off(&p, e);
}

int
proxy_tlv_check(const uint8_t *header, size_t len, size_t at,
    struct proxy_header *out, struct err *e)
{
	const struct reading r = { header, len, out };
	struct place p = { .at = header + at, .end = header + len };
	int got;

	while ((got = next(&p)) == 1)
		if (p.tlv.type == TLV_CRC32C &&
		    (mark_seen(&p, e) == -1 ||
			read_checksum(&p.tlv, &r, e) == -1))
			return -1;
	if (got == -1 && p.tlv.type == TLV_CRC32C)
		return cut_off(&p, e);
	return 0;
}
