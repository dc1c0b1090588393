#include "pool/access.h"

static int
replace(struct cidr_set **set, const void *bytes, size_t size, struct err *err)
{
	struct cidr_set *fresh;

	if (cidr_set_new(bytes, size, &fresh, err) == -1)
		return -1;
	cidr_set_free(set);
	*set = fresh;
	return 0;
}

int
access_set_allow(struct access *a, const void *bytes, size_t size,
    struct err *err)
{
	return replace(&a->allow, bytes, size, err);
}

int
access_set_deny(struct access *a, const void *bytes, size_t size,
    struct err *err)
{
	return replace(&a->deny, bytes, size, err);
}

const char *
access_denies(const struct access *a, const union addr *peer)
{
	uint8_t address[16];
	int allowed, denied;

	if (a->allow == NULL && a->deny == NULL)
		return NULL;
	if (!addr_bytes(peer, address))
		return NULL;
	allowed = cidr_set_longest(a->allow, address);
	denied = cidr_set_longest(a->deny, address);
	if (denied != -1 && denied >= allowed)
		return "deny";
	return allowed == -1 && !cidr_set_is_empty(a->allow) ? "allow" : NULL;
}

void
access_clear(struct access *a)
{
	cidr_set_free(&a->allow);
	cidr_set_free(&a->deny);
}
