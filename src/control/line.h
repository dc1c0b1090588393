/*
 * line: what one client sends, cut into lines, in bounded memory. Pure: it
 * reads no descriptor and no clock.
 *
 * A newline is searched for only in bytes that were not searched before, so a
 * line that comes byte by byte costs no more than one that comes at once.
 */
#ifndef MERCURY_CONTROL_LINE_H
#define MERCURY_CONTROL_LINE_H

#include <stdbool.h>
#include <stddef.h>

#define LINE_BYTES_MAX ((size_t)1 << 20)          /* without its newline */
#define LINE_DISCARD_BYTES_MAX ((size_t)64 << 20) /* of one line too long */

enum line_result {
	LINE_NONE,     /* no whole line is there */
	LINE_READY,    /* *line and *len are one, without its newline */
	LINE_TOO_LONG, /* told once a line; the rest of it is discarded */
	LINE_LOST      /* no newline in all that was discarded: give up */
};

/* All zero: empty. */
struct line_buffer {
	char *bytes;
	size_t size;
	size_t start;     /* of the line that is being collected */
	size_t end;       /* of what has come */
	size_t scanned;   /* no newline from start to here */
	size_t discarded; /* bytes of a line too long, so far */
	bool discarding;
};

/*
 * May more be read? False while so much is waiting to be taken by
 * line_next() that memory would grow over LINE_BYTES_MAX.
 */
bool line_wants_more(const struct line_buffer *);

/*
 * Where to put what is read next, at most *room bytes of it; only while
 * line_wants_more(). Lines that were given out before are no longer valid.
 * Returns NULL when out of memory.
 */
char *line_room(struct line_buffer *, size_t *room);

/* n bytes were put there. */
void line_added(struct line_buffer *, size_t n);

/* The next line; *line is borrowed until line_room() or line_clear(). */
enum line_result line_next(struct line_buffer *, const char **line,
    size_t *len);

/* Has part of a line come, and not its end? After LINE_NONE only. */
bool line_is_partial(const struct line_buffer *);

/* Has everything been searched: is there no whole line for line_next()? */
bool line_is_searched(const struct line_buffer *);

/* Forget everything and free the memory. */
void line_clear(struct line_buffer *);

#endif /* MERCURY_CONTROL_LINE_H */
