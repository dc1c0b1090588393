#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#include "common/cidr.h"
#include "common/cidr_set.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NETWORKS_MAX 8

static struct cidr
network(const char *text)
{
	struct cidr c;
	struct err err;

	cr_assert_eq(cidr_parse(text, &c, &err), 0, "%s: %s", text, err.text);
	return c;
}

static struct cidr_set *
set_of(const struct cidr *networks, size_t count)
{
	struct cidr_set *set;
	struct err err;

	cr_assert_eq(
	    cidr_set_new(networks, count * sizeof(networks[0]), &set, &err), 0);
	return set;
}

struct longest_case {
	char networks[NETWORKS_MAX][32];
	char address[48];
	int want;
};

ParameterizedTestParameters(cidr_set, finds_the_longest)
{
	static struct longest_case cases[] = {
		{ { "" }, "10.0.0.1", -1 },
		{ { "10.0.0.0/8" }, "10.0.0.1", 104 },
		{ { "10.0.0.0/8" }, "10.0.0.0", 104 },
		{ { "10.0.0.0/8" }, "10.255.255.255", 104 },
		{ { "10.0.0.0/8" }, "11.0.0.0", -1 },
		{ { "10.0.0.0/8" }, "9.255.255.255", -1 },
		{ { "10.0.0.0/8", "10.0.0.0/8" }, "10.0.0.1", 104 },
		{ { "10.0.0.0/8", "10.1.0.0/16", "10.1.1.0/24" }, "10.1.1.9",
		    120 },
		{ { "10.1.1.0/24", "10.1.0.0/16", "10.0.0.0/8" }, "10.1.2.9",
		    112 },
		{ { "10.0.0.0/8", "10.1.1.0/24", "10.1.0.0/16" }, "10.2.1.9",
		    104 },
		{ { "10.0.0.0/8", "10.255.255.255" }, "10.255.255.255", 128 },
		{ { "10.0.0.0/8", "10.0.0.0" }, "10.0.0.0", 128 },
		{ { "10.0.0.0/8", "10.0.0.0" }, "10.0.0.1", 104 },
		{ { "10.0.0.0/8", "11.0.0.0/8" }, "11.0.0.0", 104 },
		{ { "0.0.0.0/0" }, "255.255.255.255", 96 },
		{ { "0.0.0.0/0" }, "::1", -1 },
		{ { "0.0.0.0/0" }, "::1:0:0:0", -1 },
		{ { "::/0" }, "::1", 0 },
		{ { "::/0" }, "::1:0:0:0", 0 },
		{ { "::/0" }, "::fffe:ffff:ffff", 0 },
		{ { "::/0" }, "10.0.0.1", -1 },
		{ { "::/0", "0.0.0.0/0" }, "10.0.0.1", 96 },
		{ { "::/0", "10.0.0.0/8" }, "10.0.0.1", 104 },
		{ { "::/0", "10.0.0.0/8" }, "11.0.0.1", -1 },
		{ { "::/80" }, "0.0.0.0", -1 },
		{ { "::/0" }, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0 },
		{ { "::/0", "ffff::/16" },
		    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 16 },
		{ { "::/0", "::/1", "8000::/1" }, "::1", 1 },
		{ { "8000::/1" }, "7fff::", -1 },
		{ { "8000::/1" }, "8000::", 1 },
		{ { "2001:db8::/64" }, "2001:db8::ffff:ffff:ffff:ffff", 64 },
		{ { "2001:db8::/64" }, "2001:db8:0:1::", -1 },
		{ { "2001:db8::/63" }, "2001:db8:0:1::", 63 },
		{ { "2001:db8::/65" }, "2001:db8::8000:0:0:0", -1 },
		{ { "2001:db8::1", "2001:db8::/32" }, "2001:db8::1", 128 },
	};

	return cr_make_param_array(struct longest_case, cases, COUNT(cases));
}

ParameterizedTest(struct longest_case *k, cidr_set, finds_the_longest)
{
	struct cidr networks[NETWORKS_MAX], address = network(k->address);
	struct cidr_set *set;
	size_t count = 0;

	while (count < NETWORKS_MAX && k->networks[count][0] != '\0') {
		networks[count] = network(k->networks[count]);
		count++;
	}
	set = set_of(networks, count);
	cr_expect_eq(cidr_set_longest(set, address.address), k->want, "%s: %d",
	    k->address, cidr_set_longest(set, address.address));
	cr_expect_eq(cidr_set_is_empty(set), count == 0);
	cidr_set_free(&set);
	cr_expect_null(set);
}

Test(cidr_set, none_is_empty)
{
	const uint8_t address[16] = { 0 };
	struct cidr_set *none = NULL;

	cr_expect(cidr_set_is_empty(NULL));
	cr_expect_eq(cidr_set_longest(NULL, address), -1);
	cidr_set_free(&none);
}

Test(cidr_set, every_length_around_one_address)
{
	const uint8_t address[16] = { [3] = 0x55, [15] = 0xaa };
	struct cidr networks[129];
	struct cidr_set *set;
	uint8_t other[16];
	unsigned int i;

	for (i = 0; i < COUNT(networks); i++) {
		memset(&networks[i], 0, sizeof(networks[i]));
		networks[i].bits = (uint8_t)i;
		memcpy(networks[i].address, address, i / 8);
		if (i % 8 != 0)
			networks[i].address[i / 8] =
			    (uint8_t)(address[i / 8] & (0xff << (8 - i % 8)));
	}
	set = set_of(networks, COUNT(networks));
	cr_expect_eq(cidr_set_longest(set, address), 128);
	/* The first bit that differs is behind the longest that fits. */
	for (i = 0; i < 128; i++) {
		memcpy(other, address, sizeof(other));
		other[i / 8] ^= (uint8_t)(0x80 >> i % 8);
		cr_expect_eq(cidr_set_longest(set, other), (int)i, "bit %u: %d",
		    i, cidr_set_longest(set, other));
	}
	cidr_set_free(&set);
}

Test(cidr_set, refuses_bytes_that_make_no_sense)
{
	struct cidr networks[2] = { network("10.0.0.0/8"),
		network("11.0.0.0/8") };
	struct cidr_set *set;
	struct err err;

	cr_expect_eq(cidr_set_new(networks, 16, &set, &err), -1);
	cr_expect_null(set);
	cr_expect_str_eq(err.text, "16 bytes are no list of networks");
	networks[1].address[15] = 1;
	cr_expect_eq(cidr_set_new(networks, sizeof(networks), &set, &err), -1);
	cr_expect_null(set);
	cr_expect_str_eq(err.text, "network 1 of 2 makes no sense");
	networks[1].bits = 129;
	cr_expect_eq(cidr_set_new(networks, sizeof(networks), &set, &err), -1);
	cr_expect_eq(err.code, ERR_INVALID);
}

/* A number from a fixed row: the same in each run. */
static unsigned int
next(unsigned int *state)
{
	*state = *state * 1103515245u + 12345u;
	return *state >> 16;
}

/* Few values in each byte, so that networks nest and addresses hit. */
static struct cidr
random_network(unsigned int *state)
{
	struct cidr c = { { 0 }, (uint8_t)(next(state) % 129) };
	char text[CIDR_TEXT_SIZE];
	struct err err;
	unsigned int i;

	for (i = 0; i < sizeof(c.address); i++)
		c.address[i] = next(state) % 4 == 0 ? 0x80 : 0;
	if (next(state) % 2 == 0) {
		memset(c.address, 0, 10);
		c.address[10] = c.address[11] = 0xff;
		c.bits = (uint8_t)(96 + next(state) % 33);
	}
	cidr_format(&c, text);
	cr_assert_eq(cidr_parse_loose(text, &c, &err), 0, "%s", text);
	return c;
}

static int
slow_longest(const struct cidr *networks, size_t count, const uint8_t *address)
{
	int longest = -1;
	size_t i;

	for (i = 0; i < count; i++)
		if (cidr_contains(&networks[i], address) &&
		    networks[i].bits > longest)
			longest = networks[i].bits;
	return longest;
}

Test(cidr_set, agrees_with_a_search_of_all)
{
	struct cidr networks[300], address;
	unsigned int state = 1;
	struct cidr_set *set;
	size_t i, round, hits = 0;
	int want;

	for (i = 0; i < COUNT(networks); i++)
		networks[i] = random_network(&state);
	for (round = 0; round <= COUNT(networks); round += 60) {
		set = set_of(networks, round);
		for (i = 0; i < 4000; i++) {
			address = random_network(&state);
			want = slow_longest(networks, round, address.address);
			hits += want != -1;
			cr_assert_eq(cidr_set_longest(set, address.address),
			    want);
		}
		cidr_set_free(&set);
	}
	cr_expect_gt(hits, 1000);
}
