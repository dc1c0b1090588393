#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/addr.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct parse_case {
	char text[64];
	uint16_t port;
	int family;    /* AF_UNSPEC: it is no address */
	char want[64]; /* as inet_ntop(3) writes it */
};

ParameterizedTestParameters(addr, parses_numbers_only)
{
	static struct parse_case cases[] = {
		{ "10.0.0.1", 7007, AF_INET, "10.0.0.1" },
		{ "0.0.0.0", 0, AF_INET, "0.0.0.0" },
		{ "255.255.255.255", 65535, AF_INET, "255.255.255.255" },
		{ "::", 1, AF_INET6, "::" },
		{ "::1", 65535, AF_INET6, "::1" },
		{ "2001:DB8:0::1", 443, AF_INET6, "2001:db8::1" },
		{ "::ffff:10.0.0.1", 9, AF_INET6, "::ffff:10.0.0.1" },
		{ "", 1, AF_UNSPEC, "" },
		{ " ", 1, AF_UNSPEC, "" },
		{ "localhost", 1, AF_UNSPEC, "" },
		{ "example.org", 1, AF_UNSPEC, "" },
		{ "*", 1, AF_UNSPEC, "" },
		{ "9100", 1, AF_UNSPEC, "" },
		{ "127.1", 1, AF_UNSPEC, "" },
		{ "0x7f.0.0.1", 1, AF_UNSPEC, "" },
		{ "010.0.0.1", 1, AF_UNSPEC, "" },
		{ "10.0.0.256", 1, AF_UNSPEC, "" },
		{ "10.0.0.1.1", 1, AF_UNSPEC, "" },
		{ "10.0.0.1:80", 1, AF_UNSPEC, "" },
		{ "10.0.0.1/8", 1, AF_UNSPEC, "" },
		{ "10.0.0.1 ", 1, AF_UNSPEC, "" },
		{ " 10.0.0.1", 1, AF_UNSPEC, "" },
		{ "-1", 1, AF_UNSPEC, "" },
		{ "[::1]", 1, AF_UNSPEC, "" },
		{ "::1::", 1, AF_UNSPEC, "" },
		{ ":", 1, AF_UNSPEC, "" },
		{ "1:2:3:4:5:6:7:8:9", 1, AF_UNSPEC, "" },
		{ "::fffff", 1, AF_UNSPEC, "" },
		{ "fe80::1%nosuchlink0", 1, AF_UNSPEC, "" },
	};

	return cr_make_param_array(struct parse_case, cases, COUNT(cases));
}

ParameterizedTest(struct parse_case *k, addr, parses_numbers_only)
{
	const struct sockaddr_in *in;
	const struct sockaddr_in6 *in6;
	char got[INET6_ADDRSTRLEN] = "";
	union addr a;
	socklen_t len;

	memset(&a, 0xff, sizeof(a));
	len = addr_parse(k->text, k->port, &a);
	if (k->family == AF_UNSPEC) {
		cr_expect_eq(len, 0, "\"%s\"", k->text);
		return;
	}
	cr_assert_eq(a.sa.sa_family, k->family, "\"%s\"", k->text);
	in = (const void *)&a.storage;
	in6 = (const void *)&a.storage;
	cr_expect_eq(len,
	    k->family == AF_INET ? sizeof(struct sockaddr_in)
				 : sizeof(struct sockaddr_in6));
	cr_expect_not_null(inet_ntop(k->family,
	    k->family == AF_INET ? (const void *)&in->sin_addr
				 : (const void *)&in6->sin6_addr,
	    got, sizeof(got)));
	cr_expect_str_eq(got, k->want);
	cr_expect_eq(addr_port(&a), k->port);
}

Test(addr, knows_scope_ids)
{
	const struct sockaddr_in6 *in6;
	char text[IF_NAMESIZE + 16];
	char link[IF_NAMESIZE];
	union addr a;

	cr_assert_eq(addr_parse("fe80::1%1", 5, &a),
	    sizeof(struct sockaddr_in6));
	in6 = (const void *)&a.storage;
	cr_expect_eq(in6->sin6_scope_id, 1);
	cr_assert_not_null(if_indextoname(1, link));
	(void)snprintf(text, sizeof(text), "fe80::1%%%s", link);
	cr_assert_eq(addr_parse(text, 5, &a), sizeof(struct sockaddr_in6));
	cr_expect_eq(in6->sin6_scope_id, 1);
}

Test(addr, other_families_have_no_port)
{
	union addr a;

	memset(&a, 0xff, sizeof(a));
	a.sa.sa_family = AF_UNIX;
	cr_expect_eq(addr_port(&a), 0);
	a.sa.sa_family = AF_UNSPEC;
	cr_expect_eq(addr_port(&a), 0);
}

Test(addr, bytes_of_both_families)
{
	static const uint8_t v4[16] = { [10] = 0xff, 0xff, 192, 0, 2, 7 };
	static const uint8_t v6[16] = { 0xfe, 0x80, [15] = 1 };
	static const uint8_t none[16];
	uint8_t got[16];
	union addr a;

	cr_assert_neq(addr_parse("192.0.2.7", 5, &a), 0);
	cr_expect(addr_bytes(&a, got));
	cr_expect_arr_eq(got, v4, sizeof(v4));
	cr_assert_neq(addr_parse("::ffff:192.0.2.7", 5, &a), 0);
	cr_expect(addr_bytes(&a, got));
	cr_expect_arr_eq(got, v4, sizeof(v4));
	cr_assert_neq(addr_parse("fe80::1%1", 5, &a), 0);
	cr_expect(addr_bytes(&a, got));
	cr_expect_arr_eq(got, v6, sizeof(v6));
	a.sa.sa_family = AF_UNIX;
	cr_expect_not(addr_bytes(&a, got));
	cr_expect_arr_eq(got, none, sizeof(none));
}

struct join_case {
	char address[64];
	uint16_t port;
	char want[ADDR_TEXT_SIZE];
};

ParameterizedTestParameters(addr, joins_with_port)
{
	static struct join_case cases[] = {
		{ "10.0.0.1", 7007, "10.0.0.1:7007" },
		{ "0.0.0.0", 0, "0.0.0.0:0" },
		{ "::", 65535, "[::]:65535" },
		{ "fe80::1%eth0", 80, "[fe80::1%eth0]:80" },
		{ "", 1, ":1" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%"
		  "abcdefghijklmno",
		    65535,
		    "[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"
		    "%abcdefghijklmno]:65535" },
	};

	return cr_make_param_array(struct join_case, cases, COUNT(cases));
}

ParameterizedTest(struct join_case *k, addr, joins_with_port)
{
	char got[ADDR_TEXT_SIZE];

	addr_join(k->address, k->port, got);
	cr_expect_str_eq(got, k->want, "%s", got);
}
