#include "gateway/access.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "common/addr.h"
#include "common/gateway_settings.h"

#define SCHEME "Bearer "

bool
access_has_token(const char *authorization, const char *token)
{
	uint8_t given[GATEWAY_TOKEN_SIZE] = { 0 };
	uint8_t want[GATEWAY_TOKEN_SIZE] = { 0 };
	const size_t n = strlen(SCHEME);
	uint8_t differs = 0;
	size_t len, i;

	if (token[0] == '\0' || strncasecmp(authorization, SCHEME, n) != 0)
		return false;
	authorization += n + strspn(authorization + n, " ");
	len = strlen(authorization);
	if (len >= sizeof(given))
		return false;
	memcpy(given, authorization, len);
	memcpy(want, token, strnlen(token, sizeof(want) - 1));
	for (i = 0; i < sizeof(want); i++)
		differs |= given[i] ^ want[i];
	return differs == 0;
}

/* --- the host --- */

/* Is there nothing but a port behind it, or nothing? */
static bool
is_port(const char *text)
{
	if (text[0] == '\0')
		return true;
	return text[0] == ':' &&
	    text[strspn(text + 1, "0123456789") + 1] == '\0';
}

static bool
is_address(const char *host, size_t len)
{
	char text[ADDR_TEXT_SIZE];
	union addr a;

	if (len == 0 || len >= sizeof(text))
		return false;
	memcpy(text, host, len);
	text[len] = '\0';
	return addr_parse(text, 0, &a) != 0;
}

static bool
is_one_of(const char *host, size_t len, const char *names)
{
	size_t n;

	for (; names[0] != '\0'; names += n + (names[n] == ' ')) {
		n = strcspn(names, " ");
		if (n > 0 && n == len && strncasecmp(names, host, n) == 0)
			return true;
	}
	return false;
}

bool
access_knows_host(const char *host, const char *names)
{
	const char *end;
	size_t len;

	if (host[0] == '[') {
		end = strchr(host, ']');
		return end != NULL && is_port(end + 1) &&
		    is_address(host + 1, (size_t)(end - host - 1));
	}
	len = strcspn(host, ":");
	if (!is_port(host + len))
		return false;
	if (len > 0 && host[len - 1] == '.')
		len--;
	return is_address(host, len) || is_one_of(host, len, "localhost") ||
	    is_one_of(host, len, names);
}
