#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "pool/proxy_header.h"
#include "proxy/proxy_write.h"

TestSuite(proxy_write, .timeout = 10);

#define V4(d)                                                           \
	{                                                               \
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 1, (d) \
	}
#define V6(d)                                                            \
	{                                                                \
		0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (d) \
	}

/* Write it, and read that with the reader of what load balancers send. */
static struct proxy_header
round_trip(const struct proxy_header *h)
{
	static struct proxy_reader reader;
	static struct proxy_header out;
	static uint8_t bytes[PROXY_V2_MAX];
	size_t len = proxy_write(h, bytes), used = len;
	struct err err = { .text = "" };

	memset(&reader, 0, sizeof(reader));
	reader.which = h->version == 1 ? PROXY_V1 : PROXY_V2;
	cr_assert_eq(proxy_read(&reader, bytes, &used, &out, &err), PROXY_DONE,
	    "%s", err.text);
	cr_assert_eq(used, len, "the header ends where it should");
	return out;
}

static void
expect_same_end(const struct proxy_end *got, const struct proxy_end *want)
{
	cr_expect_arr_eq(got->address, want->address, sizeof(want->address));
	cr_expect_eq(got->port, want->port);
	cr_expect_str_eq(got->path, want->path);
}

static void
expect_same(const struct proxy_header *got, const struct proxy_header *want)
{
	cr_expect_eq(got->kind, want->kind);
	cr_expect_eq(got->version, want->version);
	cr_expect_eq(got->has_checksum, want->has_checksum);
	expect_same_end(&got->source, &want->source);
	expect_same_end(&got->destination, &want->destination);
	cr_expect_str_eq(got->alpn, want->alpn);
	cr_expect_str_eq(got->authority, want->authority);
	cr_expect_str_eq(got->unique_id, want->unique_id);
	cr_expect_eq(got->ssl.is_present, want->ssl.is_present);
	cr_expect_eq(got->ssl.client, want->ssl.client);
	cr_expect_eq(got->ssl.verify, want->ssl.verify);
	cr_expect_str_eq(got->ssl.version, want->ssl.version);
	cr_expect_str_eq(got->ssl.cn, want->ssl.cn);
	cr_expect_str_eq(got->ssl.cipher, want->ssl.cipher);
}

static struct proxy_header full = {
	.kind = PROXY_TCP6,
	.version = 2,
	.has_checksum = true,
	.source = { .address = V6(1), .port = 65535 },
	.destination = { .address = V6(2), .port = 1 },
	.alpn = "mqtt",
	.authority = "meters.example",
	.unique_id = "b13cfa44-17",
	.ssl = { .is_present = true,
	    .client = PROXY_CLIENT_SSL | PROXY_CLIENT_CERT_CONN,
	    .verify = 0x01020304,
	    .version = "TLSv1.3",
	    .cn = "terminal 7",
	    .cipher = "TLS_AES_256_GCM_SHA384" },
};

ParameterizedTestParameters(proxy_write, is_read_as_it_was_written)
{
	static struct proxy_header headers[] = {
		{ .kind = PROXY_TCP4,
		    .version = 1,
		    .source = { .address = V4(7), .port = 40000 },
		    .destination = { .address = V4(255), .port = 7 } },
		{ .kind = PROXY_TCP6,
		    .version = 1,
		    .source = { .address = V6(1), .port = 65535 },
		    .destination = { .address = V6(0xff), .port = 1 } },
		{ .kind = PROXY_UNKNOWN, .version = 1 },
		{ .kind = PROXY_UNKNOWN, .version = 2 },
		{ .kind = PROXY_LOCAL, .version = 2 },
		{ .kind = PROXY_LOCAL, .version = 2, .has_checksum = true },
		{ .kind = PROXY_TCP4,
		    .version = 2,
		    .source = { .address = V4(7), .port = 40000 },
		    .destination = { .address = V4(255), .port = 7 } },
		{ .kind = PROXY_UNIX,
		    .version = 2,
		    .source = { .path = "@abstract" },
		    .destination = { .path = "/run/app.sock" } },
		{ .kind = PROXY_UNIX, .version = 2, .has_checksum = true },
		{ 0 },
	};
	const size_t count = sizeof(headers) / sizeof(headers[0]);

	headers[count - 1] = full;
	return cr_make_param_array(struct proxy_header, headers, count);
}

ParameterizedTest(struct proxy_header *h, proxy_write,
    is_read_as_it_was_written)
{
	const struct proxy_header got = round_trip(h);

	expect_same(&got, h);
}

Test(proxy_write, says_what_version_1_has_no_words_for_as_unknown)
{
	struct proxy_header h = full;
	uint8_t out[PROXY_V2_MAX];
	size_t len;

	h.version = 1;
	h.kind = PROXY_UNIX;
	len = proxy_write(&h, out);
	cr_expect_eq(len, 15);
	cr_expect_arr_eq(out, "PROXY UNKNOWN\r\n", 15);
	h.kind = PROXY_LOCAL;
	cr_expect_eq(proxy_write(&h, out), 15);
}

/* The line of the protocol's text that is the longest with addresses. */
Test(proxy_write, writes_version_1_as_the_protocol_shows_it)
{
	struct proxy_header h = { .kind = PROXY_TCP4,
		.version = 1,
		.source = { .address = V4(1), .port = 56324 },
		.destination = { .address = V4(11), .port = 443 } };
	const char want[] = "PROXY TCP4 10.0.1.1 10.0.1.11 56324 443\r\n";
	uint8_t out[PROXY_V2_MAX];

	cr_expect_eq(proxy_write(&h, out), strlen(want));
	cr_expect_arr_eq(out, want, strlen(want));
	memset(h.source.address, 0xff, 16);
	memset(h.destination.address, 0xff, 16);
	h.source.port = h.destination.port = 65535;
	h.kind = PROXY_TCP6;
	cr_expect_leq(proxy_write(&h, out), (size_t)PROXY_V1_MAX);
}

Test(proxy_write, cuts_what_is_too_long_and_fits_always)
{
	struct proxy_header h = full, got;

	h.kind = PROXY_UNIX;
	memset(h.source.path, 'a', sizeof(h.source.path) - 1);
	memset(h.destination.path, '@', sizeof(h.destination.path) - 1);
	memset(h.alpn, 'b', sizeof(h.alpn) - 1);
	memset(h.authority, 'c', sizeof(h.authority) - 1);
	memset(h.unique_id, 'd', sizeof(h.unique_id) - 1);
	memset(h.ssl.version, 'e', sizeof(h.ssl.version) - 1);
	memset(h.ssl.cn, 'f', sizeof(h.ssl.cn) - 1);
	memset(h.ssl.cipher, 'g', sizeof(h.ssl.cipher) - 1);
	got = round_trip(&h);
	cr_expect_eq(strlen(got.source.path), 108);
	cr_expect_eq(strlen(got.alpn), 255);
	cr_expect_eq(strlen(got.unique_id), 128);
	cr_expect_eq(strlen(got.ssl.cipher), 255);
}

Test(proxy_write, cuts_between_characters)
{
	static const char character[] = "\xe2\x82\xac";
	struct proxy_header h = full, got;

	memset(h.authority, 'a', 254);
	memcpy(h.authority + 253, character, sizeof(character));
	memset(h.alpn, 'b', 252);
	memcpy(h.alpn + 252, character, sizeof(character));
	got = round_trip(&h);
	cr_expect_eq(strlen(got.authority), 253);
	cr_expect_str_eq(got.alpn, h.alpn);
}
