#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#include "option/cidrs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MAX 4

struct list_case {
	char value[128]; /* JSON */
	char want[128];  /* JSON, or the error's text */
};

ParameterizedTestParameters(cidrs, parses)
{
	static struct list_case cases[] = {
		{ "\"\"", "[]" },
		{ "[]", "[]" },
		{ "\"10.0.0.0/8\"", "[\"10.0.0.0/8\"]" },
		{ "\"10.0.0.0/8,::1\"", "[\"10.0.0.0/8\",\"::1\"]" },
		{ "\" 10.0.0.0/8 ,\\t::1 \"", "[\"10.0.0.0/8\",\"::1\"]" },
		{ "[\"10.0.0.0/8\",\"::1\"]", "[\"10.0.0.0/8\",\"::1\"]" },
		{ "[\"10.0.0.0/8, ::1\",\"::2\"]",
		    "[\"10.0.0.0/8\",\"::1\",\"::2\"]" },
		{ "\"::2,::1,::2,::1\"", "[\"::2\",\"::1\"]" },
		{ "\"10.0.0.1,10.0.0.1/32,::ffff:10.0.0.1\"",
		    "[\"10.0.0.1\"]" },
		{ "\"::1,::2,::3,::4\"", "[\"::1\",\"::2\",\"::3\",\"::4\"]" },
		{ "\"::1,::2,::3,::4,::5\"",
		    "has too many networks: must be at most 4" },
		{ "\"::1,10.0.0.1/8\"",
		    "\"10.0.0.1/8\" has bits set behind its mask: must be "
		    "10.0.0.0/8 or 10.0.0.1" },
		{ "[\"::1\",\"x\"]",
		    "\"x\" is no numeric address or network, such as "
		    "10.0.0.0/8, 192.0.2.7 or 2001:db8::/32" },
		{ "\"::1,\"",
		    "\"\" is no numeric address or network, such as "
		    "10.0.0.0/8, 192.0.2.7 or 2001:db8::/32" },
		{ "[\"\"]",
		    "\"\" is no numeric address or network, such as "
		    "10.0.0.0/8, 192.0.2.7 or 2001:db8::/32" },
		{ "\"::1 ::2\"", "must have a comma between two networks" },
		{ "[\"::1\",2]",
		    "entry 2 must be a network in a string, such as "
		    "\"10.0.0.0/8\"" },
		{ "10",
		    "must be an array of networks in strings, or a string "
		    "with commas between them" },
	};

	return cr_make_param_array(struct list_case, cases, COUNT(cases));
}

ParameterizedTest(struct list_case *k, cidrs, parses)
{
	json_t *value = json_loads(k->value, JSON_DECODE_ANY, NULL), *back;
	struct cidr *networks;
	struct err err = { 0 };
	char *got = NULL;
	size_t count;

	if (cidrs_parse(value, MAX, &networks, &count, &err) == 0) {
		back = cidrs_json(networks, count * sizeof(networks[0]));
		got = json_dumps(back, JSON_COMPACT);
		json_decref(back);
	}
	cr_expect_str_eq(got == NULL ? err.text : got, k->want, "%s: %s",
	    k->value, got == NULL ? err.text : got);
	if (json_is_string(value))
		cr_expect_eq(cidrs_check(json_string_value(value), MAX, &err),
		    got == NULL ? -1 : 0, "%s", k->value);
	json_decref(value);
	free(networks);
	free(got);
}

/* What is too long to be a network is named, in part, and no more is read. */
Test(cidrs, takes_text_of_any_length)
{
	struct err err;
	char *text = malloc(1 << 20);

	cr_assert_not_null(text);
	memset(text, '1', (1 << 20) - 1);
	text[(1 << 20) - 1] = '\0';
	cr_expect_eq(cidrs_check(text, MAX, &err), -1);
	cr_expect_eq(strncmp(err.text, "\"1111111111", 11), 0);
	free(text);
}

Test(cidrs, many)
{
	json_t *value = json_array();
	struct cidr *networks;
	struct err err;
	size_t count;
	int i;

	for (i = 0; i < 4096; i++)
		cr_assert_eq(
		    json_array_append_new(value,
			json_sprintf("10.%d.%d.0/24", i % 16, i / 16 % 128)),
		    0);
	cr_assert_eq(cidrs_parse(value, 4096, &networks, &count, &err), 0, "%s",
	    err.text);
	cr_expect_eq(count, 2048);
	free(networks);
	cr_assert_eq(cidrs_parse(value, 4095, &networks, &count, &err), -1);
	cr_expect_null(networks);
	json_decref(value);
}

Test(cidrs, no_json_of_half_a_network)
{
	struct cidr c = { { 0 }, 0 };

	cr_expect_null(cidrs_json(&c, sizeof(c) - 1));
}
