/*
 * listener: a name, its sockets, and which worker serves each of them.
 *
 * Owned by the listener table; a listener belongs to one pool from
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
#include "common/wanted.h"
#include "supervisor/health_port.h"
#include "supervisor/history.h"
#include "supervisor/listener_state.h"
#include "supervisor/listener_table.h"
#include "supervisor/listener_wait.h"
#include "supervisor/slots.h"
#include "supervisor/sockets.h"
#include "supervisor/tickets.h"
#include "supervisor/timer.h"

struct listener;
struct pool;
struct worker;

/* Who hears of listeners. */
struct listener_watcher {
	/*
	 * It listens for the first time (err NULL), or it won't, and is gone
	 * when this returns. Once for each listener.
	 */
	void (*ready)(struct listener *, const struct err *);
	/* It is settled (see there), maybe still. */
	void (*settled)(struct listener *);
	/* What a request waited for has come, or won't (err). */
	listener_answer_fn *answer;
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
	struct bulks bulks; /* that the spec refers to */
	uint32_t tls_round; /* the last restart that read its certificates */
	struct tickets *tickets; /* NULL: no worker has needed any */
	enum spec_origin origin;
	enum listener_goal goal;
	enum sockets_phase phase;
	bool queueing;    /* paused, and clients may wait in the queue */
	bool was_ready;   /* it has been listening since it was bound */
	bool announced;   /* watcher.ready() was called, or it failed */
	bool after_drain; /* it is bound again when its workers have drained */
	bool endless;     /* not given up for want of its place or workers */
	bool inherited;   /* it has the name of one that was there before */
	bool drained; /* by an operator (drain.h): not ready, but it serves */
	bool blocks;  /* health.c: for its sake the daemon is not ready */
	uint32_t health_entry;     /* health.h: index on the health board */
	enum listener_state state; /* last told; see listener_state.h */
	struct pool *pool;
	uint32_t entry; /* in the pool's scoreboards */
	struct sockets sockets;
	struct health_port health_port;
	struct slot *slots; /* as many as sockets; NULL: none */
	unsigned int bind_attempts;
	uint64_t retry_at_ms;    /* CLOCK_MONOTONIC, when retrying */
	struct timer retry;      /* to bind again */
	struct timer deadline;   /* the end of an add, or of a removal */
	uint64_t drain_until_ms; /* CLOCK_MONOTONIC, once it drains */
	char last_error[256];    /* empty: none */
	uint64_t last_error_ms;  /* CLOCK_REALTIME */
	struct history history;
	unsigned int alarm; /* alarm.h: the level that was told last */
	uint64_t totals[COUNTER_COUNT]; /* of workers that are gone */
	uint64_t heir; /* id of the one that has its name now; 0: none */
	unsigned int predecessors; /* whose heir it is, and that drain */
	struct probe_sum probes;   /* the same: where they came from */
	struct exit_sum *exits;    /* of workers that are gone; NULL: none */
	char module[MODULE_NAME_SIZE]; /* empty: not known yet */
	/* What COUNTER_MODULE and those behind it are called. */
	char module_counters[MODULE_COUNTERS][MODULE_NAME_SIZE];
	struct wait_list waits;
};

/* Set once, before the first listener. */
void listener_configure(const struct listener_watcher *);

/*
 * Begin a new listener: bind it, if that can be now, and give it to its
 * pool, which is made if there is none of that name. watcher.ready() hears
 * what comes of it, maybe before this returns. endless: its place is tried
 * for ever. Returns it, or NULL with *err: nothing is left then. What it
 * returns is gone already if the place can't be had and only one attempt was
 * asked for; so look it up by id.
 */
struct listener *listener_add(const struct wanted *, bool endless,
    struct err *);

/*
 * Begin a listener that is to take over the name of one which has it now, and
 * maybe the health port, which health_donor is about to give up. It has no
 * sockets yet, and is not listed before listener_succeed(). Returns NULL with
 * *err.
 */
struct listener *listener_begin_successor(const struct wanted *,
    const struct listener *health_donor, struct err *);

/*
 * Bind it, at once or not at all; or give it the sockets of donor, which
 * listens at its very place and is about to be removed. Returns 0, or -1 with
 * *err: donor may be without them then.
 */
int listener_open_successor(struct listener *, struct listener *donor,
    struct err *);

/* It is not to succeed anybody. */
void listener_drop_successor(struct listener *);

/* If it has given its sockets away for nothing, get others. */
void listener_reopen(struct listener *);

/* It gets its name, and the one that had it is removed. */
void listener_succeed(struct listener *);

/* Answer those whose wait is over as things are. */
void listener_check_waits(struct listener *);

/* May a new one have this name? Returns 0, or -1 with *err. */
int listener_check_name(const char *name, struct err *);

/*
 * Stop accepting; connections live on. With queue clients may connect and
 * wait. Twice is as once. Returns 0 or -1 with *err.
 */
int listener_pause(struct listener *, bool queue, struct err *);
int listener_resume(struct listener *, struct err *);

/*
 * Bind it again after it has failed, once its workers have drained. Returns 0,
 * or -1 with *err.
 */
int listener_revive(struct listener *, struct err *);

/*
 * Stop accepting, empty the queues, drain for at most deadline_ms, and
 * forget it. May be gone before this returns. For one that is on its way out
 * already the earlier deadline counts.
 */
void listener_remove(struct listener *, uint32_t deadline_ms);

/*
 * The pool can't serve it: if it has never listened, fail and remove it, unless
 * it is endless.
 */
void listener_give_up(struct listener *, const char *reason);

/* It is given up: close its sockets, drain; but it stays, as `failed'. */
void listener_fail(struct listener *, const char *reason);

/*
 * At shutdown, before its pool is told to drain: no new connections, and
 * those that are open end by then. listener_forget() follows.
 */
void listener_shut(struct listener *, uint64_t drain_until_ms);

/*
 * Close its sockets, leave the pool, tell the watcher and free it, whatever
 * state it is in.
 */
void listener_forget(struct listener *);

/* Its pool has no crew any more: go on with what waited for that one. */
void listener_check(struct listener *);

/*
 * It listens as far as it can, or is not to, or its place is in use: nobody
 * should wait for it any longer.
 */
bool listener_is_settled(const struct listener *);

/* For slots.c: who serves it has changed. */
void listener_changed(struct listener *);

#endif /* MERCURY_SUPERVISOR_LISTENER_H */
