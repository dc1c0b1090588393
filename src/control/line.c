#include "control/line.h"

#include <stdlib.h>
#include <string.h>

#define SIZE_FIRST ((size_t)4096)
#define SIZE_MAX_BYTES (LINE_BYTES_MAX + 1) /* and its newline */

static size_t
waiting(const struct line_buffer *b)
{
	return b->end - b->start;
}

bool
line_is_searched(const struct line_buffer *b)
{
	return b->scanned == b->end;
}

bool
line_is_partial(const struct line_buffer *b)
{
	return b->discarding || waiting(b) > 0;
}

bool
line_wants_more(const struct line_buffer *b)
{
	/*
	 * Only half is filled while lines wait: room is made by moving what
	 * is there, and so each byte is moved once at most.
	 */
	return line_is_searched(b) || waiting(b) <= SIZE_MAX_BYTES / 2;
}

void
line_clear(struct line_buffer *b)
{
	free(b->bytes);
	memset(b, 0, sizeof(*b));
}

static void
move_to_front(struct line_buffer *b)
{
	memmove(b->bytes, b->bytes + b->start, waiting(b));
	b->end -= b->start;
	b->scanned -= b->start;
	b->start = 0;
}

static int
grow(struct line_buffer *b)
{
	size_t size = b->size == 0 ? SIZE_FIRST : b->size * 2;
	char *p;

	if (size > SIZE_MAX_BYTES)
		size = SIZE_MAX_BYTES;
	p = realloc(b->bytes, size);
	if (p == NULL)
		return -1;
	b->bytes = p;
	b->size = size;
	return 0;
}

char *
line_room(struct line_buffer *b, size_t *room)
{
	if (b->end == b->size && b->start > 0)
		move_to_front(b);
	if (b->end == b->size && grow(b) == -1)
		return NULL;
	*room = b->size - b->end;
	return b->bytes + b->end;
}

void
line_added(struct line_buffer *b, size_t n)
{
	b->end += n;
}

/* The newline of the current line, or NULL; what was searched is noted. */
static const char *
find_newline(struct line_buffer *b)
{
	const char *p = NULL;

	if (b->scanned < b->end)
		p = memchr(b->bytes + b->scanned, '\n', b->end - b->scanned);
	b->scanned = p == NULL ? b->end : (size_t)(p - b->bytes);
	return p;
}

/* Go on behind the newline at scanned. */
static void
take_line(struct line_buffer *b)
{
	b->scanned++;
	b->start = b->scanned;
}

static void
discard_all(struct line_buffer *b)
{
	b->discarded += waiting(b);
	b->start = b->end = b->scanned = 0;
}

enum line_result
line_next(struct line_buffer *b, const char **line, size_t *len)
{
	const char *newline = find_newline(b);

	if (b->discarding && newline != NULL) {
		b->discarding = false;
		take_line(b);
		newline = find_newline(b);
	}
	if (b->discarding) {
		discard_all(b);
		return b->discarded > LINE_DISCARD_BYTES_MAX ? LINE_LOST
							     : LINE_NONE;
	}
	if (newline != NULL) {
		*line = b->bytes + b->start;
		*len = (size_t)(newline - *line);
		take_line(b);
		return LINE_READY;
	}
	if (waiting(b) <= LINE_BYTES_MAX) {
		if (waiting(b) == 0)
			b->start = b->end = b->scanned = 0;
		return LINE_NONE;
	}
	b->discarding = true;
	b->discarded = 0;
	discard_all(b);
	return LINE_TOO_LONG;
}
