#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "common/histogram.h"
#include "gateway/exposition.h"

static void
expect(struct exposition *x, const char *want)
{
	cr_assert(!x->failed);
	cr_expect_eq(x->len, strlen(want));
	cr_expect(x->len == strlen(want) && memcmp(x->bytes, want, x->len) == 0,
	    "%.*s", (int)x->len, x->bytes);
	exposition_free(x);
	cr_expect_null(x->bytes);
}

Test(exposition, a_family_has_help_and_type)
{
	struct exposition x = { 0 };

	exposition_family(&x, "a_total", "counter", "A \\ and\na \"quote\".");
	expect(&x,
	    "# HELP a_total A \\\\ and\\na \"quote\".\n"
	    "# TYPE a_total counter\n");
}

struct number_case {
	uint64_t value;
	enum exposition_unit unit;
	char want[24];
};

ParameterizedTestParameters(exposition, numbers)
{
	static struct number_case cases[] = {
		{ 0, UNIT_NUMBER, "0" },
		{ 1234567890, UNIT_NUMBER, "1234567890" },
		{ UINT64_MAX, UNIT_NUMBER, "18446744073709551615" },
		{ 0, UNIT_MS, "0" },
		{ 1, UNIT_MS, "0.001" },
		{ 50, UNIT_MS, "0.05" },
		{ 2500, UNIT_MS, "2.5" },
		{ 604800000, UNIT_MS, "604800" },
		{ UINT64_MAX, UNIT_MS, "18446744073709551.615" },
		{ 80, UNIT_PERCENT, "0.8" },
		{ 95, UNIT_PERCENT, "0.95" },
		{ 100, UNIT_PERCENT, "1" },
	};

	return cr_make_param_array(struct number_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct number_case *k, exposition, numbers)
{
	struct exposition x = { .family = "a", .family_len = 1 };
	char want[64];

	exposition_sample(&x, NULL, k->value, k->unit);
	(void)snprintf(want, sizeof(want), "a %s\n", k->want);
	expect(&x, want);
}

Test(exposition, labels_are_escaped)
{
	struct exposition_labels l = { .len = 0 };
	struct exposition x = { .family = "a", .family_len = 1 };

	exposition_label(&l, "listener", "a\"b\\c\nd\xc3\xa9", 65);
	exposition_label(&l, "slot", "17rest", 2);
	exposition_sample(&x, &l, 1, UNIT_NUMBER);
	exposition_sample_of(&x, &l, "reason", "kicked", 2);
	exposition_sample_of(&x, NULL, "state", "running", 3);
	expect(&x,
	    "a{listener=\"a\\\"b\\\\c\\nd\xc3\xa9\",slot=\"17\"} 1\n"
	    "a{listener=\"a\\\"b\\\\c\\nd\xc3\xa9\",slot=\"17\","
	    "reason=\"kicked\"} 2\n"
	    "a{state=\"running\"} 3\n");
}

Test(exposition, a_name_of_any_length_fits)
{
	struct exposition_labels l = { .len = 0 };
	char name[64];

	memset(name, '"', sizeof(name));
	exposition_label(&l, "listener", name, sizeof(name));
	exposition_label(&l, "slot", "4294967295", 16);
	cr_expect_eq(l.len, strlen("listener=\"\",slot=\"4294967295\"") + 128);
}

Test(exposition, a_label_without_room_is_left_out)
{
	struct exposition_labels l = { .len = 0 };
	char value[sizeof(l.text)];

	memset(value, 'x', sizeof(value));
	exposition_label(&l, "a", value, sizeof(value));
	cr_expect_eq(l.len, 0);
	exposition_label(&l, "a", value, 1);
	cr_expect_eq(l.len, 5);
}

Test(exposition, buckets_add_up)
{
	static const uint32_t bounds_ms[] = { 5, 2500 };
	const struct histogram h = { .bounds = 2, .bounds_ms = bounds_ms };
	const uint64_t cells[] = { 1, 10, 100, 123456 };
	struct exposition_labels l = { .len = 0 };
	struct exposition x = { .family = "a", .family_len = 1 };

	exposition_label(&l, "listener", "pos", 65);
	exposition_histogram(&x, &l, &h, cells);
	exposition_histogram(&x, NULL, &h, cells);
	expect(&x,
	    "a_bucket{listener=\"pos\",le=\"0.005\"} 1\n"
	    "a_bucket{listener=\"pos\",le=\"2.5\"} 11\n"
	    "a_bucket{listener=\"pos\",le=\"+Inf\"} 111\n"
	    "a_sum{listener=\"pos\"} 123.456\n"
	    "a_count{listener=\"pos\"} 111\n"
	    "a_bucket{le=\"0.005\"} 1\n"
	    "a_bucket{le=\"2.5\"} 11\n"
	    "a_bucket{le=\"+Inf\"} 111\n"
	    "a_sum 123.456\n"
	    "a_count 111\n");
}

Test(exposition, it_grows)
{
	struct exposition x = { .family = "a_name", .family_len = 6 };
	unsigned int i;

	for (i = 0; i < 100000; i++)
		exposition_sample(&x, NULL, i, UNIT_NUMBER);
	cr_assert(!x.failed);
	cr_expect_eq(x.len, 100000 * 8 + 488890);
	cr_expect_eq(memcmp(x.bytes + x.len - 13, "a_name 99999\n", 13), 0);
	exposition_free(&x);
}
