#include "ctl/clip.h"

#include <langinfo.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define ESCAPE '\033'
#define RESET "\033[0m"

const char *
clip_ellipsis(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? "\xe2\x80\xa6"
							  : "..";
}

/* Bytes of the character at p: its first and those that continue it. */
static size_t
char_len(const char *p)
{
	size_t len = 1;

	while (len < 4 && (p[len] & 0xc0) == 0x80)
		len++;
	return len;
}

/* Columns of the character of len bytes at p; what is no UTF-8 takes one. */
static size_t
char_width(const char *p, size_t len)
{
	static const unsigned char first[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	wchar_t c = (wchar_t)((unsigned char)p[0] & first[len]);
	size_t i;
	int w;

	if (len == 1)
		return 1;
	for (i = 1; i < len; i++)
		c = (wchar_t)(c << 6 | (p[i] & 0x3f));
	w = wcwidth(c);
	return w < 0 ? 1 : (size_t)w;
}

size_t
clip_width(const char *text)
{
	size_t n = 0, len;

	for (; *text != '\0'; text += len) {
		len = char_len(text);
		n += char_width(text, len);
	}
	return n;
}

/* Bytes of the longest start of text that takes at most width columns. */
static size_t
head_len(const char *text, size_t width)
{
	size_t used = 0, at = 0, len;

	while (text[at] != '\0') {
		len = char_len(text + at);
		used += char_width(text + at, len);
		if (used > width)
			break;
		at += len;
	}
	return at;
}

/* Where the longest end of text begins that takes at most width columns. */
static const char *
tail_of(const char *text, size_t width)
{
	while (clip_width(text) > width)
		text += char_len(text);
	return text;
}

char *
clip_text(const char *text, size_t width, enum clip_where where)
{
	const char *mark = clip_ellipsis(), *tail;
	const size_t mark_width = clip_width(mark);
	size_t keep, tail_width;
	char *out = NULL;

	if (clip_width(text) <= width)
		return strdup(text);
	if (width <= mark_width)
		return strndup(text, head_len(text, width));
	keep = width - mark_width;
	tail_width = where == CLIP_MIDDLE ? keep / 2 : 0;
	tail = tail_of(text, tail_width);
	if (asprintf(&out, "%.*s%s%s", (int)head_len(text, keep - tail_width),
		text, mark, tail) == -1)
		return NULL;
	return out;
}

/* Bytes of the sequence at p that sets a colour; 0: there is none. */
static size_t
colour_len(const char *p, size_t left)
{
	size_t len = 2;

	if (left < 3 || p[0] != ESCAPE || p[1] != '[')
		return 0;
	while (len < left && p[len] != 'm')
		len++;
	return len < left ? len + 1 : 0;
}

/*
 * How far into the line one gets with width columns; *used of them are
 * taken then.
 */
static size_t
reach(const char *line, size_t len, size_t width, size_t *used)
{
	size_t at = 0, n, w;

	*used = 0;
	while (at < len) {
		n = colour_len(line + at, len - at);
		w = 0;
		if (n == 0) {
			n = char_len(line + at);
			w = char_width(line + at, n);
		}
		if (*used + w > width)
			break;
		*used += w;
		at += n;
	}
	return at;
}

size_t
clip_print(FILE *f, const char *line, size_t len, size_t width)
{
	const char *mark = clip_ellipsis();
	const size_t mark_width = clip_width(mark);
	size_t used, at = reach(line, len, width, &used);

	if (at == len) {
		(void)fwrite(line, 1, len, f);
		return used;
	}
	if (width > mark_width)
		at = reach(line, len, width - mark_width, &used);
	(void)fwrite(line, 1, at, f);
	if (width > mark_width) {
		(void)fputs(mark, f);
		used += mark_width;
	}
	if (memchr(line, ESCAPE, at) != NULL)
		(void)fputs(RESET, f);
	return used;
}
