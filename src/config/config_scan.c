#include "config/config_scan.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The daemon's own blocks are two deep; more is a mistake. */
#define DEPTH_MAX 8

/* What can't be part of a word without quotes. */
#define NOT_IN_WORD " \t\r\n#\"'={}()+,*"

struct scanner {
	char *at;
	char *end;
	unsigned int line; /* of at */
	unsigned int depth;
	unsigned int open_lines[DEPTH_MAX]; /* of the open blocks */
	struct config_scan *out;
	size_t room; /* in out->block_lines */
	struct err *err;
};

/* All return -1 when the scan can't go on; then the line is s->line. */

static int
fault(struct scanner *s, unsigned int line, const char *why)
{
	s->line = line;
	return err_set(s->err, ERR_INVALID, "%s", why);
}

/* Move over n bytes and count their lines. */
static void
skip(struct scanner *s, size_t n)
{
	for (; n > 0; n--)
		if (*s->at++ == '\n')
			s->line++;
}

/* Blank n bytes out, but for the ends of lines, and move over them. */
static void
blank(struct scanner *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (s->at[i] != '\n')
			s->at[i] = ' ';
	skip(s, n);
}

/* Does the text here start with this? */
static bool
starts(const struct scanner *s, const char *with)
{
	const size_t len = strlen(with);

	return (size_t)(s->end - s->at) >= len && memcmp(s->at, with, len) == 0;
}

/* Bytes from here to the end of the line. */
static size_t
rest_of_line(const struct scanner *s)
{
	const size_t left = (size_t)(s->end - s->at);
	const char *newline = memchr(s->at, '\n', left);

	return newline == NULL ? left : (size_t)(newline - s->at);
}

static int
scan_block_comment(struct scanner *s)
{
	const unsigned int line = s->line;
	const size_t left = (size_t)(s->end - s->at);
	const char *close = memmem(s->at + 2, left - 2, "*/", 2);

	if (close == NULL)
		return fault(s, line,
		    "the comment that starts here has no end: */ is missing");
	blank(s, (size_t)(close + 2 - s->at));
	return 0;
}

/* Bytes of "${NAME}" or "${NAME:-default}" here; 0 when it is none. */
static size_t
variable_length(const struct scanner *s)
{
	const char *close;

	if (!starts(s, "${"))
		return 0;
	close = memchr(s->at, '}', (size_t)(s->end - s->at));
	return close == NULL ? 0 : (size_t)(close + 1 - s->at);
}

/*
 * Is here an escape that libConfuse makes a NUL of, and so ends the string:
 * "\0", "\x00"?
 */
static bool
is_nul_escape(const struct scanner *s)
{
	const bool hex = starts(s, "\\x");
	const char *p = s->at + (hex ? 2 : 1), *first = p;

	while (p < s->end && p - first < (hex ? 2 : 3) && *p == '0')
		p++;
	if (p == first)
		return false;
	if (p == s->end || p - first == (hex ? 2 : 3))
		return true;
	return hex ? !isxdigit((unsigned char)*p) : *p < '0' || *p > '7';
}

static int
scan_string(struct scanner *s)
{
	const unsigned int line = s->line;
	const char quote = *s->at;
	size_t n;

	skip(s, 1);
	while (s->at < s->end && *s->at != quote) {
		n = 1;
		if (quote == '"' && *s->at == '\\' && is_nul_escape(s))
			return fault(s, s->line,
			    "a byte of 0 ends the string: where an option "
			    "may have one, write \\\\x00, with two "
			    "backslashes");
		if (*s->at == '\\')
			n = s->end - s->at > 1 ? 2 : 1;
		else if (quote == '"' && variable_length(s) > 0)
			n = variable_length(s);
		skip(s, n);
	}
	if (s->at == s->end)
		return fault(s, line,
		    "the string that starts here has no end: a closing "
		    "quote is missing");
	skip(s, 1);
	return 0;
}

static int
note_block(struct scanner *s)
{
	struct config_scan *out = s->out;
	unsigned int *lines;

	if (out->blocks == s->room) {
		s->room = s->room == 0 ? 64 : s->room * 2;
		lines =
		    reallocarray(out->block_lines, s->room, sizeof(lines[0]));
		if (lines == NULL)
			return fault(s, s->line, "out of memory");
		out->block_lines = lines;
	}
	out->block_lines[out->blocks++] = s->line;
	return 0;
}

static int
scan_open(struct scanner *s)
{
	if (s->depth == DEPTH_MAX)
		return fault(s, s->line, "blocks are nested too deeply");
	if (s->depth == 0 && note_block(s) == -1)
		return -1;
	s->open_lines[s->depth++] = s->line;
	skip(s, 1);
	return 0;
}

static int
scan_close(struct scanner *s)
{
	if (s->depth == 0)
		return fault(s, s->line, "} closes no block");
	s->depth--;
	skip(s, 1);
	return 0;
}

static int
scan_word(struct scanner *s)
{
	size_t n = variable_length(s);

	/* A word begins with any byte, so that every other one ends here. */
	if (n == 0)
		do
			n++;
		while (s->at + n < s->end &&
		    strchr(NOT_IN_WORD, s->at[n]) == NULL);
	skip(s, n);
	return 0;
}

static int
scan_token(struct scanner *s)
{
	if (starts(s, "/*"))
		return scan_block_comment(s);
	if (starts(s, "#") || starts(s, "//")) {
		blank(s, rest_of_line(s));
		return 0;
	}
	switch (*s->at) {
	case '"':
	case '\'':
		return scan_string(s);
	case '{':
		return scan_open(s);
	case '}':
		return scan_close(s);
	default:
		if (strchr(NOT_IN_WORD, *s->at) == NULL)
			return scan_word(s);
		skip(s, 1);
		return 0;
	}
}

/* Is it text at all? */
static int
check_bytes(struct scanner *s)
{
	const unsigned char *p = (const unsigned char *)s->at;
	const unsigned char *end = (const unsigned char *)s->end;
	unsigned int line = 1;

	for (; p < end; p++) {
		if (*p == '\n')
			line++;
		else if ((*p < 0x20 && *p != '\t' && *p != '\r') || *p == 0x7f)
			return fault(s, line,
			    "this is not text: it has a control character");
	}
	return 0;
}

int
config_scan(char *text, size_t len, struct config_scan *scan,
    unsigned int *line, struct err *err)
{
	struct scanner s = { .at = text,
		.end = text + len,
		.line = 1,
		.out = scan,
		.err = err };
	int result;

	memset(scan, 0, sizeof(*scan));
	result = check_bytes(&s);
	/* Some editors put a byte order mark before UTF-8. */
	if (starts(&s, "\xef\xbb\xbf"))
		blank(&s, 3);
	while (result == 0 && s.at < s.end)
		result = scan_token(&s);
	if (result == 0 && s.depth > 0)
		result = fault(&s, s.open_lines[s.depth - 1],
		    "the block that starts here has no end: } is missing");
	*line = s.line;
	return result;
}

void
config_scan_clear(struct config_scan *scan)
{
	free(scan->block_lines);
	memset(scan, 0, sizeof(*scan));
}
