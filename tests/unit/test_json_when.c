#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "json/when.h"

#define NOW 1767225600500u /* 2026-01-01T00:00:00.500Z */

struct when_case {
	char text[48];
	uint64_t want;
};

ParameterizedTestParameters(when, is_read)
{
	static struct when_case cases[] = {
		{ "0s", NOW },
		{ "500ms", NOW - 500 },
		{ "1h", NOW - 3600000 },
		{ "30d", NOW - 2592000000u },
		{ "36500d", 0 },
		{ "2026-01-01T00:00:00.5Z", NOW },
		{ "2026-01-01t00:00:00.500z", NOW },
		{ "2026-01-01 00:00:00.5009999999999999999Z", NOW },
		{ "2026-01-01T02:00:00.5+02:00", NOW },
		{ "2025-12-31T18:30:00.5-05:30", NOW },
		{ "2026-01-01T00:00:00Z", NOW - 500 },
		{ "2026-01-01", NOW - 500 },
		{ "2025-12-31T23:59:60Z", NOW - 500 },
		{ "2024-02-29", 1709164800000u },
		{ "2024-03-01", 1709251200000u },
		{ "2000-02-29T12:00:00Z", 951825600000u },
		{ "1970-01-01", 0 },
		{ "1970-01-01T00:00:00+14:00", 0 },
		{ "0000-01-01", 0 },
		{ "9999-12-31T23:59:59.999Z", 253402300799999u },
	};

	return cr_make_param_array(struct when_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct when_case *k, when, is_read)
{
	uint64_t got = 1;
	struct err err;

	cr_assert_eq(when_parse(k->text, NOW, &got, &err), 0, "%s: %s", k->text,
	    err.text);
	cr_expect_eq(got, k->want, "%s: %llu", k->text,
	    (unsigned long long)got);
}

ParameterizedTestParameters(when, is_refused)
{
	static struct when_case cases[] = {
		{ "", 0 },
		{ "yesterday", 0 },
		{ "1", 0 },
		{ "-1h", 0 },
		{ "36501d", 0 },
		{ "99999999999999999999999999d", 0 },
		{ "2026", 0 },
		{ "2026-1-1", 0 },
		{ "2026-13-01", 0 },
		{ "2026-00-01", 0 },
		{ "2026-01-32", 0 },
		{ "2026-02-29", 0 },
		{ "1900-02-29", 0 },
		{ "2026-01-01T", 0 },
		{ "2026-01-01T00:00Z", 0 },
		{ "2026-01-01T00:00:00", 0 },
		{ "2026-01-01T00:00:00.Z", 0 },
		{ "2026-01-01T24:00:00Z", 0 },
		{ "2026-01-01T00:60:00Z", 0 },
		{ "2026-01-01T00:00:61Z", 0 },
		{ "2026-01-01T00:00:00+2:00", 0 },
		{ "2026-01-01T00:00:00+0200", 0 },
		{ "2026-01-01T00:00:00+24:00", 0 },
		{ "2026-01-01T00:00:00Zx", 0 },
		{ "2026-01-01x", 0 },
	};

	return cr_make_param_array(struct when_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct when_case *k, when, is_refused)
{
	uint64_t got = 1;
	struct err err;

	cr_assert_eq(when_parse(k->text, NOW, &got, &err), -1, "%s", k->text);
	cr_expect_not_null(strstr(err.text, "2026-01-31T12:00:00Z"));
	cr_expect_eq(got, 1);
}
