#include "common/cidr_set.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "common/cidr.h"

#define MAX_BITS 128
#define NONE (-1)

/* An address as a number. */
struct key {
	uint64_t high, low;
};

/* All addresses of a network, while the set is made. */
struct block {
	struct key first;
	struct key last;
	int16_t bits;  /* its length */
	int16_t value; /* what an address in it gets */
};

/*
 * The networks cut into ranges that don't overlap: range i is from starts[i]
 * to before starts[i + 1], and values[i] is what its addresses get. The first
 * starts at 0.
 */
struct cidr_set {
	bool empty;
	size_t count; /* at least 1 */
	struct key *starts;
	int16_t *values;
};

/* Networks around the one that is looked at, the outermost first. */
struct nest {
	unsigned int depth;
	struct block around[MAX_BITS + 1]; /* each is longer than the last */
};

static struct key
key_of(const uint8_t address[static 16])
{
	uint64_t parts[2];

	memcpy(parts, address, sizeof(parts));
	return (struct key){ be64toh(parts[0]), be64toh(parts[1]) };
}

static bool
is_less(struct key a, struct key b)
{
	return a.high < b.high || (a.high == b.high && a.low < b.low);
}

static struct block
block_of(const struct cidr *c)
{
	const unsigned int bits = c->bits;
	struct block b = { .first = key_of(c->address),
		.bits = (int16_t)bits,
		.value = (int16_t)bits };

	b.last = b.first;
	if (bits < 64)
		b.last.high |= UINT64_MAX >> bits;
	if (bits <= 64)
		b.last.low = UINT64_MAX;
	else if (bits < MAX_BITS)
		b.last.low |= UINT64_MAX >> (bits - 64);
	return b;
}

/* By their first address; of those that start together the outermost first. */
static int
compare(const void *a, const void *b)
{
	const struct block *x = a, *y = b;

	if (is_less(x->first, y->first))
		return -1;
	if (is_less(y->first, x->first))
		return 1;
	if (x->bits != y->bits)
		return x->bits < y->bits ? -1 : 1;
	return x->value < y->value ? -1 : x->value > y->value;
}

/* From here on addresses get value. */
static void
start(struct cidr_set *s, struct key at, int16_t value)
{
	const struct key last = s->starts[s->count - 1];

	if (at.high == last.high && at.low == last.low)
		s->values[s->count - 1] = value;
	else if (s->values[s->count - 1] != value) {
		s->starts[s->count] = at;
		s->values[s->count++] = value;
	}
}

/* Leave the innermost network: what is behind it is in the one around. */
static void
leave(struct cidr_set *s, struct nest *n)
{
	struct key next = n->around[--n->depth].last;

	next.low++;
	if (next.low == 0)
		next.high++;
	if (next.low == 0 && next.high == 0)
		return; /* it ends where all addresses end */
	start(s, next, n->depth == 0 ? NONE : n->around[n->depth - 1].value);
}

static void
enter(struct cidr_set *s, struct nest *n, const struct block *b)
{
	while (n->depth > 0 && is_less(n->around[n->depth - 1].last, b->first))
		leave(s, n);
	/* The same again: the later one holds, see compare(). */
	if (n->depth > 0 && n->around[n->depth - 1].bits == b->bits)
		n->depth--;
	n->around[n->depth++] = *b;
	start(s, b->first, b->value);
}

/* Room for each block to start and to end a range, and for the first. */
static struct cidr_set *
allocate(size_t blocks)
{
	const size_t ranges = 2 * blocks + 1;
	struct cidr_set *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->starts = calloc(ranges, sizeof(s->starts[0]));
	s->values = calloc(ranges, sizeof(s->values[0]));
	if (s->starts == NULL || s->values == NULL)
		cidr_set_free(&s);
	return s;
}

/* Give back what was not needed. */
static void
trim(struct cidr_set *s)
{
	void *smaller;

	smaller = realloc(s->starts, s->count * sizeof(s->starts[0]));
	if (smaller != NULL)
		s->starts = smaller;
	smaller = realloc(s->values, s->count * sizeof(s->values[0]));
	if (smaller != NULL)
		s->values = smaller;
}

/* Sorts blocks. Returns NULL when out of memory. */
static struct cidr_set *
build(struct block *blocks, size_t count)
{
	struct cidr_set *s = allocate(count);
	struct nest nest = { 0 };
	size_t i;

	if (s == NULL)
		return NULL;
	qsort(blocks, count, sizeof(blocks[0]), compare);
	s->count = 1;
	s->values[0] = NONE;
	for (i = 0; i < count; i++)
		enter(s, &nest, &blocks[i]);
	while (nest.depth > 0)
		leave(s, &nest);
	trim(s);
	return s;
}

/* Returns 0, or -1 with *err when one of them makes no sense. */
static int
read_blocks(const unsigned char *bytes, size_t count, struct block *out,
    struct err *err)
{
	struct cidr c;
	size_t i;

	for (i = 0; i < count; i++) {
		memcpy(&c, bytes + i * sizeof(c), sizeof(c));
		if (!cidr_is_valid(&c))
			return err_set(err, ERR_INVALID,
			    "network %zu of %zu makes no sense", i, count);
		out[i] = block_of(&c);
	}
	return 0;
}

int
cidr_set_new(const void *bytes, size_t size, struct cidr_set **out,
    struct err *err)
{
	/* Keeps IPv4 out of what is IPv6 around it: see cidr.h. */
	const struct cidr v4 = { { [10] = 0xff, [11] = 0xff }, 96 };
	const size_t count = size / sizeof(struct cidr);
	struct block *blocks;
	int result;

	*out = NULL;
	if (size % sizeof(struct cidr) != 0)
		return err_set(err, ERR_INVALID,
		    "%zu bytes are no list of networks", size);
	blocks = calloc(count + 1, sizeof(*blocks));
	if (blocks == NULL)
		return err_set(err, ERR_UNAVAILABLE, "out of memory");
	result = read_blocks(bytes, count, blocks, err);
	if (result == 0) {
		blocks[count] = block_of(&v4);
		blocks[count].value = NONE;
		*out = build(blocks, count + 1);
		if (*out == NULL)
			result = err_set(err, ERR_UNAVAILABLE, "out of memory");
		else
			(*out)->empty = count == 0;
	}
	free(blocks);
	return result;
}

void
cidr_set_free(struct cidr_set **set)
{
	struct cidr_set *s = *set;

	*set = NULL;
	if (s == NULL)
		return;
	free(s->starts);
	free(s->values);
	free(s);
}

bool
cidr_set_is_empty(const struct cidr_set *set)
{
	return set == NULL || set->empty;
}

int
cidr_set_longest(const struct cidr_set *set, const uint8_t address[static 16])
{
	const struct key wanted = key_of(address);
	size_t first = 0, count, half;

	if (cidr_set_is_empty(set))
		return NONE;
	/* The last range that does not start behind the address. */
	for (count = set->count; count > 1; count -= half) {
		half = count / 2;
		if (!is_less(wanted, set->starts[first + half]))
			first += half;
	}
	return set->values[first];
}
