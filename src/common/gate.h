/*
 * gate: how many connections a listener may have and how fast they may come,
 * over all its workers: memory that all of them write.
 *
 * A sealed memfd for each pool, made by the supervisor, with a gate for each
 * listener, numbered as in the scoreboard. A worker enters before it accepts,
 * so that the limits are exact. What a worker that died had inside, its
 * scoreboard says.
 */
#ifndef MERCURY_COMMON_GATE_H
#define MERCURY_COMMON_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/scoreboard.h"

struct gate {
	_Alignas(64) _Atomic uint64_t open; /* connections inside */
	/*
	 * The bucket: when it will be full again, on CLOCK_MONOTONIC (the
	 * "theoretical arrival time" of the leaky bucket as a meter, ITU-T
	 * I.371). A token takes it one interval further.
	 */
	_Atomic uint64_t full_at_us;
};

struct gates {
	struct gate entries[SCOREBOARD_ENTRIES];
};

/* A sealed memfd for a pool. Returns it, or -1 with *err. */
int gates_create(struct err *);

/* Map it (fd is borrowed). NULL with *err. */
struct gates *gates_map(int fd, struct err *err);
void gates_unmap(struct gates **);

/* Nobody is inside, and the bucket is full. */
void gate_reset(struct gate *);

/* One more, if there are fewer than max (0: no limit). Returns whether. */
bool gate_enter(struct gate *, uint32_t max);

/* n of them are not inside any more. */
void gate_leave(struct gate *, uint64_t n);

/* How fast: rate tokens a second, burst of them in a full bucket. */
struct gate_rate {
	uint32_t rate; /* 0: no limit */
	uint32_t burst;
};

/*
 * Take a token at now_us (CLOCK_MONOTONIC). Returns 0, or in how many
 * microseconds there will be one.
 */
uint64_t gate_take_token(struct gate *, const struct gate_rate *,
    uint64_t now_us);

/* Nobody came: put it back. */
void gate_return_token(struct gate *, const struct gate_rate *);

#endif /* MERCURY_COMMON_GATE_H */
