#include "pool/access.h"

#include <stddef.h>

const char *
access_denies(const struct cidr_set *allow, const struct cidr_set *deny,
    const union addr *peer)
{
	uint8_t address[16];
	int allowed, denied;

	if ((allow == NULL && deny == NULL) || !addr_bytes(peer, address))
		return NULL;
	allowed = cidr_set_longest(allow, address);
	denied = cidr_set_longest(deny, address);
	if (denied != -1 && denied >= allowed)
		return "deny";
	return allowed == -1 && !cidr_set_is_empty(allow) ? "allow" : NULL;
}
