/*
 * The PROXY header that we write for an upstream, read again. Of the input the
 * first bytes say what kind of header it is and have the addresses; then come
 * the texts, each on a line.
 */
#include "common/err.h"
#include "fuzz.h"
#include "pool/printable.h"
#include "pool/proxy_header.h"
#include "proxy/proxy_write.h"

/* What fits into a header. */
#define TEXT_MAX 255
#define ID_MAX 128
#define PATH_MAX_BYTES 108

#define KINDS (PROXY_UNIX + 1)

enum how { HOW_V1 = 0x01, HOW_CHECKSUM = 0x02, HOW_SSL = 0x04 };

static void
take_end(struct fuzz_input *in, enum proxy_kind kind, struct proxy_end *end)
{
	static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };
	size_t i;

	for (i = 0; i < sizeof(end->address); i++)
		end->address[i] = fuzz_byte(in);
	end->port = fuzz_word(in);
	if (kind == PROXY_TCP4)
		memcpy(end->address, v4_prefix, sizeof(v4_prefix));
}

static void
take_header(struct fuzz_input *in, struct proxy_header *h)
{
	const uint8_t how = fuzz_byte(in);

	h->kind = (enum proxy_kind)(fuzz_byte(in) % KINDS);
	h->version = how & HOW_V1 ? 1 : 2;
	h->has_checksum = how & HOW_CHECKSUM;
	h->ssl.is_present = how & HOW_SSL;
	h->ssl.client = fuzz_byte(in);
	h->ssl.verify = fuzz_word(in);
	take_end(in, h->kind, &h->source);
	take_end(in, h->kind, &h->destination);
	fuzz_text(in, h->source.path, sizeof(h->source.path));
	fuzz_text(in, h->destination.path, sizeof(h->destination.path));
	fuzz_text(in, h->alpn, sizeof(h->alpn));
	fuzz_text(in, h->authority, sizeof(h->authority));
	fuzz_text(in, h->unique_id, sizeof(h->unique_id));
	fuzz_text(in, h->ssl.version, sizeof(h->ssl.version));
	fuzz_text(in, h->ssl.cn, sizeof(h->ssl.cn));
	fuzz_text(in, h->ssl.cipher, sizeof(h->ssl.cipher));
}

/* How much of a text is written: whole characters. */
static size_t
cut_length(const char *text, size_t max)
{
	size_t len = strnlen(text, max);

	while (len == max && len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80)
		max = --len;
	return len;
}

/* Can what is written of it be shown? If not, the reader refuses it. */
static bool
fits(const char *text, size_t max, size_t size)
{
	char shown[4 * TEXT_MAX + 1];

	return printable((const uint8_t *)text, cut_length(text, max), shown,
		   size) == 0;
}

static bool
all_fits(const struct proxy_header *h)
{
	if (h->version == 1 || h->kind == PROXY_LOCAL)
		return true;
	return fits(h->alpn, TEXT_MAX, sizeof(h->alpn)) &&
	    fits(h->authority, TEXT_MAX, sizeof(h->authority)) &&
	    (!h->ssl.is_present ||
		(fits(h->ssl.version, TEXT_MAX, sizeof(h->ssl.version)) &&
		    fits(h->ssl.cn, TEXT_MAX, sizeof(h->ssl.cn)) &&
		    fits(h->ssl.cipher, TEXT_MAX, sizeof(h->ssl.cipher))));
}

/* Did the text arrive, as far as there was room for it, as it is shown? */
static void
check_text(const char *written, size_t max, const char *read)
{
	char shown[4 * TEXT_MAX + 1];

	FUZZ_CHECK(printable((const uint8_t *)written, cut_length(written, max),
		       shown, sizeof(shown)) == 0);
	FUZZ_CHECK(strcmp(read, shown) == 0);
}

static void
check_path(const char *written, const char *read)
{
	char shown[4 * PATH_MAX_BYTES + 1];

	/* A name that is empty but for its mark is none. */
	if (strcmp(written, "@") == 0)
		return;
	FUZZ_CHECK(
	    printable((const uint8_t *)written,
		strnlen(written, PATH_MAX_BYTES), shown, sizeof(shown)) == 0);
	FUZZ_CHECK(strcmp(read, shown) == 0);
}

static void
check_end(enum proxy_kind kind, const struct proxy_end *written,
    const struct proxy_end *read)
{
	if (kind == PROXY_UNIX) {
		check_path(written->path, read->path);
		return;
	}
	FUZZ_CHECK(written->port == read->port);
	FUZZ_CHECK(memcmp(written->address, read->address,
		       sizeof(read->address)) == 0);
}

static void
check_ssl(const struct proxy_ssl *written, const struct proxy_ssl *read)
{
	FUZZ_CHECK(written->is_present == read->is_present);
	if (!written->is_present)
		return;
	FUZZ_CHECK(written->client == read->client);
	FUZZ_CHECK(written->verify == read->verify);
	check_text(written->version, TEXT_MAX, read->version);
	check_text(written->cn, TEXT_MAX, read->cn);
	check_text(written->cipher, TEXT_MAX, read->cipher);
}

static bool
has_ends(enum proxy_kind kind)
{
	return kind == PROXY_TCP4 || kind == PROXY_TCP6 || kind == PROXY_UNIX;
}

static void
check_v2(const struct proxy_header *h, const struct proxy_header *read)
{
	FUZZ_CHECK(h->kind == read->kind);
	FUZZ_CHECK(h->has_checksum == read->has_checksum);
	if (has_ends(h->kind)) {
		check_end(h->kind, &h->source, &read->source);
		check_end(h->kind, &h->destination, &read->destination);
	}
	if (h->kind == PROXY_LOCAL)
		return;
	check_text(h->alpn, TEXT_MAX, read->alpn);
	check_text(h->authority, TEXT_MAX, read->authority);
	check_text(h->unique_id, ID_MAX, read->unique_id);
	check_ssl(&h->ssl, &read->ssl);
}

static void
check_v1(const struct proxy_header *h, const struct proxy_header *read)
{
	if (h->kind != PROXY_TCP4 && h->kind != PROXY_TCP6) {
		FUZZ_CHECK(read->kind == PROXY_UNKNOWN);
		return;
	}
	FUZZ_CHECK(h->kind == read->kind);
	check_end(h->kind, &h->source, &read->source);
	check_end(h->kind, &h->destination, &read->destination);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_input in = { data, len };
	struct proxy_header h = { 0 }, read = { 0 };
	struct proxy_reader r = { .which = PROXY_ANY };
	struct err err = { 0 };
	enum proxy_result result;
	size_t size, used;
	uint8_t *out;

	take_header(&in, &h);
	out = malloc(PROXY_V2_MAX);
	FUZZ_CHECK(out != NULL);
	size = used = proxy_write(&h, out);
	FUZZ_CHECK(size > 0 && size <= PROXY_V2_MAX);
	FUZZ_CHECK(h.version == 2 || size <= PROXY_V1_MAX);
	result = proxy_read(&r, out, &used, &read, &err);
	FUZZ_CHECK(result == (all_fits(&h) ? PROXY_DONE : PROXY_BAD));
	if (result == PROXY_DONE) {
		FUZZ_CHECK(used == size && read.version == h.version);
		if (h.version == 1)
			check_v1(&h, &read);
		else
			check_v2(&h, &read);
	}
	free(out);
	return 0;
}
