/*
 * trace: shows control what the connections of a listener do: opened, bytes
 * in, bytes out, closed (mercuryctl trace).
 *
 * The hooks are called for every connection, always: while nobody traces its
 * listener they are one branch.
 */
#ifndef MERCURY_POOL_TRACE_H
#define MERCURY_POOL_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "common/conn_end.h"
#include "common/ipc_msg.h"
#include "common/trace_wire.h"
#include "pool/conn.h"
#include "pool/conn_list.h"

struct event_base;
struct trace;

/* The traces of this worker; zeroed but for the first two, it is ready. */
struct tracer {
	struct event_base *base;
	/* The connections of a listener; NULL when there is none of that id. */
	struct conn_list *(*find)(uint64_t listener_id);
	struct trace *all[TRACES_MAX];
};

/*
 * Trace what m says, over fd, which is taken, until control closes it. Its
 * listener may be yet to come: trace_list_begin(). A filter that makes no
 * sense, or one trace too many, is told in the log.
 */
void trace_begin(struct tracer *, const struct msg_trace *m, int fd);

/* A listener has come, or goes: with it go its traces. */
void trace_list_begin(struct tracer *, uint64_t listener_id,
    struct conn_list *);
void trace_list_end(struct tracer *, struct conn_list *);

/* End all; what is on its way may take so long. */
void trace_clear(struct tracer *, uint32_t max_ms);

/* For the hooks below, while somebody traces. data may be NULL if len is 0. */
void trace_event(const struct conn *, enum trace_kind, enum conn_end);
void trace_data(const struct conn *, enum trace_kind, const uint8_t *data,
    size_t len);

/* The protocol is about to see it. */
static inline void
trace_opened(const struct conn *c)
{
	if (__builtin_expect(c->list->traced != NULL, 0))
		trace_event(c, TRACE_OPENED, CONN_END_PEER_CLOSED);
}

/* These bytes have come; they are not counted in c->bytes_in yet. */
static inline void
trace_in(const struct conn *c, const uint8_t *data, size_t len)
{
	if (__builtin_expect(c->list->traced != NULL, 0))
		trace_data(c, TRACE_IN, data, len);
}

/* These have left; they are not counted in c->bytes_out yet. */
static inline void
trace_out(const struct conn *c, const uint8_t *data, size_t len)
{
	if (__builtin_expect(c->list->traced != NULL, 0))
		trace_data(c, TRACE_OUT, data, len);
}

/* It ends; its socket is still open. */
static inline void
trace_closed(const struct conn *c, enum conn_end end)
{
	if (__builtin_expect(c->list->traced != NULL, 0))
		trace_event(c, TRACE_CLOSED, end);
}

#endif /* MERCURY_POOL_TRACE_H */
