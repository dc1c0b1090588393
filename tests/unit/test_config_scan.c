#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <string.h>

#include "config/config_scan.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct scan_case {
	char text[100];
	unsigned int line; /* of the error; 0: none */
	char error[40];
};

ParameterizedTestParameters(config_scan, finds_what_has_no_end)
{
	static struct scan_case cases[] = {
		{ "", 0, "" },
		{ "\n\n", 0, "" },
		{ "daemon { }", 0, "" },
		{ "listener \"a\" { port = 1 }\n", 0, "" },
		{ "a { b = {1, 2} }", 0, "" },
		{ "listener \"a\" {\n port = 1\n", 1, "} is missing" },
		{ "\nlistener \"a\" {\n x {\n }\n", 2, "} is missing" },
		{ "\nlistener \"a\" {\n x {\n", 3, "} is missing" },
		{ "}", 1, "closes no block" },
		{ "a { }\n}", 2, "closes no block" },
		{ "a {{{{{{{{{", 1, "too deeply" },
		{ "/* x", 1, "*/ is missing" },
		{ "\n\n/* x\n *", 3, "*/ is missing" },
		{ "/*/", 1, "*/ is missing" },
		{ "/**/", 0, "" },
		{ "/* { \" */", 0, "" },
		{ "# { \" /*", 0, "" },
		{ "// { \" /*", 0, "" },
		{ "x = 1# {", 0, "" },
		{ "x = 1//{\n}", 0, "" },
		{ "x = a/*{ */ }", 0, "" },
		{ "x = \"{\"", 0, "" },
		{ "x = '{'", 0, "" },
		{ "x = \"#\" }", 1, "closes no block" },
		{ "x = \"/*\" y = '//'", 0, "" },
		{ "x = \"a\\\"{\"", 0, "" },
		{ "x = 'a\\'{'", 0, "" },
		{ "x = \"a\\\\\"{", 1, "} is missing" },
		{ "x = \"abc", 1, "quote is missing" },
		{ "\nx = 'abc\n\n", 2, "quote is missing" },
		{ "x = \"abc\\", 1, "quote is missing" },
		{ "x = \"${A:-\"}\"", 0, "" },
		{ "x = '${A'", 0, "" },
		{ "x = \"${A\"", 0, "" },
		{ "x = \"a\\x00b\"", 1, "byte of 0" },
		{ "\nx = \"\\0\"", 2, "byte of 0" },
		{ "x = \"\\x0\"", 1, "byte of 0" },
		{ "x = \"\\000\"", 1, "byte of 0" },
		{ "x = \"\\0001\"", 1, "byte of 0" },
		{ "x = \"\\x0g\"", 1, "byte of 0" },
		{ "x = \"\\x00", 1, "byte of 0" },
		{ "x = \"\\x0a \\012 \\x10 \\\\x00 \\\\0\"", 0, "" },
		{ "x = '\\x00'", 0, "" },
		{ "x = ${A} }", 1, "closes no block" },
		{ "x = ${A", 1, "} is missing" },
		{ "x = a${A}", 0, "" },
		{ "\xef\xbb\xbf"
		  "a { }",
		    0, "" },
		{ "a\r\n{\r\n}\r\n", 0, "" },
		{ "a\n\x01", 2, "control character" },
		{ "a\x7f", 1, "control character" },
	};

	return cr_make_param_array(struct scan_case, cases, COUNT(cases));
}

ParameterizedTest(struct scan_case *k, config_scan, finds_what_has_no_end)
{
	struct config_scan scan;
	struct err err = { 0 };
	unsigned int line = 0;
	char text[sizeof(k->text)];
	int result;

	memcpy(text, k->text, sizeof(text));
	result = config_scan(text, strlen(text), &scan, &line, &err);
	cr_expect_eq(result, k->line == 0 ? 0 : -1, "%s: %s", k->text,
	    err.text);
	if (k->line != 0)
		cr_expect_eq(line, k->line, "%s: line %u", k->text, line);
	cr_expect_not_null(strstr(err.text, k->error), "%s: %s", k->text,
	    err.text);
	config_scan_clear(&scan);
}

Test(config_scan, a_nul_byte_is_no_text)
{
	struct config_scan scan;
	struct err err = { 0 };
	unsigned int line = 0;
	char text[] = "a\nb\0c";

	cr_expect_eq(config_scan(text, sizeof(text) - 1, &scan, &line, &err),
	    -1);
	cr_expect_eq(line, 2);
	config_scan_clear(&scan);
}

Test(config_scan, comments_become_blanks_and_lines_stay)
{
	char text[] = "a # one\nb /* two\nthree */ c // four\n'# d' \"//\"\n";
	struct config_scan scan;
	struct err err = { 0 };
	unsigned int line;

	cr_assert_eq(config_scan(text, strlen(text), &scan, &line, &err), 0);
	cr_expect_str_eq(text,
	    "a      \nb       \n         c        \n'# d' \"//\"\n");
	config_scan_clear(&scan);
}

Test(config_scan, notes_where_outermost_blocks_open)
{
	char text[] = "daemon {\n}\n\nlistener \"a\"\n{ x { } y {\n} }\n"
		      "# no { here\nlistener b { }";
	struct config_scan scan;
	struct err err = { 0 };
	unsigned int line;

	cr_assert_eq(config_scan(text, strlen(text), &scan, &line, &err), 0,
	    "%s", err.text);
	cr_assert_eq(scan.blocks, 3);
	cr_expect_eq(scan.block_lines[0], 1);
	cr_expect_eq(scan.block_lines[1], 5);
	cr_expect_eq(scan.block_lines[2], 8);
	config_scan_clear(&scan);
	cr_expect_null(scan.block_lines);
}
