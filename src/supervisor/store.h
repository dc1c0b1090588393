/*
 * store: the supervisor's side of the process that keeps the health events.
 *
 * Nothing here waits for it, and nothing fails without it: events gather
 * until it is back, and beyond a limit they are counted.
 */
#ifndef MERCURY_SUPERVISOR_STORE_H
#define MERCURY_SUPERVISOR_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/event.h"
#include "common/snapshot.h"
#include "common/spec.h"
#include "supervisor/child.h"

struct event_base;

/*
 * Start it, unless the settings name no database. gone() is called when it is
 * down for good, after store_stop().
 */
void store_start(struct event_base *, const struct daemon_settings *,
    void (*gone)(void));

/* Is there one, or will there be? */
bool store_exists(void);

/* Its process, for the tree; not started: without an owner. */
const struct child *store_child(void);

/* Keep an event of our own (borrowed). */
void store_record(struct health_event *);

/* Make a new channel between it and that process, if both are up. */
void store_link_control(void);
void store_link_gateway(void);

/* Take settings that have changed; the database can't come or go. */
void store_update(const struct store_settings *);

/*
 * To be called a few times a second: forget what it has read, and kill it when
 * its loop has not turned for long. Heartbeats count as no older than
 * trust_ms. Both on CLOCK_MONOTONIC.
 */
void store_look(uint64_t now_ms, uint64_t trust_ms);

/* For status. Returns false when there is none. */
bool store_status(struct snapshot_store *);

/*
 * Let it write what there is and end, by the deadline (from now). If it has no
 * process at the moment, one is started for that.
 */
void store_stop(uint32_t deadline_ms);

void store_free(void);

#endif /* MERCURY_SUPERVISOR_STORE_H */
