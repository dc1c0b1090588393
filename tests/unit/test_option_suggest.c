#include <criterion/criterion.h>
#include <criterion/parameterized.h>

#include "option/suggest.h"

struct suggest_case {
	char word[80];
	char want[16]; /* empty: nothing is near */
};

ParameterizedTestParameters(suggest, finds_what_was_meant)
{
	static struct suggest_case cases[] = {
		{ "prot", "port" },
		{ "porrt", "port" },
		{ "por", "port" },
		{ "adress", "address" },
		{ "addr", "address" },
		{ "keep_alive", "keepalive" },
		{ "keep-alive", "keepalive" },
		{ "KEEPALIVE", "" },
		{ "Port", "port" },
		{ "colour", "" },
		{ "", "" },
		{ "x", "" },
		{ "a_very_long_word_that_is_like_no_option_of_ours_at_all",
		    "" },
	};

	return cr_make_param_array(struct suggest_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct suggest_case *k, suggest, finds_what_was_meant)
{
	static const char *const words[] = { "address", "port", "keepalive",
		"drain_timeout" };
	const char *got = suggest(k->word, words, 4);

	if (k->want[0] == '\0')
		cr_expect_null(got, "%s: %s", k->word, got);
	else
		cr_expect_str_eq(got == NULL ? "" : got, k->want, "%s: %s",
		    k->word, got);
}
