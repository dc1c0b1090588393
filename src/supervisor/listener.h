/*
 * listener: a name, its sockets, and which worker serves each of them.
 *
 * Owned by the listener table here; a listener belongs to one pool from
 * listener_add() until it is gone. Nobody keeps a struct listener * over a
 * return to the event loop: look it up by name or id.
 */
#ifndef MERCURY_SUPERVISOR_LISTENER_H
#define MERCURY_SUPERVISOR_LISTENER_H

#include <sys/queue.h>
#include <sys/tree.h>

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/ipc_msg.h"
#include "common/scoreboard.h"
#include "common/snapshot.h"
#include "common/spec.h"
#include "supervisor/unix_path.h"

struct event;
struct event_base;
struct listener;
struct pool;
struct worker;

/*
 * A listening socket and its server. The worker of the same number serves
 * it; while that one is gone a sibling may have adopted it.
 */
struct slot {
	int fd;            /* -1: closed. Slots of a Unix listener share one. */
	bool told;         /* the slot's worker was sent LISTEN */
	bool live;         /* and has answered */
	bool drained;      /* its part of a removal is done */
	int adopter;       /* number of the worker, or -1 */
	bool adopter_live; /* that one has answered */
};

/* Who hears of listeners; each is called once for a listener. */
struct listener_waiter {
	/*
	 * All slots are served for the first time (err NULL), or that won't
	 * happen any more: it is being removed.
	 */
	void (*ready)(struct listener *, const struct err *);
	/*
	 * It is gone but for its struct, which is freed after the call:
	 * finished connections ended by themselves while it drained, cut ones
	 * were ended at the deadline.
	 */
	void (*removed)(struct listener *, uint64_t finished, uint64_t cut);
};

struct listener {
	RB_ENTRY(listener) by_name;
	RB_ENTRY(listener) by_id;
	TAILQ_ENTRY(listener) in_pool;
	uint64_t id; /* never reused while we live */
	bool listed; /* the name is its own: listener_find() finds it */
	struct listener_spec spec;
	option_set set; /* what somebody wrote down */
	enum spec_origin origin;
	enum listener_state state;
	struct pool *pool;
	uint32_t entry; /* in the pool's scoreboards */
	uint16_t port;  /* bound */
	char address[SPEC_ADDRESS_SIZE];
	char last_error[256];
	struct unix_path unix_path;
	uint64_t totals[COUNTER_COUNT]; /* of workers that are gone */
	struct event *deadline;         /* start, or the end of a removal */
	uint64_t drain_until_ms;        /* CLOCK_MONOTONIC, when draining */
	uint32_t add_request;           /* for the waiter; 0: nobody asked */
	uint32_t remove_request;        /* the same */
	unsigned int slots_count;       /* as many as its pool has workers */
	struct slot slots[];
};

RB_HEAD(listener_by_name, listener);
RB_PROTOTYPE(listener_by_name, listener, by_name, )

/* Of the whole process; iterate with RB_FOREACH(l, listener_by_name, ...). */
struct listener_by_name *listeners(void);

/* NULL: there is none. */
struct listener *listener_find(const char *name);
struct listener *listener_find_id(uint64_t id);

/* Set once, before the first listener. base is borrowed. */
void listener_configure(struct event_base *base,
    const struct listener_waiter *waiter);

/*
 * Bind a new listener and give it to its pool, which is made if there is
 * none of that name. It is `starting' until every slot is served; waiter
 * hears of that. Returns it, or NULL with *err: nothing is left then.
 */
struct listener *listener_add(const struct listener_spec *, option_set,
    enum spec_origin, struct err *);

/*
 * As listener_add(), for one that is to take over the name of a listener
 * which has it now: it is served, but not listed before listener_succeed().
 */
struct listener *listener_add_successor(const struct listener_spec *,
    option_set, enum spec_origin, struct err *);

/* It gets its name, and the one that had it is removed. */
void listener_succeed(struct listener *);

/*
 * Change what can change without a new socket; all or nothing. Returns 0,
 * or -1 with *err.
 */
int listener_update(struct listener *, const struct listener_spec *, option_set,
    struct err *);

/* An add that is not `listening' after ms is given up. */
void listener_set_start_deadline(struct listener *, uint32_t ms);

/*
 * Stop accepting, empty the queues, drain for at most deadline_ms, and
 * forget it. May be gone before this returns.
 */
void listener_remove(struct listener *, uint32_t deadline_ms);

/* The pool can't serve it: if it is still starting, fail and remove it. */
void listener_give_up(struct listener *, const char *reason);

/*
 * At shutdown, before its pool is told to drain: no new connections, and
 * those that are open end by then. listener_forget() follows.
 */
void listener_shut(struct listener *, uint64_t drain_until_ms);

/*
 * Close its sockets, leave the pool, tell the waiter and free it, whatever
 * state it is in.
 */
void listener_forget(struct listener *);

/*
 * What the pool tells about its worker number n; each computes the
 * listener's state anew, and the last ones may free it.
 */
void listener_tell(struct listener *, struct worker *);
void listener_heard_listening(struct listener *, unsigned int n,
    unsigned int slot);
void listener_heard_closed(struct listener *, unsigned int n);
void listener_heard_drained(struct listener *, unsigned int n);
void listener_worker_lost(struct listener *, struct worker *,
    const char *reason);

/* Does any worker serve it? Then connects are answered. */
bool listener_serves(const struct listener *);

/* Let a living sibling serve slot n, whose worker is gone. */
void listener_adopt(struct listener *, unsigned int n);

/* Totals of workers gone and alive. */
void listener_counters(const struct listener *,
    uint64_t out[static COUNTER_COUNT]);

#endif /* MERCURY_SUPERVISOR_LISTENER_H */
