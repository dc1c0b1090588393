/*
 * event_sink: where a process puts its events, on their way to the store.
 *
 * Never waits and makes no system call for an event: events gather in
 * batches, which leave soon after, when the store has room. What it does not
 * take is kept, up to a limit; beyond that the newest are dropped and
 * counted, and a store.dropped tells of the gap as soon as there is room.
 */
#ifndef MERCURY_COMMON_EVENT_SINK_H
#define MERCURY_COMMON_EVENT_SINK_H

#include <stdint.h>

#include "common/err.h"
#include "common/event.h"

struct event_base;
struct event_sink;

/* Batches that are kept, at most: 4 MiB. */
#define EVENT_SINK_BATCHES 128u

/* Takes fd, one end of event_sink_pair(). Returns NULL with *err, fd closed. */
struct event_sink *event_sink_new(struct event_base *, int fd, struct err *err);

/* Put e (borrowed) in. at_ms 0: now. A NULL sink takes nothing. */
void event_sink_add(struct event_sink *, struct health_event *e);

/* Send what the store takes now. NULL is fine. */
void event_sink_flush(struct event_sink *);

/*
 * The same for a process that is about to end: waits while the store makes
 * room, but not longer than max_ms at a time.
 */
void event_sink_finish(struct event_sink *, int max_ms);

/* Events dropped so far that no store.dropped has told of. */
uint64_t event_sink_untold(const struct event_sink *);

/* Close and free; what has not left is lost. Nulls *s; NULL is fine. */
void event_sink_free(struct event_sink **s);

/*
 * A way to the store, close-on-exec and non-blocking: ends[0] is the store's,
 * ends[1] the sender's. Returns 0, or -1 with *err.
 */
int event_sink_pair(int ends[2], struct err *err);

#endif /* MERCURY_COMMON_EVENT_SINK_H */
