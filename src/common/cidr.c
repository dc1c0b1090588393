#include "common/cidr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define V4_BITS 96u /* in front of a mapped IPv4 address */
#define MAX_BITS 128u

#define FORMS "such as 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32"

static const uint8_t v4_prefix[V4_BITS / 8] = { [10] = 0xff, [11] = 0xff };

static bool
is_mapped(const uint8_t address[static 16])
{
	return memcmp(address, v4_prefix, sizeof(v4_prefix)) == 0;
}

bool
cidr_is_v4(const struct cidr *c)
{
	return c->bits >= V4_BITS && is_mapped(c->address);
}

/* The bits of one byte, number i, that belong to a network. */
static uint8_t
byte_mask(unsigned int bits, unsigned int i)
{
	static const uint8_t masks[] = { 0x00, 0x80, 0xc0, 0xe0, 0xf0, 0xf8,
		0xfc, 0xfe };

	if (bits >= (i + 1) * 8)
		return 0xff;
	return bits <= i * 8 ? 0 : masks[bits - i * 8];
}

static void
mask(struct cidr *c)
{
	unsigned int i;

	for (i = 0; i < sizeof(c->address); i++)
		c->address[i] &= byte_mask(c->bits, i);
}

bool
cidr_is_valid(const struct cidr *c)
{
	struct cidr masked = *c;

	if (c->bits > MAX_BITS)
		return false;
	mask(&masked);
	return memcmp(&masked, c, sizeof(masked)) == 0;
}

bool
cidr_contains(const struct cidr *c, const uint8_t address[static 16])
{
	unsigned int i;

	if (c->bits < V4_BITS && is_mapped(address))
		return false;
	for (i = 0; i * 8 < c->bits && i < sizeof(c->address); i++)
		if (((c->address[i] ^ address[i]) & byte_mask(c->bits, i)) != 0)
			return false;
	return true;
}

void
cidr_format(const struct cidr *c, char out[static CIDR_TEXT_SIZE])
{
	const bool v4 = cidr_is_v4(c);
	const unsigned int bits = v4 ? c->bits - V4_BITS : c->bits;
	char host[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(v4 ? AF_INET : AF_INET6,
	    c->address + (v4 ? sizeof(v4_prefix) : 0), host, sizeof(host));
	if (c->bits == MAX_BITS)
		(void)snprintf(out, CIDR_TEXT_SIZE, "%s", host);
	else
		(void)snprintf(out, CIDR_TEXT_SIZE, "%s/%u", host, bits);
}

/* The address before the slash. Returns false when it is none. */
static bool
read_host(const char *text, size_t len, struct cidr *out, unsigned int *width)
{
	char host[INET6_ADDRSTRLEN];

	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	memcpy(out->address, v4_prefix, sizeof(v4_prefix));
	*width = MAX_BITS - V4_BITS;
	if (inet_pton(AF_INET, host, out->address + sizeof(v4_prefix)) == 1)
		return true;
	*width = MAX_BITS;
	return inet_pton(AF_INET6, host, out->address) == 1;
}

/* Up to three digits. Returns false when it is something else. */
static bool
read_bits(const char *text, unsigned int *out)
{
	const size_t len = strspn(text, "0123456789");
	unsigned int n = 0;
	size_t i;

	if (len == 0 || len > 3 || text[len] != '\0')
		return false;
	for (i = 0; i < len; i++)
		n = n * 10 + (unsigned int)(text[i] - '0');
	*out = n;
	return true;
}

/* Leaves the bits behind the mask as they are. */
static int
parse(const char *text, struct cidr *out, struct err *err)
{
	const size_t len = strcspn(text, "/");
	unsigned int bits, width;

	if (!read_host(text, len, out, &width))
		return err_set(err, ERR_INVALID,
		    "is no numeric address or network, " FORMS);
	bits = width;
	if (text[len] == '/' &&
	    (!read_bits(text + len + 1, &bits) || bits > width))
		return err_set(err, ERR_INVALID,
		    "must have 0 to %u bits behind the slash", width);
	out->bits = (uint8_t)(bits + MAX_BITS - width);
	return 0;
}

int
cidr_parse_loose(const char *text, struct cidr *out, struct err *err)
{
	if (parse(text, out, err) == -1)
		return -1;
	mask(out);
	return 0;
}

int
cidr_parse(const char *text, struct cidr *out, struct err *err)
{
	char network[CIDR_TEXT_SIZE], host[CIDR_TEXT_SIZE];
	struct cidr whole;

	if (parse(text, out, err) == -1)
		return -1;
	if (cidr_is_valid(out))
		return 0;
	whole = *out;
	whole.bits = MAX_BITS;
	mask(out);
	cidr_format(out, network);
	cidr_format(&whole, host);
	return err_set(err, ERR_INVALID,
	    "has bits set behind its mask: must be %s or %s", network, host);
}
