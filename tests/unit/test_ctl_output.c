#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/output.h"

struct escape_case {
	char text[24];
	char want[40];
	bool keep_lines;
};

ParameterizedTestParameters(output, escapes)
{
	static struct escape_case cases[] = {
		{ "plain \"text\"\\", "plain \"text\"\\", false },
		{ "a\x1b[31mb", "a\\x1b[31mb", false },
		{ "a\r\tb\x7f", "a\\x0d\\x09b\\x7f", false },
		{ "a\nb", "a\\x0ab", false },
		{ "a\nb\r", "a\nb\\x0d", true },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", false },
		{ "\xc2\x9b"
		  "31m",
		    "\\xc2\\x9b31m", false },
		{ "\xc2\xa0", "\xc2\xa0", false },
		{ "", "", false },
	};

	return cr_make_param_array(struct escape_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct escape_case *k, output, escapes)
{
	char *got = output_escape(k->text, k->keep_lines);

	cr_expect_str_eq(got, k->want, "%s", got);
	free(got);
}

/* What a state prints, for free(). */
static char *
state_text(const char *state, bool colour)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	cr_assert_not_null(f);
	output_state(f, state, colour);
	(void)fclose(f);
	return text;
}

Test(output, colours_states_where_wanted)
{
	char *text = state_text("listening", true);

	cr_expect_str_eq(text, "\033[32mlistening\033[0m");
	free(text);
	text = state_text("listening", false);
	cr_expect_str_eq(text, "listening");
	free(text);
	text = state_text("paused (queue)", true);
	cr_expect_str_eq(text, "\033[33mpaused (queue)\033[0m");
	free(text);
	text = state_text("listening (drained)", true);
	cr_expect_str_eq(text, "\033[33mlistening (drained)\033[0m",
	    "not quite good");
	free(text);
	text = state_text("failed", true);
	cr_expect_str_eq(text, "\033[31mfailed\033[0m");
	free(text);
	text = state_text("failedness", true);
	cr_expect_str_eq(text, "failedness");
	free(text);
	text = state_text("un\033known", true);
	cr_expect_str_eq(text, "un\\x1bknown");
	free(text);
}
