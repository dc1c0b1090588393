#include "pool/trace.h"

#include <sys/param.h>
#include <sys/tree.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "pool/conn_peer.h"
#include "pool/trace_sink.h"

/* A connection of a listener that is traced; sets are of bits of traces. */
struct traced_conn {
	RB_ENTRY(traced_conn) by_id;
	uint64_t id;
	unsigned int asked; /* those that were asked whether they want it */
	unsigned int wanted;
	struct trace_address peer;
	struct trace_address local;
};

RB_HEAD(traced_tree, traced_conn);

/* What a conn_list has while it is traced. */
struct traced {
	struct tracer *tracer;
	unsigned int traces; /* a set */
	struct traced_tree conns;
};

struct trace {
	struct tracer *tracer;
	unsigned int index;
	uint64_t listener_id;
	struct trace_filter filter;
	struct trace_sink *sink;
	struct conn_list
	    *list; /* NULL: its listener has not come, or is gone */
};

static int
compare_ids(const struct traced_conn *a, const struct traced_conn *b)
{
	return (a->id > b->id) - (a->id < b->id);
}

RB_PROTOTYPE(traced_tree, traced_conn, by_id, compare_ids)
RB_GENERATE(traced_tree, traced_conn, by_id, compare_ids)

/* --- connections --- */

static void
forget_conn(struct traced *t, struct traced_conn *tc)
{
	RB_REMOVE(traced_tree, &t->conns, tc);
	free(tc);
}

/* Returns NULL when out of memory. */
static struct traced_conn *
find_conn(struct traced *t, const struct conn *c)
{
	struct traced_conn key = { .id = c->id }, *tc;

	tc = RB_FIND(traced_tree, &t->conns, &key);
	if (tc != NULL)
		return tc;
	tc = calloc(1, sizeof(*tc));
	if (tc == NULL)
		return NULL;
	tc->id = c->id;
	conn_addresses(c, &tc->peer, &tc->local);
	RB_INSERT(traced_tree, &t->conns, tc);
	return tc;
}

/* A Unix socket has no peer, and so is in no network. */
static bool
passes(const struct trace_filter *f, const struct trace_address *peer)
{
	static const struct trace_address none;

	if (!f->by_peer)
		return true;
	return memcmp(peer, &none, sizeof(none)) != 0 &&
	    (f->port == 0 || f->port == peer->port) &&
	    cidr_contains(&f->network, peer->bytes);
}

/* Who wants it? */
static void
ask(const struct traced *t, struct traced_conn *tc)
{
	unsigned int i;

	for (i = 0; i < TRACES_MAX; i++)
		if (t->traces & ~tc->asked & 1u << i &&
		    passes(&t->tracer->all[i]->filter, &tc->peer))
			tc->wanted |= 1u << i;
	tc->asked |= t->traces;
}

/* The connection, if anybody wants it; else NULL. */
static struct traced_conn *
wanted_conn(struct traced *t, const struct conn *c)
{
	struct traced_conn *tc = find_conn(t, c);

	if (tc != NULL && tc->asked != t->traces)
		ask(t, tc);
	return tc != NULL && tc->wanted != 0 ? tc : NULL;
}

static struct trace_record
record_of(const struct conn *c, const struct traced_conn *tc,
    enum trace_kind kind)
{
	return (struct trace_record){ .kind = (uint8_t)kind,
		.conn_id = c->id,
		.at_us = clock_real_us(),
		.bytes_in = c->bytes_in,
		.bytes_out = c->bytes_out,
		.peer = tc->peer,
		.local = tc->local };
}

static void
put(const struct traced *t, const struct traced_conn *tc,
    const struct trace_record *r, const uint8_t *data)
{
	unsigned int i;

	for (i = 0; i < TRACES_MAX; i++)
		if (tc->wanted & 1u << i)
			trace_sink_put(t->tracer->all[i]->sink, r, data);
}

/* It ends before it was open, as load balancers do it all the time. */
static bool
came_and_went(const struct conn *c, enum conn_end end)
{
	return c->state == CONN_HANDSHAKE &&
	    (end == CONN_END_PEER_CLOSED || end == CONN_END_PEER_RESET);
}

void
trace_event(const struct conn *c, enum trace_kind kind, enum conn_end end)
{
	struct traced *t = c->list->traced;
	struct traced_conn *tc = wanted_conn(t, c);
	struct trace_record r;

	if (tc != NULL && !came_and_went(c, end)) {
		r = record_of(c, tc, kind);
		r.end = (uint8_t)end;
		put(t, tc, &r, NULL);
	}
	if (kind != TRACE_CLOSED)
		return;
	tc = find_conn(t, c);
	if (tc != NULL)
		forget_conn(t, tc);
}

void
trace_data(const struct conn *c, enum trace_kind kind, const uint8_t *data,
    size_t len)
{
	const struct traced *t = c->list->traced;
	struct traced_conn *tc = wanted_conn(c->list->traced, c);
	struct trace_record r;

	if (tc == NULL)
		return;
	r = record_of(c, tc, kind);
	for (; len > 0; data += r.len, len -= r.len) {
		r.len = (uint32_t)MIN(len, TRACE_DATA_MAX);
		put(t, tc, &r, data);
		if (kind == TRACE_IN)
			r.bytes_in += r.len;
		else
			r.bytes_out += r.len;
	}
}

/* --- traces --- */

/* Without memory it shows nothing, and control sees that it has joined. */
static void
attach(struct trace *t, struct conn_list *list)
{
	if (list->traced == NULL) {
		list->traced = calloc(1, sizeof(*list->traced));
		if (list->traced == NULL)
			return;
		list->traced->tracer = t->tracer;
		RB_INIT(&list->traced->conns);
	}
	list->traced->traces |= 1u << t->index;
	t->list = list;
}

static void
detach(struct trace *t)
{
	const unsigned int others = ~(1u << t->index);
	struct traced_conn *tc, *next;
	struct traced *traced;

	if (t->list == NULL)
		return;
	traced = t->list->traced;
	traced->traces &= others;
	RB_FOREACH_SAFE (tc, traced_tree, &traced->conns, next) {
		tc->asked &= others;
		tc->wanted &= others;
		if (traced->traces == 0)
			forget_conn(traced, tc);
	}
	if (traced->traces == 0) {
		t->list->traced = NULL;
		free(traced);
	}
	t->list = NULL;
}

/* The sink's gone(), and the end of everything. */
static void
end(void *ctx)
{
	struct trace *t = ctx;

	detach(t);
	t->tracer->all[t->index] = NULL;
	trace_sink_free(&t->sink);
	free(t);
}

static bool
filter_is_valid(const struct trace_filter *f)
{
	return !f->by_peer || cidr_is_valid(&f->network);
}

void
trace_begin(struct tracer *tracer, const struct msg_trace *m, int fd)
{
	struct conn_list *list = tracer->find(m->listener_id);
	unsigned int i = 0;
	struct trace *t;
	struct err err;

	while (i < TRACES_MAX && tracer->all[i] != NULL)
		i++;
	t = i == TRACES_MAX || !filter_is_valid(&m->filter)
	    ? NULL
	    : calloc(1, sizeof(*t));
	if (t == NULL) {
		(void)close(fd);
		log_warning(NULL, NULL, "a trace can't begin");
		return;
	}
	t->tracer = tracer;
	t->index = i;
	t->listener_id = m->listener_id;
	t->filter = m->filter;
	t->sink = trace_sink_new(tracer->base, fd, end, t, &err);
	if (t->sink == NULL) {
		log_warning(NULL, NULL, "%s", err.text);
		free(t);
		return;
	}
	tracer->all[i] = t;
	if (list != NULL)
		attach(t, list);
}

void
trace_list_begin(struct tracer *tracer, uint64_t listener_id,
    struct conn_list *list)
{
	unsigned int i;

	for (i = 0; i < TRACES_MAX; i++)
		if (tracer->all[i] != NULL &&
		    tracer->all[i]->listener_id == listener_id)
			attach(tracer->all[i], list);
}

/* It ends when all that it has seen has left. */
static void
finish(struct trace *t)
{
	detach(t);
	t->listener_id = 0;
	trace_sink_end(t->sink);
}

void
trace_list_end(struct tracer *tracer, struct conn_list *list)
{
	unsigned int i;

	for (i = 0; i < TRACES_MAX; i++)
		if (tracer->all[i] != NULL && tracer->all[i]->list == list)
			finish(tracer->all[i]);
}

void
trace_clear(struct tracer *tracer, uint32_t max_ms)
{
	const uint64_t until_ms = clock_mono_ms() + max_ms;
	unsigned int i;

	for (i = 0; i < TRACES_MAX; i++) {
		if (tracer->all[i] == NULL)
			continue;
		if (tracer->all[i]->list != NULL)
			finish(tracer->all[i]);
		trace_sink_flush(tracer->all[i]->sink, until_ms);
		end(tracer->all[i]);
	}
}
