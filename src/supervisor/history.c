#include "supervisor/history.h"

#include <stdbool.h>
#include <stdlib.h>

#define FIRST_SIZE 8u

static int
grow(struct history *h)
{
	unsigned int size = h->size == 0 ? FIRST_SIZE : h->size * 2;
	struct history_record *records;

	if (size > HISTORY_MAX)
		size = HISTORY_MAX;
	records = reallocarray(h->records, size, sizeof(*records));
	if (records == NULL)
		return -1;
	h->records = records;
	h->size = size;
	return 0;
}

void
history_add(struct history *h, const struct history_record *record)
{
	if (h->count == HISTORY_MAX) {
		h->records[h->first] = *record;
		h->first = (h->first + 1) % HISTORY_MAX;
		return;
	}
	if (h->count == h->size && grow(h) == -1) {
		h->lost++;
		return;
	}
	h->records[h->count++] = *record;
}

unsigned int
history_count(const struct history *h)
{
	return h->count;
}

const struct history_record *
history_at(const struct history *h, unsigned int i)
{
	if (i >= h->count)
		return NULL;
	return &h->records[(h->first + i) % h->count];
}

static bool
is_failure(const struct history_record *record)
{
	return record->type == EVENT_WORKER_CRASHED ||
	    record->type == EVENT_WORKER_HUNG;
}

unsigned int
history_failures(const struct history *h, uint64_t since_mono_ms)
{
	const struct history_record *record;
	unsigned int i, failures = 0;

	for (i = h->count; i > 0; i--) {
		record = history_at(h, i - 1);
		if (record == NULL || record->mono_ms < since_mono_ms)
			break;
		failures += is_failure(record);
	}
	return failures;
}

void
history_free(struct history *h)
{
	free(h->records);
	*h = (struct history){ 0 };
}
