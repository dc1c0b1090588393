#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "pool/proxy_header.h"
#include "unit/proxy_bytes.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct bytes b;

static void
begin(void)
{
	bytes_begin_with_addresses(&b, V2_PROXY, 0x11);
}

/* Read what was built. */
static void
finish(struct proxy_header *h)
{
	bytes_end(&b, 0);
	cr_assert_eq(read_all(PROXY_V2, &b, NULL, h), PROXY_DONE);
}

static void
finish_bad(const char *text)
{
	bytes_end(&b, 0);
	expect_bad(PROXY_V2, &b, text);
}

Test(proxy_tlv, what_haproxy_sends)
{
	struct proxy_header h;
	size_t i, count;
	const struct sample *s = samples(&count);

	for (i = 0; i < count && strcmp(s[i].name, "haproxy, TLS") != 0; i++)
		;
	cr_assert_lt(i, count);
	cr_assert_eq(read_all(PROXY_V2, &s[i].bytes, NULL, &h), PROXY_DONE);
	cr_expect(h.has_checksum);
	cr_expect_str_eq(h.alpn, "demo");
	cr_expect_str_eq(h.authority, "meters.example");
	cr_expect_str_eq(h.unique_id, "7F000001:EA46_6B01905C");
	cr_expect_str_eq(h.netns, "");
	cr_expect(h.ssl.is_present);
	cr_expect_eq(h.ssl.client,
	    PROXY_CLIENT_SSL | PROXY_CLIENT_CERT_CONN | PROXY_CLIENT_CERT_SESS);
	cr_expect_eq(h.ssl.verify, 0);
	cr_expect_str_eq(h.ssl.version, "TLSv1.3");
	cr_expect_str_eq(h.ssl.cn, "meter-0042.example");
	cr_expect_str_eq(h.ssl.cipher, "TLS_AES_256_GCM_SHA384");
	cr_expect_str_eq(h.ssl.sig_alg, "RSA-SHA256");
	cr_expect_str_eq(h.ssl.key_alg, "RSA2048");
	cr_assert_eq(read_all(PROXY_V2, &s[i + 1].bytes, NULL, &h), PROXY_DONE);
	cr_expect(h.ssl.is_present);
	cr_expect_eq(h.ssl.client, 0);
}

Test(proxy_tlv, unknown_ones_are_skipped)
{
	struct proxy_header h;
	unsigned int type;

	begin();
	for (type = 0; type <= UINT8_MAX; type++)
		if (type != 0x20 && type != 0x03)
			bytes_tlv(&b, (uint8_t)type, "ab", type % 3);
	bytes_tlv(&b, 0xe0, "x", 1);
	bytes_tlv(&b, 0xe0, "y", 1);
	bytes_tlv(&b, 0x04, "", 0);
	bytes_tlv(&b, 0x30 + 1, "z", 1);
	finish(&h);
	cr_expect_str_eq(h.alpn, "a");
	cr_expect_str_eq(h.authority, "ab");
	cr_expect_str_eq(h.unique_id, "ab");
	cr_expect_str_eq(h.netns, "");
	cr_expect(!h.ssl.is_present);
	cr_expect(!h.has_checksum);
}

/* Of unknown addresses too: a sender may know who but not from where. */
Test(proxy_tlv, are_read_without_addresses)
{
	struct proxy_header h;

	bytes_begin(&b, V2_PROXY, 0x00);
	bytes_tlv_text(&b, 0x02, "meters.example");
	finish(&h);
	cr_expect_eq(h.kind, PROXY_UNKNOWN);
	cr_expect_str_eq(h.authority, "meters.example");
}

struct length_case {
	uint8_t type;
	uint8_t byte; /* of which the value is made */
	size_t longest;
};

ParameterizedTestParameters(proxy_tlv, values_have_a_longest)
{
	static struct length_case cases[] = {
		{ 0x01, 'x', 255 },
		{ 0x02, 'x', 255 },
		{ 0x02, '\n', 64 },
		{ 0x05, 'x', 128 },
		{ 0x05, 0xff, 128 },
		{ 0x30, 'x', 255 },
	};

	return cr_make_param_array(struct length_case, cases, COUNT(cases));
}

ParameterizedTest(struct length_case *k, proxy_tlv, values_have_a_longest)
{
	uint8_t value[256];
	struct proxy_header h;

	memset(value, k->byte, sizeof(value));
	begin();
	bytes_tlv(&b, k->type, value, k->longest);
	finish(&h);
	begin();
	bytes_tlv(&b, k->type, value, k->longest + 1);
	finish_bad("is too long");
}

Test(proxy_tlv, texts_are_escaped)
{
	struct proxy_header h;
	uint8_t ssl[64] = { 1, 0, 0, 0, 1, 0x22, 0, 7, 'M', 0xfc, 'l', 'l', 'e',
		'r', '\n' };

	begin();
	bytes_tlv(&b, 0x01, "h2\0\x1b", 4);
	bytes_tlv_text(&b, 0x02,
	    "b\xc3\xbc"
	    "cher.example");
	bytes_tlv(&b, 0x05,
	    "\0\xff"
	    "A",
	    3);
	bytes_tlv_text(&b, 0x30, "a\\b");
	bytes_tlv(&b, 0x20, ssl, 15);
	finish(&h);
	cr_expect_str_eq(h.alpn, "h2\\x00\\x1b");
	cr_expect_str_eq(h.authority,
	    "b\xc3\xbc"
	    "cher.example");
	cr_expect_str_eq(h.unique_id, "\\x00\\xffA");
	cr_expect_str_eq(h.netns, "a\\\\b");
	cr_expect_str_eq(h.ssl.cn, "M\\xfcller\\x0a");
	cr_expect_eq(h.ssl.verify, 1);
}

Test(proxy_tlv, a_known_one_may_not_come_twice)
{
	static const uint8_t types[] = { 0x01, 0x02, 0x05, 0x20, 0x30 };
	char text[32];
	size_t i;

	for (i = 0; i < COUNT(types); i++) {
		begin();
		bytes_tlv(&b, types[i], "\0\0\0\0\0", 5);
		bytes_tlv(&b, types[i], "\0\0\0\0\0", 5);
		(void)snprintf(text, sizeof(text), "TLV 0x%02x", types[i]);
		finish_bad(text);
	}
	begin();
	bytes_tlv(&b, 0x20, "\1\0\0\0\0\x21\0\1a\x22\0\1b\x21\0\1c", 17);
	finish_bad("TLV 0x21 of the PROXY header came twice");
}

Test(proxy_tlv, must_end_where_the_header_ends)
{
	static const uint8_t one[] = { 0x02, 0, 3, 'a', 'b', 'c' };
	size_t cut;

	for (cut = 1; cut < sizeof(one); cut++) {
		begin();
		bytes_tlv_text(&b, 0x01, "demo");
		bytes_add(&b, one, cut);
		finish_bad("TLV 0x02 of the PROXY header is longer");
	}
	begin();
	bytes_add(&b, "\xe0\xff\xff", 3);
	finish_bad("TLV 0xe0");
}

Test(proxy_tlv, inner_ones_must_end_where_the_outer_one_ends)
{
	static const uint8_t ssl[] = { 1, 0, 0, 0, 0, 0x22, 0, 3, 'a', 'b',
		'c' };
	struct proxy_header h;
	size_t cut;

	for (cut = 0; cut < 5; cut++) {
		begin();
		bytes_tlv(&b, 0x20, ssl, cut);
		bytes_tlv_text(&b, 0x04, "aligned with something");
		finish_bad("less than 5");
	}
	begin();
	bytes_tlv(&b, 0x20, ssl, 5);
	finish(&h);
	cr_expect_eq(h.ssl.client, PROXY_CLIENT_SSL);
	for (cut = 6; cut < sizeof(ssl); cut++) {
		begin();
		bytes_tlv(&b, 0x20, ssl, cut);
		bytes_tlv_text(&b, 0x04, "aligned with something");
		finish_bad("TLV 0x22 of the PROXY header is longer");
	}
}

Test(proxy_tlv, a_checksum_must_be_right_and_the_only_one)
{
	static const uint8_t zeros[5];
	struct proxy_header h;
	size_t at;

	begin();
	at = b.len;
	bytes_tlv(&b, 0x03, zeros, 4);
	bytes_end(&b, at);
	cr_assert_eq(read_all(PROXY_V2, &b, NULL, &h), PROXY_DONE);
	cr_expect(h.has_checksum);
	bytes_tlv_text(&b, 0x04, "more");
	finish_bad("checksum is ");
	begin();
	bytes_tlv(&b, 0x03, zeros, 3);
	finish_bad("checksum has 3 bytes");
	begin();
	bytes_tlv(&b, 0x03, zeros, 5);
	finish_bad("checksum has 5 bytes");
	begin();
	at = b.len;
	bytes_tlv(&b, 0x04, zeros, 4);
	bytes_tlv(&b, 0x03, zeros, 4);
	bytes_tlv(&b, 0x03, zeros, 4);
	bytes_end(&b, at + 7);
	expect_bad(PROXY_V2, &b, "TLV 0x03 of the PROXY header came twice");
}

Test(proxy_tlv, a_local_headers_checksum_counts_as_well)
{
	struct proxy_header h;

	bytes_begin_with_addresses(&b, V2_LOCAL, 0x11);
	bytes_tlv_text(&b, 0x02, "meters.example");
	bytes_tlv(&b, 0x03, "\0\0\0\0", 4);
	bytes_end(&b, b.len - 7);
	cr_assert_eq(read_all(PROXY_V2, &b, NULL, &h), PROXY_DONE);
	cr_expect_eq(h.kind, PROXY_LOCAL);
	cr_expect(h.has_checksum);
	cr_expect_str_eq(h.authority, "");
	b.data[20] ^= 1;
	expect_bad(PROXY_V2, &b, "checksum is ");
}
