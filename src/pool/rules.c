#include "pool/rules.h"

/* Returns 0, or -1 with *err; *set is NULL then, and when there is no value. */
static int
make_set(const struct bulk *value, struct cidr_set **set, struct err *err)
{
	const void *bytes;
	int result;

	*set = NULL;
	if (value == NULL)
		return 0;
	bytes = bulk_map(value, err);
	if (bytes == NULL)
		return -1;
	result = cidr_set_new(bytes, value->ref.size, set, err);
	bulk_unmap(value, bytes);
	return result;
}

int
rules_make(struct rules *r, const struct bulks *values, struct err *err)
{
	*r = (struct rules){ 0 };
	if (make_set(values->of[BULK_ALLOW], &r->allow, err) == 0 &&
	    make_set(values->of[BULK_DENY], &r->deny, err) == 0 &&
	    make_set(values->of[BULK_PROBES], &r->probes, err) == 0 &&
	    make_set(values->of[BULK_PROXY_TRUSTED], &r->trusted, err) == 0)
		return 0;
	rules_clear(r);
	return -1;
}

void
rules_clear(struct rules *r)
{
	cidr_set_free(&r->allow);
	cidr_set_free(&r->deny);
	cidr_set_free(&r->probes);
	cidr_set_free(&r->trusted);
}

bool
rules_is_probe(const struct rules *r, const uint8_t address[static 16])
{
	return cidr_set_longest(r->probes, address) != -1;
}

bool
rules_is_trusted(const struct rules *r, const uint8_t address[static 16])
{
	return cidr_set_longest(r->trusted, address) != -1;
}
