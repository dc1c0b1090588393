#include "json/cursor.h"

#include <inttypes.h>
#include <stdio.h>

void
cursor_format(const uint64_t *numbers, size_t count, char *out)
{
	const size_t size = CURSOR_SIZE(count);
	size_t i, used = 0;

	for (i = 0; i < count && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%" PRIx64,
		    i == 0 ? "" : ".", numbers[i]);
}

/* Read 1 to 16 hexadecimal digits at *p, up to end, and move behind it. */
static int
take(const char **p, char end, uint64_t *out)
{
	int digits = 0;

	for (*out = 0; **p != end; (*p)++, digits++) {
		if (digits == 16)
			return -1;
		if (**p >= '0' && **p <= '9')
			*out = *out << 4 | (uint64_t)(**p - '0');
		else if (**p >= 'a' && **p <= 'f')
			*out = *out << 4 | (uint64_t)(**p - 'a' + 10);
		else
			return -1;
	}
	if (end != '\0')
		(*p)++;
	return digits == 0 ? -1 : 0;
}

int
cursor_parse(const char *text, uint64_t *numbers, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (take(&text, i + 1 < count ? '.' : '\0', &numbers[i]) == -1)
			return -1;
	return 0;
}
