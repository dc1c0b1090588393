#include "common/addr.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

/* getaddrinfo(3) rather than inet_pton(3): it knows scope ids. */
static socklen_t
parse_v6(const char *text, uint16_t port, union addr *out)
{
	const struct addrinfo hints = { .ai_flags =
					    AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_family = AF_INET6,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	char service[8];
	socklen_t len;

	(void)snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(text, service, &hints, &found) != 0)
		return 0;
	len = found->ai_addrlen;
	memset(out, 0, sizeof(*out));
	memcpy(out, found->ai_addr, len);
	freeaddrinfo(found);
	return len;
}

socklen_t
addr_parse(const char *text, uint16_t port, union addr *out)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(port) };

	if (strchr(text, ':') != NULL)
		return parse_v6(text, port, out);
	/* Four decimal numbers; getaddrinfo(3) would take "127.1" or "*". */
	if (inet_pton(AF_INET, text, &in.sin_addr) != 1)
		return 0;
	memset(out, 0, sizeof(*out));
	memcpy(out, &in, sizeof(in));
	return sizeof(in);
}

uint16_t
addr_port(const union addr *a)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	switch (a->sa.sa_family) {
	case AF_INET:
		memcpy(&in, a, sizeof(in));
		return ntohs(in.sin_port);
	case AF_INET6:
		memcpy(&in6, a, sizeof(in6));
		return ntohs(in6.sin6_port);
	default:
		return 0;
	}
}

void
addr_join(const char *address, uint16_t port, char out[static ADDR_TEXT_SIZE])
{
	const int v6 = strchr(address, ':') != NULL;

	(void)snprintf(out, ADDR_TEXT_SIZE, "%s%s%s:%u", v6 ? "[" : "", address,
	    v6 ? "]" : "", port);
}

bool
addr_bytes(const union addr *a, uint8_t out[static 16])
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	memset(out, 0, 16);
	switch (a->sa.sa_family) {
	case AF_INET:
		memcpy(&in, a, sizeof(in));
		out[10] = out[11] = 0xff;
		memcpy(out + 12, &in.sin_addr, 4);
		return true;
	case AF_INET6:
		memcpy(&in6, a, sizeof(in6));
		memcpy(out, &in6.sin6_addr, 16);
		return true;
	default:
		return false;
	}
}

void
addr_make(const uint8_t bytes[static 16], uint16_t port, union addr *out)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(port) };

	memcpy(&in6.sin6_addr, bytes, sizeof(in6.sin6_addr));
	memset(out, 0, sizeof(*out));
	memcpy(out, &in6, sizeof(in6));
}

bool
addr_text(const union addr *a, char out[static ADDR_TEXT_SIZE])
{
	char host[INET6_ADDRSTRLEN];
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	const void *bytes = &in.sin_addr;
	int family = a->sa.sa_family;

	memcpy(&in, a, sizeof(in));
	memcpy(&in6, a, sizeof(in6));
	if (family == AF_INET6) {
		bytes = &in6.sin6_addr;
		if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
			family = AF_INET;
			bytes = &in6.sin6_addr.s6_addr[12];
		}
	}
	if (inet_ntop(family, bytes, host, sizeof(host)) == NULL)
		return false;
	addr_join(host, addr_port(a), out);
	return true;
}
