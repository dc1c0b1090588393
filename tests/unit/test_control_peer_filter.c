#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stddef.h>

#include "control/peer_filter.h"

struct pass_case {
	char filter[48];
	char peer[48];
	bool want;
};

ParameterizedTestParameters(peer_filter, passes)
{
	static struct pass_case cases[] = {
		{ "10.0.0.1", "10.0.0.1:5555", true },
		{ "10.0.0.1", "10.0.0.1:1", true },
		{ "10.0.0.1", "10.0.0.10:5555", false },
		{ "10.0.0.1", "[::1]:5555", false },
		{ "10.0.0.1:5555", "10.0.0.1:5555", true },
		{ "10.0.0.1:5555", "10.0.0.1:5556", false },
		{ "10.0.0.0/8", "10.255.0.1:5555", true },
		{ "10.1.2.3/8", "10.255.0.1:5555", true },
		{ "10.0.0.0/8", "11.0.0.1:5555", false },
		{ "10.0.0.0/9", "10.127.0.1:5555", true },
		{ "10.0.0.0/9", "10.128.0.1:5555", false },
		{ "10.0.0.1/32", "10.0.0.1:5555", true },
		{ "10.0.0.1/32", "10.0.0.2:5555", false },
		{ "0.0.0.0/0", "192.0.2.1:5555", true },
		{ "0.0.0.0/0", "[::1]:5555", false },
		{ "::1", "[::1]:5555", true },
		{ "::1", "[::2]:5555", false },
		{ "[::1]:5555", "[::1]:5555", true },
		{ "[::1]:5555", "[::1]:5556", false },
		{ "2001:db8::/32", "[2001:db8:1::1]:5", true },
		{ "2001:db8::/32", "[2001:db9::1]:5", false },
		{ "2001:db8::/127", "[2001:db8::1]:5", true },
		{ "2001:db8::/127", "[2001:db8::2]:5", false },
		{ "::/0", "[2001:db8::1]:5", true },
		{ "::/0", "10.0.0.1:5555", false },
		{ "::ffff:10.0.0.1", "10.0.0.1:5555", true },
		{ "::ffff:10.0.0.0/104", "10.2.0.1:5555", true },
		{ "::ffff:10.0.0.0/104", "11.2.0.1:5555", false },
		{ "10.0.0.1", "", false },
		{ "0.0.0.0/0", "garbage", false },
	};

	return cr_make_param_array(struct pass_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct pass_case *k, peer_filter, passes)
{
	struct peer_filter f;
	struct err err;

	cr_assert_eq(peer_filter_parse(k->filter, &f, &err), 0, "%s: %s",
	    k->filter, err.text);
	cr_expect_eq(peer_filter_passes(&f, k->peer), k->want, "%s: %s",
	    k->filter, k->peer);
}

Test(peer_filter, none_lets_all_pass)
{
	const struct peer_filter none = { 0 };

	cr_expect(peer_filter_passes(&none, "10.0.0.1:5555"));
	cr_expect(peer_filter_passes(&none, ""));
}

Test(peer_filter, nothing_else_is_one)
{
	static const char *const texts[] = { "", "10", "10.0.0", "10.0.0.0/33",
		"10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8",
		"10.0.0.1:", "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:x",
		"[::1]", "[::1]:", "[::1", "[10.0.0.1]:5", "::1/129",
		":::", "host", "host:5", "10.0.0.1:5/8", "/8", ":5",
		" 10.0.0.1", "10.0.0.1 ", "fe80::1%lo",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb" };
	struct peer_filter f;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_eq(peer_filter_parse(texts[i], &f, &err), -1, "%s",
		    texts[i]);
}
