#include <criterion/criterion.h>
#include <string.h>

#include "common/addr.h"
#include "common/cidr.h"
#include "pool/rules.h"

static struct bulk *
list(const char *network)
{
	struct cidr c;
	struct err err = { 0 };
	struct bulk *b;

	cr_assert_eq(cidr_parse(network, &c, &err), 0, "%s", err.text);
	b = bulk_new(&c, sizeof(c), &err);
	cr_assert_not_null(b, "%s", err.text);
	return b;
}

static void
address(const char *text, uint8_t out[static 16])
{
	union addr a;

	cr_assert_neq(addr_parse(text, 0, &a), 0);
	cr_assert(addr_bytes(&a, out));
}

Test(rules, without_values_take_everybody)
{
	struct bulks none = { 0 };
	struct rules r;
	uint8_t peer[16];
	struct err err;

	address("10.0.0.1", peer);
	cr_assert_eq(rules_make(&r, &none, &err), 0);
	cr_expect_not(rules_is_probe(&r, peer));
	cr_expect_not(rules_is_trusted(&r, peer), "nobody is trusted unasked");
	rules_clear(&r);
}

Test(rules, each_value_has_its_meaning)
{
	struct bulks values = { .of = { [BULK_PROBES] = list("10.0.0.0/8"),
				    [BULK_PROXY_TRUSTED] = list("::1") } };
	struct rules r;
	uint8_t checker[16], proxy[16];
	struct err err;

	address("10.0.0.1", checker);
	address("::1", proxy);
	cr_assert_eq(rules_make(&r, &values, &err), 0);
	cr_expect(rules_is_probe(&r, checker));
	cr_expect_not(rules_is_probe(&r, proxy));
	cr_expect(rules_is_trusted(&r, proxy));
	cr_expect_not(rules_is_trusted(&r, checker));
	rules_clear(&r);
	bulks_drop(&values);
}

Test(rules, bytes_that_are_no_networks_are_refused)
{
	struct err err = { 0 };
	struct bulk *bad = bulk_new("x", 1, &err);
	struct bulks values = {
		.of = { [BULK_ALLOW] = list("10.0.0.0/8"), [BULK_DENY] = bad }
	};
	struct rules r;

	cr_expect_eq(rules_make(&r, &values, &err), -1);
	cr_expect_null(r.allow, "nothing is held");
	bulks_drop(&values);
}
