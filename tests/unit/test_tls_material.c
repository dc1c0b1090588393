#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tls/tls_material.h"

/* One of each item. */
static struct tls_writer
make_full(void)
{
	struct tls_writer w = { 0 };

	tls_material_put_number(&w, TLS_TAG_ROLE, TLS_ROLE_SERVER, 1);
	tls_material_put_number(&w, TLS_TAG_VERIFY, TLS_VERIFY_REQUIRED, 1);
	tls_material_put_number(&w, TLS_TAG_MIN_VERSION, 0x0304, 2);
	tls_material_put_number(&w, TLS_TAG_TICKETS, 0, 1);
	tls_material_put(&w, TLS_TAG_CIPHERS, "HIGH", 4);
	tls_material_put(&w, TLS_TAG_CIPHERSUITES, "SUITE", 5);
	tls_material_put(&w, TLS_TAG_ALPN, "\2h2\1x", 5);
	tls_material_put(&w, TLS_TAG_CLIENT_CA, "ca", 2);
	tls_material_put(&w, TLS_TAG_CRL, "crl", 3);
	tls_material_put(&w, TLS_TAG_CERT, "cert", 4);
	tls_material_put(&w, TLS_TAG_KEY, "key", 3);
	tls_material_put(&w, TLS_TAG_NAME, "a", 1);
	tls_material_put(&w, TLS_TAG_CERT, "cert a", 6);
	tls_material_put(&w, TLS_TAG_KEY, "key a", 5);
	tls_material_put(&w, TLS_TAG_NAME, "b", 1);
	tls_material_put(&w, TLS_TAG_CERT, "cert b", 6);
	tls_material_put(&w, TLS_TAG_KEY, "key b", 5);
	cr_assert(!w.failed);
	return w;
}

static int
parse(const void *bytes, size_t size)
{
	struct tls_material m;
	struct err err;

	return tls_material_parse(bytes, size, &m, &err);
}

static int
is(struct tls_bytes b, const char *text)
{
	return b.len == strlen(text) && memcmp(b.data, text, b.len) == 0;
}

Test(tls_material, what_is_put_is_parsed)
{
	struct tls_writer w = make_full();
	struct tls_material m;
	struct tls_identity id;
	struct err err;

	cr_assert_eq(tls_material_parse(w.bytes, w.size, &m, &err), 0, "%s",
	    err.text);
	cr_expect_eq(m.role, TLS_ROLE_SERVER);
	cr_expect_eq(m.verify, TLS_VERIFY_REQUIRED);
	cr_expect_eq(m.min_version, 0x0304);
	cr_expect(!m.tickets);
	cr_expect(is(m.ciphers, "HIGH"));
	cr_expect(is(m.ciphersuites, "SUITE"));
	cr_expect(is(m.alpn, "\2h2\1x"));
	cr_expect(is(m.client_ca, "ca"));
	cr_expect(is(m.crl, "crl"));
	cr_expect(is(m.identity.cert, "cert"));
	cr_expect(is(m.identity.key, "key"));
	cr_assert(tls_material_next(&m, &id));
	cr_expect(is(id.name, "a"));
	cr_expect(is(id.cert, "cert a"));
	cr_expect(is(id.key, "key a"));
	cr_assert(tls_material_next(&m, &id));
	cr_expect(is(id.name, "b"));
	cr_expect(!tls_material_next(&m, &id));
	tls_material_free(w.bytes, w.size);
}

Test(tls_material, defaults)
{
	struct tls_writer w = { 0 };
	struct tls_material m;
	struct err err;

	tls_material_put_number(&w, TLS_TAG_ROLE, TLS_ROLE_CLIENT, 1);
	cr_assert_eq(tls_material_parse(w.bytes, w.size, &m, &err), 0);
	cr_expect_eq(m.role, TLS_ROLE_CLIENT);
	cr_expect_eq(m.verify, TLS_VERIFY_NONE);
	cr_expect_eq(m.min_version, 0x0303);
	cr_expect(m.tickets);
	cr_expect_null(m.identity.cert.data);
	cr_expect_null(m.alpn.data);
	tls_material_free(w.bytes, w.size);
}

/* Cut where an item ends it may be whole; nowhere may it be read beyond. */
Test(tls_material, every_truncation)
{
	struct tls_writer w = make_full();
	size_t size, good = 0;
	uint8_t *copy;

	for (size = 0; size < w.size; size++) {
		copy = malloc(size == 0 ? 1 : size);
		memcpy(copy, w.bytes, size);
		good += parse(copy, size) == 0;
		free(copy);
	}
	/* Behind the magic and 9 items, the certificate, and each name. */
	cr_expect_eq(good, 1 + 9 + 1 + 1);
	tls_material_free(w.bytes, w.size);
}

Test(tls_material, every_flipped_bit)
{
	struct tls_writer w = make_full();
	size_t i, bit;

	for (i = 0; i < w.size; i++)
		for (bit = 0; bit < 8; bit++) {
			w.bytes[i] ^= (uint8_t)(1u << bit);
			(void)parse(w.bytes, w.size);
			w.bytes[i] ^= (uint8_t)(1u << bit);
		}
	cr_expect_eq(parse(w.bytes, w.size), 0);
	tls_material_free(w.bytes, w.size);
}

static void
expect_bad(enum tls_tag tag, const void *bytes, size_t len)
{
	struct tls_writer w = { 0 };

	tls_material_put(&w, tag, bytes, len);
	cr_expect_eq(parse(w.bytes, w.size), -1, "tag %u", tag);
	tls_material_free(w.bytes, w.size);
}

Test(tls_material, values_out_of_range)
{
	expect_bad(TLS_TAG_ROLE, "\2", 1);
	expect_bad(TLS_TAG_ROLE, "\0\0", 2);
	expect_bad(TLS_TAG_ROLE, "", 0);
	expect_bad(TLS_TAG_VERIFY, "\3", 1);
	expect_bad(TLS_TAG_TICKETS, "\2", 1);
	expect_bad(TLS_TAG_MIN_VERSION, "\2\3", 2);
	expect_bad(TLS_TAG_MIN_VERSION, "\5\3", 2);
	expect_bad(TLS_TAG_ALPN, "", 0);
	expect_bad(TLS_TAG_ALPN, "\0", 1);
	expect_bad(TLS_TAG_ALPN, "\3h2", 3);
	expect_bad(TLS_TAG_CIPHERS, "", 0);
	expect_bad(TLS_TAG_CIPHERS, "a\0b", 3);
	expect_bad(TLS_TAG_CERT, "c", 1);
	expect_bad(TLS_TAG_KEY, "k", 1);
	expect_bad(TLS_TAG_NAME, "n", 1);
	expect_bad(TLS_TAG_NONE, "n", 1);
	expect_bad(TLS_TAG_COUNT, "n", 1);
}

Test(tls_material, items_out_of_order)
{
	struct tls_writer w = { 0 };

	tls_material_put(&w, TLS_TAG_CRL, "x", 1);
	tls_material_put(&w, TLS_TAG_CLIENT_CA, "x", 1);
	cr_expect_eq(parse(w.bytes, w.size), -1);
	tls_material_free(w.bytes, w.size);
	memset(&w, 0, sizeof(w));
	tls_material_put(&w, TLS_TAG_CRL, "x", 1);
	tls_material_put(&w, TLS_TAG_CRL, "x", 1);
	cr_expect_eq(parse(w.bytes, w.size), -1);
	tls_material_free(w.bytes, w.size);
}

Test(tls_material, too_much)
{
	struct tls_writer w = { 0 };
	char *much = calloc(1, TLS_MATERIAL_MAX);
	size_t i;

	memset(much, 'x', TLS_MATERIAL_MAX);
	tls_material_put(&w, TLS_TAG_CIPHERS, much, TLS_MATERIAL_MAX);
	cr_expect(w.failed);
	tls_material_free(w.bytes, w.size);
	memset(&w, 0, sizeof(w));
	tls_material_put(&w, TLS_TAG_CIPHERS, much, TLS_MATERIAL_MAX - 64);
	cr_expect(!w.failed);
	cr_expect_eq(parse(w.bytes, w.size), 0);
	tls_material_put(&w, TLS_TAG_ALPN, much, 64);
	cr_expect(w.failed);
	tls_material_free(w.bytes, w.size);
	memset(&w, 0, sizeof(w));
	for (i = 0; i <= TLS_NAMES_MAX; i++) {
		tls_material_put(&w, TLS_TAG_NAME, "n", 1);
		tls_material_put(&w, TLS_TAG_CERT, "c", 1);
		tls_material_put(&w, TLS_TAG_KEY, "k", 1);
	}
	cr_expect_eq(parse(w.bytes, w.size), -1);
	tls_material_free(w.bytes, w.size);
	free(much);
}
