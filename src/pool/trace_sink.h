/*
 * trace_sink: where a worker puts what it traces, on its way to control.
 *
 * Never waits, and makes no system call for a record: records gather in
 * batches, which leave when the event loop has done what was due. What control
 * does not take is kept, up to a limit; beyond that records are dropped and
 * counted, and a LOST stands where they are missing.
 */
#ifndef MERCURY_POOL_TRACE_SINK_H
#define MERCURY_POOL_TRACE_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/trace_wire.h"

struct event_base;
struct trace_sink;

/* Batches that are kept, at most: 768 KiB, beside what the kernel keeps. */
#define TRACE_SINK_BATCHES 12u

/*
 * Takes fd, the worker's end of trace_pair(), and says JOINED. gone(ctx) is
 * called from the loop, once: nobody reads any more, or all has left after
 * trace_sink_end(); it frees the sink. Returns NULL with *err, fd closed.
 */
struct trace_sink *trace_sink_new(struct event_base *, int fd,
    void (*gone)(void *ctx), void *ctx, struct err *err);

/* Put a record with its data (borrowed) in, or drop and count it. */
void trace_sink_put(struct trace_sink *, const struct trace_record *,
    const uint8_t *data);

/* Say LEFT behind all that is in it; nothing may be put in any more. */
void trace_sink_end(struct trace_sink *);

/*
 * For a process that is about to end: wait while control makes room, but not
 * longer than until_ms (CLOCK_MONOTONIC).
 */
void trace_sink_flush(struct trace_sink *, uint64_t until_ms);

/* Close and free; what has not left is lost. Nulls *s; NULL is fine. */
void trace_sink_free(struct trace_sink **s);

#endif /* MERCURY_POOL_TRACE_SINK_H */
