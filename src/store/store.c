#include "store/store.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "common/channel.h"
#include "common/clock.h"
#include "common/event_wire.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/role.h"
#include "common/store_board.h"
#include "sandbox/sandbox.h"
#include "store/cleanup.h"
#include "store/db.h"
#include "store/env.h"
#include "store/epochs.h"
#include "store/link.h"
#include "store/queue.h"
#include "store/source.h"
#include "store/writer.h"

/* How long what can't be written keeps us at the end. */
#define STOP_PATIENCE_MS 700u

/* How long senders are listened to without a supervisor, at most. */
#define ORPHAN_MAX_MS 2000u

static struct store {
	struct event_base *base;
	struct channel *channel;
	struct store_board *board; /* NULL before the hello */
	struct store_env env;
	struct db db;
	struct epochs *epochs;
	struct queue queue;
	struct sources *sources;
	struct writer *writer;
	struct cleanup *cleanup;
	struct link *control; /* a link each; NULL: none yet */
	struct link *gateway;
	struct event *tick;   /* each second */
	struct event *orphan; /* time is up without a supervisor */
	uint32_t orphan_ms;
	uint64_t loss; /* events that the store before us took with it */
	int exit_code;
} store;

/* What is left to do is done behind the loop: finish(). */
static void
stop(int exit_code)
{
	store.exit_code = exit_code;
	(void)event_base_loopbreak(store.base);
}

/* --- what the parts ask for --- */

static bool
on_recording_waits(void *ctx)
{
	(void)ctx;
	return writer_is_due(store.writer);
}

static void
on_failed(void *ctx, int code)
{
	(void)ctx;
	(void)code;
	writer_failed(store.writer);
}

static void
on_record(void *ctx, const struct health_event *given)
{
	static const struct origin own = { .role = ROLE_STORE };
	const struct event_batch head = { .version = EVENT_WIRE_VERSION,
		.count = 1 };
	_Alignas(8) uint8_t datagram[sizeof(head) + EVENT_WIRE_MAX];
	struct health_event e = *given;
	size_t size;

	(void)ctx;
	if (e.at_ms == 0)
		e.at_ms = clock_real_ms();
	memcpy(datagram, &head, sizeof(head));
	size = event_encode(&e, datagram + sizeof(head), EVENT_WIRE_MAX);
	store_board_add(store.board, STORE_TAKEN, 1);
	if (queue_add(&store.queue, &own, datagram, sizeof(head) + size, 1,
		clock_mono_ms()) == -1) {
		store_board_add(store.board, STORE_SETTLED, 1);
		store_board_add(store.board, STORE_DROPPED, 1);
	}
	writer_wake(store.writer);
}

static void
on_added(void *ctx)
{
	(void)ctx;
	writer_wake(store.writer);
}

static void
on_all_gone(void *ctx)
{
	(void)ctx;
	if (store.channel == NULL)
		stop(store.exit_code);
}

static void
on_trouble(void *ctx, enum store_trouble what, const char *text)
{
	struct msg_store_trouble msg = { .trouble = (uint32_t)what };

	(void)ctx;
	(void)snprintf(msg.text, sizeof(msg.text), "%s", text);
	if (store.channel != NULL)
		channel_send(store.channel, IPC_STORE_TROUBLE, &msg, -1);
}

static void
on_written(void *ctx)
{
	(void)ctx;
	/* The row that tells of it was the first in the queue. */
	store_board_add(store.board, STORE_SETTLED, store.loss);
	store_board_add(store.board, STORE_DROPPED, store.loss);
	store.loss = 0;
	sources_resume(store.sources);
	link_rows_written(store.control, db_last_id(&store.db));
}

static void
on_closing(void *ctx)
{
	(void)ctx;
	if (store.cleanup != NULL)
		cleanup_db_closed(store.cleanup);
}

static void
on_disk_full(void *ctx)
{
	(void)ctx;
	if (store.cleanup != NULL)
		cleanup_now(store.cleanup);
}

/* --- what the supervisor says --- */

static void
beat(void)
{
	store_board_set(store.board, STORE_HEARTBEAT_MS, clock_mono_ms());
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	beat();
	writer_tick(store.writer);
}

static int
start_tick(struct err *err)
{
	static const struct timeval second = { .tv_sec = 1 };

	store.tick = event_new(store.base, -1, EV_PERSIST, on_tick, NULL);
	if (store.tick == NULL || event_add(store.tick, &second) == -1)
		return err_set(err, ERR_UNAVAILABLE, "a timer: out of memory");
	beat();
	return 0;
}

static void
raise_descriptors(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
}

static int
start_parts(const struct msg_store_hello *hello, struct err *err)
{
	static const struct sources_handler source_handler = { on_added,
		on_all_gone };
	static const struct writer_handler writer_handler = { on_trouble,
		on_written, on_closing, on_disk_full };

	store.epochs = epochs_new();
	if (store.epochs == NULL)
		return err_set(err, ERR_UNAVAILABLE, "epochs: out of memory");
	store.env = (struct store_env){ .base = store.base,
		.db = &store.db,
		.epochs = store.epochs,
		.board = store.board,
		.settings = hello->settings,
		.recording_waits = on_recording_waits,
		.failed = on_failed,
		.record = on_record };
	queue_init(&store.queue);
	store.sources =
	    sources_new(&store.env, &store.queue, &source_handler, NULL, err);
	if (store.sources != NULL)
		store.writer = writer_new(&store.env, &store.queue,
		    &writer_handler, NULL, err);
	if (store.writer != NULL)
		store.cleanup = cleanup_new(&store.env, err);
	return store.cleanup == NULL ? -1 : start_tick(err);
}

/*
 * What the store before us had read and not written when it died is lost. It
 * is settled only when that is written: we may die as well.
 */
static void
record_loss(void)
{
	const uint64_t taken = store_board_get(store.board, STORE_TAKEN);
	const uint64_t settled = store_board_get(store.board, STORE_SETTLED);
	struct health_event e = { .type = EVENT_STORE_DROPPED,
		.reason = "the store died before it had written them" };

	if (taken <= settled)
		return;
	store.loss = taken - settled;
	event_add_number(&e, FACT_COUNT, (int64_t)store.loss);
	on_record(NULL, &e);
}

static int
start(const struct msg_store_hello *hello, int board_fd, struct err *err)
{
	log_configure(&hello->log);
	raise_descriptors();
	if (role_drop_rights(hello->uid, hello->gid, err) == -1 ||
	    role_die_with_supervisor(hello->orphan_ms, err) == -1 ||
	    (hello->sandbox != SANDBOX_OFF &&
		sandbox_enter(&sandbox_store, err) == -1))
		return -1;
	store.orphan_ms = hello->orphan_ms;
	store.board = store_board_map_write(board_fd, err);
	if (store.board == NULL)
		return -1;
	store_board_set(store.board, STORE_WAL_HELD_MS, 0);
	/* Ids go on also if what the store before us has left can't be read. */
	store.db.last_id = store_board_get(store.board, STORE_LAST_ID);
	if (start_parts(hello, err) == -1)
		return -1;
	record_loss();
	return 0;
}

static void
on_hello(struct ipc_message *msg)
{
	const struct msg_empty ready = { 0 };
	struct err err;

	if (start(&msg->payload.STORE_HELLO, msg->fd, &err) == -1) {
		log_error(NULL, NULL, "%s", err.text);
		stop(1);
		return;
	}
	channel_send(store.channel, IPC_READY, &ready, -1);
}

static void
on_settings(const struct store_settings *settings)
{
	const bool moves =
	    strcmp(settings->database, store.env.settings.database) != 0;

	if (settings->database[0] == '\0')
		return;
	if (moves)
		(void)writer_flush(store.writer, 0);
	store.env.settings = *settings;
	if (moves)
		writer_move(store.writer);
	cleanup_reschedule(store.cleanup);
}

static void
on_source(struct ipc_message *msg)
{
	struct err err;
	const int fd = msg->fd;

	msg->fd = -1;
	if (sources_add(store.sources, fd, msg->payload.STORE_SOURCE.pool,
		&err) == -1)
		log_error("pool", msg->payload.STORE_SOURCE.pool, "%s",
		    err.text);
}

/* A new control, or a new gateway, has another channel. */
static void
on_link(struct ipc_message *msg)
{
	const struct link_peer peer = { msg->fd,
		msg->payload.STORE_LINK.role == ROLE_GATEWAY ? ROLE_GATEWAY
							     : ROLE_CONTROL };
	struct link **l =
	    peer.role == ROLE_GATEWAY ? &store.gateway : &store.control;
	struct err err;

	msg->fd = -1;
	link_free(l);
	*l = link_new(&store.env, store.cleanup, &peer, &err);
	if (*l == NULL)
		log_error(NULL, NULL, "%s", err.text);
}

static void
on_message(void *ctx, struct ipc_message *msg)
{
	(void)ctx;
	if (msg->kind == IPC_STORE_HELLO && store.writer == NULL)
		on_hello(msg);
	else if (store.writer == NULL)
		return;
	else if (msg->kind == IPC_STORE_SETTINGS)
		on_settings(&msg->payload.STORE_SETTINGS);
	else if (msg->kind == IPC_STORE_SOURCE)
		on_source(msg);
	else if (msg->kind == IPC_STORE_LINK)
		on_link(msg);
	else if (msg->kind == IPC_STORE_STOP)
		stop(0);
}

static void
on_orphan_end(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	stop(store.exit_code);
}

/* The workers drain: what they have to tell is taken for a while. */
static void
become_orphan(void)
{
	const uint32_t ms =
	    store.orphan_ms < ORPHAN_MAX_MS ? store.orphan_ms : ORPHAN_MAX_MS;
	const struct timeval after = { .tv_sec = ms / 1000,
		.tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	store.orphan = event_new(store.base, -1, 0, on_orphan_end, NULL);
	if (sources_count(store.sources) == 0 || store.orphan == NULL ||
	    event_add(store.orphan, &after) == -1)
		stop(store.exit_code);
}

static void
on_channel_closed(void *ctx, const char *why)
{
	(void)ctx;
	log_debug(NULL, NULL, "mercuryd %s", why);
	channel_free(&store.channel);
	if (store.writer == NULL)
		stop(0);
	else
		become_orphan();
}

/* --- the end --- */

/* Nothing can be written: say what that costs. */
static void
lose_the_rest(void)
{
	uint64_t lost;
	bool all;

	do {
		queue_clear(&store.queue);
		all = sources_read_all(store.sources);
	} while (store.queue.events > 0 || !all);
	lost = store_board_get(store.board, STORE_TAKEN) -
	    store_board_get(store.board, STORE_SETTLED);
	store_board_add(store.board, STORE_DROPPED, lost);
	store_board_add(store.board, STORE_SETTLED, lost);
	log_error(NULL, NULL, "%llu events are lost: they can't be written",
	    (unsigned long long)lost);
}

/* Write all that has been sent so far. */
static void
finish(void)
{
	bool all, written;

	do {
		all = sources_read_all(store.sources);
		written = writer_flush(store.writer, STOP_PATIENCE_MS);
	} while (!all && written);
	if (!written)
		lose_the_rest();
}

int
store_run(void)
{
	static const struct channel_handler handler = { on_message,
		on_channel_closed };
	struct err err;

	store.base = loop_new(&err);
	if (store.base != NULL)
		store.channel = channel_new(store.base, ROLE_CHANNEL_FD,
		    ROLE_SUPERVISOR, &handler, NULL, &err);
	if (store.channel == NULL) {
		log_error(NULL, NULL, "%s", err.text);
		return 1;
	}
	if (event_base_dispatch(store.base) == -1)
		store.exit_code = 1;
	if (store.writer != NULL)
		finish();
	link_free(&store.control);
	link_free(&store.gateway);
	cleanup_free(&store.cleanup);
	writer_free(&store.writer);
	sources_free(&store.sources);
	queue_clear(&store.queue);
	epochs_free(&store.epochs);
	if (store.tick != NULL)
		event_free(store.tick);
	if (store.orphan != NULL)
		event_free(store.orphan);
	channel_free(&store.channel);
	event_base_free(store.base);
	return store.exit_code;
}
