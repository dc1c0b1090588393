/*
 * scoreboard: the counters of one worker process, in memory that it alone
 * writes and that the supervisor reads without asking.
 *
 * A sealed memfd of fixed size, made by the supervisor for each worker that
 * it starts. It is sparse: only entries in use take memory. The reader must
 * take every value for what a broken or hostile worker may have written:
 * numbers, never sizes or offsets.
 */
#ifndef MERCURY_COMMON_SCOREBOARD_H
#define MERCURY_COMMON_SCOREBOARD_H

#include <stdatomic.h>
#include <stdint.h>

#include "common/conn_end.h"
#include "common/err.h"
#include "common/exit_table.h"
#include "common/histogram.h"
#include "common/probe_sources.h"

#define SCOREBOARD_VERSION 1u
#define SCOREBOARD_ENTRIES 8192u /* listeners in one pool, at most */
#define MODULE_COUNTERS 8u       /* of one module, at most */
#define MODULE_NAME_SIZE 32      /* of it and of them, with the NUL */

/*
 * What is counted for each listener in each worker:
 *     COUNTER(ID, "name", "help")
 * CLOSED stands before ACCEPTED, and readers read in this order: a sum never
 * has more connections closed than accepted.
 */
#define SCOREBOARD_COUNTERS(COUNTER)                                           \
	COUNTER(CLOSED, "closed", "connections ended, for any reason")         \
	COUNTER(ACCEPTED, "accepted", "connections accepted")                  \
	COUNTER(REJECTED, "rejected", "connections closed at once: too many")  \
	COUNTER(DENIED, "denied", "connections of peers that may not connect") \
	COUNTER(HANDSHAKE_FAILURES, "handshake_failures",                      \
	    "connections whose PROXY header or TLS handshake failed")          \
	COUNTER(PROBES_FIN, "probes_fin", "probes that the peer closed")       \
	COUNTER(PROBES_RST, "probes_rst", "probes that the peer reset")        \
	COUNTER(PROBES_LOCAL, "probes_local",                                  \
	    "probes that a PROXY header called LOCAL")                         \
	COUNTER(PROBES_TLS, "probes_tls",                                      \
	    "probes that made a TLS handshake, and no more")                   \
	COUNTER(BYTES_IN, "bytes_in", "bytes read from peers")                 \
	COUNTER(BYTES_OUT, "bytes_out", "bytes written to peers")              \
	COUNTER(ACCEPT_ERRORS, "accept_errors",                                \
	    "times that accepting paused for want of a resource")              \
	COUNTER(DRAINED, "drained", "connections that ended while draining")   \
	COUNTER(CUT, "cut", "connections cut at a drain deadline")

enum counter_id {
#define COUNTER(ID, NAME, HELP) COUNTER_##ID,
	SCOREBOARD_COUNTERS(COUNTER)
#undef COUNTER
	    COUNTER_ENDS, /* the first of those that count an enum conn_end */
	/*
	 * The cells of histograms: from accept to the end of the handshake,
	 * and to the end of the connection.
	 */
	COUNTER_HANDSHAKE = COUNTER_ENDS + CONN_END_COUNT,
	COUNTER_LIFE = COUNTER_HANDSHAKE + HANDSHAKE_CELLS,
	/* Those of a module, which has names for them. */
	COUNTER_MODULE = COUNTER_LIFE + LIFE_CELLS,
	COUNTER_COUNT = COUNTER_MODULE + MODULE_COUNTERS
};

/* One listener in one worker. Open connections: accepted - closed. */
struct scoreboard_entry {
	_Alignas(64) _Atomic uint64_t listener_id; /* 0: not in use */
	_Atomic uint64_t counters[COUNTER_COUNT];
	_Atomic uint64_t held;   /* places in the gate (gate.h) */
	_Atomic uint64_t probed; /* not 0: its probe_table is in use */
	_Atomic uint64_t ran;    /* not 0: its exit_table is */
	_Atomic uint64_t unused[124 - COUNTER_COUNT];
};
_Static_assert(sizeof(struct scoreboard_entry) == 1024, "whole cache lines");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "counters need no lock");

/* Upstreams of one listener, at most, with those of earlier plans. */
#define SCOREBOARD_UPSTREAMS 128u

/* What a worker has at one upstream (upstream_board.h). */
struct upstream_holding {
	_Atomic uint32_t connections;
	_Atomic uint32_t waiting;
};

struct upstream_holdings {
	_Alignas(64) struct upstream_holding of[SCOREBOARD_UPSTREAMS];
};

struct scoreboard {
	_Atomic uint32_t version;
	_Atomic uint32_t pid;
	_Atomic uint64_t heartbeat_ms; /* CLOCK_MONOTONIC */
	_Alignas(1024) struct scoreboard_entry entries[SCOREBOARD_ENTRIES];
	struct probe_table probes[SCOREBOARD_ENTRIES]; /* of each entry */
	/* The same; only those of protocol proxy are written, or read. */
	struct upstream_holdings upstreams[SCOREBOARD_ENTRIES];
	/* And only those of protocol exec. */
	struct exit_table exits[SCOREBOARD_ENTRIES];
};

/* Make a sealed memfd for one scoreboard. Returns it, or -1 with *err. */
int scoreboard_create(struct err *);

/*
 * Map the scoreboard in fd (borrowed; it may be closed afterwards). Returns
 * it, or NULL with *err when fd is not a sealed memfd of the right size.
 * Unmap it with scoreboard_unmap(), which takes and nulls.
 */
struct scoreboard *scoreboard_map_write(int fd, struct err *);
const struct scoreboard *scoreboard_map_read(int fd, struct err *);
void scoreboard_unmap(const struct scoreboard **);

/* Add n to a counter; only the worker that owns the scoreboard may. */
static inline void
scoreboard_add(struct scoreboard_entry *e, enum counter_id id, uint64_t n)
{
	/* One writer: a plain load and store is exact and needs no lock. */
	atomic_store_explicit(&e->counters[id],
	    atomic_load_explicit(&e->counters[id], memory_order_relaxed) + n,
	    memory_order_relaxed);
}

/* Count a duration in the histogram whose first cell is first. */
static inline void
scoreboard_observe(struct scoreboard_entry *e, enum counter_id first,
    enum histogram_id id, uint64_t ms)
{
	const struct histogram *h = histogram_shape(id);

	scoreboard_add(e, first + histogram_bucket(h, ms), 1);
	scoreboard_add(e, first + histogram_sum(h), ms);
}

static inline uint64_t
scoreboard_get(const struct scoreboard_entry *e, enum counter_id id)
{
	return atomic_load_explicit(&e->counters[id], memory_order_relaxed);
}

/*
 * Zero an entry and give it to a listener; the worker's side. One that is its
 * already stays as it is: what is counted never goes back.
 */
void scoreboard_claim(struct scoreboard_entry *, uint64_t listener_id);

/* A probe has come from an address (addr_bytes()); the worker's side. */
void scoreboard_note_probe(struct scoreboard *, struct scoreboard_entry *,
    const uint8_t address[static 16]);

/* Add where an entry's probes came from to a sum. */
void scoreboard_sum_probes(const struct scoreboard *,
    const struct scoreboard_entry *, struct probe_sum *);

/*
 * The exit table of an entry, to be written to: it takes no memory before; the
 * worker's side.
 */
struct exit_table *scoreboard_exits(struct scoreboard *,
    struct scoreboard_entry *);

/* Add how an entry's programs ended to a sum. */
void scoreboard_sum_exits(const struct scoreboard *,
    const struct scoreboard_entry *, struct exit_sum *);

#endif /* MERCURY_COMMON_SCOREBOARD_H */
