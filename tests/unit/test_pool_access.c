#include "pool/access.h"

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "common/cidr.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define LIST_MAX 4

struct access_case {
	char allow[LIST_MAX][24];
	char deny[LIST_MAX][24];
	char peer[32];
	char want[8]; /* empty: it may */
};

ParameterizedTestParameters(access, the_longest_network_decides)
{
	static struct access_case cases[] = {
		{ { "" }, { "" }, "10.0.0.1", "" },
		{ { "10.0.0.0/8" }, { "" }, "10.0.0.1", "" },
		{ { "10.0.0.0/8" }, { "" }, "11.0.0.1", "allow" },
		{ { "10.0.0.0/8" }, { "" }, "::1", "allow" },
		{ { "10.0.0.0/8" }, { "" }, "::ffff:10.0.0.1", "" },
		{ { "" }, { "10.0.0.0/8" }, "10.0.0.1", "deny" },
		{ { "" }, { "10.0.0.0/8" }, "::ffff:10.0.0.1", "deny" },
		{ { "" }, { "10.0.0.0/8" }, "11.0.0.1", "" },
		{ { "" }, { "10.0.0.0/8" }, "::1", "" },
		{ { "10.1.0.0/16" }, { "10.0.0.0/8" }, "10.1.0.1", "" },
		{ { "10.1.0.0/16" }, { "10.0.0.0/8" }, "10.2.0.1", "deny" },
		{ { "10.1.0.0/16" }, { "10.0.0.0/8" }, "11.0.0.1", "allow" },
		{ { "10.0.0.0/8" }, { "10.1.0.0/16" }, "10.1.0.1", "deny" },
		{ { "10.0.0.0/8" }, { "10.1.0.0/16" }, "10.2.0.1", "" },
		{ { "10.0.0.0/8" }, { "10.0.0.0/8" }, "10.0.0.1", "deny" },
		{ { "10.0.0.0/8", "10.1.1.1" }, { "10.1.0.0/16" }, "10.1.1.1",
		    "" },
		{ { "10.0.0.0/8", "10.1.1.1" }, { "10.1.0.0/16" }, "10.1.1.2",
		    "deny" },
		{ { "10.0.0.0/8" }, { "0.0.0.0/0", "::/0" }, "10.0.0.1", "" },
		{ { "10.0.0.0/8" }, { "0.0.0.0/0", "::/0" }, "::1", "deny" },
		{ { "" }, { "::/0" }, "10.0.0.1", "" },
		{ { "2001:db8::/32" }, { "2001:db8:bad::/48" },
		    "2001:db8:bad::1", "deny" },
		{ { "2001:db8::/32" }, { "2001:db8:bad::/48" },
		    "2001:db8:900d::1", "" },
	};

	return cr_make_param_array(struct access_case, cases, COUNT(cases));
}

static size_t
networks(char texts[LIST_MAX][24], struct cidr out[LIST_MAX])
{
	struct err err;
	size_t i;

	for (i = 0; i < LIST_MAX && texts[i][0] != '\0'; i++)
		cr_assert_eq(cidr_parse(texts[i], &out[i], &err), 0, "%s",
		    texts[i]);
	return i * sizeof(out[0]);
}

ParameterizedTest(struct access_case *k, access, the_longest_network_decides)
{
	struct cidr allow[LIST_MAX], deny[LIST_MAX];
	struct access a = { 0 };
	union addr peer;
	const char *got;
	struct err err;

	cr_assert_eq(
	    access_set_allow(&a, allow, networks(k->allow, allow), &err), 0);
	cr_assert_eq(access_set_deny(&a, deny, networks(k->deny, deny), &err),
	    0);
	cr_assert_neq(addr_parse(k->peer, 5555, &peer), 0);
	got = access_denies(&a, &peer);
	cr_expect_str_eq(got == NULL ? "" : got, k->want, "%s: %s", k->peer,
	    got);
	access_clear(&a);
	cr_expect_null(access_denies(&a, &peer));
}

Test(access, a_unix_socket_has_no_address_to_deny)
{
	struct cidr one = { { [15] = 1 }, 128 };
	union addr peer = { .sa = { .sa_family = AF_UNIX } };
	struct access a = { 0 };
	struct err err;

	cr_assert_eq(access_set_allow(&a, &one, sizeof(one), &err), 0);
	cr_expect_null(access_denies(&a, &peer));
	access_clear(&a);
}

Test(access, keeps_what_it_had_when_the_new_makes_no_sense)
{
	struct cidr one = { { [15] = 1 }, 128 };
	struct access a = { 0 };
	union addr peer;
	struct err err;

	cr_assert_neq(addr_parse("::1", 5555, &peer), 0);
	cr_assert_eq(access_set_deny(&a, &one, sizeof(one), &err), 0);
	cr_expect_eq(access_set_deny(&a, &one, sizeof(one) - 1, &err), -1);
	cr_expect_str_eq(access_denies(&a, &peer), "deny");
	cr_assert_eq(access_set_deny(&a, NULL, 0, &err), 0);
	cr_expect_null(access_denies(&a, &peer));
	access_clear(&a);
}
