#include "tls/tls_material.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC "MTLS 1\n"
#define HEAD_SIZE 8
#define VERSION_MIN 0x0303u
#define VERSION_MAX 0x0304u

_Static_assert(sizeof(MAGIC) == HEAD_SIZE, "the magic ends in a NUL");

struct item {
	enum tls_tag tag;
	struct tls_bytes bytes;
};

/* --- taking apart --- */

static unsigned int
get_le(const uint8_t *p, size_t size)
{
	unsigned int value = 0;

	while (size > 0)
		value = value << 8 | p[--size];
	return value;
}

/* Take the first item from *rest. False: there is no whole one. */
static bool
take_item(struct tls_bytes *rest, struct item *item)
{
	unsigned int tag, len;

	if (rest->len < HEAD_SIZE || get_le(rest->data + 2, 2) != 0)
		return false;
	tag = get_le(rest->data, 2);
	len = get_le(rest->data + 4, 4);
	if (tag == TLS_TAG_NONE || tag >= TLS_TAG_COUNT ||
	    len > rest->len - HEAD_SIZE)
		return false;
	item->tag = (enum tls_tag)tag;
	item->bytes.data = rest->data + HEAD_SIZE;
	item->bytes.len = len;
	rest->data += HEAD_SIZE + len;
	rest->len -= HEAD_SIZE + len;
	return true;
}

/* A number of exactly size bytes from min to max. */
static bool
take_number(const struct item *item, size_t size, unsigned int min,
    unsigned int max, unsigned int *out)
{
	if (item->bytes.len != size)
		return false;
	*out = get_le(item->bytes.data, size);
	return *out >= min && *out <= max;
}

/* Names of 1 to 255 bytes, each behind its length. */
static bool
is_alpn(const struct tls_bytes *b)
{
	size_t at, len;

	for (at = 0; at < b->len; at += 1 + len) {
		len = b->data[at];
		if (len == 0 || len > b->len - at - 1)
			return false;
	}
	return b->len > 0;
}

/* May an item of text be that? It becomes a string. */
static bool
is_text(const struct tls_bytes *b)
{
	return b->len > 0 && memchr(b->data, '\0', b->len) == NULL;
}

static bool
take_numbers(struct tls_material *m, const struct item *item)
{
	unsigned int n = 0;
	bool good;

	switch (item->tag) {
	case TLS_TAG_ROLE:
		good = take_number(item, 1, 0, TLS_ROLE_COUNT - 1, &n);
		m->role = (enum tls_role)n;
		return good;
	case TLS_TAG_VERIFY:
		good = take_number(item, 1, 0, TLS_VERIFY_COUNT - 1, &n);
		m->verify = (enum tls_verify)n;
		return good;
	case TLS_TAG_TICKETS:
		good = take_number(item, 1, 0, 1, &n);
		m->tickets = n == 1;
		return good;
	default:
		return take_number(item, 2, VERSION_MIN, VERSION_MAX,
		    &m->min_version);
	}
}

/* Where the bytes of an item belong. */
static struct tls_bytes *
place_of(struct tls_material *m, enum tls_tag tag)
{
	switch (tag) {
	case TLS_TAG_CIPHERS:
		return &m->ciphers;
	case TLS_TAG_CIPHERSUITES:
		return &m->ciphersuites;
	case TLS_TAG_ALPN:
		return &m->alpn;
	case TLS_TAG_CLIENT_CA:
		return &m->client_ca;
	case TLS_TAG_CRL:
		return &m->crl;
	case TLS_TAG_CERT:
		return &m->identity.cert;
	case TLS_TAG_KEY:
		return &m->identity.key;
	default:
		return NULL;
	}
}

static bool
take_setting(struct tls_material *m, const struct item *item)
{
	struct tls_bytes *place = place_of(m, item->tag);

	if (place == NULL)
		return take_numbers(m, item);
	if (item->tag == TLS_TAG_ALPN ? !is_alpn(&item->bytes)
				      : !is_text(&item->bytes))
		return false;
	*place = item->bytes;
	return true;
}

/* What comes before the first NAME: each at most once, in order. */
static bool
take_settings(struct tls_material *m, struct tls_bytes *rest)
{
	enum tls_tag last = TLS_TAG_NONE;
	struct tls_bytes after = *rest;
	struct item item;

	while (after.len > 0) {
		if (!take_item(&after, &item))
			return false;
		if (item.tag == TLS_TAG_NAME)
			return true;
		if (item.tag <= last || !take_setting(m, &item))
			return false;
		last = item.tag;
		*rest = after;
	}
	return true;
}

static bool
take_name(struct tls_bytes *rest, struct tls_identity *identity)
{
	struct item name, cert, key;

	if (!take_item(rest, &name) || !take_item(rest, &cert) ||
	    !take_item(rest, &key))
		return false;
	if (name.tag != TLS_TAG_NAME || cert.tag != TLS_TAG_CERT ||
	    key.tag != TLS_TAG_KEY || !is_text(&name.bytes) ||
	    !is_text(&cert.bytes) || !is_text(&key.bytes))
		return false;
	identity->name = name.bytes;
	identity->cert = cert.bytes;
	identity->key = key.bytes;
	return true;
}

static bool
are_names(struct tls_bytes rest)
{
	struct tls_identity identity;
	size_t count;

	for (count = 0; rest.len > 0; count++)
		if (count == TLS_NAMES_MAX || !take_name(&rest, &identity))
			return false;
	return true;
}

int
tls_material_parse(const void *bytes, size_t size, struct tls_material *m,
    struct err *err)
{
	struct tls_bytes rest = { bytes, size };
	bool good = size >= HEAD_SIZE && size <= TLS_MATERIAL_MAX &&
	    memcmp(bytes, MAGIC, HEAD_SIZE) == 0;

	memset(m, 0, sizeof(*m));
	m->tickets = true;
	m->min_version = VERSION_MIN;
	if (good) {
		rest.data += HEAD_SIZE;
		rest.len -= HEAD_SIZE;
		good = take_settings(m, &rest) && are_names(rest) &&
		    (m->identity.cert.data == NULL) ==
			(m->identity.key.data == NULL);
	}
	if (!good)
		return err_set(err, ERR_INTERNAL, "this is no TLS material");
	m->names = rest;
	return 0;
}

bool
tls_material_next(struct tls_material *m, struct tls_identity *identity)
{
	return m->names.len > 0 && take_name(&m->names, identity);
}

/* --- making --- */

/* Have room for need bytes more. realloc(3) would leave a copy of the keys. */
static bool
make_room(struct tls_writer *w, size_t need)
{
	size_t room = w->room == 0 ? 4096 : w->room;
	uint8_t *bytes;

	if (need <= w->room - w->size)
		return true;
	if (need > TLS_MATERIAL_MAX - w->size)
		return false;
	while (room - w->size < need)
		room *= 2;
	bytes = malloc(room);
	if (bytes == NULL)
		return false;
	if (w->bytes != NULL)
		memcpy(bytes, w->bytes, w->size);
	tls_material_free(w->bytes, w->size);
	w->bytes = bytes;
	w->room = room;
	return true;
}

static void
append(struct tls_writer *w, const void *data, size_t len)
{
	if (len > 0)
		memcpy(w->bytes + w->size, data, len);
	w->size += len;
}

void
tls_material_put(struct tls_writer *w, enum tls_tag tag, const void *data,
    size_t len)
{
	const uint8_t head[HEAD_SIZE] = { (uint8_t)tag, 0, 0, 0, (uint8_t)len,
		(uint8_t)(len >> 8), (uint8_t)(len >> 16),
		(uint8_t)(len >> 24) };

	if (w->failed || len > TLS_MATERIAL_MAX ||
	    !make_room(w, HEAD_SIZE + len + (w->size == 0 ? HEAD_SIZE : 0))) {
		w->failed = true;
		return;
	}
	if (w->size == 0)
		append(w, MAGIC, HEAD_SIZE);
	append(w, head, sizeof(head));
	append(w, data, len);
}

void
tls_material_put_number(struct tls_writer *w, enum tls_tag tag,
    unsigned int value, size_t size)
{
	const uint8_t bytes[2] = { (uint8_t)value, (uint8_t)(value >> 8) };

	tls_material_put(w, tag, bytes, size);
}

void
tls_material_free(uint8_t *bytes, size_t size)
{
	if (bytes != NULL)
		explicit_bzero(bytes, size);
	free(bytes);
}
