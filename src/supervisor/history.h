/*
 * history: the last records of a listener, kept where they happen.
 *
 * A ring that grows as it fills, so that a thousand quiet listeners need
 * little memory. Its owner gives sequence numbers and times.
 */
#ifndef MERCURY_SUPERVISOR_HISTORY_H
#define MERCURY_SUPERVISOR_HISTORY_H

#include <stdint.h>

#include "common/event.h"

#define HISTORY_MAX 1000u
#define HISTORY_REASON_SIZE 96

struct history_record {
	uint64_t seq;
	uint64_t real_ms; /* CLOCK_REALTIME */
	uint64_t mono_ms; /* CLOCK_MONOTONIC: never less than the last one's */
	uint64_t uptime_ms; /* of the process that ended */
	uint32_t slot;
	uint32_t pid; /* 0: none */
	uint8_t type; /* enum event_type */
	char reason[HISTORY_REASON_SIZE];
};

/* One full of zeros is empty and ready. */
struct history {
	struct history_record *records;
	unsigned int size;  /* of records, at most HISTORY_MAX */
	unsigned int count; /* in use */
	unsigned int first; /* the oldest; 0 until all are in use */
	uint64_t lost;      /* records for which there was no memory */
};

/*
 * Keep a copy of *record. The oldest makes room when there are HISTORY_MAX.
 * Without memory to grow, *record is lost and counted.
 */
void history_add(struct history *, const struct history_record *);

unsigned int history_count(const struct history *);

/*
 * The record i, valid until the next history_add(); 0 is the oldest. NULL if
 * there are not so many.
 */
const struct history_record *history_at(const struct history *, unsigned int i);

/*
 * How many of the records since since_mono_ms (included) tell of a worker
 * that failed: worker.crashed, worker.hung (worker.killed follows that one,
 * or tells of one that did not end by its deadline).
 */
unsigned int history_failures(const struct history *, uint64_t since_mono_ms);

/* Free the records; it is then empty and ready, and has lost none. */
void history_free(struct history *);

#endif /* MERCURY_SUPERVISOR_HISTORY_H */
