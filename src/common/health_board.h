/*
 * health_board: who is ready, in memory that the supervisor alone writes and
 * that the gateway reads without asking: so the answer to a health check is
 * right also when the supervisor has stopped.
 *
 * A sealed memfd that outlives the gateway. Entries are written under one
 * sequence lock; a writer that died or stopped in the middle leaves a board
 * that can't be read, which a reader has to take for "not ready".
 */
#ifndef MERCURY_COMMON_HEALTH_BOARD_H
#define MERCURY_COMMON_HEALTH_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/spec.h"

#define HEALTH_ENTRIES 16384u /* listeners, at most */
#define HEALTH_WHY_SIZE 128

/* How old the heartbeat of a supervisor that goes on may be, in ms. */
#define HEALTH_BEAT_MS 250u   /* it is written so often */
#define HEALTH_STALE_MS 1500u /* older: the supervisor hangs */

/* Is it ready? Of the daemon (its name is empty) and of each listener. */
struct health_entry {
	char name[SPEC_NAME_SIZE];
	uint8_t ready;
	uint8_t draining; /* drained by an operator, or a lame duck */
	uint8_t paused;   /* a listener only */
	uint8_t required; /* a listener only */
	uint8_t unused[3];
	uint32_t max_connections;  /* 0: no limit, or the daemon */
	uint32_t connections;      /* open; kept only where there is a limit */
	char why[HEALTH_WHY_SIZE]; /* not ready: such as "it is paused" */
};

struct health_board {
	_Atomic uint64_t heartbeat_ms;          /* CLOCK_MONOTONIC */
	_Alignas(64) _Atomic uint32_t sequence; /* odd: being written */
	uint32_t count;                         /* of the listeners */
	struct health_entry daemon;
	struct health_entry listeners[HEALTH_ENTRIES]; /* sorted by name */
};

/* Make one, all 0. Returns its descriptor, or -1 with *err. */
int health_board_create(struct err *err);

/* As with a scoreboard (scoreboard.h). */
struct health_board *health_board_map_write(int fd, struct err *err);
const struct health_board *health_board_map_read(int fd, struct err *err);
void health_board_unmap(const struct health_board **);

/*
 * Write: between begin and end the daemon, the listeners and their count may
 * be changed. The supervisor only.
 */
void health_board_begin(struct health_board *);
void health_board_end(struct health_board *);

/* The supervisor goes on. */
void health_board_beat(struct health_board *, uint64_t now_ms);

/* How long ago the last heartbeat was, in ms; now_ms on CLOCK_MONOTONIC. */
uint64_t health_board_age_ms(const struct health_board *, uint64_t now_ms);

/* What is found on a board. */
enum health_found {
	HEALTH_FOUND,
	HEALTH_NO_SUCH, /* there is no listener of that name */
	HEALTH_TORN     /* it is being written, again and again or for ever */
};

/*
 * Copy the entry of the listener of that name, or of the daemon (name empty).
 * What comes back is safe to use: its texts end, its flags are 0 or 1.
 */
enum health_found health_board_find(const struct health_board *,
    const char *name, struct health_entry *out);

/*
 * Copy the entry of the required listener that has the smallest share of its
 * max_connections free. Returns false where none has a limit, or the board is
 * torn.
 */
bool health_board_fullest(const struct health_board *,
    struct health_entry *out);

/*
 * Copy the daemon's entry and those of up to max listeners, all of the same
 * moment; *count becomes how many. FOUND or TORN.
 */
enum health_found health_board_copy(const struct health_board *,
    struct health_entry *daemon, struct health_entry *listeners, uint32_t max,
    uint32_t *count);

/* Changes with each change of an entry. */
uint32_t health_board_version(const struct health_board *);

#endif /* MERCURY_COMMON_HEALTH_BOARD_H */
