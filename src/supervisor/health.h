/*
 * health: fills the health board (common/health_board.h), from which the
 * gateway answers load balancers without asking: who is ready (readiness.h),
 * and that we go on.
 *
 * It is there also when there is no gateway: a listener then costs 256 bytes
 * and some 300 ns four times a second.
 */
#ifndef MERCURY_SUPERVISOR_HEALTH_H
#define MERCURY_SUPERVISOR_HEALTH_H

#include <stdint.h>

#include "common/err.h"

struct event_base;
struct listener;

/* In struct listener: it is not on the board, or not yet. */
#define HEALTH_NO_ENTRY UINT32_MAX

/* Make the board. base is borrowed. Returns 0, or -1 with *err. */
int health_start(struct event_base *base, struct err *err);
void health_stop(void);

/* The board's descriptor, for the gateway; it stays ours. */
int health_fd(void);

/* The loop turns: to be called every HEALTH_BEAT_MS. */
void health_tick(uint64_t now_ms);

/*
 * What a listener, or with it the daemon, can be asked for may have changed:
 * write it at once. Before health_start() nothing happens.
 */
void health_listener(struct listener *);

/* The same for the daemon, and so for all listeners. */
void health_changed(void);

/*
 * There is a listener more, or less, by name: written soon, or by
 * health_settle() before somebody hears of it.
 */
void health_members_changed(void);
void health_settle(void);

#endif /* MERCURY_SUPERVISOR_HEALTH_H */
