#include "spread.h"

/* Small values have a bucket each; then every power of two has SPREAD_STEPS. */
static unsigned int
bucket_of(uint64_t value)
{
	unsigned int top, shift;

	if (value < SPREAD_STEPS)
		return (unsigned int)value;
	top = 63u - (unsigned int)__builtin_clzll(value);
	shift = top - SPREAD_STEP_BITS;
	return (shift + 1) * SPREAD_STEPS +
	    ((unsigned int)(value >> shift) - SPREAD_STEPS);
}

/* The highest value of a bucket. */
static uint64_t
end_of(unsigned int bucket)
{
	const unsigned int row = bucket / SPREAD_STEPS;
	const uint64_t step = bucket % SPREAD_STEPS;

	if (row == 0)
		return step;
	return ((step + SPREAD_STEPS + 1) << (row - 1)) - 1;
}

void
spread_add(struct spread *s, uint64_t value)
{
	s->buckets[bucket_of(value)]++;
	s->count++;
	if (value > s->longest)
		s->longest = value;
}

void
spread_merge(struct spread *to, const struct spread *from)
{
	unsigned int i;

	for (i = 0; i < SPREAD_BUCKETS; i++)
		to->buckets[i] += from->buckets[i];
	to->count += from->count;
	if (from->longest > to->longest)
		to->longest = from->longest;
}

uint64_t
spread_at(const struct spread *s, double part)
{
	const uint64_t wanted = (uint64_t)((double)s->count * part);
	uint64_t seen = 0, end;
	unsigned int i;

	for (i = 0; i < SPREAD_BUCKETS; i++) {
		seen += s->buckets[i];
		if (seen > 0 && seen >= wanted) {
			end = end_of(i);
			return end < s->longest ? end : s->longest;
		}
	}
	return s->longest;
}
