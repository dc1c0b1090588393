/*
 * progress: how far a command is that takes long, on a line of the standard
 * error that is written anew, and cleared at the end. Only for a person: not
 * with --json, and not where the standard error is no terminal.
 *
 * A control connection of its own asks for the figures, without ever holding
 * up the command.
 */
#ifndef MERCURY_CTL_PROGRESS_H
#define MERCURY_CTL_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/client.h"
#include "ctl/options.h"

enum progress_kind {
	PROGRESS_DRAIN,  /* connections end */
	PROGRESS_RESTART /* new workers begin to serve */
};

struct progress {
	const struct options *o;
	enum progress_kind kind;
	const char *name; /* of the listener; NULL: all of them. Borrowed */
	bool on;
	struct client client; /* our own */
	bool waiting;         /* for its answer */
	uint64_t began_ms;
	uint64_t next_ms;     /* when to ask again */
	uint64_t shown_ms;    /* 0: nothing is shown */
	uint64_t deadline_ms; /* CLOCK_MONOTONIC; 0: not known */
	uint64_t left;        /* of what is waited for */
	uint64_t most;
	bool known;  /* left and most are */
	bool drains; /* it has begun */
};

/*
 * Begin, before the command is sent over c: while c waits, it shows how far
 * it is. o and name are borrowed until progress_end().
 */
void progress_begin(struct progress *, struct client *c,
    const struct options *o, enum progress_kind, const char *name);

/* Clear the line. Call it before anything else is printed. */
void progress_end(struct progress *, struct client *c);

/*
 * The text for a line: "draining: 3 of 20 connections left, 12s to the
 * deadline". Pure. Returns false when there is nothing to say at now_ms.
 */
#define PROGRESS_SIZE 160
bool progress_text(const struct progress *, uint64_t now_ms,
    char out[static PROGRESS_SIZE]);

/* Take the figures from an answer about the daemon or the listener. Pure. */
void progress_note(struct progress *, const json_t *answer, uint64_t now_ms);

#endif /* MERCURY_CTL_PROGRESS_H */
