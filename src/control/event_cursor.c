#include "control/event_cursor.h"

#include <inttypes.h>
#include <stdio.h>

void
event_cursor_format(const struct event_cursor *c,
    char out[static EVENT_CURSOR_SIZE])
{
	(void)snprintf(out, EVENT_CURSOR_SIZE,
	    "%" PRIx64 ".%" PRIx64 ".%" PRIx64 ".%" PRIx64, c->until_id,
	    c->since_ms, c->after_ms, c->after_id);
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
event_cursor_parse(const char *text, struct event_cursor *out)
{
	if (take(&text, '.', &out->until_id) == -1 ||
	    take(&text, '.', &out->since_ms) == -1 ||
	    take(&text, '.', &out->after_ms) == -1 ||
	    take(&text, '\0', &out->after_id) == -1)
		return -1;
	return out->until_id == 0 ? -1 : 0;
}
