/*
 * child: one supervised process, from the first fork to the last reap.
 *
 * A struct child is part of what owns it (a worker, the control process),
 * which hears of it through struct child_owner. Children that wait to be
 * forked stand in one queue, so that starting a thousand of them never keeps
 * the event loop from its other work.
 */
#ifndef MERCURY_SUPERVISOR_CHILD_H
#define MERCURY_SUPERVISOR_CHILD_H

#include <sys/queue.h>
#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "common/channel.h"
#include "common/role.h"
#include "common/snapshot.h"
#include "supervisor/timer.h"

struct child;
struct event;
struct event_base;

/* How a process ended, as the supervisor saw it. */
struct child_exit {
	bool started; /* false: it could not even be started */
	bool was_up;  /* it had reported READY */
	bool wanted;  /* it was told to stop, or had nothing left to do */
	bool normal;  /* it exited with status 0 */
	pid_t pid;
	int exit_code;  /* -1: it did not exit */
	int signal;     /* that ended it; 0: none did */
	char text[128]; /* such as "was killed by signal 9 (SIGKILL)" */
};

struct child_owner {
	/* It runs and has a channel: send it the first messages. */
	void (*started)(struct child *);
	/* It has reported READY. */
	void (*up)(struct child *);
	/* Any other message from it. */
	void (*message)(struct child *, struct ipc_message *);
	/*
	 * It has been reaped, and what it had sent before has been delivered;
	 * or it could not be started. It is started again after this call
	 * unless it was told to stop.
	 */
	void (*ended)(struct child *, const struct child_exit *how);
	/*
	 * It is down and stays down: the last call, which may free the child.
	 */
	void (*gone)(struct child *);
};

struct child {
	TAILQ_ENTRY(child) waiting; /* in the queue for a fork, if queued */
	LIST_ENTRY(child) running;  /* while it has a pid */
	const struct child_owner *owner;
	void *owner_ctx;
	enum role role;
	char title[SPEC_NAME_SIZE + 12]; /* "pos/0" */
	enum child_state state;
	bool queued;
	bool one_shot;           /* ends by itself and sends no READY */
	uint32_t start_ms;       /* to be ready, or a one-shot to have ended */
	pid_t pid;               /* 0: no process */
	int pidfd;               /* -1: no process */
	struct channel *channel; /* NULL: no process, or a broken one */
	struct event *reaper;    /* pidfd is readable */
	struct timer timer;      /* start deadline, stop deadline, backoff */
	unsigned int failures;   /* in a row; 0 after a healthy run */
	uint32_t restarts;       /* starts after the first one */
	uint64_t started_ms;     /* CLOCK_MONOTONIC of the last start */
	uint64_t up_ms;          /* of READY; 0: not yet */
	char killed_for[64];     /* why we killed it; empty: we did not */
};

/* What start_ms is unless its owner says otherwise. */
#define CHILD_START_DEADLINE_MS 10000

/* What all children have in common. */
struct child_settings {
	struct event_base *base; /* borrowed */
	int output_fd;           /* their stdout and stderr; borrowed */
};

/* Set before the first child starts; may change later, for later starts. */
void child_configure(const struct child_settings *);

/* Nothing may be started any more. */
void child_unconfigure(void);

/* Make a child that is down. owner and ctx are borrowed until gone(). */
void child_init(struct child *, enum role, const char *title,
    const struct child_owner *owner, void *ctx);

/* Start it, in its turn; one in BACKOFF without waiting any longer. */
void child_start(struct child *);

/*
 * It is not wanted any more: the caller has told it so in its own words, and
 * it is killed at the deadline (milliseconds from now); one that it was given
 * before is never put off. Ends in gone(), maybe before this returns.
 */
void child_stop(struct child *, uint32_t deadline_ms);

/*
 * For ended(): it has died at its start so often that whoever waits for its
 * first READY should give up.
 */
bool child_is_hopeless(const struct child *, const struct child_exit *);

/* SIGKILL now, if there is a process; why goes to the log, NULL: nothing. */
void child_kill(struct child *, const char *why);

/* Send it a message; without a process nothing happens. */
void child_send(struct child *, enum ipc_kind, const void *payload, int fd);

/* How many messages wait until it takes them. */
size_t child_unsent(const struct child *);

/* Send it the values that the next message with a spec refers to. */
void child_send_bulks(struct child *, uint32_t request, const struct bulks *);

/* Close its channel: for those that take this as the word to end. */
void child_hang_up(struct child *);

/*
 * Reap what no child of ours has reaped: processes that became ours when
 * their parent, one of our children, died before them.
 */
void child_reap_strangers(void);

#endif /* MERCURY_SUPERVISOR_CHILD_H */
