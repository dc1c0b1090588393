/*
 * spread: how many values fell where, for percentiles of latencies.
 *
 * Values are nanoseconds. A bucket is at most 1/64 wide of what it holds, so
 * that percentiles are right to 1.6%. The memory is the caller's, may be
 * shared between processes (one writer each), and starts zeroed.
 */
#ifndef MERCURY_BENCH_SPREAD_H
#define MERCURY_BENCH_SPREAD_H

#include <stdint.h>

#define SPREAD_STEP_BITS 6u
#define SPREAD_STEPS (1u << SPREAD_STEP_BITS)
#define SPREAD_BUCKETS ((64u - SPREAD_STEP_BITS + 1u) * SPREAD_STEPS)

struct spread {
	uint64_t count;
	uint64_t longest; /* exact */
	uint64_t buckets[SPREAD_BUCKETS];
};

/* Count a value. */
void spread_add(struct spread *, uint64_t value);

/* Add what another one counted. */
void spread_merge(struct spread *to, const struct spread *from);

/*
 * The value that a part (0 to 1) of all values doesn't exceed, rounded up to
 * its bucket's end; 0 when nothing was counted.
 */
uint64_t spread_at(const struct spread *, double part);

#endif /* MERCURY_BENCH_SPREAD_H */
