#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "common/cidr.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct form_case {
	char text[48];
	unsigned int bits;
	char want[CIDR_TEXT_SIZE];
};

ParameterizedTestParameters(cidr, reads_and_writes)
{
	static struct form_case cases[] = {
		{ "10.0.0.0/8", 104, "10.0.0.0/8" },
		{ "0.0.0.0/0", 96, "0.0.0.0/0" },
		{ "192.0.2.7", 128, "192.0.2.7" },
		{ "192.0.2.7/32", 128, "192.0.2.7" },
		{ "10.128.0.0/9", 105, "10.128.0.0/9" },
		{ "::1", 128, "::1" },
		{ "::1/128", 128, "::1" },
		{ "::/0", 0, "::/0" },
		{ "2001:DB8:0:0::/32", 32, "2001:db8::/32" },
		{ "2001:db8::8000:0/113", 113, "2001:db8::8000:0/113" },
		{ "::ffff:10.0.0.0/104", 104, "10.0.0.0/8" },
		{ "::ffff:0:0/96", 96, "0.0.0.0/0" },
		{ "::ffff:192.0.2.7", 128, "192.0.2.7" },
		{ "::/80", 80, "::/80" },
		{ "::192.0.2.0/120", 120, "::192.0.2.0/120" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127", 127,
		    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127" },
	};

	return cr_make_param_array(struct form_case, cases, COUNT(cases));
}

ParameterizedTest(struct form_case *k, cidr, reads_and_writes)
{
	char text[CIDR_TEXT_SIZE];
	struct cidr c;
	struct err err;

	memset(&c, 0xff, sizeof(c));
	cr_assert_eq(cidr_parse(k->text, &c, &err), 0, "%s: %s", k->text,
	    err.text);
	cr_expect_eq(c.bits, k->bits, "%s: %u", k->text, c.bits);
	cr_expect(cidr_is_valid(&c), "%s", k->text);
	cidr_format(&c, text);
	cr_expect_str_eq(text, k->want, "%s: %s", k->text, text);
	cr_expect_eq(cidr_is_v4(&c), strchr(k->want, ':') == NULL, "%s",
	    k->text);
}

struct error_case {
	char text[80];
	char want[120];
};

ParameterizedTestParameters(cidr, says_what_would_be_right)
{
	static struct error_case cases[] = {
		{ "10.1.2.3/8",
		    "has bits set behind its mask: must be 10.0.0.0/8 or "
		    "10.1.2.3" },
		{ "10.0.0.1/31",
		    "has bits set behind its mask: must be 10.0.0.0/31 or "
		    "10.0.0.1" },
		{ "0.0.0.1/0",
		    "has bits set behind its mask: must be 0.0.0.0/0 or "
		    "0.0.0.1" },
		{ "2001:db8::1/32",
		    "has bits set behind its mask: must be 2001:db8::/32 or "
		    "2001:db8::1" },
		{ "::ffff:10.0.0.0/90",
		    "has bits set behind its mask: must be ::ffc0:0:0/90 or "
		    "10.0.0.0" },
		{ "10.0.0.0/33", "must have 0 to 32 bits behind the slash" },
		{ "10.0.0.0/", "must have 0 to 32 bits behind the slash" },
		{ "10.0.0.0/ 8", "must have 0 to 32 bits behind the slash" },
		{ "10.0.0.0/-1", "must have 0 to 32 bits behind the slash" },
		{ "10.0.0.0/8/8", "must have 0 to 32 bits behind the slash" },
		{ "10.0.0.0/256", "must have 0 to 32 bits behind the slash" },
		{ "10.0.0.0/4294967304",
		    "must have 0 to 32 bits behind the slash" },
		{ "10.0.0.0/255.0.0.0",
		    "must have 0 to 32 bits behind the slash" },
		{ "::/129", "must have 0 to 128 bits behind the slash" },
	};

	return cr_make_param_array(struct error_case, cases, COUNT(cases));
}

ParameterizedTest(struct error_case *k, cidr, says_what_would_be_right)
{
	struct cidr c;
	struct err err;

	cr_assert_eq(cidr_parse(k->text, &c, &err), -1, "%s", k->text);
	cr_expect_eq(err.code, ERR_INVALID);
	cr_expect_str_eq(err.text, k->want, "%s: %s", k->text, err.text);
}

Test(cidr, nothing_else_is_one)
{
	static const char *const texts[] = { "", "10", "10.0.0", "10/8",
		"10.0.0/8", "010.0.0.0/8", "10.0.0.256", "/8", "/",
		":::", "::1::", "::1%lo", "fe80::1%1/64", "[::1]",
		"10.0.0.1:80", "host", "any", " 10.0.0.1", "10.0.0.1 ",
		"0x0a.0.0.1", "1:2:3:4:5:6:7:8:9", "::ffff:10.0.0.0.0",
		"0000000000000000000000000000000000000000000000000000::1" };
	struct cidr c;
	struct err err;
	size_t i;

	for (i = 0; i < COUNT(texts); i++) {
		cr_expect_eq(cidr_parse(texts[i], &c, &err), -1, "%s",
		    texts[i]);
		cr_expect_eq(cidr_parse_loose(texts[i], &c, &err), -1, "%s",
		    texts[i]);
		cr_expect_str_eq(err.text,
		    "is no numeric address or network, such as 10.0.0.0/8, "
		    "192.0.2.7 or 2001:db8::/32");
	}
}

Test(cidr, can_drop_what_is_behind_the_mask)
{
	char text[CIDR_TEXT_SIZE];
	struct cidr c;
	struct err err;

	cr_assert_eq(cidr_parse_loose("10.201.2.3/9", &c, &err), 0);
	cidr_format(&c, text);
	cr_expect_str_eq(text, "10.128.0.0/9");
}

struct contains_case {
	char network[48];
	char address[48];
	bool want;
};

ParameterizedTestParameters(cidr, contains)
{
	static struct contains_case cases[] = {
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.0.0.0/9", "10.127.255.255", true },
		{ "10.0.0.0/9", "10.128.0.0", false },
		{ "10.0.0.0/8", "::ffff:10.1.2.3", true },
		{ "::ffff:10.0.0.0/104", "10.1.2.3", true },
		{ "192.0.2.7", "192.0.2.7", true },
		{ "192.0.2.7", "192.0.2.6", false },
		{ "0.0.0.0/0", "192.0.2.6", true },
		{ "0.0.0.0/0", "::1", false },
		{ "0.0.0.0/0", "::192.0.2.6", false },
		{ "::/0", "::1", true },
		{ "::/0", "192.0.2.6", false },
		{ "::/80", "192.0.2.6", false },
		{ "::/80", "::192.0.2.6", true },
		{ "::ffc0:0:0/90", "192.0.2.6", false },
		{ "::ffc0:0:0/90", "::ffc1:1:1", true },
		{ "2001:db8::/32", "2001:db8:ffff::1", true },
		{ "2001:db8::/32", "2001:db9::", false },
		{ "::2/127", "::3", true },
		{ "::2/127", "::1", false },
	};

	return cr_make_param_array(struct contains_case, cases, COUNT(cases));
}

ParameterizedTest(struct contains_case *k, cidr, contains)
{
	struct cidr network, address;
	struct err err;

	cr_assert_eq(cidr_parse(k->network, &network, &err), 0);
	cr_assert_eq(cidr_parse(k->address, &address, &err), 0);
	cr_expect_eq(cidr_contains(&network, address.address), k->want,
	    "%s in %s", k->address, k->network);
}

Test(cidr, knows_bytes_that_make_no_sense)
{
	struct cidr c = { { 0 }, 129 };
	char text[CIDR_TEXT_SIZE];

	cr_expect_not(cidr_is_valid(&c));
	c.bits = 255;
	cr_expect_not(cidr_is_valid(&c));
	memset(c.address, 0xff, sizeof(c.address));
	cr_expect_not(cidr_is_valid(&c));
	/* It must be safe to show them all the same. */
	cidr_format(&c, text);
	cr_expect_str_eq(text, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/255");
	cr_expect(cidr_contains(&c, c.address));
	c.bits = 127;
	cr_expect_not(cidr_is_valid(&c));
	c.bits = 128;
	cr_expect(cidr_is_valid(&c));
}
