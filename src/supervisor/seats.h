/*
 * seats: what the workers, of all crews, have of a listener (crew.h), and
 * what they are told about it.
 */
#ifndef MERCURY_SUPERVISOR_SEATS_H
#define MERCURY_SUPERVISOR_SEATS_H

#include <stdbool.h>

struct listener;
struct worker;

/* Does any worker have this of the listener? */
bool seats_any(const struct listener *, unsigned int seat);

/* Has any sockets of it that it was not told to leave? */
bool seats_any_kept(const struct listener *);

/*
 * PAUSE all that have sockets of it, or one of them: they leave the queues
 * as they are unless the listener's sockets are to be closed.
 */
void seats_pause(struct listener *);
void seats_pause_worker(struct listener *, struct worker *);

/* CLOSE for all that know it, or one: drain until l->drain_until_ms. */
void seats_close(struct listener *);
void seats_close_worker(struct listener *, struct worker *);

/* A worker hears of the listener, or anew: what its spec refers to. */
void seats_send_values(struct listener *, struct worker *);

/* Its ticket keys have changed. */
void seats_send_tickets(struct listener *);

/* Its spec has changed. */
void seats_update(struct listener *);

#endif /* MERCURY_SUPERVISOR_SEATS_H */
