#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "pool/proxy_header.h"
#include "unit/proxy_bytes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char leftover[] = "what the client says";

static void
from_text(struct bytes *b, const char *text)
{
	b->len = 0;
	bytes_add(b, text, strlen(text));
}

static void
expect_ends(const struct proxy_header *h, const char *source,
    const char *destination)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(AF_INET6, h->source.address, text, sizeof(text));
	cr_expect_str_eq(text, source);
	inet_ntop(AF_INET6, h->destination.address, text, sizeof(text));
	cr_expect_str_eq(text, destination);
}

static void
expect_no_ends(const struct proxy_header *h)
{
	static const struct proxy_end none;

	cr_expect_eq(memcmp(&h->source, &none, sizeof(none)), 0);
	cr_expect_eq(memcmp(&h->destination, &none, sizeof(none)), 0);
}

static void
expect_sample(const struct sample *s, const struct proxy_header *h)
{
	cr_expect_eq(h->kind, s->kind, "%s: kind %d", s->name, h->kind);
	cr_expect_eq(h->has_checksum, s->has_checksum, "%s", s->name);
	cr_expect_eq(h->version, s->bytes.data[0] == 'P' ? 1 : 2);
}

Test(proxy_header, every_sample_is_read_and_no_byte_more)
{
	static struct bytes b;
	struct proxy_header h;
	size_t i, count, used;
	const struct sample *s = samples(&count);

	for (i = 0; i < count; i++) {
		cr_assert_eq(read_all(PROXY_ANY, &s[i].bytes, &used, &h),
		    PROXY_DONE, "%s", s[i].name);
		cr_expect_eq(used, s[i].bytes.len);
		expect_sample(&s[i], &h);
		b = s[i].bytes;
		bytes_add(&b, leftover, sizeof(leftover));
		cr_assert_eq(read_all(PROXY_ANY, &b, &used, &h), PROXY_DONE,
		    "%s", s[i].name);
		cr_expect_eq(used, s[i].bytes.len, "%s: %zu", s[i].name, used);
	}
}

/* Each piece from memory of its own, where a sanitizer sees a byte too many. */
static enum proxy_result
feed(struct proxy_reader *r, const uint8_t *data, size_t *len,
    struct proxy_header *out)
{
	uint8_t *copy = malloc(*len);
	enum proxy_result result;
	struct err e;

	cr_assert_not_null(copy);
	memcpy(copy, data, *len);
	result = proxy_read(r, copy, len, out, &e);
	free(copy);
	return result;
}

static void
split_at(const struct sample *s, size_t at)
{
	struct proxy_reader r = { 0 };
	struct proxy_header h, whole;
	static struct bytes b;
	size_t len = at;

	b = s->bytes;
	bytes_add(&b, leftover, sizeof(leftover));
	cr_assert_eq(feed(&r, b.data, &len, &h), PROXY_MORE, "%s at %zu",
	    s->name, at);
	cr_expect_eq(len, at);
	len = b.len - at;
	cr_assert_eq(feed(&r, b.data + at, &len, &h), PROXY_DONE, "%s at %zu",
	    s->name, at);
	cr_expect_eq(len, s->bytes.len - at, "%s at %zu: %zu", s->name, at,
	    len);
	cr_assert_eq(read_all(PROXY_ANY, &s->bytes, NULL, &whole), PROXY_DONE);
	cr_expect_eq(memcmp(&h, &whole, sizeof(h)), 0, "%s at %zu", s->name,
	    at);
}

/* The first piece is a truncated header, which is never enough. */
Test(proxy_header, any_split_into_two_is_read)
{
	size_t i, at, count;
	const struct sample *s = samples(&count);

	for (i = 0; i < count; i++)
		for (at = 1; at < s[i].bytes.len; at++)
			split_at(&s[i], at);
}

Test(proxy_header, byte_by_byte_is_read)
{
	struct proxy_reader r;
	struct proxy_header h;
	size_t i, k, len, count;
	const struct sample *s = samples(&count);

	for (i = 0; i < count; i++) {
		memset(&r, 0, sizeof(r));
		for (k = 0; k < s[i].bytes.len; k++) {
			len = 1;
			cr_assert_eq(feed(&r, s[i].bytes.data + k, &len, &h),
			    k + 1 == s[i].bytes.len ? PROXY_DONE : PROXY_MORE,
			    "%s at %zu", s[i].name, k);
			cr_assert_eq(len, 1);
		}
		expect_sample(&s[i], &h);
	}
}

/*
 * A checksum can't tell when a bit hides it: one of its own type, or of a
 * length with which all ends before it, or a TLV behind it; the samples have
 * such lengths that one bit does neither.
 */
static bool
hides_the_checksum(const struct sample *s, size_t byte)
{
	return byte == s->checksum_at;
}

static void
flip(const struct sample *s, size_t byte, unsigned int bit)
{
	static struct bytes b;
	struct proxy_header h;
	enum proxy_result result;
	size_t used;

	b = s->bytes;
	b.data[byte] = (uint8_t)(b.data[byte] ^ 1u << bit);
	result = read_all(PROXY_ANY, &b, &used, &h);
	cr_expect_leq(used, b.len);
	if (s->has_checksum && !hides_the_checksum(s, byte))
		cr_expect_neq(result, PROXY_DONE, "%s: bit %u of byte %zu",
		    s->name, bit, byte);
	if (s->bytes.data[0] != 'P' && byte < 12)
		cr_expect_eq(result, PROXY_BAD);
}

Test(proxy_header, a_flipped_bit_is_found_by_the_checksum)
{
	size_t i, byte, count;
	unsigned int bit;
	const struct sample *s = samples(&count);

	for (i = 0; i < count; i++)
		for (byte = 0; byte < s[i].bytes.len; byte++)
			for (bit = 0; bit < 8; bit++)
				flip(&s[i], byte, bit);
}

struct line_case {
	char line[128];
	enum proxy_kind kind;
	char source[INET6_ADDRSTRLEN];
	uint16_t source_port;
	char destination[INET6_ADDRSTRLEN];
	uint16_t destination_port;
};

ParameterizedTestParameters(proxy_header, good_lines)
{
	static struct line_case cases[] = {
		{ "PROXY TCP4 192.0.2.1 198.51.100.2 40000 7007\r\n",
		    PROXY_TCP4, "::ffff:192.0.2.1", 40000,
		    "::ffff:198.51.100.2", 7007 },
		{ "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
		    PROXY_TCP4, "::ffff:255.255.255.255", 65535,
		    "::ffff:255.255.255.255", 65535 },
		{ "PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", PROXY_TCP4,
		    "::ffff:0.0.0.0", 0, "::ffff:0.0.0.0", 0 },
		{ "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
		    PROXY_TCP6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		    65535, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535 },
		{ "PROXY TCP6 2001:DB8::1 0:0:0:0:0:0:0:1 1 2\r\n", PROXY_TCP6,
		    "2001:db8::1", 1, "::1", 2 },
		{ "PROXY TCP6 ::ffff:192.0.2.1 :: 9 10\r\n", PROXY_TCP6,
		    "::ffff:192.0.2.1", 9, "::", 10 },
		{ "PROXY UNKNOWN\r\n", PROXY_UNKNOWN, "::", 0, "::", 0 },
		{ "PROXY UNKNOWN \r\n", PROXY_UNKNOWN, "::", 0, "::", 0 },
		{ "PROXY UNKNOWN TCP4 1.2.3.4 \x1b\xff\r\n", PROXY_UNKNOWN,
		    "::", 0, "::", 0 },
		{ "PROXY UNKNOWN \n\r\r\n", PROXY_UNKNOWN, "::", 0, "::", 0 },
		{ "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
		    PROXY_UNKNOWN, "::", 0, "::", 0 },
	};

	return cr_make_param_array(struct line_case, cases, COUNT(cases));
}

ParameterizedTest(struct line_case *k, proxy_header, good_lines)
{
	static struct bytes b;
	struct proxy_header h;
	size_t used;

	from_text(&b, k->line);
	cr_assert_eq(read_all(PROXY_V1, &b, &used, &h), PROXY_DONE);
	cr_expect_eq(used, b.len);
	cr_expect_eq(h.version, 1);
	cr_expect_eq(h.kind, k->kind);
	cr_expect_eq(h.source.port, k->source_port);
	cr_expect_eq(h.destination.port, k->destination_port);
	expect_ends(&h, k->source, k->destination);
}

struct bad_case {
	char line[160];
	char why[48];
};

ParameterizedTestParameters(proxy_header, bad_lines)
{
	static struct bad_case cases[] = {
		{ "X", "byte 1 is 0x58, so this is no PROXY header" },
		{ "\x16", "it may be TLS" },
		{ "GET / HTTP/1.1\r\n", "byte 1 is 0x47" },
		{ "POST / HTTP/1.1\r\n", "byte 2 is 0x4f" },
		{ " PROXY UNKNOWN\r\n", "byte 1 " },
		{ "proxy UNKNOWN\r\n", "byte 1 " },
		{ "PROXY  ", "byte 7 " },
		{ "PROXY\tT", "byte 6 " },
		{ "PROXY UDP4", "byte 8 " },
		{ "PROXY TCP5", "byte 10 " },
		{ "PROXY TCP4\r", "byte 11 " },
		{ "PROXY UNKNOWNS\r\n", "byte 14 " },
		{ "PROXY UNKNOWN\n", "byte 14 " },
		{ "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", "CR LF" },
		{ "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\rX", "CR LF" },
		{ "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\r\n", "CR LF" },
		{ "PROXY TCP4 \r\n", "two addresses and two ports" },
		{ "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", "two addresses" },
		{ "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n", "two addresses" },
		{ "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n", "two addresses" },
		{ "PROXY TCP4  1.2.3.4 5.6.7.8 1\r\n", "source address is" },
		{ "PROXY TCP4 1.2.3.4  5.6.7.8 1\r\n", "destination address" },
		{ "PROXY TCP4 01.2.3.4 5.6.7.8 1 2\r\n", "is \"01.2.3.4\"" },
		{ "PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n", "source address" },
		{ "PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n", "source address" },
		{ "PROXY TCP4 ::1 ::1 1 2\r\n", "source address" },
		{ "PROXY TCP4 1.2.3.4 x\x1b[2J 1 2\r\n", "is \"x\\x1b[2J\"" },
		{ "PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", "source address" },
		{ "PROXY TCP6 fe80::1%1 ::1 1 2\r\n", "source address" },
		{ "PROXY TCP6 ::1 1::2::3 1 2\r\n", "destination address" },
		{ "PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n", "source port" },
		{ "PROXY TCP4 1.2.3.4 5.6.7.8 1 00\r\n", "destination port" },
		{ "PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n", "source port" },
		{ "PROXY TCP4 1.2.3.4 5.6.7.8 1 -2\r\n", "destination port" },
		{ "PROXY TCP4 1.2.3.4 5.6.7.8 1 +2\r\n", "destination port" },
		{ "PROXY TCP4 1.2.3.4 5.6.7.8 1 2x\r\n", "destination port" },
		{ "PROXY TCP4 1.2.3.4 5.6.7.8 1 4294967298\r\n",
		    "destination port" },
	};

	return cr_make_param_array(struct bad_case, cases, COUNT(cases));
}

ParameterizedTest(struct bad_case *k, proxy_header, bad_lines)
{
	static struct bytes b;

	from_text(&b, k->line);
	expect_bad(PROXY_ANY, &b, k->why);
}

Test(proxy_header, a_nul_does_not_end_a_line)
{
	static const char line[] = "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\0 3\r\n";
	static struct bytes b;

	bytes_add(&b, line, sizeof(line) - 1);
	expect_bad(PROXY_V1, &b, "NUL");
}

Test(proxy_header, a_line_has_107_bytes_at_most)
{
	static struct bytes b;
	struct proxy_header h;
	size_t used;

	from_text(&b, "PROXY UNKNOWN ");
	memset(b.data + b.len, 'x', PROXY_V1_MAX);
	b.len = PROXY_V1_MAX - 1;
	cr_expect_eq(read_all(PROXY_ANY, &b, &used, &h), PROXY_MORE);
	cr_expect_eq(used, b.len);
	b.len = PROXY_V1_MAX;
	expect_bad(PROXY_ANY, &b, "within 107 bytes");
	memcpy(b.data + PROXY_V1_MAX - 2, "\r\n", 2);
	cr_expect_eq(read_all(PROXY_ANY, &b, &used, &h), PROXY_DONE);
	memcpy(b.data + PROXY_V1_MAX - 2, "x\r\n", 3);
	b.len = PROXY_V1_MAX + 1;
	expect_bad(PROXY_ANY, &b, "within 107 bytes");
}

Test(proxy_header, only_the_wanted_version_is_taken)
{
	static struct bytes one, two;
	struct proxy_header h;

	from_text(&one, "PROXY UNKNOWN\r\n");
	bytes_begin(&two, V2_LOCAL, 0x00);
	cr_expect_eq(read_all(PROXY_V1, &one, NULL, &h), PROXY_DONE);
	cr_expect_eq(read_all(PROXY_V2, &two, NULL, &h), PROXY_DONE);
	expect_bad(PROXY_V2, &one, "version 1, but only version 2 is taken");
	expect_bad(PROXY_V1, &two, "version 2, but only version 1 is taken");
	one.len = two.len = 1;
	expect_bad(PROXY_V2, &one, "version 1, but only version 2 is taken");
	expect_bad(PROXY_V1, &two, "version 2, but only version 1 is taken");
}

Test(proxy_header, a_first_byte_that_begins_none_is_refused)
{
	static struct bytes b = { .len = 1 };
	unsigned int byte;

	for (byte = 0; byte <= UINT8_MAX; byte++) {
		b.data[0] = (uint8_t)byte;
		if (byte != 'P' && byte != '\r')
			expect_bad(PROXY_ANY, &b, "so this is no PROXY header");
	}
}

Test(proxy_header, version_2_addresses)
{
	static struct bytes b;
	struct proxy_header h;

	bytes_begin_with_addresses(&b, V2_PROXY, 0x11);
	bytes_end(&b, 0);
	cr_assert_eq(read_all(PROXY_V2, &b, NULL, &h), PROXY_DONE);
	expect_ends(&h, "::ffff:192.0.2.1", "::ffff:198.51.100.2");
	cr_expect_eq(h.source.port, 40000);
	cr_expect_eq(h.destination.port, 7007);
	bytes_begin_with_addresses(&b, V2_PROXY, 0x21);
	bytes_end(&b, 0);
	cr_assert_eq(read_all(PROXY_V2, &b, NULL, &h), PROXY_DONE);
	expect_ends(&h, "2001:db8::1", "2001:db8::2");
	cr_expect_eq(h.source.port, 40000);
	cr_expect_eq(h.destination.port, 7007);
	bytes_begin_with_addresses(&b, V2_PROXY, 0x31);
	bytes_end(&b, 0);
	cr_assert_eq(read_all(PROXY_V2, &b, NULL, &h), PROXY_DONE);
	cr_expect_str_eq(h.source.path, "/run/client.sock");
	cr_expect_str_eq(h.destination.path, "@abstract");
}

Test(proxy_header, unix_paths_may_be_full_or_empty_or_strange)
{
	char paths[2][108];
	static struct bytes b;
	struct proxy_header h;

	memset(paths[0], '\n', sizeof(paths[0]));
	memset(paths[1], 0, sizeof(paths[1]));
	bytes_begin(&b, V2_PROXY, 0x31);
	bytes_add(&b, paths, sizeof(paths));
	bytes_end(&b, 0);
	cr_assert_eq(read_all(PROXY_ANY, &b, NULL, &h), PROXY_DONE);
	cr_expect_eq(strlen(h.source.path), 4 * 108);
	cr_expect_eq(memcmp(h.source.path, "\\x0a\\x0a", 8), 0);
	cr_expect_str_eq(h.destination.path, "");
	paths[1][107] = 'z';
	bytes_begin(&b, V2_PROXY, 0x31);
	bytes_add(&b, paths, sizeof(paths));
	bytes_end(&b, 0);
	cr_assert_eq(read_all(PROXY_ANY, &b, NULL, &h), PROXY_DONE);
	cr_expect_eq(strlen(h.destination.path), 1 + 4 * 106 + 1);
}

/* Whose connection it is, these say nothing of; addresses may be there. */
Test(proxy_header, local_unknown_and_datagrams_have_no_addresses)
{
	static const uint8_t heads[][2] = {
		{ V2_LOCAL, 0x00 },
		{ V2_LOCAL, 0x11 },
		{ V2_LOCAL, 0x21 },
		{ V2_LOCAL, 0x31 },
		{ V2_LOCAL, 0xff },
		{ V2_PROXY, 0x00 },
		{ V2_PROXY, 0x12 },
		{ V2_PROXY, 0x22 },
		{ V2_PROXY, 0x32 },
	};
	static struct bytes b;
	struct proxy_header h;
	size_t i;

	for (i = 0; i < COUNT(heads); i++) {
		bytes_begin_with_addresses(&b, heads[i][0], heads[i][1]);
		bytes_end(&b, 0);
		cr_assert_eq(read_all(PROXY_V2, &b, NULL, &h), PROXY_DONE,
		    "%zu", i);
		cr_expect_eq(h.kind,
		    heads[i][0] == V2_LOCAL ? PROXY_LOCAL : PROXY_UNKNOWN);
		expect_no_ends(&h);
	}
}

/* The protocol wants it skipped; who refused a check would be taken for down.
 */
Test(proxy_header, a_local_header_may_hold_anything)
{
	static struct bytes b;
	struct proxy_header h;
	size_t used;

	bytes_begin(&b, V2_LOCAL, 0x00);
	bytes_add(&b, "\xc0\xa8\x00\x01\xc0\xa8\x00\x02\x00\x50\x00\x51", 12);
	bytes_end(&b, 0);
	cr_assert_eq(read_all(PROXY_ANY, &b, &used, &h), PROXY_DONE);
	cr_expect_eq(used, b.len);
	bytes_begin(&b, V2_LOCAL, 0x31);
	bytes_tlv_text(&b, 0x02, "meters.example");
	bytes_end(&b, 0);
	cr_assert_eq(read_all(PROXY_ANY, &b, &used, &h), PROXY_DONE);
	cr_expect_eq(used, b.len);
	cr_expect_str_eq(h.authority, "");
}

Test(proxy_header, version_2_says_what_is_wrong_with_it)
{
	static struct bytes b;
	unsigned int family;

	bytes_begin(&b, 0x11, 0x11);
	expect_bad(PROXY_ANY, &b, "is of version 1");
	bytes_begin(&b, 0x31, 0x11);
	expect_bad(PROXY_ANY, &b, "is of version 3");
	bytes_begin(&b, 0x22, 0x11);
	expect_bad(PROXY_ANY, &b, "command is 2");
	for (family = 0; family <= UINT8_MAX; family++) {
		bytes_begin(&b, V2_PROXY, (uint8_t)family);
		if (family != 0 &&
		    (family >> 4 == 0 || family >> 4 > 3 ||
			(family & 15) == 0 || (family & 15) > 2))
			expect_bad(PROXY_ANY, &b, "family and transport");
		else if (family != 0)
			expect_bad(PROXY_ANY, &b, "0 bytes after its first 16");
	}
}

Test(proxy_header, addresses_must_be_whole)
{
	static const uint8_t heads[][2] = { { 0x11, 12 }, { 0x12, 12 },
		{ 0x21, 36 }, { 0x22, 36 }, { 0x31, 216 }, { 0x32, 216 } };
	static struct bytes b;
	uint8_t len;
	size_t i;

	for (i = 0; i < COUNT(heads); i++)
		for (len = 0; len < heads[i][1]; len++) {
			bytes_begin(&b, V2_PROXY, heads[i][0]);
			b.data[15] = len;
			expect_bad(PROXY_ANY, &b, "too few for its addresses");
		}
}

/* As soon as the length is known, of which nothing is kept. */
Test(proxy_header, a_long_one_is_refused_at_byte_16)
{
	static const uint8_t padding[PROXY_V2_MAX];
	static struct bytes b;
	struct proxy_header h;
	unsigned int len;

	for (len = PROXY_V2_MAX - 16 + 1; len <= UINT16_MAX; len += 97) {
		bytes_begin(&b, V2_PROXY, 0x11);
		b.data[14] = (uint8_t)(len >> 8);
		b.data[15] = (uint8_t)len;
		expect_bad(PROXY_ANY, &b, "more than 2048");
		b.data[12] = V2_LOCAL;
		expect_bad(PROXY_ANY, &b, "more than 2048");
	}
	bytes_begin_with_addresses(&b, V2_PROXY, 0x11);
	bytes_tlv(&b, 0x04, padding, PROXY_V2_MAX - b.len - 3);
	bytes_end(&b, 0);
	cr_expect_eq(b.len, PROXY_V2_MAX);
	cr_expect_eq(read_all(PROXY_ANY, &b, NULL, &h), PROXY_DONE);
}
