#include "control/peer_filter.h"

#include <string.h>

#include "option/value.h"

/* A text in its parts. */
struct parts {
	char network[CIDR_TEXT_SIZE];
	const char *port; /* NULL: none */
};

static int
take_network(struct parts *out, const char *text, size_t len)
{
	if (len >= sizeof(out->network))
		return -1;
	memcpy(out->network, text, len);
	out->network[len] = '\0';
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
		return take_network(out, text + 1, (size_t)(end - text - 1));
	}
	end = text + strlen(text);
	if (colon != NULL && strchr(colon + 1, ':') == NULL) {
		out->port = colon + 1;
		end = colon;
	}
	return take_network(out, text, (size_t)(end - text));
}

/* Returns 0, or -1 when it is none. */
static int
parse(const char *text, struct peer_filter *out)
{
	struct parts parts;
	uint64_t port = 0;
	struct err err;

	memset(out, 0, sizeof(*out));
	if (split(text, &parts) == -1 ||
	    cidr_parse_loose(parts.network, &out->network, &err) == -1)
		return -1;
	if (parts.port != NULL &&
	    (strchr(parts.network, '/') != NULL ||
		value_uint(parts.port, 1, UINT16_MAX, &port, &err) == -1))
		return -1;
	/* A host between brackets is IPv6, one before a single colon is not. */
	if (parts.port != NULL &&
	    (text[0] == '[') != (strchr(parts.network, ':') != NULL))
		return -1;
	out->port = (uint16_t)port;
	out->is_set = true;
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

bool
peer_filter_passes(const struct peer_filter *f, const char *text)
{
	struct peer_filter peer;

	if (!f->is_set)
		return true;
	return parse(text, &peer) == 0 &&
	    (f->port == 0 || peer.port == f->port) &&
	    cidr_contains(&f->network, peer.network.address);
}
