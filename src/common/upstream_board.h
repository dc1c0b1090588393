/*
 * upstream_board: what the workers of a pool must agree on about upstreams:
 * who is up, how many connections each has, who checks them. Memory that the
 * supervisor and all these workers write.
 *
 * A sealed memfd for each pool with a listener of protocol proxy, made by the
 * supervisor. It is sparse: a table for each listener, numbered as in the
 * scoreboard. The supervisor alone gives rows to names and writes their mode.
 * What a worker that died had, its scoreboard says. Every value is what a
 * broken or hostile worker may have written: numbers, never sizes or offsets.
 */
#ifndef MERCURY_COMMON_UPSTREAM_BOARD_H
#define MERCURY_COMMON_UPSTREAM_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/proxy_plan.h"
#include "common/scoreboard.h"

/* Also for some that are in no plan any more and have connections. */
#define UPSTREAM_ROWS SCOREBOARD_UPSTREAMS
_Static_assert(UPSTREAM_ROWS >= 2 * UPSTREAMS_MAX, "old and new have room");

/* clang-format off */
/*
 * What went wrong with it: X(ID, "words"). CONNECT, and a check, may come with
 * an errno; TLS with 1 + an enum tls_failure.
 */
#define UPSTREAM_TROUBLES(X)						\
	X(NONE, "")							\
	X(CONNECT, "connect")						\
	X(TIMED_OUT, "connect: timed out")				\
	X(TLS, "TLS handshake failed")					\
	X(RESOLVE, "its name can't be resolved")			\
	X(CHECK_TIMED_OUT, "check: timed out")				\
	X(CHECK_ANSWER, "check: unexpected answer")			\
	X(CHECK_CLOSED, "check: closed before it answered")
#define UPSTREAM_HEALTHS(X)						\
	X(UNCHECKED, "unchecked")					\
	X(UP, "up") X(DOWN, "down")
/* clang-format on */

enum upstream_trouble {
#define X(NAME, WORDS) UPSTREAM_TROUBLE_##NAME,
	UPSTREAM_TROUBLES(X)
#undef X
	    UPSTREAM_TROUBLE_COUNT
};

enum upstream_health {
#define X(NAME, WORD) UPSTREAM_##NAME,
	UPSTREAM_HEALTHS(X)
#undef X
	    UPSTREAM_HEALTH_COUNT
};

extern const char *const upstream_health_words[UPSTREAM_HEALTH_COUNT];

struct upstream_row {
	_Alignas(64) _Atomic uint64_t key; /* of its name; 0: not in use */
	_Atomic uint32_t mode;             /* enum upstream_mode */
	_Atomic uint32_t connections;
	_Atomic uint32_t waiting;
	_Atomic uint32_t unused;
	_Atomic uint64_t health;   /* and how many in a row; see the .c */
	_Atomic uint64_t since_ms; /* CLOCK_REALTIME: it is so */
	_Atomic uint64_t trouble;  /* the last; enum, and error << 32 */
	_Atomic uint64_t tried_ms; /* CLOCK_MONOTONIC; 0: never */
	_Alignas(64) _Atomic uint64_t connected; /* how often */
	_Atomic uint64_t failed;                 /* to connect */
	_Atomic uint64_t checks;
	_Atomic uint64_t checks_failed;
	_Atomic uint64_t checked_ms; /* CLOCK_MONOTONIC; 0: never */
	_Atomic uint64_t dropped;    /* which of those in no plan; 0: in it */
	_Atomic uint64_t more[2];
};
_Static_assert(sizeof(struct upstream_row) == 128, "whole cache lines");

struct upstream_table {
	_Alignas(64) _Atomic uint64_t lease; /* who checks, until when */
	_Atomic uint32_t rows_used;          /* no key behind these */
	_Alignas(64) struct upstream_row rows[UPSTREAM_ROWS];
};

struct upstream_board {
	struct upstream_table tables[SCOREBOARD_ENTRIES];
};

/* A sealed memfd for a pool. Returns it, or -1 with *err. */
int upstream_board_create(struct err *);

/* Map it (fd is borrowed). NULL with *err. */
struct upstream_board *upstream_board_map(int fd, struct err *err);
void upstream_board_unmap(struct upstream_board **);

/* The key of a name; never 0. */
uint64_t upstream_key(const char *text);

/* --- the supervisor's side --- */

/* Forget all rows: the table gets another listener. */
void upstream_table_reset(struct upstream_table *);

/*
 * Have a row for each name of a plan. A name that has one keeps it; rows of
 * others are free as soon as nobody has a connection there. But they are given
 * to other names only when no row is left that never was in use, first those
 * that were dropped first: a worker may not have heard of this plan yet, nor
 * of the one before. Returns 0, or -1 with *err when there are not enough, and
 * nothing has changed.
 */
int upstream_table_assign(struct upstream_table *, const struct proxy_plan *,
    struct err *err);

/* Take back what a dead worker had, and its lease. */
void upstream_table_reclaim(struct upstream_table *,
    const struct upstream_holdings *, uint32_t pid);

/* --- both sides --- */

/* The row of a key, or NULL. */
struct upstream_row *upstream_table_find(struct upstream_table *, uint64_t key);

/* Its place in holdings. */
static inline size_t
upstream_row_index(const struct upstream_table *t, const struct upstream_row *r)
{
	return (size_t)(r - t->rows);
}

enum upstream_mode upstream_row_mode(const struct upstream_row *);
enum upstream_health upstream_row_health(const struct upstream_row *);

#define UPSTREAM_TROUBLE_SIZE 96

/* A row's trouble in words; empty: none. */
void upstream_trouble_text(uint64_t packed,
    char out[static UPSTREAM_TROUBLE_SIZE]);

/* --- a worker's side --- */

/* One more connection, if there are fewer than max (0: no limit). */
bool upstream_row_enter(struct upstream_row *, uint32_t max);
void upstream_row_leave(struct upstream_row *);

/* One more waits, if fewer than max do. */
bool upstream_row_wait(struct upstream_row *, uint32_t max);
void upstream_row_wait_end(struct upstream_row *);

/*
 * It was reached, or answered as it should: the rise-th time in a row makes it
 * up; one that is unchecked is so at once. Returns whether it came up by that:
 * exactly one of those who ask at the same time hears true.
 */
bool upstream_row_good(struct upstream_row *, uint32_t rise);

/* The same for fall failures in a row, which make it down. */
bool upstream_row_bad(struct upstream_row *, uint32_t fall,
    enum upstream_trouble, int error);

/* The last trouble with it, which speaks against nobody. */
void upstream_row_note(struct upstream_row *, enum upstream_trouble, int error);

/*
 * May somebody try one that is down? Once in every_ms, over all workers, the
 * first time so long after it went down.
 */
bool upstream_row_try(struct upstream_row *, uint64_t now_ms,
    uint64_t every_ms);

/*
 * Who checks the upstreams of this listener? Returns whether that is pid, for
 * the next for_ms, by taking the lease if it is free or over.
 */
bool upstream_lease_take(struct upstream_table *, uint32_t pid, uint64_t now_ms,
    uint32_t for_ms);

/* Let go of the lease, if pid has it. */
void upstream_lease_drop(struct upstream_table *, uint32_t pid);

#endif /* MERCURY_COMMON_UPSTREAM_BOARD_H */
