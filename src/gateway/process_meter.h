/*
 * process_meter: what the processes take of the machine, added up by role over
 * many looks: CPU time never goes back when a process ends.
 *
 * Looking at thousands of processes would take longer than a scrape may: one
 * look is at so many at most, in turns, and the others count as they were.
 */
#ifndef MERCURY_GATEWAY_PROCESS_METER_H
#define MERCURY_GATEWAY_PROCESS_METER_H

#include <stddef.h>
#include <stdint.h>

#include "json/usage.h"

#define PROCESS_METER_LOOKS 128u
#define PROCESS_METER_ROLES 8u /* more are left out */

/* All processes of a role. */
struct process_role {
	char name[16];        /* "pool"; empty: not in use */
	unsigned int running; /* processes that have a pid */
	uint64_t restarts;    /* of them all */
	uint64_t memory_bytes;
	uint64_t cpu_ms; /* also of those that have ended */
};

/* One process; private to the meter. */
struct process_sample {
	uint32_t pid;
	unsigned int role; /* index in roles */
	uint64_t memory_bytes;
	uint64_t cpu_ms;
};

/* Zeroed, it has seen nothing. */
struct process_meter {
	struct process_role roles[PROCESS_METER_ROLES];
	struct process_sample *samples; /* sorted by pid */
	size_t count;
	struct process_sample *next; /* those of the look that has begun */
	size_t next_count;
	size_t next_size;
	uint32_t last_pid; /* that was looked at */
};

/*
 * A look: begin, tell each process (pid 0: it does not run), end. Without
 * memory some processes are left out until the next look.
 */
void process_meter_begin(struct process_meter *);
/* role ends at its NUL or after 15 bytes. */
void process_meter_add(struct process_meter *, const char *role, uint32_t pid,
    uint32_t restarts);
void process_meter_end(struct process_meter *, usage_fn look_up);

/* Free the memory; it is as new. */
void process_meter_free(struct process_meter *);

#endif /* MERCURY_GATEWAY_PROCESS_METER_H */
