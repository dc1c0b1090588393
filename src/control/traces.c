#include "control/traces.h"

#include <sys/queue.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/clock.h"
#include "common/log.h"
#include "control/client.h"
#include "control/trace_json.h"

/* A worker that has not joined by then is not waited for. */
static const struct timeval patience = { .tv_sec = 2 };

/* More than that a client need not read at a time. */
#define OUTPUT_BYTES_MAX ((size_t)1 << 20)

/* Workers may come and go while a client reads nothing. */
#define SOURCES_MAX (2 * SPEC_WORKERS_MAX)

enum trace_phase {
	TRACE_BEGINNING, /* the supervisor has not answered */
	TRACE_ARMING,    /* workers have yet to join */
	TRACE_ARMED,     /* its client is about to be answered */
	TRACE_RUNNING
};

struct trace;

/* A worker of a trace. */
struct source {
	LIST_ENTRY(source) next;
	struct trace *trace;
	struct msg_trace_link worker;
	int fd;
	struct event *readable;
	bool joined;
	bool left; /* it has said all */
};

struct trace {
	LIST_ENTRY(trace) next;
	struct traces *owner;
	struct client *client;
	uint32_t request;
	uint32_t number;
	enum trace_phase phase;
	bool stalled; /* the client has to read first */
	bool ended;   /* its listener is gone */
	struct event *overdue;
	LIST_HEAD(, source) sources;
	unsigned int count; /* of sources */
};

struct traces {
	struct event_base *base;
	struct channel *supervisor;
	void (*armed)(void *ctx, uint32_t request);
	void *ctx;
	uint32_t last_number;
	LIST_HEAD(, trace) list;
};

/* --- the end --- */

static void
free_source(struct source *s)
{
	LIST_REMOVE(s, next);
	s->trace->count--;
	event_free(s->readable);
	(void)close(s->fd);
	free(s);
}

static void
free_trace(struct trace *t)
{
	struct source *s;

	while ((s = LIST_FIRST(&t->sources)) != NULL)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		free_source(s);
	LIST_REMOVE(t, next);
	if (t->overdue != NULL)
		event_free(t->overdue);
	free(t);
}

/* End it everywhere. */
static void
drop(struct trace *t)
{
	const struct msg_trace_end m = { .trace = t->number };

	if (!t->ended)
		channel_send(t->owner->supervisor, IPC_TRACE_END, &m, -1);
	free_trace(t);
}

/* Its listener is gone, and all is told? Tell that too, and free it. */
static void
check_ended(struct trace *t)
{
	struct client *client = t->client;

	if (!t->ended || t->phase != TRACE_RUNNING || !LIST_EMPTY(&t->sources))
		return;
	free_trace(t);
	client_tell(client, trace_json_end("removed"));
	client_unfollow(client);
}

/* --- arming --- */

static bool
is_joined(const struct trace *t)
{
	const struct source *s;

	LIST_FOREACH (s, &t->sources, next)
		if (!s->joined)
			return false;
	return true;
}

/* Its client can be answered. */
static void
armed(struct trace *t)
{
	t->phase = TRACE_ARMED;
	(void)event_del(t->overdue);
	t->owner->armed(t->owner->ctx, t->request);
}

static void
on_overdue(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	armed(arg);
}

/* Something has changed: is it armed, or over? The trace may be gone then. */
static void
look(struct trace *t)
{
	if (t->phase == TRACE_ARMING && is_joined(t))
		armed(t);
	else
		check_ended(t);
}

/* --- what workers say --- */

static void
lose(struct source *s, const char *why)
{
	struct trace *t = s->trace;

	if (!s->left && why != NULL)
		log_warning(NULL, NULL, "the trace of worker %u, pid %u: %s",
		    s->worker.slot, s->worker.pid, why);
	if (t->phase == TRACE_RUNNING && s->joined)
		client_tell(t->client,
		    trace_json_worker(&s->worker, clock_real_us(),
			s->left ? "left" : "lost"));
	free_source(s);
	look(t);
}

/* May more be read from the workers of this trace? */
static bool
wants_more(struct trace *t)
{
	if (evbuffer_get_length(t->client->out) <= OUTPUT_BYTES_MAX)
		return true;
	t->stalled = true;
	return false;
}

static void
take_joined(struct source *s)
{
	s->joined = true;
	if (s->trace->phase == TRACE_RUNNING)
		client_tell(s->trace->client,
		    trace_json_worker(&s->worker, clock_real_us(), "joined"));
	else
		(void)event_del(s->readable); /* traces_run() goes on */
}

/* Returns NULL, or what is wrong with a record. */
static const char *
take_record(struct source *s, const struct trace_record *r, const uint8_t *data)
{
	if (s->left || s->joined == (r->kind == TRACE_JOINED))
		return "sent a record out of order";
	if (r->kind == TRACE_JOINED)
		take_joined(s);
	else if (r->kind == TRACE_LEFT)
		s->left = true;
	else
		client_tell(s->trace->client,
		    trace_json_record(&s->worker, r, data));
	return NULL;
}

/* Returns NULL, or what is wrong with a datagram. */
static const char *
take_batch(struct source *s, const uint8_t *datagram, size_t size)
{
	size_t left = 0, n;
	const uint8_t *at = trace_batch_open(datagram, size, &left), *data;
	struct trace_record r;
	const char *wrong = NULL;

	if (at == NULL)
		return "sent what is no batch";
	for (; left > 0 && wrong == NULL; at += n, left -= n) {
		n = trace_decode(at, left, &r, &data);
		if (n == 0)
			return "sent a record that makes no sense";
		wrong = take_record(s, &r, data);
	}
	return wrong;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	static _Alignas(8) uint8_t datagram[TRACE_BATCH_SIZE + 1];
	struct source *s = arg;
	const char *wrong;
	ssize_t n;

	(void)what;
	if (s->trace->phase == TRACE_RUNNING && !wants_more(s->trace)) {
		(void)event_del(s->readable);
		return;
	}
	n = recv(fd, datagram, sizeof(datagram), MSG_DONTWAIT);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		lose(s, NULL);
		return;
	}
	wrong = take_batch(s, datagram, (size_t)n);
	if (wrong != NULL)
		lose(s, wrong);
	else
		look(s->trace);
}

/* --- traces --- */

struct traces *
traces_new(struct event_base *base, struct channel *supervisor,
    void (*armed_fn)(void *, uint32_t), void *ctx)
{
	struct traces *all = calloc(1, sizeof(*all));

	if (all == NULL)
		return NULL;
	all->base = base;
	all->supervisor = supervisor;
	all->armed = armed_fn;
	all->ctx = ctx;
	return all;
}

static struct trace *
find_number(struct traces *all, uint32_t number)
{
	struct trace *t;

	LIST_FOREACH (t, &all->list, next)
		if (t->number == number)
			return t;
	return NULL;
}

/* One whose client waits for its answer. */
static struct trace *
find_request(struct traces *all, uint32_t request)
{
	struct trace *t;

	LIST_FOREACH (t, &all->list, next)
		if (t->phase != TRACE_RUNNING && t->request == request)
			return t;
	return NULL;
}

static struct trace *
find_client(struct traces *all, const struct client *client)
{
	struct trace *t;

	LIST_FOREACH (t, &all->list, next)
		if (t->client == client)
			return t;
	return NULL;
}

static int
refuse(struct rpc_error *e, enum err_code reason, const char *why)
{
	(void)rpc_fail(e, RPC_SERVER, "%s", why);
	e->reason = reason;
	return -1;
}

int
traces_begin(struct traces *all, struct client *client, struct msg_req_trace *m,
    struct rpc_error *e)
{
	struct trace *t;

	if (client->following)
		return refuse(e, ERR_BUSY, "this connection follows already");
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return refuse(e, ERR_UNAVAILABLE, "out of memory");
	LIST_INIT(&t->sources);
	LIST_INSERT_HEAD(&all->list, t, next);
	t->owner = all;
	t->client = client;
	t->request = m->request;
	t->overdue = evtimer_new(all->base, on_overdue, t);
	if (t->overdue == NULL) {
		free_trace(t);
		return refuse(e, ERR_UNAVAILABLE, "out of memory");
	}
	do
		t->number = ++all->last_number;
	while (find_number(all, t->number) != t);
	m->trace = t->number;
	return 0;
}

void
traces_link(struct traces *all, const struct msg_trace_link *m, int fd)
{
	struct trace *t = find_number(all, m->trace);
	struct source *s = NULL;

	if (t != NULL && t->count < SOURCES_MAX)
		s = calloc(1, sizeof(*s));
	if (s == NULL) {
		(void)close(fd);
		return;
	}
	s->trace = t;
	s->worker = *m;
	s->fd = fd;
	s->readable =
	    event_new(all->base, fd, EV_READ | EV_PERSIST, on_readable, s);
	if (s->readable == NULL || event_add(s->readable, NULL) == -1) {
		log_warning(NULL, NULL, "a trace: out of memory");
		if (s->readable != NULL)
			event_free(s->readable);
		(void)close(fd);
		free(s);
		return;
	}
	LIST_INSERT_HEAD(&t->sources, s, next);
	t->count++;
}

void
traces_arm(struct traces *all, uint32_t request)
{
	struct trace *t = find_request(all, request);

	if (t == NULL) {
		all->armed(all->ctx, request); /* its client is gone */
		return;
	}
	t->phase = TRACE_ARMING;
	(void)event_add(t->overdue, &patience);
	look(t);
}

struct traces_armed
traces_state(struct traces *all, uint32_t request)
{
	const struct trace *t = find_request(all, request);
	struct traces_armed state = { 0 };
	const struct source *s;

	if (t == NULL)
		return state;
	LIST_FOREACH (s, &t->sources, next) {
		if (s->joined)
			state.workers++;
		else
			state.missing++;
	}
	return state;
}

static void
read_on(struct trace *t)
{
	struct source *s;

	t->stalled = false;
	LIST_FOREACH (s, &t->sources, next)
		if (event_add(s->readable, NULL) == -1)
			log_warning(NULL, NULL, "a trace: out of memory");
}

void
traces_run(struct traces *all, uint32_t request)
{
	struct trace *t = find_request(all, request);

	if (t == NULL)
		return;
	t->phase = TRACE_RUNNING;
	client_trace(t->client);
	read_on(t);
	check_ended(t);
}

void
traces_drop(struct traces *all, uint32_t request)
{
	struct trace *t = find_request(all, request);

	if (t != NULL)
		drop(t);
}

void
traces_ended(struct traces *all, uint32_t number)
{
	struct trace *t = find_number(all, number);

	if (t == NULL)
		return;
	t->ended = true;
	look(t);
}

void
traces_written(struct traces *all, struct client *client)
{
	struct trace *t = find_client(all, client);

	if (t != NULL && t->stalled)
		read_on(t);
}

void
traces_gone(struct traces *all, struct client *client)
{
	struct trace *t = find_client(all, client);
	uint32_t request;
	bool waits;

	if (t == NULL)
		return;
	request = t->request;
	waits = t->phase == TRACE_ARMING;
	drop(t);
	if (waits)
		all->armed(all->ctx, request);
}

void
traces_free(struct traces **tp)
{
	struct traces *all = *tp;
	struct trace *t;

	*tp = NULL;
	if (all == NULL)
		return;
	while ((t = LIST_FIRST(&all->list)) != NULL)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		free_trace(t);
	free(all);
}
