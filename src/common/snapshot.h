/*
 * snapshot: the state of daemon, listeners and processes at one moment, as
 * the supervisor hands it to control: rows in a sealed memfd.
 *
 * Those of the supervisor: one row of kind DAEMON comes first; a
 * LISTENER row is followed by its WORKER rows and its PROBES rows (struct
 * probe_source, who was seen last first), and, of protocol exec, an EXITS
 * row (struct exit_sum), of proxy its UPSTREAM rows; PROCESS rows (for the tree
 * and for supervisor.stats), RECORD rows (supervisor.history, oldest first) and
 * PLAN rows (a dry run of a reload) come last. The
 * STORE row of a status stands behind the DAEMON row, if there is a store.
 *
 * The store answers control with the same: EVENT rows and a PAGE row, or a
 * CLEANUP row. Times are milliseconds; an
 * uptime counts from the last start.
 */
#ifndef MERCURY_COMMON_SNAPSHOT_H
#define MERCURY_COMMON_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/exit_table.h"
#include "common/histogram.h"
#include "common/probe_sources.h"
#include "common/proxy_plan.h"
#include "common/scoreboard.h"
#include "common/spec.h"
#include "common/store_board.h"

/* clang-format off */
#define DAEMON_STATES(X)						\
	X(STARTING, "starting") X(RUNNING, "running") X(STOPPING, "stopping")

#define LISTENER_STATES(X)						\
	X(STARTING, "starting") X(LISTENING, "listening")		\
	X(RETRYING, "retrying")	/* to bind */				\
	X(DEGRADED, "degraded")	/* some workers down or hung */		\
	X(PAUSED, "paused") X(FAILED, "failed") X(DRAINING, "draining")

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
	SNAPSHOT_PROCESS,
	SNAPSHOT_RECORD,
	SNAPSHOT_FAILURES,
	SNAPSHOT_PLAN,
	SNAPSHOT_STORE,
	SNAPSHOT_EVENT,
	SNAPSHOT_PAGE,
	SNAPSHOT_CLEANUP,
	SNAPSHOT_PROBES,
	SNAPSHOT_EXITS,
	SNAPSHOT_UPSTREAM,
	SNAPSHOT_MODULE
};

#define READINESS_SIZE 128

struct snapshot_daemon {
	uint32_t pid;
	uint32_t state; /* enum daemon_state */
	uint32_t ready;
	uint32_t loop_lag_max_ms; /* worst lag of the supervisor's loop */
	uint64_t uptime_ms;
	uint64_t loop_lag[LOOP_LAG_CELLS]; /* its histogram (histogram.h) */
	uint64_t draining;              /* not 0: drained, or shutting down */
	char not_ready[READINESS_SIZE]; /* why; empty: it is ready */
};

struct snapshot_listener {
	struct listener_spec spec;
	uint32_t state;  /* enum listener_state */
	uint32_t origin; /* enum spec_origin */
	uint32_t generation;
	uint32_t restarts;      /* of its pool's workers */
	uint32_t bind_attempts; /* of the last time that it was bound */
	uint32_t retry_in_ms;   /* retrying: until the next attempt */
	uint32_t workers;       /* as many WORKER rows follow */
	uint32_t alarm;         /* how near the limit, in percent (alarm.h) */
	uint16_t port;          /* the bound one */
	uint8_t queueing;       /* paused: clients wait in the queue */
	uint8_t ready;
	uint32_t drained; /* not 0: by an operator */
	uint64_t counters[COUNTER_COUNT];
	char not_ready[READINESS_SIZE];  /* why; empty: it is ready */
	char address[SPEC_ADDRESS_SIZE]; /* the bound one */
	char last_error[256];            /* empty: none */
	uint64_t drain_left_ms; /* draining: until connections are cut */
};

struct snapshot_worker {
	uint32_t slot;
	uint32_t pid;   /* 0: none */
	uint32_t state; /* enum child_state */
	uint32_t restarts;
	uint64_t uptime_ms;
	uint64_t connections; /* open, of this listener */
};

/* Behind a listener with protocol module, once a worker has said it. */
struct snapshot_module {
	char name[MODULE_NAME_SIZE];
	struct {
		char name[MODULE_NAME_SIZE]; /* empty: there is none */
		uint64_t value;
	} counters[MODULE_COUNTERS];
};

struct snapshot_process {
	char role[16];              /* "control", "pool" */
	char name[SPEC_NAME_SIZE];  /* of the pool, or empty */
	char group[SPEC_NAME_SIZE]; /* of the pool's listener, or empty */
	uint8_t unused[2];
	uint32_t slot;
	uint32_t generation; /* of the pool's workers; 0 for the others */
	uint32_t leaving;    /* not 0: of an earlier generation, it drains */
	uint32_t pid;        /* 0: none */
	uint32_t state;      /* enum child_state */
	uint32_t restarts;
	uint64_t uptime_ms;
	uint64_t ready_ms;    /* from its start to READY; 0: not ready yet */
	uint64_t last_end_ms; /* when the one before ended, CLOCK_REALTIME */
	char last_end[128];   /* why that ended; empty: none has */
};

/* One line of the history of a listener. */
struct snapshot_record {
	uint64_t seq;     /* counts up over all listeners, never reused */
	uint64_t real_ms; /* CLOCK_REALTIME */
	char listener[SPEC_NAME_SIZE];
	uint8_t type; /* enum event_type */
	uint8_t unused[2];
	uint32_t slot;      /* worker events only */
	uint32_t pid;       /* 0: none */
	uint64_t uptime_ms; /* of the process that ended */
	char reason[96];
};

struct snapshot_failures {
	char listener[SPEC_NAME_SIZE];
	uint8_t unused[7];
	uint32_t failures; /* worker ends that were not wanted, within window */
	uint32_t window_ms;
};

/* What a reload would do to a listener. */
struct snapshot_plan {
	char name[SPEC_NAME_SIZE];
	uint8_t action; /* enum plan_action */
};

struct snapshot_store {
	uint32_t pid;   /* 0: none */
	uint32_t state; /* enum child_state */
	uint32_t restarts;
	uint32_t trouble; /* enum store_trouble */
	char text[256];   /* of the trouble */
	char database[256];
	uint64_t dropped; /* with what never reached the store */
	uint64_t figures[STORE_FIGURE_COUNT]; /* enum store_figure */
};

/* Never, as checked_ms_ago. */
#define UPSTREAM_NEVER UINT64_MAX

struct snapshot_upstream {
	char name[UPSTREAM_NAME_SIZE];
	uint32_t mode;   /* enum upstream_mode */
	uint32_t health; /* enum upstream_health */
	uint32_t backup; /* not 0: it is one */
	uint32_t weight;
	uint32_t connections; /* of all workers */
	uint32_t max_connections;
	uint32_t waiting;
	uint32_t queue;
	uint64_t connected; /* how often, and how often in vain */
	uint64_t failed;
	uint64_t checks;
	uint64_t checks_failed;
	uint64_t checked_ms_ago;
	uint64_t since_ms; /* CLOCK_REALTIME: its health is what it is */
	uint64_t trouble;  /* the last; upstream_trouble_text() */
};

/* Behind it stand its texts, each with its NUL: enum event_text. */
struct snapshot_event {
	uint64_t id;
	uint64_t at_ms;
};

/* An empty one is none. */
enum event_text {
	EVENT_TEXT_TYPE,
	EVENT_TEXT_SEVERITY,
	EVENT_TEXT_LISTENER,
	EVENT_TEXT_PEER,
	EVENT_TEXT_REASON,
	EVENT_TEXT_DETAIL, /* a JSON object */
	EVENT_TEXT_COUNT
};

/* Each text, at most; a longer one (written by hand) is cut, a detail is {}. */
#define EVENT_TEXT_MAX 4096u

struct snapshot_page {
	uint64_t last_ms; /* of the last row that was looked at; where to go */
	uint64_t last_id; /* on from with the next page */
	uint64_t newest_id; /* that there is */
	uint32_t more;      /* there may be more rows */
	uint32_t unused;
};

struct snapshot_cleanup {
	uint64_t rows;  /* deleted, or to be deleted */
	uint64_t bytes; /* given back to the file system */
	uint64_t duration_ms;
	uint32_t dry_run;
	uint32_t unused;
};

/* clang-format off */
#define PLAN_ACTIONS(X)							\
	X(ADD, "add") X(REMOVE, "remove")				\
	X(UPDATE, "update")	/* in place */				\
	X(RESTART, "restart")	/* hot restart */			\
	X(REBIND, "rebind")	/* bound at another place */		\
	X(KEEP, "keep")
/* clang-format on */

enum plan_action {
#define X(NAME, WORD) PLAN_##NAME,
	PLAN_ACTIONS(X)
#undef X
	    PLAN_ACTION_COUNT
};

const char *plan_action_name(unsigned int); /* NULL out of range */

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
	size_t row_size; /* of the row that was given last */
};

int snapshot_open(struct snapshot_reader *, int fd, struct err *err);
void snapshot_close(struct snapshot_reader *);

/*
 * The next row, valid until snapshot_close(). Returns NULL at the end, or
 * where the rows stop making sense.
 */
const void *snapshot_next(struct snapshot_reader *, enum snapshot_kind *kind);

/* Append an EVENT row. A NULL text is none. */
void snapshot_add_event(struct snapshot_writer *, const struct snapshot_event *,
    const char *const texts[EVENT_TEXT_COUNT]);

/*
 * The texts of the EVENT row that snapshot_next() gave last; they live as
 * long. Returns 0, or -1 when they make no sense.
 */
int snapshot_event_texts(const struct snapshot_reader *,
    const char *texts[EVENT_TEXT_COUNT]);

#endif /* MERCURY_COMMON_SNAPSHOT_H */
