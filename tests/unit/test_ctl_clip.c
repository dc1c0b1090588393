#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/clip.h"

#define DOTS "\xe2\x80\xa6"

static void
use_utf8(void)
{
	cr_assert_not_null(setlocale(LC_CTYPE, "C.UTF-8"));
}

struct text_case {
	char text[40];
	size_t width;
	enum clip_where where;
	char want[40];
};

ParameterizedTestParameters(clip, text)
{
	static struct text_case cases[] = {
		{ "pos", 3, CLIP_END, "pos" },
		{ "pos", 9, CLIP_MIDDLE, "pos" },
		{ "listening", 5, CLIP_END, "list" DOTS },
		{ "listening", 5, CLIP_MIDDLE, "li" DOTS "ng" },
		{ "listening", 6, CLIP_MIDDLE, "lis" DOTS "ng" },
		{ "listening", 1, CLIP_END, "l" },
		{ "listening", 0, CLIP_END, "" },
		{ "gr\xc3\xbc\xc3\x9f dich", 5, CLIP_END,
		    "gr\xc3\xbc\xc3\x9f" DOTS },
		/* Each of these takes two columns. */
		{ "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 6, CLIP_END,
		    "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e" },
		{ "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 5, CLIP_END,
		    "\xe6\x97\xa5\xe6\x9c\xac" DOTS },
		{ "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e", 4, CLIP_END,
		    "\xe6\x97\xa5" DOTS },
		{ "\xff\xff\xff", 2, CLIP_END, "\xff" DOTS },
		{ "", 0, CLIP_END, "" },
	};

	return cr_make_param_array(struct text_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct text_case *k, clip, text)
{
	char *got;

	use_utf8();
	got = clip_text(k->text, k->width, k->where);
	cr_expect_str_eq(got, k->want, "%s", got);
	cr_expect_leq(clip_width(got), k->width);
	free(got);
}

Test(clip, has_dots_where_the_locale_has_no_ellipsis)
{
	char *got;

	cr_assert_not_null(setlocale(LC_CTYPE, "C"));
	got = clip_text("listening", 6, CLIP_END);
	cr_expect_str_eq(got, "list..", "%s", got);
	free(got);
}

struct line_case {
	char line[64];
	size_t width;
	size_t used;
	char want[64];
};

ParameterizedTestParameters(clip, line)
{
	static struct line_case cases[] = {
		{ "one two", 7, 7, "one two" },
		{ "one two", 6, 6, "one t" DOTS },
		{ "one two", 1, 1, "o" },
		{ "one two", 0, 0, "" },
		{ "\033[31mfailed\033[0m now", 20, 10,
		    "\033[31mfailed\033[0m now" },
		{ "\033[31mfailed\033[0m now", 10, 10,
		    "\033[31mfailed\033[0m now" },
		{ "\033[31mfailed\033[0m now", 4, 4,
		    "\033[31mfai" DOTS "\033[0m" },
		{ "\033[31mfailed\033[0m now", 8, 8,
		    "\033[31mfailed\033[0m " DOTS "\033[0m" },
		{ "\033[31", 9, 4, "\033[31" },
	};

	return cr_make_param_array(struct line_case, cases,
	    sizeof(cases) / sizeof(cases[0]));
}

ParameterizedTest(struct line_case *k, clip, line)
{
	char *got = NULL;
	size_t size = 0, used;
	FILE *f = open_memstream(&got, &size);

	use_utf8();
	cr_assert_not_null(f);
	used = clip_print(f, k->line, strlen(k->line), k->width);
	(void)fclose(f);
	cr_expect_str_eq(got, k->want, "%s", got);
	cr_expect_eq(used, k->used, "%zu", used);
	free(got);
}
