/* What TLS contexts are made of, as bytes. */
#include "fuzz.h"
#include "tls/tls_material.h"

static const uint8_t *bytes_start, *bytes_end;

static void
check_within(const struct tls_bytes *b)
{
	if (b->data == NULL) {
		FUZZ_CHECK(b->len == 0);
		return;
	}
	FUZZ_CHECK(b->data >= bytes_start && b->data <= bytes_end);
	FUZZ_CHECK(b->len <= (size_t)(bytes_end - b->data));
}

static void
put(struct tls_writer *w, enum tls_tag tag, const struct tls_bytes *b)
{
	check_within(b);
	if (b->data != NULL)
		tls_material_put(w, tag, b->data, b->len);
}

static void
put_identity(struct tls_writer *w, const struct tls_identity *id)
{
	put(w, TLS_TAG_NAME, &id->name);
	put(w, TLS_TAG_CERT, &id->cert);
	put(w, TLS_TAG_KEY, &id->key);
}

/* Write down again what was read. */
static void
put_all(struct tls_writer *w, const struct tls_material *m)
{
	struct tls_material rest = *m;
	struct tls_identity id;
	size_t names = 0;

	tls_material_put_number(w, TLS_TAG_ROLE, m->role, 1);
	tls_material_put_number(w, TLS_TAG_VERIFY, m->verify, 1);
	tls_material_put_number(w, TLS_TAG_MIN_VERSION, m->min_version, 2);
	tls_material_put_number(w, TLS_TAG_TICKETS, m->tickets, 1);
	put(w, TLS_TAG_CIPHERS, &m->ciphers);
	put(w, TLS_TAG_CIPHERSUITES, &m->ciphersuites);
	put(w, TLS_TAG_ALPN, &m->alpn);
	put(w, TLS_TAG_CLIENT_CA, &m->client_ca);
	put(w, TLS_TAG_CRL, &m->crl);
	put_identity(w, &m->identity);
	for (; tls_material_next(&rest, &id); names++)
		put_identity(w, &id);
	FUZZ_CHECK(names <= TLS_NAMES_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *copy = fuzz_copy(data, len);
	struct tls_writer first = { 0 }, second = { 0 };
	struct tls_material m;
	struct err err;

	bytes_start = copy;
	bytes_end = copy + len;
	if (tls_material_parse(copy, len, &m, &err) == 0) {
		put_all(&first, &m);
		FUZZ_CHECK(!first.failed);
		FUZZ_CHECK(
		    tls_material_parse(first.bytes, first.size, &m, &err) == 0);
		bytes_start = first.bytes;
		bytes_end = first.bytes + first.size;
		put_all(&second, &m);
		FUZZ_CHECK(first.size == second.size);
		FUZZ_CHECK(memcmp(first.bytes, second.bytes, first.size) == 0);
	}
	tls_material_free(first.bytes, first.size);
	tls_material_free(second.bytes, second.size);
	free(copy);
	return 0;
}
