/*
 * slots: which worker serves which socket of a listener.
 *
 * Slot n belongs to worker n % workers of the pool's crew. While that one is
 * gone or hangs, a sibling adopts the slot. During a hot restart the
 * candidate serves the same sockets beside the crew.
 */
#ifndef MERCURY_SUPERVISOR_SLOTS_H
#define MERCURY_SUPERVISOR_SLOTS_H

#include <stdbool.h>

#include "common/err.h"

struct listener;
struct worker;

struct slot {
	bool live;      /* its worker has answered LISTENING */
	bool candidate; /* that of the candidate has */
	bool fresh;     /* it is new, its worker was told and answers soon */
	bool emptied;   /* its queue is empty, and nobody new may queue */
	int adopter;    /* number of the worker, or -1 */
};

/* Have a slot for each socket. Returns 0, or -1 with *err. */
int slots_make(struct listener *, struct err *);
void slots_free(struct listener *);

/* Tell a worker what it is to serve; it is new, or shall serve again. */
void slots_tell(struct listener *, struct worker *);

/* The same for all workers of the crew, and of a candidate that was told. */
void slots_tell_all(struct listener *);

/* A worker says that it serves that slot. */
void slots_heard_listening(struct listener *, struct worker *,
    unsigned int slot);

/* It has emptied and closed what it had. */
void slots_heard_closed(struct listener *, const struct worker *);

/* It is gone. */
void slots_worker_lost(struct listener *, const struct worker *);

/* It hangs, or does no more. */
void slots_worker_changed(struct listener *, struct worker *);

/* Let siblings serve what this worker of the crew should serve. */
void slots_adopt(struct listener *, const struct worker *);

/* The workers were told to stop accepting: nobody serves any slot. */
void slots_clear(struct listener *);

/* Slots whose own worker serves them and is well; all slots. */
unsigned int slots_live(const struct listener *);
unsigned int slots_count(const struct listener *);

/* Slots that a sibling serves that is well, for their own won't come back. */
unsigned int slots_retired(const struct listener *);

/*
 * Has a worker that would serve it connections that it lets finish since it was
 * told to CLOSE? It can't LISTEN before it has DRAINED.
 */
bool slots_are_draining(const struct listener *);

/* All of them are emptied. */
bool slots_emptied(const struct listener *);

/* Slots that a worker serves that is well: their own, or the adopter. */
unsigned int slots_served(const struct listener *);

/*
 * Hot restart. Prepare: a slot for each of so many workers (0, or -1 with
 * *err). Then: is every slot served by the candidate; it is the crew now; it
 * is not to be.
 */
int slots_prepare(struct listener *, unsigned int workers, struct err *);
bool slots_candidate_serves(const struct listener *);
void slots_switch(struct listener *);
void slots_drop_candidate(struct listener *);

#endif /* MERCURY_SUPERVISOR_SLOTS_H */
