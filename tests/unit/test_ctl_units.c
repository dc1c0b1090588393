#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "ctl/units.h"

struct unit_case {
	uint64_t value;
	char duration[24];
	char count[16];
	char bytes[16];
};

ParameterizedTestParameters(units, of_numbers)
{
	static struct unit_case cases[] = {
		{ 0, "0ms", "0", "0 B" },
		{ 999, "999ms", "999", "999 B" },
		{ 1000, "1s", "1000", "1000 B" },
		{ 1023, "1s", "1023", "1023 B" },
		{ 1024, "1s", "1024", "1.0 KiB" },
		{ 9999, "9s", "9999", "9.8 KiB" },
		{ 10000, "10s", "10.0k", "9.8 KiB" },
		{ 12345, "12s", "12.3k", "12.1 KiB" },
		{ 59999, "59s", "60.0k", "58.6 KiB" },
		{ 60000, "1m00s", "60.0k", "58.6 KiB" },
		{ 99949, "1m39s", "99.9k", "97.6 KiB" },
		{ 99950, "1m39s", "100k", "97.6 KiB" },
		{ 185000, "3m05s", "185k", "181 KiB" },
		{ 999499, "16m39s", "999k", "976 KiB" },
		{ 999500, "16m39s", "1.0M", "976 KiB" },
		{ 1048063, "17m28s", "1.0M", "1023 KiB" },
		{ 1048064, "17m28s", "1.0M", "1.0 MiB" },
		{ 4500000, "1h15m", "4.5M", "4.3 MiB" },
		{ 11520000, "3h12m", "11.5M", "11.0 MiB" },
		{ 86399999, "23h59m", "86.4M", "82.4 MiB" },
		{ 86400000, "1d00h", "86.4M", "82.4 MiB" },
		{ 1288490188, "14d21h", "1.3G", "1.2 GiB" },
		{ UINT64_MAX, "213503982334d14h", "18.4E", "16.0 EiB" },
	};

	return cr_make_param_array(struct unit_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct unit_case *k, units, of_numbers)
{
	char text[UNITS_SIZE];

	units_duration(k->value, text);
	cr_expect_str_eq(text, k->duration, "%s", text);
	units_count(k->value, text);
	cr_expect_str_eq(text, k->count, "%s", text);
	units_bytes(k->value, text);
	cr_expect_str_eq(text, k->bytes, "%s", text);
}

struct rate_case {
	double per_s;
	char rate[16];
	char bytes[16];
};

ParameterizedTestParameters(units, of_rates)
{
	static struct rate_case cases[] = {
		{ -1, "0", "0 B" },
		{ 0, "0", "0 B" },
		{ 0.01, "<0.1", "<1 B" },
		{ 0.5, "0.5", "<1 B" },
		{ 4.25, "4.2", "4 B" },
		{ 99.94, "99.9", "100 B" },
		{ 99.96, "100", "100 B" },
		{ 1499.6, "1500", "1.5 KiB" },
		{ 12345.6, "12.3k", "12.1 KiB" },
	};

	return cr_make_param_array(struct rate_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct rate_case *k, units, of_rates)
{
	char text[UNITS_SIZE];

	units_rate(k->per_s, text);
	cr_expect_str_eq(text, k->rate, "%s", text);
	units_byte_rate(k->per_s, text);
	cr_expect_str_eq(text, k->bytes, "%s", text);
}

Test(units, exact_seconds)
{
	char text[UNITS_SIZE];

	units_seconds(185003, text);
	cr_expect_str_eq(text, "185.003s", "%s", text);
	units_seconds(7, text);
	cr_expect_str_eq(text, "0.007s", "%s", text);
}

Test(units, numbers_are_grouped)
{
	static const struct {
		uint64_t n;
		const char *want;
	} cases[] = {
		{ 0, "0" },
		{ 999, "999" },
		{ 1000, "1,000" },
		{ 12345, "12,345" },
		{ 1234567, "1,234,567" },
		{ UINT64_MAX, "18,446,744,073,709,551,615" },
	};
	char text[UNITS_SIZE];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		units_grouped(cases[i].n, text);
		cr_expect_str_eq(text, cases[i].want, "%s", text);
	}
}
