/*
 * traces: the clients that watch what the connections of a listener do
 * (trace.start), and the workers that tell them.
 *
 * A trace belongs to its client's connection: traces_gone() ends it. While a
 * client does not read what it was sent nothing more is read from the workers,
 * which count what they can't keep: here nothing waits and nothing is lost.
 */
#ifndef MERCURY_CONTROL_TRACES_H
#define MERCURY_CONTROL_TRACES_H

#include <stdint.h>

#include "common/ipc_msg.h"
#include "control/rpc.h"

struct channel;
struct client;
struct event_base;
struct traces;

/* How many workers have joined a trace by its start, and how many not. */
struct traces_armed {
	unsigned int workers;
	unsigned int missing;
};

/*
 * supervisor is borrowed for life. armed(ctx, request) hears that a trace that
 * traces_arm() waits for can go on, or has no client any more. Returns NULL
 * when out of memory.
 */
struct traces *traces_new(struct event_base *, struct channel *supervisor,
    void (*armed)(void *ctx, uint32_t request), void *ctx);

/*
 * The request of this client is about to be sent as m, whose number of the
 * trace is set here. Returns 0, or -1 with *e: it follows already, or memory
 * is short.
 */
int traces_begin(struct traces *, struct client *, struct msg_req_trace *m,
    struct rpc_error *e);

/* A worker that traces, as m says; what it tells comes over fd (taken). */
void traces_link(struct traces *, const struct msg_trace_link *m, int fd);

/*
 * The supervisor has told all workers: wait until they have joined, though
 * not for long. armed() follows, maybe before this returns.
 */
void traces_arm(struct traces *, uint32_t request);

/* Who has joined by now? */
struct traces_armed traces_state(struct traces *, uint32_t request);

/* The request was answered with yes: tell the client what comes; or no. */
void traces_run(struct traces *, uint32_t request);
void traces_drop(struct traces *, uint32_t request);

/* The listener of a trace is gone. */
void traces_ended(struct traces *, uint32_t number);

/* This client has taken what it was sent. */
void traces_written(struct traces *, struct client *);

/* This client is about to go. */
void traces_gone(struct traces *, struct client *);

/* Nulls *t; NULL is fine. */
void traces_free(struct traces **t);

#endif /* MERCURY_CONTROL_TRACES_H */
