#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "gateway/access.h"

struct token_case {
	char authorization[64];
	char token[32];
	bool fits;
};

ParameterizedTestParameters(access, token)
{
	static struct token_case cases[] = {
		{ "Bearer s3cret", "s3cret", true },
		{ "bearer s3cret", "s3cret", true },
		{ "BEARER   s3cret", "s3cret", true },
		{ "Bearer s3cre", "s3cret", false },
		{ "Bearer s3cret1", "s3cret", false },
		{ "Bearer s3cret ", "s3cret", false },
		{ "Bearer S3cret", "s3cret", false },
		{ "Bearer", "s3cret", false },
		{ "Bearer ", "s3cret", false },
		{ "Basic s3cret", "s3cret", false },
		{ "s3cret", "s3cret", false },
		{ "", "s3cret", false },
		{ "Bearer ", "", false },
		{ "", "", false },
	};

	return cr_make_param_array(struct token_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct token_case *k, access, token)
{
	cr_expect_eq(access_has_token(k->authorization, k->token), k->fits,
	    "%s", k->authorization);
}

Test(access, a_token_that_is_too_long_is_wrong)
{
	char authorization[256];

	memset(authorization, 'a', sizeof(authorization));
	memcpy(authorization, "Bearer ", 7);
	authorization[sizeof(authorization) - 1] = '\0';
	cr_expect_not(access_has_token(authorization, "a"));
}

struct host_case {
	char host[64];
	char names[64];
	bool fits;
};

ParameterizedTestParameters(access, host)
{
	static struct host_case cases[] = {
		{ "127.0.0.1", "", true },
		{ "127.0.0.1:9180", "", true },
		{ "10.0.0.1:", "", true },
		{ "[::1]", "", true },
		{ "[::1]:9180", "", true },
		{ "[fe80::1]:80", "", true },
		{ "localhost", "", true },
		{ "LocalHost:9180", "", true },
		{ "localhost.", "", true },
		{ "mercury.example", "", false },
		{ "mercury.example", "mercury.example", true },
		{ "mercury.example.:1", "mercury.example", true },
		{ "Mercury.Example:9180", "a b mercury.example", true },
		{ "mercury", "mercury.example", false },
		{ "mercury.example.org", "mercury.example", false },
		{ "a", "  a", true },
		{ "", "", false },
		{ "", "a  b", false },
		{ ":80", "", false },
		{ "::1", "", false },
		{ "[::1", "", false },
		{ "[::1]x", "", false },
		{ "[]", "", false },
		{ "127.0.0.1:80x", "", false },
		{ "127.1", "", false },
		{ "2130706433", "", false },
		{ "localhost:80:90", "", false },
		{ "a b", "a b", false },
	};

	return cr_make_param_array(struct host_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct host_case *k, access, host)
{
	cr_expect_eq(access_knows_host(k->host, k->names), k->fits, "%s",
	    k->host);
}
