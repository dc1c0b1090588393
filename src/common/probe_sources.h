/*
 * probe_sources: where the probes of a listener come from, as far as that is
 * remembered: a small table in a worker's scoreboard, and the sum of several
 * such tables.
 *
 * A table has one writer, the worker. Who reads it at a bad time, or after
 * the writer died within a change, may see a mix of two sources: numbers that
 * are wrong, and no more.
 */
#ifndef MERCURY_COMMON_PROBE_SOURCES_H
#define MERCURY_COMMON_PROBE_SOURCES_H

#include <stdatomic.h>
#include <stdint.h>

/* A worker remembers so many of a listener, and so many are shown. */
#define PROBE_SOURCES 8u

/* A sum has room for more: what several workers have seen. */
#define PROBE_SOURCES_SUM 16u

struct probe_table {
	_Alignas(64) _Atomic uint64_t version; /* odd: it is being changed */
	struct probe_slot {
		_Atomic uint64_t address[2];
		_Atomic uint64_t count; /* 0: not in use */
		_Atomic uint64_t seen_ms;
	} slots[PROBE_SOURCES];
};

struct probe_source {
	uint8_t address[16]; /* as addr_bytes() makes it */
	uint64_t count;
	uint64_t seen_ms; /* the last time; CLOCK_REALTIME */
};

/* Zeroed, it has none. */
struct probe_sum {
	uint32_t count;
	struct probe_source sources[PROBE_SOURCES_SUM];
};

/* Forget all; the writer's side. */
void probe_table_clear(struct probe_table *);

/*
 * One more probe of a source; the writer's side. For a new one, that which was
 * seen longest ago is forgotten if there is no room.
 */
void probe_table_note(struct probe_table *, const uint8_t address[static 16],
    uint64_t now_ms);

/* Add a table, which may be changing, to a sum; it never waits. */
void probe_sum_add_table(struct probe_sum *, const struct probe_table *);

/* Add one sum to another. */
void probe_sum_add(struct probe_sum *, const struct probe_sum *);

/* Bring it into order: who was seen last comes first. */
void probe_sum_sort(struct probe_sum *);

#endif /* MERCURY_COMMON_PROBE_SOURCES_H */
