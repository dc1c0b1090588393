#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/table.h"

static const struct column columns[] = {
	{ "NAME", COLUMN_LEFT },
	{ "STATE", COLUMN_STATE },
	{ "N", COLUMN_RIGHT },
};

/* Print and free a table; its text is for free(). */
static char *
end(struct table *t, bool colour)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	cr_assert_not_null(f);
	table_end(&t, f, colour);
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
make(void)
{
	struct table *t = table_new(columns, 3);

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
	expect(end(make(), false),
	    "NAME    STATE         N\n"
	    "gr\xc3\xbc\xc3\x9f    listening     5\n"
	    "a\\x0ab  ?          1000\n");
}

Test(table, has_colour)
{
	expect(end(make(), true),
	    "\033[1mNAME    STATE         N\n\033[0m"
	    "gr\xc3\xbc\xc3\x9f    \033[32mlistening\033[0m     5\n"
	    "a\\x0ab  ?          1000\n");
}

Test(table, may_be_empty)
{
	expect(end(table_new(columns, 3), false), "NAME  STATE  N\n");
}

Test(table, may_be_long)
{
	struct table *t = table_new(columns, 1);
	char *text;
	int i;

	for (i = 0; i < 10000; i++)
		table_add(t, "%d", i);
	text = end(t, false);
	cr_expect_eq(strncmp(text, "NAME\n0\n1\n", 9), 0);
	free(text);
}

Test(table, goes_on_from_page_to_page)
{
	struct table *t = make();
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	cr_assert_not_null(f);
	table_page(t, f, false);
	table_add(t, "b");
	table_add(t, "paused");
	table_add(t, "7");
	table_page(t, f, false);
	table_page(t, f, false);
	table_add(t, "a long name");
	table_add(t, "?");
	table_add(t, "8");
	table_end(&t, f, false);
	(void)fclose(f);
	expect(text,
	    "NAME    STATE         N\n"
	    "gr\xc3\xbc\xc3\x9f    listening     5\n"
	    "a\\x0ab  ?          1000\n"
	    "b       paused        7\n"
	    "a long name  ?             8\n");
}
