#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "control/line.h"

/* Put text in as if it had been read, in parts of at most step bytes. */
static void
put(struct line_buffer *b, const char *text, size_t len, size_t step)
{
	size_t room, n;
	char *at;

	for (; len > 0; text += n, len -= n) {
		cr_assert(line_wants_more(b));
		at = line_room(b, &room);
		cr_assert_not_null(at);
		cr_assert_gt(room, 0);
		n = len < room ? len : room;
		n = n < step ? n : step;
		memcpy(at, text, n);
		line_added(b, n);
	}
}

static void
expect_line(struct line_buffer *b, const char *want)
{
	const char *line = NULL;
	size_t len = 0;

	cr_assert_eq(line_next(b, &line, &len), LINE_READY, "no line: %s",
	    want);
	cr_expect_eq(len, strlen(want));
	cr_expect_eq(memcmp(line, want, len), 0, "%.*s", (int)len, line);
}

static void
expect(struct line_buffer *b, enum line_result want)
{
	const char *line = NULL;
	size_t len = 0;
	const enum line_result got = line_next(b, &line, &len);

	cr_expect_eq(got, want, "%d, not %d", (int)got, (int)want);
}

/* n times the byte c, for free(). */
static char *
repeat(char c, size_t n)
{
	char *p = malloc(n);

	cr_assert_not_null(p);
	memset(p, c, n);
	return p;
}

static void
put_many(struct line_buffer *b, char c, size_t n)
{
	char *p = repeat(c, n);

	put(b, p, n, n);
	free(p);
}

Test(line, starts_empty)
{
	struct line_buffer b = { 0 };

	expect(&b, LINE_NONE);
	cr_expect_not(line_is_partial(&b));
	cr_expect(line_wants_more(&b));
	line_clear(&b);
}

Test(line, cuts_at_newlines)
{
	struct line_buffer b = { 0 };

	put(&b, "one\n\ntwo\nthr", 12, 12);
	expect_line(&b, "one");
	expect_line(&b, "");
	expect_line(&b, "two");
	expect(&b, LINE_NONE);
	cr_expect(line_is_partial(&b));
	put(&b, "ee\n", 3, 1);
	expect_line(&b, "three");
	expect(&b, LINE_NONE);
	cr_expect_not(line_is_partial(&b));
	line_clear(&b);
}

Test(line, knows_whether_lines_wait)
{
	struct line_buffer b = { 0 };

	cr_expect(line_is_searched(&b));
	put(&b, "a\nb", 3, 3);
	cr_expect_not(line_is_searched(&b));
	expect_line(&b, "a");
	expect(&b, LINE_NONE);
	cr_expect(line_is_searched(&b));
	line_clear(&b);
}

Test(line, comes_byte_by_byte)
{
	struct line_buffer b = { 0 };
	char *text = repeat('x', LINE_BYTES_MAX);
	size_t i;

	/* One search a byte: quadratic work would not end in time. */
	for (i = 0; i < LINE_BYTES_MAX; i++) {
		put(&b, text + i, 1, 1);
		expect(&b, LINE_NONE);
	}
	put(&b, "\n", 1, 1);
	cr_expect(!line_is_searched(&b));
	free(text);
	line_clear(&b);
}

Test(line, longest_fits_and_longer_is_told_once)
{
	struct line_buffer b = { 0 };
	const char *line = NULL;
	size_t len = 0;

	put_many(&b, 'x', LINE_BYTES_MAX);
	expect(&b, LINE_NONE);
	put(&b, "\n", 1, 1);
	cr_expect_eq(line_next(&b, &line, &len), LINE_READY);
	cr_expect_eq(len, LINE_BYTES_MAX);

	put_many(&b, 'x', LINE_BYTES_MAX + 1);
	expect(&b, LINE_TOO_LONG);
	cr_expect(line_is_partial(&b));
	put_many(&b, 'x', LINE_BYTES_MAX);
	expect(&b, LINE_NONE);
	put(&b, "xx\nnext\n", 8, 8);
	expect_line(&b, "next");
	expect(&b, LINE_NONE);
	line_clear(&b);
}

Test(line, gives_up_on_a_line_without_end)
{
	struct line_buffer b = { 0 };
	size_t discarded;

	put_many(&b, 'x', LINE_BYTES_MAX);
	expect(&b, LINE_NONE);
	put(&b, "x", 1, 1);
	expect(&b, LINE_TOO_LONG);
	for (discarded = LINE_BYTES_MAX + 1;
	     discarded + LINE_BYTES_MAX <= LINE_DISCARD_BYTES_MAX;
	     discarded += LINE_BYTES_MAX) {
		put_many(&b, 'x', LINE_BYTES_MAX);
		expect(&b, LINE_NONE);
		cr_assert_leq(b.size, LINE_BYTES_MAX + 1);
	}
	put_many(&b, 'x', LINE_BYTES_MAX);
	expect(&b, LINE_LOST);
	line_clear(&b);
}

Test(line, memory_is_bounded_while_lines_wait)
{
	struct line_buffer b = { 0 };
	size_t room, total = 0, lines = 0;
	char *at;

	/* Nobody takes them: it stops by itself. */
	while (line_wants_more(&b)) {
		at = line_room(&b, &room);
		cr_assert_not_null(at);
		memset(at, '\n', room);
		line_added(&b, room);
		total += room;
		cr_assert_leq(b.size, LINE_BYTES_MAX + 1);
	}
	cr_expect_geq(total, LINE_BYTES_MAX / 2);
	while (total-- > 0) {
		expect_line(&b, "");
		lines++;
	}
	expect(&b, LINE_NONE);
	cr_expect(line_wants_more(&b));
	line_clear(&b);
}
