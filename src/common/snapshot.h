/*
 * snapshot: the state of daemon, listeners and processes at one moment, as
 * the supervisor hands it to control: rows in a sealed memfd.
 *
 * Written only by the supervisor. One row of kind DAEMON comes first; a
 * LISTENER row is followed by its WORKER rows; PROCESS rows (for the tree)
 * come last. Times are milliseconds; an uptime counts from the last start.
 */
#ifndef MERCURY_COMMON_SNAPSHOT_H
#define MERCURY_COMMON_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/scoreboard.h"
#include "common/spec.h"

/* clang-format off */
#define DAEMON_STATES(X)						\
	X(STARTING, "starting") X(RUNNING, "running") X(STOPPING, "stopping")

#define LISTENER_STATES(X)						\
	X(STARTING, "starting") X(LISTENING, "listening")		\
	X(DEGRADED, "degraded") X(DRAINING, "draining")

#define CHILD_STATES(X)							\
	X(DOWN, "down")		/* not started yet, or gone for good */	\
	X(STARTING, "starting")	/* forked, READY not seen */		\
	X(UP, "running")						\
	X(STOPPING, "stopping")	/* told to drain or killed */		\
	X(BACKOFF, "backoff")	/* ended too soon, a timer is armed */
/* clang-format on */

enum daemon_state {
#define X(NAME, WORD) DAEMON_##NAME,
	DAEMON_STATES(X)
#undef X
	    DAEMON_STATE_COUNT
};

enum listener_state {
#define X(NAME, WORD) LISTENER_##NAME,
	LISTENER_STATES(X)
#undef X
	    LISTENER_STATE_COUNT
};

enum child_state {
#define X(NAME, WORD) CHILD_##NAME,
	CHILD_STATES(X)
#undef X
	    CHILD_STATE_COUNT
};

enum snapshot_kind {
	SNAPSHOT_DAEMON = 1,
	SNAPSHOT_LISTENER,
	SNAPSHOT_WORKER,
	SNAPSHOT_PROCESS
};

struct snapshot_daemon {
	uint32_t pid;
	uint32_t state; /* enum daemon_state */
	uint32_t ready;
	uint32_t loop_lag_max_ms; /* worst lag of the supervisor's loop */
	uint64_t uptime_ms;
};

struct snapshot_listener {
	struct listener_spec spec;
	uint32_t state;  /* enum listener_state */
	uint32_t origin; /* enum spec_origin */
	uint32_t generation;
	uint32_t restarts; /* of its pool's workers */
	uint32_t bind_attempts;
	uint32_t workers; /* slots */
	uint16_t port;    /* the bound one */
	uint8_t unused[6];
	uint64_t counters[COUNTER_COUNT];
	char address[SPEC_ADDRESS_SIZE]; /* the bound one */
	char last_error[256];            /* empty: none */
};

struct snapshot_worker {
	uint32_t slot;
	uint32_t pid;   /* 0: none */
	uint32_t state; /* enum child_state */
	uint32_t restarts;
	uint64_t uptime_ms;
	uint64_t connections; /* open, of this listener */
};

struct snapshot_process {
	char role[16];             /* "control", "pool" */
	char name[SPEC_NAME_SIZE]; /* of the pool, or empty */
	uint32_t slot;
	uint32_t pid;   /* 0: none */
	uint32_t state; /* enum child_state */
	uint32_t restarts;
	uint64_t uptime_ms;
};

const char *daemon_state_name(unsigned int);   /* NULL out of range */
const char *listener_state_name(unsigned int); /* NULL out of range */
const char *child_state_name(unsigned int);    /* NULL out of range */

/* Writing: rows are appended to memory; a row that fails fails the whole. */
struct snapshot_writer {
	unsigned char *bytes;
	size_t len;
	size_t size;
	int failed;
};

void snapshot_add(struct snapshot_writer *, enum snapshot_kind, const void *row,
    size_t size);

/*
 * Seal what was added into a memfd and free the writer's memory. Returns the
 * descriptor, or -1 with *err.
 */
int snapshot_seal(struct snapshot_writer *, struct err *err);

/* Reading. Map fd (borrowed). Returns 0, or -1 with *err. */
struct snapshot_reader {
	const unsigned char *bytes;
	size_t size;
	size_t at;
};

int snapshot_open(struct snapshot_reader *, int fd, struct err *err);
void snapshot_close(struct snapshot_reader *);

/*
 * The next row, valid until snapshot_close(). Returns NULL at the end, or
 * where the rows stop making sense.
 */
const void *snapshot_next(struct snapshot_reader *, enum snapshot_kind *kind);

#endif /* MERCURY_COMMON_SNAPSHOT_H */
