#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/lines.h"

#define ROOM 128

Test(lines, what_fits_is_left_alone)
{
	char out[ROOM], longest[ROOM];

	lines_fit("", out, sizeof(out));
	cr_expect_str_eq(out, "");
	lines_fit("one\ntwo", out, sizeof(out));
	cr_expect_str_eq(out, "one\ntwo");
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	lines_fit(longest, out, sizeof(out));
	cr_expect_str_eq(out, longest);
}

/* n lines of len bytes. */
static void
expect(unsigned int n, size_t len, unsigned int kept)
{
	char lines[8192] = "", want[8192 + 64] = "", out[ROOM];
	unsigned int i;
	size_t at = 0;

	for (i = 0; i < n; i++) {
		if (i > 0)
			lines[at++] = '\n';
		memset(lines + at, 'a' + (int)(i % 26), len);
		at += len;
		lines[at] = '\0';
		if (i + 1 == kept)
			(void)snprintf(want, sizeof(want),
			    "%s\nand %u more: mercuryd -t tells them all",
			    lines, n - kept);
	}
	memset(out, 'Z', sizeof(out));
	lines_fit(lines, out, sizeof(out));
	cr_expect_str_eq(out, want, "%u of %zu:\n%s", n, len, out);
}

Test(lines, whole_lines_are_left_out_and_counted)
{
	size_t len;

	/* There are 64 bytes for lines. */
	for (len = 2; len <= 64; len++)
		expect(100, len, (unsigned int)(65 / (len + 1)));
	expect(2, 64, 1);
	expect(3, 64, 1);
}

Test(lines, a_first_line_that_is_too_long_is_cut)
{
	char lines[1024], out[ROOM];

	memset(lines, 'x', sizeof(lines));
	(void)strcpy(lines + 500, "\nsecond\nthird");
	lines_fit(lines, out, sizeof(out));
	cr_expect_eq(strspn(out, "x"), ROOM - LINES_MORE_SIZE);
	cr_expect_not_null(strstr(out, "x\nand 2 more"), "%s", out);
	lines[500] = '\0';
	lines_fit(lines, out, sizeof(out));
	cr_expect_eq(strlen(out), ROOM - LINES_MORE_SIZE);
}
