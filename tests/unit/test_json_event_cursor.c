#include <criterion/criterion.h>
#include <string.h>

#include "json/event_cursor.h"

Test(event_cursor, comes_back_as_it_was)
{
	static const struct event_cursor cursors[] = {
		{ 1, 0, 0, 0 },
		{ 4711, 1767225600500, 1767225600501, 4000 },
		{ UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX },
	};
	struct event_cursor got;
	char text[EVENT_CURSOR_SIZE];
	size_t i;

	for (i = 0; i < sizeof(cursors) / sizeof(cursors[0]); i++) {
		event_cursor_format(&cursors[i], text);
		cr_assert_eq(event_cursor_parse(text, &got), 0, "%s", text);
		cr_expect_eq(memcmp(&got, &cursors[i], sizeof(got)), 0, "%s",
		    text);
	}
}

Test(event_cursor, nothing_else_is_one)
{
	static const char *const texts[] = { "", "1", "1.2.3", "1.2.3.",
		"1.2..4", ".1.2.3", "1.2.3.4.5", "1.2.3.4 ", " 1.2.3.4",
		"0.2.3.4", "A.2.3.4", "-1.2.3.4", "0x1.2.3.4",
		"10000000000000000.2.3.4", "1.2.3.11111111111111111" };
	struct event_cursor got;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_eq(event_cursor_parse(texts[i], &got), -1, "%s",
		    texts[i]);
}
