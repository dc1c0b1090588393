#include "proxy/balance.h"

#include <string.h>

/*
 * Smooth weighted round robin: each gets its weight, who has most is chosen
 * and pays what all have got. So 5:1:1 is A A B A C A A, not five at a time.
 * Only those of which taking[] says so take part.
 */
static size_t
take_turns(struct balance_entry *e, size_t count, const bool *taking)
{
	size_t i, best = BALANCE_NONE;
	int64_t sum = 0;

	for (i = 0; i < count; i++) {
		if (!taking[i])
			continue;
		e[i].turn += e[i].weight;
		sum += e[i].weight;
		if (best == BALANCE_NONE || e[i].turn > e[best].turn)
			best = i;
	}
	if (best != BALANCE_NONE)
		e[best].turn -= sum;
	return best;
}

static size_t
pick_in_turn(struct balance_entry *e, size_t count)
{
	bool taking[UPSTREAMS_MAX];
	size_t i;

	for (i = 0; i < count; i++)
		taking[i] = e[i].usable;
	return take_turns(e, count, taking);
}

/* With one more connection, has a less than b, for its weight? */
static int
compare_load(const struct balance_entry *a, const struct balance_entry *b)
{
	const uint64_t x = ((uint64_t)a->connections + 1) * b->weight;
	const uint64_t y = ((uint64_t)b->connections + 1) * a->weight;

	return (x > y) - (x < y);
}

/* Those that have least take turns. */
static size_t
pick_least(struct balance_entry *e, size_t count)
{
	const struct balance_entry *least = NULL;
	bool taking[UPSTREAMS_MAX];
	size_t i;

	for (i = 0; i < count; i++)
		if (e[i].usable &&
		    (least == NULL || compare_load(&e[i], least) < 0))
			least = &e[i];
	for (i = 0; i < count; i++)
		taking[i] = e[i].usable && compare_load(&e[i], least) == 0;
	return take_turns(e, count, taking);
}

static size_t
pick_first(const struct balance_entry *e, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (e[i].usable)
			return i;
	return BALANCE_NONE;
}

/* Every bit of the result depends on every bit of x. */
static uint64_t
mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/*
 * -log2(x / 2^64) with 32 bits behind the point, x > 0: squaring what lies
 * between 1 and 2 brings out one bit of its logarithm at a time.
 */
static uint64_t
minus_log2(uint64_t x)
{
	const unsigned int zeros = (unsigned int)__builtin_clzll(x);
	uint64_t y = (x << zeros) >> 32; /* 2^31 is 1 */
	uint64_t fraction = 0;
	int i;

	for (i = 0; i < 32; i++) {
		y = y * y >> 31;
		fraction <<= 1;
		if (y >> 32 != 0) {
			fraction |= 1;
			y >>= 1;
		}
	}
	return ((uint64_t)(zeros + 1) << 32) - fraction;
}

/*
 * Rendezvous hashing: each entry and source together make a number, as if an
 * exponential variable of the rate `weight'; the smallest is chosen. So an
 * entry is chosen as often as its weight says, and one that goes, or comes,
 * moves only what was, or will be, its own.
 */
static size_t
pick_by_source(const struct balance_entry *e, size_t count, uint64_t source)
{
	uint64_t score, least = UINT64_MAX;
	size_t i, best = BALANCE_NONE;

	for (i = 0; i < count; i++) {
		if (!e[i].usable)
			continue;
		score =
		    minus_log2(mix(e[i].key ^ source) | 1) * 256 / e[i].weight;
		if (best == BALANCE_NONE || score < least) {
			least = score;
			best = i;
		}
	}
	return best;
}

size_t
balance_pick(enum balance how, struct balance_entry *entries, size_t count,
    uint64_t source)
{
	switch (how) {
	case BALANCE_LEAST_CONNECTIONS:
		return pick_least(entries, count);
	case BALANCE_SOURCE:
		return pick_by_source(entries, count, source);
	case BALANCE_FIRST:
		return pick_first(entries, count);
	case BALANCE_ROUND_ROBIN:
	case BALANCE_COUNT:
		break;
	}
	return pick_in_turn(entries, count);
}

uint64_t
balance_source(const uint8_t address[static 16])
{
	uint64_t half[2];

	memcpy(half, address, sizeof(half));
	return mix(half[0] + 0x9e3779b97f4a7c15u) ^ mix(half[1]);
}
