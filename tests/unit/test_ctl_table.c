#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/table.h"

/* clang-format off */
static const struct column columns[] = {
	{ "NAME", COLUMN_NAME, COLUMN_ALWAYS, 0, 8, 0 },
	{ "STATE", COLUMN_STATE, COLUMN_ALWAYS, 1, 0, 0 },
	{ "N", COLUMN_RIGHT, COLUMN_ALWAYS, 2, 0, 0 },
};
/* clang-format on */

static const struct look plain, colour = { .colour = true };

/* Print and free a table; its text is for free(). */
static char *
end(struct table *t)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	cr_assert_not_null(f);
	table_end(&t, f);
	cr_expect_null(t);
	(void)fclose(f);
	return text;
}

static void
expect(char *got, const char *want)
{
	cr_expect_str_eq(got, want, "%s", got);
	free(got);
}

static struct table *
make(const struct look *look)
{
	struct table *t = table_new(columns, 3, look);

	table_add(t, "%s", "gr\xc3\xbc\xc3\x9f");
	table_add(t, "listening");
	table_add(t, "%d", 5);
	table_add(t, "a\nb");
	table_add(t, "?");
	table_add(t, "%d", 1000);
	return t;
}

Test(table, is_aligned)
{
	expect(end(make(&plain)),
	    "NAME    STATE         N\n"
	    "gr\xc3\xbc\xc3\x9f    listening     5\n"
	    "a\\x0ab  ?          1000\n");
}

Test(table, has_colour)
{
	expect(end(make(&colour)),
	    "\033[1mNAME    STATE         N\n\033[0m"
	    "gr\xc3\xbc\xc3\x9f    \033[32mlistening\033[0m     5\n"
	    "a\\x0ab  ?          1000\n");
}

Test(table, may_be_empty)
{
	expect(end(table_new(columns, 3, &plain)), "NAME  STATE  N\n");
}

Test(table, may_be_long)
{
	struct table *t = table_new(columns, 1, &plain);
	char *text;
	int i;

	for (i = 0; i < 10000; i++)
		table_add(t, "%d", i);
	text = end(t);
	cr_expect_eq(strncmp(text, "NAME\n0\n1\n", 9), 0);
	free(text);
}

Test(table, goes_on_from_page_to_page)
{
	struct table *t = make(&plain);
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	cr_assert_not_null(f);
	table_page(t, f);
	table_add(t, "b");
	table_add(t, "paused");
	table_add(t, "7");
	table_page(t, f);
	table_page(t, f);
	table_add(t, "a long name");
	table_add(t, "?");
	table_add(t, "8");
	table_end(&t, f);
	(void)fclose(f);
	expect(text,
	    "NAME    STATE         N\n"
	    "gr\xc3\xbc\xc3\x9f    listening     5\n"
	    "a\\x0ab  ?          1000\n"
	    "b       paused        7\n"
	    "a long name  ?             8\n");
}

Test(table, fits_its_place)
{
	const struct look narrow = { .width = 17 };
	struct table *t = table_new(columns, 3, &narrow);

	table_add(t, "terminals-berlin");
	table_add(t, "paused");
	table_add(t, "1");
	table_note(t, "why it is so, and what is to be done");
	table_add(t, "b");
	table_add(t, "up");
	table_add(t, "12");
	expect(end(t),
	    "NAME       STATE\n"
	    "term..lin  paused\n"
	    "  why it is so,..\n"
	    "b          up\n");
}
