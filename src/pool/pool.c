#include "pool/pool.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/tree.h>

#include <event2/event.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/channel.h"
#include "common/clock.h"
#include "common/event_sink.h"
#include "common/gate.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/scoreboard.h"
#include "common/upstream_board.h"
#include "common/wanted.h"
#include "pool/dns_module.h"
#include "pool/endpoint.h"
#include "pool/inspect.h"
#include "pool/protocol.h"
#include "pool/tls_module.h"
#include "pool/trace.h"
#include "pool/worker.h"
#include "sandbox/sandbox.h"

/* How long the last answers may take to leave. */
#define FLUSH_MS 1000

/* The same for what was traced, which is worth no delay. */
#define TRACE_FLUSH_MS 50

/* Of POOL_HELLO and TRY. */
struct rights {
	uint32_t uid;
	uint32_t gid;
	uint32_t orphan_drain_ms;
	uint32_t sandbox;
};

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
	uint64_t refused;            /* id of the listener; 0: none */
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

/* Tell the supervisor that we can't serve a listener, or not so. */
static void
refuse(enum ipc_kind kind, uint64_t listener_id, const struct err *err)
{
	struct msg_refused m = { .listener_id = listener_id,
		.code = err->code };

	(void)snprintf(m.text, sizeof(m.text), "%s", err->text);
	channel_send(pool.channel, kind, &m, -1);
}

/* Which module a listener uses, if it does, and what that counts. */
static void
tell_module(const struct endpoint *e)
{
	const struct protocol_use *use = e->conns.use;
	struct msg_module m = { .listener_id = e->id };
	const char *const *names;
	size_t i;

	if (e->spec.protocol != PROTOCOL_MODULE || use == NULL)
		return;
	names = use->calls->counters;
	(void)snprintf(m.name, sizeof(m.name), "%s", use->calls->name);
	for (i = 0; names != NULL && names[i] != NULL && i < MODULE_COUNTERS;
	     i++)
		(void)snprintf(m.counters[i], sizeof(m.counters[i]), "%s",
		    names[i]);
	channel_send(pool.channel, IPC_MODULE, &m, -1);
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

/*
 * Give up all rights that a worker does not need. Programs have the umask that
 * mercuryd was started with. Returns 0, or -1 with *err.
 */
static int
drop_rights(const struct rights *r, struct err *err)
{
	if (role_drop_rights(r->uid, r->gid, err) == -1 ||
	    role_die_with_supervisor(r->orphan_drain_ms, err) == -1)
		return -1;
	if (r->sandbox == SANDBOX_PROGRAMS)
		return sandbox_enter(&sandbox_programs, err);
	(void)umask(077);
	return r->sandbox == SANDBOX_OFF ? 0
					 : sandbox_enter(&sandbox_pool, err);
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
	if (drop_rights(&(struct rights){ m->uid, m->gid, m->orphan_drain_ms,
			    m->sandbox },
		&err) == -1)
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
	msg->fd = -1; /* kept, see loaded_table() */
}

static void
on_dns_module(struct ipc_message *msg)
{
	struct worker *w = &pool.worker;
	struct err err;

	if (w->dns != NULL)
		disagree(msg->kind, "it came before");
	w->dns = dns_module_load(msg->fd, &err);
	if (w->dns == NULL)
		disagree(msg->kind, err.text);
	msg->fd = -1; /* kept, see loaded_table() */
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

/* More sockets of the listener that was refused just now? */
static bool
is_refused(uint64_t listener_id)
{
	size_t i;

	for (i = 0; i < BULK_COUNT; i++)
		if (pool.incoming.of[i] != NULL)
			return false;
	return pool.refused == listener_id;
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
		if (is_refused(m->listener_id))
			return;
		pool.refused = 0;
		e = endpoint_new(&pool.worker, m, &pool.incoming, &err);
		bulks_drop(&pool.incoming);
		if (e == NULL && err.code == ERR_INTERNAL)
			disagree(msg->kind, err.text);
		if (e == NULL) {
			pool.refused = m->listener_id;
			refuse(IPC_REFUSED, m->listener_id, &err);
			return;
		}
		hand_out_keys(e);
		RB_INSERT(endpoint_tree, &pool.endpoints, e);
		tell_module(e);
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
	    endpoint_update(e, &m->spec, &pool.incoming, &err) == -1) {
		if (err.code == ERR_INTERNAL)
			disagree(msg->kind, err.text);
		refuse(IPC_REFUSED, e->id, &err);
	} else if (e != NULL) {
		tell_module(e);
	}
	bulks_drop(&pool.incoming);
}

/* As a listener of that protocol would; nothing is left of it. */
static int
try_plan(const struct msg_try *m, struct bulk *plan, struct err *err)
{
	struct bulks values = { .of = { [BULK_PROTOCOL_PLAN] = plan } };
	struct listener_spec spec = { .protocol = (uint8_t)m->protocol };
	struct conn_list list = { .worker = &pool.worker, .spec = &spec };

	if (m->protocol >= PROTOCOL_COUNT ||
	    pool.worker.protocols[m->protocol] == NULL)
		return err_set(err, ERR_INTERNAL, "no such protocol");
	(void)snprintf(spec.name, sizeof(spec.name), "%s", m->name);
	list.protocol = pool.worker.protocols[m->protocol];
	if (list.protocol->configure(&list, &values, err) == -1)
		return -1;
	if (list.protocol->unconfigure != NULL)
		list.protocol->unconfigure(&list);
	return 0;
}

static void
on_try(struct ipc_message *msg)
{
	const struct msg_try *m = &msg->payload.TRY;
	struct err err = { .code = ERR_NONE };
	struct bulk *plan;

	if (pool.worker.board != NULL)
		disagree(msg->kind, "this is a worker");
	log_configure(&m->log);
	if (drop_rights(&(struct rights){ m->uid, m->gid, 0, m->sandbox },
		&err) == -1)
		disagree(msg->kind, err.text);
	plan = bulk_receive(msg->fd, &m->plan, &err);
	msg->fd = -1;
	if (plan != NULL)
		(void)try_plan(m, plan, &err);
	bulk_drop(&plan);
	refuse(IPC_TRIED, 0, &err);
	pool.leaving = true;
	end_if_done();
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
	if (pool.refused == m->listener_id)
		pool.refused = 0;
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
on_upstream_board(struct ipc_message *msg)
{
	struct err err;

	if (pool.worker.upstreams != NULL)
		disagree(msg->kind, "it came before");
	pool.worker.upstreams = upstream_board_map(msg->fd, &err);
	if (pool.worker.upstreams == NULL)
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
		[IPC_TRY] = on_try,
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
		[IPC_UPSTREAM_BOARD] = on_upstream_board,
		[IPC_TLS_MODULE] = on_tls_module,
		[IPC_DNS_MODULE] = on_dns_module,
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
	/* Two: what the supervisor says, and all the rest. */
	if (event_base_priority_init(pool.worker.base, 2) == -1 ||
	    handshakes_init(&pool.worker) == -1) {
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
	/* Who connects after an update has been told is served by it. */
	channel_go_first(pool.channel);
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
	if (board != NULL)
		scoreboard_unmap(&board);
	gates_unmap(&pool.worker.gates);
	upstream_board_unmap(&pool.worker.upstreams);
	bulks_drop(&pool.incoming);
	event_base_free(pool.worker.base);
}

int
pool_run(const struct protocol *const protocols[static PROTOCOL_COUNT])
{
	pool.worker.protocols = protocols;
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
