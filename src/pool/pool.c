#include "pool/pool.h"

#include <sys/resource.h>
#include <sys/tree.h>

#include <event2/event.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/channel.h"
#include "common/clock.h"
#include "common/event_sink.h"
#include "common/gate.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/scoreboard.h"
#include "common/wanted.h"
#include "pool/endpoint.h"
#include "pool/inspect.h"
#include "pool/tls_module.h"
#include "pool/trace.h"
#include "pool/worker.h"

/* How long the last answers may take to leave. */
#define FLUSH_MS 1000

/* The same for what was traced, which is worth no delay. */
#define TRACE_FLUSH_MS 50

RB_HEAD(endpoint_tree, endpoint);

static struct pool {
	struct worker worker;
	struct channel *channel;
	struct inspector inspector;
	struct tracer tracer;
	struct event *heartbeat;
	struct endpoint_tree endpoints;
	struct bulks incoming;       /* values that the next spec refers to */
	struct msg_ticket_keys keys; /* for the next new listener */
	uint32_t orphan_drain_ms;
	bool apart;   /* we are another user than mercuryd */
	bool leaving; /* end when the last endpoint has drained */
} pool;

static int
compare_ids(const struct endpoint *a, const struct endpoint *b)
{
	return (a->id > b->id) - (a->id < b->id);
}

RB_PROTOTYPE(endpoint_tree, endpoint, by_id, compare_ids)
RB_GENERATE(endpoint_tree, endpoint, by_id, compare_ids)

static struct endpoint *
find(uint64_t listener_id)
{
	struct endpoint key = { .id = listener_id };

	return RB_FIND(endpoint_tree, &pool.endpoints, &key);
}

/*
 * The supervisor and this worker do not agree on what is. A new worker
 * starts with a clean slate, so end.
 */
static _Noreturn void
disagree(enum ipc_kind kind, const char *why)
{
	log_error(NULL, NULL, "%s makes no sense here: %s", ipc_kind_name(kind),
	    why);
	exit(EXIT_FAILURE);
}

/* Tell the supervisor that a listener is CLOSED or DRAINED. */
static void
tell(enum ipc_kind kind, uint64_t listener_id)
{
	const struct msg_listener m = { .listener_id = listener_id };

	channel_send(pool.channel, kind, &m, -1);
}

static void
end_if_done(void)
{
	if (pool.leaving && RB_EMPTY(&pool.endpoints))
		(void)event_base_loopbreak(pool.worker.base);
}

/* The worker's drained(). */
static void
on_drained(struct endpoint *e)
{
	if (!e->handed_over)
		tell(IPC_DRAINED, e->id);
	RB_REMOVE(endpoint_tree, &pool.endpoints, e);
	endpoint_free(&e);
	end_if_done();
}

static void
close_endpoint(struct endpoint *e, uint64_t deadline_ms)
{
	if (!endpoint_is_draining(e)) {
		endpoint_stop(e, false);
		tell(IPC_CLOSED, e->id);
	}
	endpoint_drain(e, deadline_ms);
}

static void
hand_over_endpoint(struct endpoint *e)
{
	if (endpoint_is_draining(e))
		return;
	e->handed_over = true;
	endpoint_stop(e, true);
	endpoint_drain(e, clock_mono_ms() + e->spec.drain_timeout_ms);
}

static void
leave(uint64_t deadline_ms)
{
	struct endpoint *e, *next;

	pool.leaving = true;
	RB_FOREACH_SAFE (e, endpoint_tree, &pool.endpoints, next)
		close_endpoint(e, deadline_ms);
	end_if_done();
}

static void
beat(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	atomic_store_explicit(&pool.worker.board->heartbeat_ms, clock_mono_ms(),
	    memory_order_relaxed);
}

/* Beats come from the event loop: they are to show that it turns. */
static int
start_heartbeat(uint32_t every_ms)
{
	const struct timeval tv = { .tv_sec = every_ms / 1000,
		.tv_usec = (suseconds_t)(every_ms % 1000) * 1000 };

	beat(-1, 0, NULL);
	pool.heartbeat =
	    event_new(pool.worker.base, -1, EV_PERSIST, beat, NULL);
	return pool.heartbeat == NULL ? -1 : event_add(pool.heartbeat, &tv);
}

static void
on_hello(struct ipc_message *msg)
{
	const struct msg_pool_hello *m = &msg->payload.POOL_HELLO;
	const struct msg_empty ready = { 0 };
	struct err err;

	if (pool.worker.board != NULL)
		disagree(msg->kind, "it came before");
	if (m->heartbeat_ms == 0)
		disagree(msg->kind, "no heartbeat is wanted");
	log_configure(&m->log);
	if (role_drop_rights(m->uid, m->gid, &err) == -1 ||
	    role_die_with_supervisor(m->orphan_drain_ms, &err) == -1)
		disagree(msg->kind, err.text);
	pool.orphan_drain_ms = m->orphan_drain_ms;
	pool.apart = m->uid != SPEC_NO_ID;
	pool.worker.board = scoreboard_map_write(msg->fd, &err);
	if (pool.worker.board == NULL)
		disagree(msg->kind, err.text);
	if (start_heartbeat(m->heartbeat_ms) == -1)
		disagree(msg->kind, "no memory for a timer");
	log_debug(NULL, NULL, "slot %u of generation %u is ready", m->slot,
	    m->generation);
	channel_send(pool.channel, IPC_READY, &ready, -1);
}

static void
on_tls_module(struct ipc_message *msg)
{
	struct worker *w = &pool.worker;
	struct err err;

	if (w->tls != NULL)
		disagree(msg->kind, "it came before");
	w->tls = tls_module_load(msg->fd, pool.apart, &err);
	if (w->tls == NULL)
		disagree(msg->kind, err.text);
}

static void
on_ticket_keys(struct ipc_message *msg)
{
	struct msg_ticket_keys *m = &msg->payload.TICKET_KEYS;
	struct endpoint *e = find(m->listener_id);

	if (m->keys.count == 0 || m->keys.count > TICKET_KEY_GENERATIONS)
		disagree(msg->kind, "so many keys there can't be");
	if (e != NULL)
		endpoint_set_tickets(e, &m->keys);
	else
		pool.keys = *m;
	explicit_bzero(m, sizeof(*m));
}

/* The keys that have come for a new listener are its. */
static void
hand_out_keys(struct endpoint *e)
{
	if (pool.keys.listener_id == e->id && pool.keys.keys.count > 0)
		endpoint_set_tickets(e, &pool.keys.keys);
	explicit_bzero(&pool.keys, sizeof(pool.keys));
}

static void
on_listen(struct ipc_message *msg)
{
	const struct msg_listen *m = &msg->payload.LISTEN;
	const struct msg_slot done = { .listener_id = m->listener_id,
		.slot = m->slot };
	struct endpoint *e = find(m->listener_id);
	struct err err;
	int fd = msg->fd;

	if (pool.worker.gates == NULL)
		disagree(msg->kind, "GATES come first");
	if (pool.leaving)
		return; /* others have the socket too */
	if (e == NULL) {
		e = endpoint_new(&pool.worker, m, &pool.incoming, &err);
		if (e == NULL)
			disagree(msg->kind, err.text);
		bulks_drop(&pool.incoming);
		hand_out_keys(e);
		RB_INSERT(endpoint_tree, &pool.endpoints, e);
	}
	msg->fd = -1;
	if (endpoint_listen(e, fd, m->slot, &err) == -1)
		disagree(msg->kind, err.text);
	channel_send(pool.channel, IPC_LISTENING, &done, -1);
}

/* What is asked about a listener that has drained just now is void. */

static void
on_release(struct ipc_message *msg)
{
	const struct msg_slot *m = &msg->payload.RELEASE;
	struct endpoint *e = find(m->listener_id);

	if (e != NULL)
		endpoint_release(e, m->slot);
}

static void
on_update(struct ipc_message *msg)
{
	const struct msg_update *m = &msg->payload.UPDATE;
	struct endpoint *e = find(m->listener_id);
	struct err err;

	if (spec_check(&m->spec, &err) == -1)
		disagree(msg->kind, err.text);
	if (e != NULL &&
	    endpoint_update(e, &m->spec, &pool.incoming, &err) == -1)
		disagree(msg->kind, err.text);
	bulks_drop(&pool.incoming);
}

static void
on_pause(struct ipc_message *msg)
{
	const struct msg_pause *m = &msg->payload.PAUSE;
	struct endpoint *e = find(m->listener_id);

	if (e != NULL)
		endpoint_stop(e, m->keep_queue != 0);
	tell(IPC_CLOSED, m->listener_id);
}

static void
on_close(struct ipc_message *msg)
{
	const struct msg_close *m = &msg->payload.CLOSE;
	struct endpoint *e = find(m->listener_id);

	if (e != NULL) {
		if (e->handed_over)
			tell(IPC_CLOSED, e->id);
		e->handed_over = false;
		close_endpoint(e, m->deadline_ms);
		return;
	}
	tell(IPC_CLOSED, m->listener_id);
	tell(IPC_DRAINED, m->listener_id);
}

static void
on_drain(struct ipc_message *msg)
{
	leave(msg->payload.DRAIN.deadline_ms);
}

static void
on_hand_over(struct ipc_message *msg)
{
	struct endpoint *e, *next;

	(void)msg;
	pool.leaving = true;
	RB_FOREACH_SAFE (e, endpoint_tree, &pool.endpoints, next)
		hand_over_endpoint(e);
	end_if_done();
}

static void
on_bulk(struct ipc_message *msg)
{
	struct err err;

	if (bulks_take(&pool.incoming, &msg->payload.BULK, &msg->fd, &err) ==
	    -1)
		disagree(msg->kind, err.text);
}

static void
on_gates(struct ipc_message *msg)
{
	struct err err;

	if (pool.worker.gates != NULL)
		disagree(msg->kind, "they came before");
	pool.worker.gates = gates_map(msg->fd, &err);
	if (pool.worker.gates == NULL)
		disagree(msg->kind, err.text);
}

static void
on_events(struct ipc_message *msg)
{
	struct event_sink **sink = &pool.worker.events;
	const int fd = msg->fd;
	struct err err;

	if (*sink != NULL)
		disagree(msg->kind, "it came before");
	msg->fd = -1;
	*sink = event_sink_new(pool.worker.base, fd, &err);
	if (*sink == NULL)
		disagree(msg->kind, err.text);
}

static struct conn_list *
find_conns(uint64_t listener_id)
{
	struct endpoint *e = find(listener_id);

	return e == NULL ? NULL : &e->conns;
}

static void
on_inspect(struct ipc_message *msg)
{
	const int fd = msg->fd;

	msg->fd = -1;
	inspect_begin(&pool.inspector, fd);
}

static void
on_trace(struct ipc_message *msg)
{
	const int fd = msg->fd;

	msg->fd = -1;
	trace_begin(&pool.tracer, &msg->payload.TRACE, fd);
}

static void
on_message(void *ctx, struct ipc_message *msg)
{
	static void (*const handlers[IPC_KIND_COUNT])(struct ipc_message *) = {
		[IPC_POOL_HELLO] = on_hello,
		[IPC_BULK] = on_bulk,
		[IPC_LISTEN] = on_listen,
		[IPC_RELEASE] = on_release,
		[IPC_UPDATE] = on_update,
		[IPC_PAUSE] = on_pause,
		[IPC_CLOSE] = on_close,
		[IPC_DRAIN] = on_drain,
		[IPC_HAND_OVER] = on_hand_over,
		[IPC_EVENTS] = on_events,
		[IPC_GATES] = on_gates,
		[IPC_TLS_MODULE] = on_tls_module,
		[IPC_TICKET_KEYS] = on_ticket_keys,
		[IPC_INSPECT] = on_inspect,
		[IPC_TRACE] = on_trace,
	};

	(void)ctx;
	if (handlers[msg->kind] == NULL)
		disagree(msg->kind, "it is not for a pool worker");
	handlers[msg->kind](msg);
}

static void
on_channel_closed(void *ctx, const char *why)
{
	(void)ctx;
	if (!pool.leaving)
		log_write(why == channel_peer_gone ? LOG_LEVEL_INFO
						   : LOG_LEVEL_WARNING,
		    NULL, NULL, "mercuryd %s: draining", why);
	leave(clock_mono_ms() + pool.orphan_drain_ms);
}

/* Each connection needs a descriptor. */
static void
raise_descriptor_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1 || rl.rlim_cur == rl.rlim_max)
		return;
	rl.rlim_cur = rl.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		log_warning(NULL, NULL, "the limit of descriptors stays low");
}

static int
start(void)
{
	static const struct channel_handler handler = { on_message,
		on_channel_closed };
	struct err err;

	raise_descriptor_limit();
	RB_INIT(&pool.endpoints);
	pool.worker.drained = on_drained;
	pool.worker.base = loop_new(&err);
	if (pool.worker.base == NULL) {
		log_error(NULL, NULL, "%s", err.text);
		return -1;
	}
	if (handshakes_init(&pool.worker) == -1) {
		log_error(NULL, NULL, "no memory for a timer");
		return -1;
	}
	pool.inspector.base = pool.worker.base;
	pool.inspector.find = find_conns;
	pool.tracer.base = pool.worker.base;
	pool.tracer.find = find_conns;
	pool.worker.tracer = &pool.tracer;
	pool.channel = channel_new(pool.worker.base, ROLE_CHANNEL_FD,
	    ROLE_SUPERVISOR, &handler, NULL, &err);
	if (pool.channel == NULL) {
		log_error(NULL, NULL, "%s", err.text);
		return -1;
	}
	return 0;
}

static void
clean_up(void)
{
	const struct scoreboard *board = pool.worker.board;
	int i;

	for (i = 0; i < PROTOCOL_COUNT; i++)
		slab_clear(&pool.worker.conns[i]);
	if (pool.heartbeat != NULL)
		event_free(pool.heartbeat);
	event_sink_free(&pool.worker.events);
	timeouts_clear(&pool.worker.timeouts);
	handshakes_clear(&pool.worker.handshakes);
	inspect_clear(&pool.inspector);
	channel_free(&pool.channel);
	scoreboard_unmap(&board);
	gates_unmap(&pool.worker.gates);
	bulks_drop(&pool.incoming);
	event_base_free(pool.worker.base);
}

int
pool_run(void)
{
	if (start() == -1)
		return EXIT_FAILURE;
	if (event_base_dispatch(pool.worker.base) == -1) {
		log_error(NULL, NULL, "the event loop failed");
		return EXIT_FAILURE;
	}
	event_sink_finish(pool.worker.events, FLUSH_MS);
	trace_clear(&pool.tracer, TRACE_FLUSH_MS);
	channel_flush(pool.channel, FLUSH_MS);
	clean_up();
	return EXIT_SUCCESS;
}
