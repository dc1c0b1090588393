#include "json/event_cursor.h"

void
event_cursor_format(const struct event_cursor *c,
    char out[static EVENT_CURSOR_SIZE])
{
	const uint64_t numbers[EVENT_CURSOR_NUMBERS] = { c->until_id,
		c->since_ms, c->after_ms, c->after_id };

	cursor_format(numbers, EVENT_CURSOR_NUMBERS, out);
}

int
event_cursor_parse(const char *text, struct event_cursor *out)
{
	uint64_t numbers[EVENT_CURSOR_NUMBERS];

	if (cursor_parse(text, numbers, EVENT_CURSOR_NUMBERS) == -1)
		return -1;
	out->until_id = numbers[0];
	out->since_ms = numbers[1];
	out->after_ms = numbers[2];
	out->after_id = numbers[3];
	return out->until_id == 0 ? -1 : 0;
}
