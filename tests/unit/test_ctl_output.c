#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>

#include "ctl/output.h"

struct human_case {
	uint64_t value;
	char duration[24];
	char bytes[16];
};

ParameterizedTestParameters(output, is_human)
{
	static struct human_case cases[] = {
		{ 0, "0ms", "0" },
		{ 999, "999ms", "999" },
		{ 1000, "1s", "1000" },
		{ 1023, "1s", "1023" },
		{ 1024, "1s", "1.0k" },
		{ 10188, "10s", "9.9k" },
		{ 10240, "10s", "10k" },
		{ 59999, "59s", "59k" },
		{ 60000, "1m00s", "59k" },
		{ 185000, "3m05s", "181k" },
		{ 1048063, "17m28s", "1023k" },
		{ 1048064, "17m28s", "1.0M" },
		{ 3600000, "1h00m", "3.4M" },
		{ 86399999, "23h59m", "82M" },
		{ 86400000, "1d00h", "82M" },
		{ 445000000, "5d03h", "424M" },
		{ UINT64_MAX, "213503982334d14h", "16E" },
	};

	return cr_make_param_array(struct human_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct human_case *k, output, is_human)
{
	char text[OUTPUT_HUMAN_SIZE];

	output_duration(k->value, text);
	cr_expect_str_eq(text, k->duration, "%s", text);
	output_bytes(k->value, text);
	cr_expect_str_eq(text, k->bytes, "%s", text);
}

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

Test(output, numbers_are_grouped)
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
	char text[OUTPUT_GROUPED_SIZE];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		output_grouped(cases[i].n, text);
		cr_expect_str_eq(text, cases[i].want, "%s", text);
	}
}
