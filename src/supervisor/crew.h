/*
 * crew: one generation of a pool's worker processes.
 *
 * A crew serves from its start to its end, or it is a candidate that takes
 * over from the crew that serves (hot restart), or it leaves: then it only
 * drains. Owned by its pool.
 */
#ifndef MERCURY_SUPERVISOR_CREW_H
#define MERCURY_SUPERVISOR_CREW_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/log.h"
#include "common/scoreboard.h"
#include "supervisor/child.h"
#include "supervisor/event_source.h"
#include "supervisor/timer.h"

struct crew;
struct listener;
struct pool;

/*
 * What a worker has of a listener: a set, and above it how many CLOSED are to
 * come from it, one for each PAUSE and for the first CLOSE.
 */
#define SEAT_TAKEN 1u /* it knows the listener and may have connections */
#define SEAT_OPEN 2u  /* and it has sockets of it */
#define SEAT_AGAIN 4u /* it was told to LISTEN after the last of those */
#define SEAT_LAST 8u  /* it was told to CLOSE */
#define SEAT_AWAITED 16u

/* Has a worker with this seat sockets that it was not told to leave since? */
static inline bool
seat_is_kept(unsigned int seat)
{
	return (seat & SEAT_OPEN) &&
	    (seat < SEAT_AWAITED || (seat & SEAT_AGAIN));
}

struct worker {
	struct child child;
	struct crew *crew;
	unsigned int number; /* it serves slots number, number + workers... */
	const struct scoreboard *board; /* NULL: no process */
	struct event_source *events;    /* NULL: no process, or no store */
	uint16_t *seats;                /* by scoreboard entry */
	uint32_t seats_size;
	unsigned int traced;  /* traces.h: a bit for each that it was told */
	struct timer late;    /* its replacement is late when this fires */
	bool has_tls;         /* it has mercury-tls.so */
	bool has_dns;         /* it has mercury-dns.so */
	bool has_upstreams;   /* it has the board of its pool */
	bool stuck;           /* its loop does not turn: siblings adopted it */
	bool hung;            /* and it was killed for that */
	bool gone;            /* down for good, and counted */
	bool ended;           /* a process of this worker has ended */
	uint64_t last_end_ms; /* of the process before, CLOCK_REALTIME */
	char last_end[sizeof(((struct child_exit *)0)->text)];
};

enum crew_phase { CREW_SERVING, CREW_CANDIDATE, CREW_LEAVING };

struct crew {
	TAILQ_ENTRY(crew) next; /* of its pool */
	struct pool *pool;
	enum crew_phase phase;
	uint32_t generation;
	uint32_t uid; /* of its pool when it was made; SPEC_NO_ID: all pools' */
	uint32_t gid;
	bool programs;     /* its workers may start some */
	unsigned int gone; /* workers that are down for good */
	unsigned int workers_count;
	struct worker workers[];
};

/* What all crews have in common; set once. */
struct crew_settings {
	struct log_settings log;
	uint32_t orphan_drain_ms; /* told to each worker */
	uint32_t uid;             /* who workers are */
	uint32_t gid;
	bool sandbox; /* workers may do only what they have to */
};
void crew_configure(const struct crew_settings *);

/* Make a crew whose workers are not started yet. Returns NULL with *err. */
struct crew *crew_new(struct pool *, enum crew_phase, uint32_t generation,
    unsigned int workers, struct err *err);

/*
 * May its workers start programs? What they may do is known when they start,
 * and a listener of protocol exec that joins later needs other ones.
 */
bool crew_starts_programs(const struct crew *);

/* Start all its workers. */
void crew_start(struct crew *);

/* Every one of its workers has reported READY. */
bool crew_is_up(const struct crew *);

/*
 * Has one of its workers places in the gate of this scoreboard entry? It leaves
 * them when its connections end, whose listener that is by then.
 */
bool crew_holds(const struct crew *, uint32_t entry);

/*
 * Send its workers away: they drain until deadline_ms from now, and are
 * killed if they are still there a moment later. pool_crew_gone() follows,
 * maybe before this returns.
 */
void crew_stop(struct crew *, uint32_t deadline_ms);

/*
 * As crew_stop(), but another crew has all the sockets, or will have them: it
 * leaves their queues alone. Its connections may go on for the drain_timeout
 * of each listener, but not longer than deadline_ms.
 */
void crew_hand_over(struct crew *, uint32_t deadline_ms);

/* SIGKILL all its workers. */
void crew_kill(struct crew *);

/* Free it; all its workers are gone. */
void crew_free(struct crew *);

/* The worker can be sent messages about listeners. */
bool worker_reachable(const struct worker *);

/* It serves what it was told to: it runs, and its event loop turns. */
bool worker_is_well(const struct worker *);

/* It died or hangs, and nothing better is in sight: siblings should help. */
bool worker_needs_help(const struct worker *);

/* The worker's scoreboard entry for l if it is l's, else NULL. */
const struct scoreboard_entry *worker_entry(const struct worker *,
    const struct listener *l);

/*
 * What it has of the listener with this scoreboard entry; and what it will
 * have, when it has been sent LISTEN, PAUSE or CLOSE (last), or when CLOSED or
 * DRAINED has come.
 */
unsigned int worker_seat(const struct worker *, uint32_t entry);
void worker_sent_listen(struct worker *, uint32_t entry);
void worker_sent_close(struct worker *, uint32_t entry, bool last);
void worker_heard_closed(struct worker *, uint32_t entry);
void worker_clear_seat(struct worker *, uint32_t entry);

#endif /* MERCURY_SUPERVISOR_CREW_H */
