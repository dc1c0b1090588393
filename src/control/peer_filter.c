#include "control/peer_filter.h"

#include <arpa/inet.h>

#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "option/value.h"

/* A text in its parts. */
struct parts {
	char host[INET6_ADDRSTRLEN];
	const char *bits; /* behind the slash; NULL: none */
	const char *port; /* NULL: none */
};

static int
take_host(struct parts *out, const char *text, size_t len)
{
	if (len >= sizeof(out->host))
		return -1;
	memcpy(out->host, text, len);
	out->host[len] = '\0';
	return 0;
}

/* "host", "host/bits", "v4:port" or "[v6]:port". */
static int
split(const char *text, struct parts *out)
{
	const char *colon = strchr(text, ':'), *end;

	*out = (struct parts){ 0 };
	if (text[0] == '[') {
		end = strstr(text, "]:");
		if (end == NULL)
			return -1;
		out->port = end + 2;
		return take_host(out, text + 1, (size_t)(end - text - 1));
	}
	end = text + strcspn(text, "/");
	if (*end == '/')
		out->bits = end + 1;
	else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
		out->port = colon + 1;
		end = colon;
	}
	return take_host(out, text, (size_t)(end - text));
}

static int
read_host(const char *host, struct peer_filter *out)
{
	struct in6_addr in6;

	if (inet_pton(AF_INET, host, out->bytes) == 1) {
		out->family = AF_INET;
		out->bits = 32;
		return 0;
	}
	if (inet_pton(AF_INET6, host, &in6) != 1)
		return -1;
	out->family = AF_INET6;
	out->bits = 128;
	memcpy(out->bytes, &in6, sizeof(in6));
	return 0;
}

/* What is IPv4 behind 96 bits that say so becomes IPv4. */
static void
unmap(struct peer_filter *f)
{
	struct in6_addr in6;

	memcpy(&in6, f->bytes, sizeof(in6));
	if (f->family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&in6) ||
	    f->bits < 96)
		return;
	f->family = AF_INET;
	f->bits -= 96;
	memset(f->bytes, 0, sizeof(f->bytes));
	memcpy(f->bytes, &in6.s6_addr[12], 4);
}

static int
read_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	struct err err;

	return text == NULL ? 0 : value_uint(text, min, max, out, &err);
}

/* Returns 0, or -1 when it is none. */
static int
parse(const char *text, struct peer_filter *out)
{
	uint64_t bits, port = 0;
	struct parts parts;

	memset(out, 0, sizeof(*out));
	if (split(text, &parts) == -1 || read_host(parts.host, out) == -1)
		return -1;
	bits = out->bits;
	/* A host between brackets is IPv6, one before a single colon is not. */
	if (parts.port != NULL && (text[0] == '[') != (out->family == AF_INET6))
		return -1;
	if (read_number(parts.bits, 0, bits, &bits) == -1 ||
	    read_number(parts.port, 1, UINT16_MAX, &port) == -1)
		return -1;
	out->bits = (unsigned int)bits;
	out->port = (uint16_t)port;
	unmap(out);
	return 0;
}

int
peer_filter_parse(const char *text, struct peer_filter *out, struct err *err)
{
	char quoted[VALUE_QUOTE_SIZE];

	if (parse(text, out) == 0)
		return 0;
	value_quote(text, quoted);
	return err_set(err, ERR_INVALID,
	    "%s: must be an address or a network, such as 10.0.0.1, "
	    "10.0.0.1:5555, [::1]:5555 or 10.0.0.0/8",
	    quoted);
}

/* Are the first bits of both equal? */
static bool
starts_with(const unsigned char a[static 16], const unsigned char b[static 16],
    unsigned int bits)
{
	const unsigned int whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

bool
peer_filter_passes(const struct peer_filter *f, const char *text)
{
	struct peer_filter peer;

	if (f->family == 0)
		return true;
	return parse(text, &peer) == 0 && peer.family == f->family &&
	    (f->port == 0 || peer.port == f->port) &&
	    starts_with(f->bytes, peer.bytes, f->bits);
}
