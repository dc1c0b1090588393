#include "unit/proxy_bytes.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"

#define SAMPLE_MAX 32

static const uint8_t signature[12] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a,
	0x51, 0x55, 0x49, 0x54, 0x0a };

/* 192.0.2.1:40000 to 198.51.100.2:7007 */
static const uint8_t v4_ends[12] = { 192, 0, 2, 1, 198, 51, 100, 2, 0x9c, 0x40,
	0x1b, 0x5f };

/* [2001:db8::1]:40000 to [2001:db8::2]:7007 */
static const uint8_t v6_ends[36] = { 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 1, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 2, 0x9c, 0x40, 0x1b, 0x5f };

/*
 * What haproxy 2.6 sends with all its options for a client with a certificate,
 * and for one without TLS.
 */
static const uint8_t haproxy_tls[] = {
	/* clang-format off */
	0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54,
	0x0a, 0x21, 0x11, 0x00, 0x9b, 0x7f, 0x00, 0x00, 0x01, 0x7f, 0x00,
	0x00, 0x01, 0xea, 0x46, 0x48, 0x0b, 0x03, 0x00, 0x04, 0xde, 0xe8,
	0x34, 0x71, 0x01, 0x00, 0x04, 0x64, 0x65, 0x6d, 0x6f, 0x02, 0x00,
	0x0e, 0x6d, 0x65, 0x74, 0x65, 0x72, 0x73, 0x2e, 0x65, 0x78, 0x61,
	0x6d, 0x70, 0x6c, 0x65, 0x05, 0x00, 0x16, 0x37, 0x46, 0x30, 0x30,
	0x30, 0x30, 0x30, 0x31, 0x3a, 0x45, 0x41, 0x34, 0x36, 0x5f, 0x36,
	0x42, 0x30, 0x31, 0x39, 0x30, 0x35, 0x43, 0x20, 0x00, 0x54, 0x07,
	0x00, 0x00, 0x00, 0x00, 0x21, 0x00, 0x07, 0x54, 0x4c, 0x53, 0x76,
	0x31, 0x2e, 0x33, 0x22, 0x00, 0x12, 0x6d, 0x65, 0x74, 0x65, 0x72,
	0x2d, 0x30, 0x30, 0x34, 0x32, 0x2e, 0x65, 0x78, 0x61, 0x6d, 0x70,
	0x6c, 0x65, 0x25, 0x00, 0x07, 0x52, 0x53, 0x41, 0x32, 0x30, 0x34,
	0x38, 0x24, 0x00, 0x0a, 0x52, 0x53, 0x41, 0x2d, 0x53, 0x48, 0x41,
	0x32, 0x35, 0x36, 0x23, 0x00, 0x16, 0x54, 0x4c, 0x53, 0x5f, 0x41,
	0x45, 0x53, 0x5f, 0x32, 0x35, 0x36, 0x5f, 0x47, 0x43, 0x4d, 0x5f,
	0x53, 0x48, 0x41, 0x33, 0x38, 0x34,
	/* clang-format on */
};
static const uint8_t haproxy_plain[] = {
	/* clang-format off */
	0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54,
	0x0a, 0x21, 0x11, 0x00, 0x34, 0x7f, 0x00, 0x00, 0x01, 0x7f, 0x00,
	0x00, 0x01, 0xb9, 0x28, 0x46, 0xa0, 0x03, 0x00, 0x04, 0x57, 0x72,
	0x67, 0x9e, 0x05, 0x00, 0x16, 0x37, 0x46, 0x30, 0x30, 0x30, 0x30,
	0x30, 0x31, 0x3a, 0x42, 0x39, 0x32, 0x38, 0x5f, 0x36, 0x42, 0x30,
	0x31, 0x39, 0x30, 0x35, 0x43, 0x20, 0x00, 0x05, 0x00, 0x00, 0x00,
	0x00, 0x00,
	/* clang-format on */
};

void
bytes_add(struct bytes *b, const void *data, size_t len)
{
	cr_assert_leq(len, sizeof(b->data) - b->len);
	if (len != 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
}

void
bytes_begin(struct bytes *b, uint8_t command, uint8_t family)
{
	const uint8_t fixed[4] = { command, family, 0, 0 };

	b->len = 0;
	bytes_add(b, signature, sizeof(signature));
	bytes_add(b, fixed, sizeof(fixed));
}

void
bytes_begin_with_addresses(struct bytes *b, uint8_t command, uint8_t family)
{
	char paths[2][108] = { "/run/client.sock", "" };

	bytes_begin(b, command, family);
	(void)snprintf(paths[1] + 1, sizeof(paths[1]) - 1, "abstract");
	switch (family >> 4) {
	case 1:
		bytes_add(b, v4_ends, sizeof(v4_ends));
		break;
	case 2:
		bytes_add(b, v6_ends, sizeof(v6_ends));
		break;
	case 3:
		bytes_add(b, paths, sizeof(paths));
		break;
	default:
		break;
	}
}

void
bytes_tlv(struct bytes *b, uint8_t type, const void *data, size_t len)
{
	const uint8_t head[3] = { type, (uint8_t)(len >> 8), (uint8_t)len };

	bytes_add(b, head, sizeof(head));
	bytes_add(b, data, len);
}

void
bytes_tlv_text(struct bytes *b, uint8_t type, const char *text)
{
	bytes_tlv(b, type, text, strlen(text));
}

/* Bit by bit, so that it shares nothing with what it tests. */
static uint32_t
slow_crc32c(const uint8_t *data, size_t len)
{
	uint32_t crc = 0xffffffff;
	size_t i;
	int k;

	for (i = 0; i < len; i++) {
		crc ^= data[i];
		for (k = 0; k < 8; k++)
			crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

void
bytes_end(struct bytes *b, size_t checksum_at)
{
	const size_t len = b->len - 16;
	uint8_t *field = b->data + checksum_at + 3;
	uint32_t crc;

	b->data[14] = (uint8_t)(len >> 8);
	b->data[15] = (uint8_t)len;
	if (checksum_at == 0)
		return;
	memset(field, 0, 4);
	crc = slow_crc32c(b->data, b->len);
	field[0] = (uint8_t)(crc >> 24);
	field[1] = (uint8_t)(crc >> 16);
	field[2] = (uint8_t)(crc >> 8);
	field[3] = (uint8_t)crc;
}

static struct sample *
add_sample(struct sample *s, const char *name, enum proxy_kind kind)
{
	(void)snprintf(s->name, sizeof(s->name), "%s", name);
	s->kind = kind;
	return s;
}

static void
add_line(struct sample *s, const char *line, enum proxy_kind kind)
{
	add_sample(s, line, kind);
	bytes_add(&s->bytes, line, strlen(line));
}

static void
add_capture(struct sample *s, const char *name, const uint8_t *data, size_t len)
{
	add_sample(s, name, PROXY_TCP4);
	s->has_checksum = true;
	s->checksum_at = 28;
	bytes_add(&s->bytes, data, len);
}

/* A header of this family, with TLVs around a checksum or with none at all. */
static void
add_v2(struct sample *s, uint8_t command, uint8_t family, bool with_checksum)
{
	char name[sizeof(s->name)];

	(void)snprintf(name, sizeof(name), "v2 %02x %02x%s", command, family,
	    with_checksum ? " with a checksum" : "");
	add_sample(s, name, PROXY_UNKNOWN);
	bytes_begin_with_addresses(&s->bytes, command, family);
	s->has_checksum = with_checksum;
	if (with_checksum) {
		if (command == V2_PROXY)
			bytes_tlv_text(&s->bytes, 0x02, "meters.example");
		s->checksum_at = s->bytes.len;
		bytes_tlv(&s->bytes, 0x03, "\0\0\0\0", 4);
		if (command == V2_PROXY)
			bytes_tlv(&s->bytes, 0x04, "\0\0\0\0\0\0\0", 7);
	}
	bytes_end(&s->bytes, s->checksum_at);
	if (command == V2_LOCAL)
		s->kind = PROXY_LOCAL;
	else if (family == 0x11)
		s->kind = PROXY_TCP4;
	else if (family == 0x21)
		s->kind = PROXY_TCP6;
	else if (family == 0x31)
		s->kind = PROXY_UNIX;
}

static size_t
make_samples(struct sample *s)
{
	static const uint8_t families[] = { 0x00, 0x11, 0x12, 0x21, 0x22, 0x31,
		0x32 };
	size_t i, n = 0;

	add_line(&s[n++], "PROXY TCP4 192.0.2.1 198.51.100.2 40000 7007\r\n",
	    PROXY_TCP4);
	add_line(&s[n++], "PROXY TCP6 2001:db8::1 2001:db8::2 40000 7007\r\n",
	    PROXY_TCP6);
	add_line(&s[n++], "PROXY UNKNOWN\r\n", PROXY_UNKNOWN);
	add_line(&s[n++], "PROXY UNKNOWN \r some \n thing \r\n", PROXY_UNKNOWN);
	add_capture(&s[n++], "haproxy, TLS", haproxy_tls, sizeof(haproxy_tls));
	add_capture(&s[n++], "haproxy", haproxy_plain, sizeof(haproxy_plain));
	for (i = 0; i < sizeof(families); i++) {
		add_v2(&s[n++], V2_PROXY, families[i], false);
		add_v2(&s[n++], V2_PROXY, families[i], true);
	}
	add_v2(&s[n++], V2_LOCAL, 0x00, false);
	add_v2(&s[n++], V2_LOCAL, 0x00, true);
	add_v2(&s[n++], V2_LOCAL, 0x11, false);
	cr_assert_leq(n, SAMPLE_MAX);
	return n;
}

const struct sample *
samples(size_t *count)
{
	static struct sample made[SAMPLE_MAX];
	static size_t n;

	if (n == 0)
		n = make_samples(made);
	*count = n;
	return made;
}

enum proxy_result
read_all(enum proxy_which which, const struct bytes *b, size_t *used,
    struct proxy_header *out)
{
	struct proxy_reader r = { .which = which };
	size_t len = b->len;
	enum proxy_result result;
	struct err e = { 0 };

	result = proxy_read(&r, b->data, &len, out, &e);
	cr_expect((result == PROXY_BAD) == (e.code != ERR_NONE));
	if (used != NULL)
		*used = len;
	return result;
}

void
expect_bad(enum proxy_which which, const struct bytes *b, const char *text)
{
	struct proxy_reader r = { .which = which };
	struct proxy_header out;
	size_t len = b->len;
	struct err e = { 0 };

	cr_assert_eq(proxy_read(&r, b->data, &len, &out, &e), PROXY_BAD,
	    "it should be refused: %s", text);
	cr_expect_eq(e.code, ERR_INVALID);
	cr_expect(strstr(e.text, text) != NULL, "\"%s\" has no \"%s\"", e.text,
	    text);
}
