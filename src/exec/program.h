/*
 * program: one program that runs for a connection, from its start until all of
 * its process group have ended. When the leader ends before the others, as that
 * of a pipeline may, those have the plan's kill_after to finish; then they are
 * killed.
 *
 * Each has a pidfd in the event loop: that knows no race and no lookup, and
 * costs no descriptor, as the connection's socket has gone to the program.
 *
 * Owned by who has started it, until it has ended or was abandoned.
 */
#ifndef MERCURY_EXEC_PROGRAM_H
#define MERCURY_EXEC_PROGRAM_H

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct event_base;
struct exec_plan;
struct program;

struct program_exit {
	pid_t pid;
	bool by_signal;
	int status; /* exit code, or number of the signal */
	uint64_t uptime_ms;
};

/* All of it is borrowed, ctx until the end. */
struct program_request {
	struct event_base *base;
	const struct exec_plan *plan;
	char *const *environment;
	int socket;           /* its stdin and stdout */
	const char *listener; /* for the log; for as long as it runs */
	uint64_t connection;
	/* It has ended so, with its group, and is gone when this returns. */
	void (*ended)(void *ctx, const struct program_exit *);
	void *ctx;
};

/* Returns it, or NULL with *err. */
struct program *program_start(const struct program_request *, struct err *err);

pid_t program_pid(const struct program *);

/* Send a signal to its group; one that is stopped goes on to get it. */
void program_signal(const struct program *, int sig);

/*
 * Kill the group now, and do not call ended(). *out says how it ended: it was
 * killed, unless it had ended already. Nulls *p.
 */
void program_abandon(struct program **p, struct program_exit *out);

/* How many abandoned ones are not reaped yet. For tests. */
unsigned int program_left(void);

#endif /* MERCURY_EXEC_PROGRAM_H */
