#include "supervisor/lines.h"

#include <stdio.h>
#include <string.h>

static unsigned int
count_lines(const char *lines)
{
	unsigned int n = *lines != '\0';

	for (; *lines != '\0'; lines++)
		n += *lines == '\n';
	return n;
}

/* Bytes from lines to the end of the first one. */
static size_t
line_length(const char *lines)
{
	return strcspn(lines, "\n");
}

void
lines_fit(const char *lines, char *out, size_t size)
{
	const size_t room = size - LINES_MORE_SIZE;
	size_t used = line_length(lines);
	const char *rest;

	if (strlen(lines) < size) {
		(void)snprintf(out, size, "%s", lines);
		return;
	}
	if (used > room)
		used = room;
	while (lines[used] == '\n' &&
	    used + 1 + line_length(lines + used + 1) <= room)
		used += 1 + line_length(lines + used + 1);
	memcpy(out, lines, used);
	out[used] = '\0';
	rest = lines + used + line_length(lines + used);
	if (*rest == '\n')
		(void)snprintf(out + used, size - used,
		    "\nand %u more: mercuryd -t tells them all",
		    count_lines(rest + 1));
}
