#include "common/probe_sources.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* So often a table that changes is read before it is taken as it is. */
#define READ_TRIES 4

static uint64_t
get(const _Atomic uint64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

static void
set(_Atomic uint64_t *value, uint64_t n)
{
	atomic_store_explicit(value, n, memory_order_relaxed);
}

/* Readers that see a part of what follows see an odd version, or a new one. */
static void
begin_change(struct probe_table *t)
{
	set(&t->version, get(&t->version) | 1u);
	atomic_thread_fence(memory_order_release);
}

static void
end_change(struct probe_table *t)
{
	atomic_store_explicit(&t->version, get(&t->version) + 1,
	    memory_order_release);
}

void
probe_table_clear(struct probe_table *t)
{
	size_t i;

	begin_change(t);
	for (i = 0; i < PROBE_SOURCES; i++)
		set(&t->slots[i].count, 0);
	end_change(t);
}

/* That of the source; else a free one, else the one seen longest ago. */
static struct probe_slot *
find_slot(struct probe_table *t, const uint64_t address[static 2])
{
	struct probe_slot *s, *oldest = &t->slots[0];

	for (s = t->slots; s < t->slots + PROBE_SOURCES; s++) {
		if (get(&s->count) == 0)
			return s;
		if (get(&s->address[0]) == address[0] &&
		    get(&s->address[1]) == address[1])
			return s;
		if (get(&s->seen_ms) < get(&oldest->seen_ms))
			oldest = s;
	}
	set(&oldest->count, 0);
	return oldest;
}

void
probe_table_note(struct probe_table *t, const uint8_t address[static 16],
    uint64_t now_ms)
{
	struct probe_slot *s;
	uint64_t words[2];

	memcpy(words, address, sizeof(words));
	begin_change(t);
	s = find_slot(t, words);
	set(&s->address[0], words[0]);
	set(&s->address[1], words[1]);
	set(&s->count, get(&s->count) + 1);
	set(&s->seen_ms, now_ms);
	end_change(t);
}

/* Returns whether nothing was changed meanwhile. */
static bool
read_table(const struct probe_table *t, struct probe_sum *out)
{
	const uint64_t version =
	    atomic_load_explicit(&t->version, memory_order_acquire);
	const struct probe_slot *s = t->slots;
	struct probe_source *to = out->sources;
	uint64_t words[2];
	size_t i;

	out->count = 0;
	for (i = 0; i < PROBE_SOURCES; i++, s++) {
		to->count = get(&s->count);
		if (to->count == 0)
			continue;
		words[0] = get(&s->address[0]);
		words[1] = get(&s->address[1]);
		memcpy(to->address, words, sizeof(to->address));
		to->seen_ms = get(&s->seen_ms);
		to++;
		out->count++;
	}
	atomic_thread_fence(memory_order_acquire);
	return (version & 1) == 0 && get(&t->version) == version;
}

/* As find_slot(). */
static struct probe_source *
find_source(struct probe_sum *sum, const uint8_t address[static 16])
{
	struct probe_source *s, *oldest = sum->sources;

	for (s = sum->sources; s < sum->sources + sum->count; s++) {
		if (memcmp(s->address, address, sizeof(s->address)) == 0)
			return s;
		if (s->seen_ms < oldest->seen_ms)
			oldest = s;
	}
	if (sum->count < PROBE_SOURCES_SUM)
		oldest = &sum->sources[sum->count++];
	*oldest = (struct probe_source){ 0 };
	memcpy(oldest->address, address, sizeof(oldest->address));
	return oldest;
}

void
probe_sum_add(struct probe_sum *sum, const struct probe_sum *more)
{
	const struct probe_source *from = more->sources;
	struct probe_source *to;
	uint32_t i;

	for (i = 0; i < more->count; i++, from++) {
		to = find_source(sum, from->address);
		to->count += from->count;
		if (to->seen_ms < from->seen_ms)
			to->seen_ms = from->seen_ms;
	}
}

void
probe_sum_add_table(struct probe_sum *sum, const struct probe_table *t)
{
	struct probe_sum seen;
	int i;

	for (i = 0; i < READ_TRIES && !read_table(t, &seen); i++)
		;
	probe_sum_add(sum, &seen);
}

static int
compare(const void *a, const void *b)
{
	const uint64_t x = ((const struct probe_source *)a)->seen_ms;
	const uint64_t y = ((const struct probe_source *)b)->seen_ms;

	return (x < y) - (x > y);
}

void
probe_sum_sort(struct probe_sum *sum)
{
	qsort(sum->sources, sum->count, sizeof(sum->sources[0]), compare);
}
