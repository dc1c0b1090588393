#include "pool/proxy_header.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "pool/printable.h"
#include "pool/proxy_tlv.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define V2_FIXED 16u
#define V2_COMMAND_LOCAL 0
#define V2_COMMAND_PROXY 1
#define UNIX_PATH_LENGTH 108u
#define PORT_DIGITS 5

/* With what a header can begin; from the first byte on it must be one. */
static const struct beginning {
	uint8_t version;
	enum proxy_kind kind; /* of version 1 */
	size_t len;
	const char *bytes;
} beginnings[] = {
	{ 1, PROXY_TCP4, 11, "PROXY TCP4 " },
	{ 1, PROXY_TCP6, 11, "PROXY TCP6 " },
	{ 1, PROXY_UNKNOWN, 14, "PROXY UNKNOWN " },
	{ 1, PROXY_UNKNOWN, 15, "PROXY UNKNOWN\r\n" },
	{ 2, PROXY_UNKNOWN, 12, "\r\n\r\n\0\r\nQUIT\n" },
};

/* Family and transport of version 2, and how long its addresses are. */
static const struct family {
	uint8_t byte;
	enum proxy_kind kind;
	size_t len;
} families[] = {
	{ 0x00, PROXY_UNKNOWN, 0 },
	{ 0x11, PROXY_TCP4, 12 },
	{ 0x12, PROXY_UNKNOWN, 12 },
	{ 0x21, PROXY_TCP6, 36 },
	{ 0x22, PROXY_UNKNOWN, 36 },
	{ 0x31, PROXY_UNIX, 2 * UNIX_PATH_LENGTH },
	{ 0x32, PROXY_UNKNOWN, 2 * UNIX_PATH_LENGTH },
};

/* The beginning that the bytes so far are of; NULL: none. */
static const struct beginning *
find_beginning(const struct proxy_reader *r)
{
	const struct beginning *b;

	for (b = beginnings; b < beginnings + COUNT(beginnings); b++)
		if (memcmp(r->data, b->bytes,
			r->have < b->len ? r->have : b->len) == 0)
			return b;
	return NULL;
}

static enum proxy_result
not_a_header(const struct proxy_reader *r, struct err *e)
{
	const uint8_t last = r->data[r->have - 1];

	(void)err_set(e, ERR_INVALID,
	    "byte %u is 0x%02x, so this is no PROXY header%s", r->have, last,
	    r->have == 1 && last == 0x16 ? "; it may be TLS" : "");
	return PROXY_BAD;
}

static enum proxy_result
wrong_version(unsigned int version, struct err *e)
{
	(void)err_set(e, ERR_INVALID,
	    "it begins like a PROXY header of version %u, but only "
	    "version %u is taken",
	    version, 3 - version);
	return PROXY_BAD;
}

/* A decimal number as it is written canonically. */
static int
parse_port(const char *text, uint16_t *out)
{
	const size_t len = strlen(text);
	unsigned long port;

	if (len == 0 || len > PORT_DIGITS ||
	    strspn(text, "0123456789") != len || (text[0] == '0' && len > 1))
		return -1;
	port = strtoul(text, NULL, 10);
	if (port > UINT16_MAX)
		return -1;
	*out = (uint16_t)port;
	return 0;
}

static void
map_v4(const uint8_t v4[static 4], uint8_t out[static 16])
{
	memset(out, 0, 10);
	memset(out + 10, 0xff, 2);
	memcpy(out + 12, v4, 4);
}

static int
parse_address(const char *text, enum proxy_kind kind, uint8_t *out)
{
	uint8_t v4[4];

	if (kind == PROXY_TCP6)
		return inet_pton(AF_INET6, text, out) == 1 ? 0 : -1;
	if (inet_pton(AF_INET, text, v4) != 1)
		return -1;
	map_v4(v4, out);
	return 0;
}

static int
bad_word(const char *word, const char *what, struct err *e)
{
	char shown[4 * PROXY_V1_MAX + 1] = "";

	if (word != NULL)
		(void)printable((const uint8_t *)word, strlen(word), shown,
		    sizeof(shown));
	return err_set(e, ERR_INVALID, "the PROXY header's %s is \"%s\"", what,
	    shown);
}

/* Its two addresses and two ports; words is changed. */
static int
parse_words(char *words, struct proxy_header *out, struct err *e)
{
	const char *source = strsep(&words, " ");
	const char *destination = strsep(&words, " ");
	const char *source_port = strsep(&words, " ");
	const char *destination_port = strsep(&words, " ");

	if (destination_port == NULL || words != NULL)
		return err_set(e, ERR_INVALID,
		    "a PROXY header has two addresses and two ports, each "
		    "after one space");
	if (parse_address(source, out->kind, out->source.address) == -1)
		return bad_word(source, "source address", e);
	if (parse_address(destination, out->kind, out->destination.address) ==
	    -1)
		return bad_word(destination, "destination address", e);
	if (parse_port(source_port, &out->source.port) == -1)
		return bad_word(source_port, "source port", e);
	if (parse_port(destination_port, &out->destination.port) == -1)
		return bad_word(destination_port, "destination port", e);
	return 0;
}

static enum proxy_result
v1_finish(const struct proxy_reader *r, const struct beginning *b,
    struct proxy_header *out, struct err *e)
{
	struct proxy_header h = { .kind = b->kind, .version = 1 };
	char words[PROXY_V1_MAX] = "";
	size_t len;

	if (b->kind != PROXY_UNKNOWN) {
		len = r->have - b->len - strlen("\r\n");
		memcpy(words, r->data + b->len, len);
		if (strlen(words) != len) {
			(void)err_set(e, ERR_INVALID,
			    "a NUL is in the PROXY header");
			return PROXY_BAD;
		}
		if (parse_words(words, &h, e) == -1)
			return PROXY_BAD;
	}
	*out = h;
	return PROXY_DONE;
}

/*
 * One more byte of a line has come. Only of UNKNOWN everything up to CR LF is
 * to be ignored; else one of these two alone is an error at once.
 */
static enum proxy_result
v1_step(const struct proxy_reader *r, const struct beginning *b,
    struct proxy_header *out, struct err *e)
{
	const bool is_lf = r->data[r->have - 1] == '\n';
	const bool after_cr = r->data[r->have - 2] == '\r';

	if (is_lf && after_cr)
		return v1_finish(r, b, out, e);
	if (b->kind != PROXY_UNKNOWN && is_lf != after_cr)
		(void)err_set(e, ERR_INVALID,
		    "a PROXY header must end with CR LF, not with one of them");
	else if (r->have == PROXY_V1_MAX)
		(void)err_set(e, ERR_INVALID,
		    "no CR LF ends the PROXY header within %d bytes",
		    PROXY_V1_MAX);
	else
		return PROXY_MORE;
	return PROXY_BAD;
}

static const struct family *
find_family(uint8_t byte)
{
	const struct family *f;

	for (f = families; f < families + COUNT(families); f++)
		if (f->byte == byte)
			return f;
	return NULL;
}

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* Check the fixed part, and learn how long the whole is. */
static int
v2_fixed(struct proxy_reader *r, struct err *e)
{
	const unsigned int version = r->data[12] >> 4;
	const unsigned int command = r->data[12] & 15;
	const struct family *f = find_family(r->data[13]);
	const unsigned int len = get16(r->data + 14);

	if (version != 2)
		return err_set(e, ERR_INVALID,
		    "the PROXY header is of version %u, after the signature of "
		    "version 2",
		    version);
	if (command != V2_COMMAND_LOCAL && command != V2_COMMAND_PROXY)
		return err_set(e, ERR_INVALID,
		    "the PROXY header's command is %u, neither LOCAL nor PROXY",
		    command);
	if (command == V2_COMMAND_PROXY && f == NULL)
		return err_set(e, ERR_INVALID,
		    "the PROXY header's address family and transport are "
		    "0x%02x",
		    r->data[13]);
	if (len > PROXY_V2_MAX - V2_FIXED)
		return err_set(e, ERR_INVALID,
		    "the PROXY header has %u bytes, more than %u",
		    len + V2_FIXED, PROXY_V2_MAX);
	if (command == V2_COMMAND_PROXY && len < f->len)
		return err_set(e, ERR_INVALID,
		    "the PROXY header has %u bytes after its first %u, too few "
		    "for its addresses",
		    len, V2_FIXED);
	r->need = (uint16_t)(len + V2_FIXED);
	return 0;
}

/* Zeros fill a path up; an abstract name begins with one. */
static void
read_path(const uint8_t *path, struct proxy_end *end)
{
	size_t len = UNIX_PATH_LENGTH;

	if (path[0] != '\0') {
		len = strnlen((const char *)path, UNIX_PATH_LENGTH);
		(void)printable(path, len, end->path, sizeof(end->path));
		return;
	}
	while (len > 0 && path[len - 1] == '\0')
		len--;
	if (len == 0)
		return;
	end->path[0] = '@';
	(void)printable(path + 1, len - 1, end->path + 1,
	    sizeof(end->path) - 1);
}

static void
v2_addresses(const uint8_t *p, struct proxy_header *out)
{
	switch (out->kind) {
	case PROXY_TCP4:
		map_v4(p, out->source.address);
		map_v4(p + 4, out->destination.address);
		out->source.port = get16(p + 8);
		out->destination.port = get16(p + 10);
		break;
	case PROXY_TCP6:
		memcpy(out->source.address, p, 16);
		memcpy(out->destination.address, p + 16, 16);
		out->source.port = get16(p + 32);
		out->destination.port = get16(p + 34);
		break;
	case PROXY_UNIX:
		read_path(p, &out->source);
		read_path(p + UNIX_PATH_LENGTH, &out->destination);
		break;
	case PROXY_LOCAL:
	case PROXY_UNKNOWN:
		break;
	}
}

static enum proxy_result
v2_finish(const struct proxy_reader *r, struct proxy_header *out, struct err *e)
{
	const struct family *f = find_family(r->data[13]);
	const size_t addresses = f == NULL ? 0 : f->len;
	struct proxy_header h = { .version = 2 };
	int done;

	if ((r->data[12] & 15) == V2_COMMAND_LOCAL) {
		h.kind = PROXY_LOCAL;
		done = proxy_tlv_check(r->data, r->have,
		    addresses <= r->have - V2_FIXED ? V2_FIXED + addresses
						    : V2_FIXED,
		    &h, e);
	} else {
		/* Only a LOCAL header has come here without a family. */
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference) */
		h.kind = f->kind;
		v2_addresses(r->data + V2_FIXED, &h);
		done = proxy_tlv_read(r->data, r->have, V2_FIXED + addresses,
		    &h, e);
	}
	if (done == -1)
		return PROXY_BAD;
	*out = h;
	return PROXY_DONE;
}

/* One more byte has come, while it was not known how many there will be. */
static enum proxy_result
step(struct proxy_reader *r, struct proxy_header *out, struct err *e)
{
	const struct beginning *b = find_beginning(r);

	if (b == NULL)
		return not_a_header(r, e);
	if (r->which != PROXY_ANY &&
	    (r->which == PROXY_V1) != (b->version == 1))
		return wrong_version(b->version, e);
	if (r->have < b->len)
		return PROXY_MORE;
	if (b->version == 1)
		return v1_step(r, b, out, e);
	if (r->have < V2_FIXED)
		return PROXY_MORE;
	if (v2_fixed(r, e) == -1)
		return PROXY_BAD;
	return r->have < r->need ? PROXY_MORE : v2_finish(r, out, e);
}

enum proxy_result
proxy_read(struct proxy_reader *r, const uint8_t *data, size_t *len,
    struct proxy_header *out, struct err *e)
{
	enum proxy_result result = PROXY_MORE;
	size_t n, used = 0;

	while (result == PROXY_MORE && used < *len)
		if (r->need == 0) {
			r->data[r->have++] = data[used++];
			result = step(r, out, e);
		} else {
			n = r->need - (size_t)r->have;
			n = n < *len - used ? n : *len - used;
			memcpy(r->data + r->have, data + used, n);
			r->have = (uint16_t)(r->have + n);
			used += n;
			if (r->have == r->need)
				result = v2_finish(r, out, e);
		}
	*len = used;
	return result;
}
