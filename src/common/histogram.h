/*
 * histogram: how long things took, counted in buckets, and their sum in
 * milliseconds. This is the one table of the buckets' bounds; the cells
 * themselves belong to who counts: a bucket for each bound, one for what is
 * above the last, and the sum.
 */
#ifndef MERCURY_COMMON_HISTOGRAM_H
#define MERCURY_COMMON_HISTOGRAM_H

#include <stdint.h>

/* The highest value that a bucket takes, in ms, rising. */
/* clang-format off */
#define HANDSHAKE_BOUNDS(MS)						\
	MS(10) MS(50) MS(100) MS(250) MS(500) MS(1000) MS(2500) MS(5000)
#define LIFE_BOUNDS(MS)	/* up to a week */				\
	MS(100) MS(1000) MS(10000) MS(60000) MS(600000) MS(3600000)	\
	MS(21600000) MS(86400000) MS(604800000)
#define LOOP_LAG_BOUNDS(MS)						\
	MS(1) MS(5) MS(10) MS(25) MS(50) MS(100) MS(250) MS(1000)

/*     HISTOGRAM(ID, BOUNDS) */
#define HISTOGRAMS(HISTOGRAM)						\
	HISTOGRAM(HANDSHAKE, HANDSHAKE_BOUNDS)				\
	HISTOGRAM(LIFE, LIFE_BOUNDS)					\
	HISTOGRAM(LOOP_LAG, LOOP_LAG_BOUNDS)

enum histogram_id {
#define HISTOGRAM(ID, BOUNDS) HISTOGRAM_##ID,
	HISTOGRAMS(HISTOGRAM)
#undef HISTOGRAM
	HISTOGRAM_COUNT
};

/* HANDSHAKE_CELLS and so on: how many cells each of them has. */
#define HISTOGRAM_ONE(MS) + 1
enum {
#define HISTOGRAM(ID, BOUNDS) ID##_CELLS = 2 BOUNDS(HISTOGRAM_ONE),
	HISTOGRAMS(HISTOGRAM)
#undef HISTOGRAM
};
/* clang-format on */

struct histogram {
	unsigned int bounds;       /* cells[bounds] is the bucket above them, */
	const uint32_t *bounds_ms; /* and cells[bounds + 1] the sum */
};

/* The shape of a histogram; never NULL. */
const struct histogram *histogram_shape(enum histogram_id);

/* Which cell counts a value: 0 to bounds. */
static inline unsigned int
histogram_bucket(const struct histogram *h, uint64_t ms)
{
	unsigned int i = 0;

	while (i < h->bounds && ms > h->bounds_ms[i])
		i++;
	return i;
}

/* Which cell is the sum. */
static inline unsigned int
histogram_sum(const struct histogram *h)
{
	return h->bounds + 1;
}

/* Count a value in cells of one's own. */
void histogram_observe(enum histogram_id, uint64_t cells[], uint64_t ms);

#endif /* MERCURY_COMMON_HISTOGRAM_H */
