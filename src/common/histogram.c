#include "common/histogram.h"

/* clang-format off */
#define BOUND(MS) MS,
#define HISTOGRAM(ID, BOUNDS)						\
	static const uint32_t bounds_of_##ID[] = { BOUNDS(BOUND) };
HISTOGRAMS(HISTOGRAM)
#undef HISTOGRAM
/* clang-format on */

static const struct histogram shapes[HISTOGRAM_COUNT] = {
#define HISTOGRAM(ID, BOUNDS)                                        \
	[HISTOGRAM_##ID] = {                                         \
		.bounds = sizeof(bounds_of_##ID) / sizeof(uint32_t), \
		.bounds_ms = bounds_of_##ID,                         \
	},
	HISTOGRAMS(HISTOGRAM)
#undef HISTOGRAM
};

const struct histogram *
histogram_shape(enum histogram_id id)
{
	return &shapes[id];
}

void
histogram_observe(enum histogram_id id, uint64_t cells[], uint64_t ms)
{
	const struct histogram *h = histogram_shape(id);

	cells[histogram_bucket(h, ms)]++;
	cells[histogram_sum(h)] += ms;
}
