/*
 * store_board: the figures of the store, in memory that it alone writes and
 * that the supervisor reads without asking. The memory outlives the process:
 * the next store counts on.
 */
#ifndef MERCURY_COMMON_STORE_BOARD_H
#define MERCURY_COMMON_STORE_BOARD_H

#include <stdatomic.h>
#include <stdint.h>

#include "common/err.h"

/*
 *     FIGURE(ID, "name", "help")
 *
 * TAKEN and SETTLED are for the next store: what is taken and not settled when
 * one dies is lost.
 */
#define STORE_FIGURES(FIGURE)                                            \
	FIGURE(HEARTBEAT_MS, "heartbeat_ms",                             \
	    "last turn of its loop, on CLOCK_MONOTONIC")                 \
	FIGURE(TAKEN, "taken", "events read from their senders")         \
	FIGURE(SETTLED, "settled", "and of these written, or refused")   \
	FIGURE(EVENTS, "events", "rows written")                         \
	FIGURE(LAST_ID, "last_id", "the highest that a row was given")   \
	FIGURE(DROPPED, "dropped", "events that could not be kept")      \
	FIGURE(PRUNED, "pruned", "rows deleted by the cleanup job")      \
	FIGURE(LAST_CLEANUP_MS, "last_cleanup_ms",                       \
	    "end of the last cleanup, on CLOCK_REALTIME")                \
	FIGURE(DATABASE_BYTES, "database_bytes", "size of the database") \
	FIGURE(WAL_BYTES, "wal_bytes", "size of its write-ahead log")    \
	FIGURE(WAL_HELD_MS, "wal_held_ms",                               \
	    "since when a reader keeps that from being emptied, on "     \
	    "CLOCK_MONOTONIC; 0: none does")

enum store_figure {
#define FIGURE(ID, NAME, HELP) STORE_##ID,
	STORE_FIGURES(FIGURE)
#undef FIGURE
	    STORE_FIGURE_COUNT
};

struct store_board {
	_Atomic uint64_t figures[STORE_FIGURE_COUNT];
};

/* A sealed memfd for one board. Returns it, or -1 with *err. */
int store_board_create(struct err *);

/* As with a scoreboard (scoreboard.h). */
struct store_board *store_board_map_write(int fd, struct err *err);
const struct store_board *store_board_map_read(int fd, struct err *err);
void store_board_unmap(const struct store_board **);

static inline uint64_t
store_board_get(const struct store_board *b, enum store_figure id)
{
	return atomic_load_explicit(&b->figures[id], memory_order_relaxed);
}

/* Only the store may. */
static inline void
store_board_set(struct store_board *b, enum store_figure id, uint64_t n)
{
	atomic_store_explicit(&b->figures[id], n, memory_order_relaxed);
}

static inline void
store_board_add(struct store_board *b, enum store_figure id, uint64_t n)
{
	store_board_set(b, id, store_board_get(b, id) + n);
}

#endif /* MERCURY_COMMON_STORE_BOARD_H */
