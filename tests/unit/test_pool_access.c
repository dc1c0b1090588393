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

static struct cidr_set *
set_of(char texts[LIST_MAX][24])
{
	struct cidr networks[LIST_MAX];
	struct cidr_set *set;
	struct err err;
	size_t i;

	for (i = 0; i < LIST_MAX && texts[i][0] != '\0'; i++)
		cr_assert_eq(cidr_parse(texts[i], &networks[i], &err), 0, "%s",
		    texts[i]);
	cr_assert_eq(
	    cidr_set_new(networks, i * sizeof(networks[0]), &set, &err), 0);
	return set;
}

ParameterizedTest(struct access_case *k, access, the_longest_network_decides)
{
	struct cidr_set *allow = set_of(k->allow), *deny = set_of(k->deny);
	union addr peer;
	const char *got;

	cr_assert_neq(addr_parse(k->peer, 5555, &peer), 0);
	got = access_denies(allow, deny, &peer);
	cr_expect_str_eq(got == NULL ? "" : got, k->want, "%s: %s", k->peer,
	    got);
	cr_expect_null(access_denies(NULL, NULL, &peer));
	cidr_set_free(&allow);
	cidr_set_free(&deny);
}

Test(access, a_unix_socket_has_no_address_to_deny)
{
	char one[LIST_MAX][24] = { "::1" };
	union addr peer = { .sa = { .sa_family = AF_UNIX } };
	struct cidr_set *allow = set_of(one);

	cr_expect_null(access_denies(allow, NULL, &peer));
	cidr_set_free(&allow);
}
