/*
 * pool: the worker processes that serve a set of listeners.
 *
 * Made with its first listener, gone with its last. Its number of workers is
 * fixed when it is made.
 */
#ifndef MERCURY_SUPERVISOR_POOL_H
#define MERCURY_SUPERVISOR_POOL_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/scoreboard.h"
#include "common/spec.h"
#include "supervisor/child.h"

struct event;
struct event_base;
struct listener;
struct pool;

struct worker {
	struct child child;
	struct pool *pool;
	unsigned int number;            /* and of the slots that it serves */
	const struct scoreboard *board; /* NULL: no process */
	struct event *adoption; /* its replacement is late when this fires */
};

TAILQ_HEAD(listener_list, listener);

struct pool {
	TAILQ_ENTRY(pool) next;
	char name[SPEC_NAME_SIZE];
	struct listener_list listeners;
	uint32_t generation;
	bool stopping;          /* its last listener is gone */
	unsigned int gone;      /* workers that are down for good */
	unsigned char *entries; /* bitmap of scoreboard entries in use */
	unsigned int workers_count;
	struct worker workers[];
};

TAILQ_HEAD(pool_list, pool);

/* What pools need from the rest; set once. */
struct pool_settings {
	struct event_base *base; /* borrowed */
	struct log_settings log;
	unsigned int cpus;        /* workers = auto */
	uint32_t orphan_drain_ms; /* told to each worker */
	uint32_t uid;             /* who workers are */
	uint32_t gid;
	/* A pool is gone; called from the loop. */
	void (*pool_gone)(void);
};
void pool_configure(const struct pool_settings *);

struct pool_list *pools(void);

/*
 * The pool that a listener with this spec joins: the one of that name, or a
 * new one whose workers are not started yet. Returns NULL with *err when the
 * spec asks for another number of workers than the pool has (set says
 * whether it asks).
 */
struct pool *pool_for(const struct listener_spec *, option_set set,
    struct err *err);

/*
 * Take l in: find it a scoreboard entry, tell it to the workers that run,
 * start those that don't. Returns 0, or -1 with *err.
 */
int pool_join(struct pool *, struct listener *l, struct err *err);

/*
 * l leaves; without a listener the pool stops its workers and frees itself.
 * Also for one that pool_for() made and nobody joined (l NULL).
 */
void pool_leave(struct pool *, struct listener *l);

/* The worker can be sent messages about listeners. */
bool worker_reachable(const struct worker *);

/* It died, and its replacement is not there in time. */
bool worker_is_late(const struct worker *);

/* The worker's entry for l if it is l's, else NULL. */
const struct scoreboard_entry *worker_entry(const struct worker *,
    const struct listener *l);

/* Restarts of all its workers. */
uint32_t pool_restarts(const struct pool *);

/*
 * Shutdown of all pools: every worker drains until deadline_ms from now and
 * is killed if it is still there a moment later.
 */
void pools_stop(uint32_t deadline_ms);

/* SIGKILL all workers. */
void pools_kill(void);

#endif /* MERCURY_SUPERVISOR_POOL_H */
