/*
 * pool: the worker processes that serve a set of listeners.
 *
 * Made with its first listener, gone with its last. Its workers come in
 * crews: one serves; while a hot restart is under way there is a candidate
 * too, and afterwards the crew before drains.
 */
#ifndef MERCURY_SUPERVISOR_POOL_H
#define MERCURY_SUPERVISOR_POOL_H

#include <sys/queue.h>
#include <sys/tree.h>

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/scoreboard.h"
#include "common/spec.h"
#include "supervisor/crew.h"
#include "supervisor/history.h"
#include "supervisor/intensity.h"

struct gates;
struct listener;
struct pool;
struct upstream_board;

TAILQ_HEAD(listener_list, listener);

/* Somebody waits for a hot restart. */
struct pool_waiter {
	STAILQ_ENTRY(pool_waiter) next;
	void (*done)(void *ctx, const struct err *); /* NULL: it is over */
	void *ctx;
};

STAILQ_HEAD(pool_waiters, pool_waiter);

enum pool_phase {
	POOL_IDLE,    /* no crew yet: no listener is bound */
	POOL_RUNNING, /* it has a crew that serves */
	POOL_HALTING, /* its crew is sent away, another one will follow */
	POOL_FAILED,  /* given up */
	POOL_STOPPING /* its last listener is gone, or mercuryd stops */
};

/* What later crews tell of a worker of the same number before them. */
struct worker_record {
	uint32_t restarts;
	uint64_t last_end_ms; /* CLOCK_REALTIME; 0: none has ended */
	char last_end[sizeof(((struct worker *)0)->last_end)];
};

struct pool {
	RB_ENTRY(pool) by_name;
	TAILQ_ENTRY(pool) in_all; /* also one that has lost its name */
	char name[SPEC_NAME_SIZE];
	bool listed;
	enum pool_phase phase;
	struct listener_list listeners;
	unsigned char *entries; /* bitmap of scoreboard entries in use */
	/* As its last listener had them that said so. */
	unsigned int workers;
	enum restart_id restart;
	uint32_t hang_timeout_ms;
	uint32_t uid; /* who its next workers are; SPEC_NO_ID: the daemon's */
	uint32_t gid;
	bool programs; /* its next crew will have to start some */
	struct intensity intensity;
	struct history history;             /* of its workers */
	char last_listener[SPEC_NAME_SIZE]; /* that it had, when alone */
	int gates_fd;                       /* gate.h: for its workers */
	struct gates *gates;
	int upstreams_fd; /* upstream_board.h: for its workers; -1: none */
	struct upstream_board *upstreams; /* NULL: it has had no proxy */
	uint32_t generation; /* of the crew that serves, or did last */
	uint32_t restarts;   /* of workers, over all generations */
	struct worker_record *records; /* by number of the worker */
	unsigned int records_count;
	struct crew *crew;        /* that serves; NULL: none */
	struct crew *candidate;   /* that will; NULL: none */
	struct crew *halting;     /* POOL_HALTING: that was sent away */
	uint32_t hand_over_ms;    /* for the crew that the candidate replaces */
	bool told;                /* the candidate was told what to serve */
	TAILQ_HEAD(, crew) crews; /* all of them, the newest first */
	struct pool_waiters waiters; /* for the candidate */
	struct pool_waiters queued;  /* for the one that comes after it */
	unsigned int next_workers;   /* of that one; 0: as many as there are */
	uint32_t next_hand_over_ms;
};

RB_HEAD(pool_tree, pool);
TAILQ_HEAD(pool_list, pool);

/* What pools need from the rest; set once. */
struct pool_settings {
	unsigned int cpus; /* workers = auto */
	/* A pool is gone; called from the loop. */
	void (*pool_gone)(void);
	/*
	 * A worker of the crew that serves has ended and is to be restarted.
	 * True: its group does that.
	 */
	bool (*group_restarts)(struct pool *);
	/* POOL_HALTING: its crew is gone. pool_begin() starts another. */
	void (*halted)(struct pool *);
	/* It has failed. */
	void (*failed)(struct pool *);
};
void pool_configure(const struct pool_settings *);
void pool_unconfigure(void);

/* All pools that are there, also those on their way out. */
struct pool_list *pools(void);

/* The one of that name, or NULL. */
struct pool *pool_find(const char *name);

/*
 * The pool that a listener with this spec joins: the one of that name, or a
 * new one. Returns NULL with *err when the spec asks for another number of
 * workers than the pool has (set says whether it asks), or it has failed.
 */
struct pool *pool_for(const struct listener_spec *, option_set set,
    struct err *err);

/* How many workers, and so slots, a listener of this pool gets. */
unsigned int pool_slots(const struct pool *);

/* Find l a scoreboard entry and take it in. Returns 0, or -1 with *err. */
int pool_join(struct pool *, struct listener *l, struct err *err);

/*
 * l leaves; without a listener the pool stops its workers and frees itself.
 * Also for one that pool_for() made and nobody joined (l NULL).
 */
void pool_leave(struct pool *, struct listener *l);

/*
 * A listener of the pool is bound: have a crew. Returns 0, or -1 with *err.
 */
int pool_begin(struct pool *, struct err *err);

/* Take what the spec of a listener says about its pool. */
int pool_update(struct pool *, const struct listener_spec *, option_set set,
    struct err *err);

/* Its next workers are this user, or that of all pools (SPEC_NO_ID). */
void pool_set_user(struct pool *, uint32_t uid, uint32_t gid);

/* It has failed: forget why. Its listeners may be bound again. */
void pool_revive(struct pool *);

/* Send its crew away at once; another one follows when settings.halted(). */
void pool_halt(struct pool *);

/* Give it up: its listeners have failed, its crew drains. */
void pool_fail(struct pool *, const char *reason);

/*
 * The name of its listener, if it has only one, or had when the last one left;
 * else NULL.
 */
const char *pool_only_listener(const struct pool *);

/* It has workers, or will have. */
bool pool_has_future(const struct pool *);

/* Serving crew: worker number n, or NULL. */
struct worker *pool_worker(const struct pool *, unsigned int n);

/* For pool_restart.c: a crew more, not started yet, or NULL with *err. */
struct crew *pool_add_crew(struct pool *, enum crew_phase, unsigned int workers,
    struct err *err);

/* For crew.c: what happened to a crew. */
void pool_note_end(struct pool *, const struct worker *,
    const struct child_exit *how);
void pool_worker_up(struct pool *, struct worker *);
void pool_worker_ended(struct pool *, struct worker *,
    const struct child_exit *how);
void pool_crew_gone(struct pool *, struct crew *);

/*
 * Shutdown of all pools: every worker drains until deadline_ms from now and
 * is killed if it is still there a moment later.
 */
void pools_stop(uint32_t deadline_ms);

/* How many workers there are, of all crews. */
uint32_t pools_processes(void);

/* SIGKILL all workers. */
void pools_kill(void);

#endif /* MERCURY_SUPERVISOR_POOL_H */
