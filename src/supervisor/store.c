#include "supervisor/store.h"

#include <sys/param.h>

#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/event_sink.h"
#include "common/log.h"
#include "common/store_board.h"
#include "supervisor/control.h"
#include "supervisor/event_source.h"
#include "supervisor/gateway.h"

/*
 * Writing back a log of gigabytes, which a reader has kept from being emptied,
 * is one call that takes minutes on a slow disk.
 */
#define HANG_MS 600000

static struct {
	struct child child;
	struct msg_store_hello hello;
	int board_fd; /* for the next start */
	const struct store_board *board;
	struct event_sink *sink;     /* our own events */
	struct event_source *source; /* their way */
	struct msg_store_trouble trouble;
	uint64_t stop_by_ms; /* CLOCK_MONOTONIC; 0: it is to run on */
	void (*gone)(void);
} store = { .board_fd = -1 };

/* It has a process: that is to write what there is and end. */
static void
say_stop(void)
{
	const struct msg_empty m = { 0 };
	const uint64_t now_ms = clock_mono_ms();

	child_send(&store.child, IPC_STORE_STOP, &m, -1);
	child_stop(&store.child,
	    store.stop_by_ms > now_ms ? (uint32_t)(store.stop_by_ms - now_ms)
				      : 0);
}

static void
on_started(struct child *c)
{
	child_send(c, IPC_STORE_HELLO, &store.hello, store.board_fd);
	event_sources_attach(c);
	if (store.stop_by_ms != 0)
		say_stop();
}

static void
on_up(struct child *c)
{
	(void)c;
	store_link_control();
	store_link_gateway();
}

/* Bytes from a child are hostile input. */
static void
on_trouble(const struct msg_store_trouble *m)
{
	store.trouble = *m;
	store.trouble.trouble = MIN(m->trouble, STORE_TROUBLE_COUNT - 1u);
	store.trouble.text[sizeof(store.trouble.text) - 1] = '\0';
}

static void
on_message(struct child *c, struct ipc_message *msg)
{
	if (msg->kind == IPC_STORE_TROUBLE)
		on_trouble(&msg->payload.STORE_TROUBLE);
	else
		child_kill(c, "sent a message that it may not send");
}

static void
on_ended(struct child *c, const struct child_exit *how)
{
	(void)how;
	event_sources_attach(NULL);
	memset(&store.trouble, 0, sizeof(store.trouble));
	/* It was to come back only to write the rest, and can't. */
	if (store.stop_by_ms != 0 && c->state == CHILD_STARTING)
		child_stop(c, 0);
}

static void
on_gone(struct child *c)
{
	(void)c;
	store.gone();
}

static const struct child_owner store_owner = { on_started, on_up, on_message,
	on_ended, on_gone };

/* Returns 0, or -1 with *err. */
static int
open_ways(struct event_base *base, struct err *err)
{
	int fd;

	store.board_fd = store_board_create(err);
	if (store.board_fd == -1)
		return -1;
	store.board = store_board_map_read(store.board_fd, err);
	if (store.board == NULL)
		return -1;
	store.source = event_source_open("", &fd, err);
	if (store.source == NULL)
		return -1;
	store.sink = event_sink_new(base, fd, err);
	return store.sink == NULL ? -1 : 0;
}

void
store_start(struct event_base *base, const struct daemon_settings *s,
    void (*gone)(void))
{
	struct err err;

	if (s->store.database[0] == '\0')
		return;
	if (open_ways(base, &err) == -1) {
		log_error("role", "store", "there will be none: %s", err.text);
		store_free();
		return;
	}
	store.hello.log = s->log;
	store.hello.uid = s->uid;
	store.hello.gid = s->gid;
	store.hello.sandbox = s->sandbox ? SANDBOX_ON : SANDBOX_OFF;
	/* It must be gone when the next mercuryd looks for strays. */
	store.hello.orphan_ms = s->shutdown_deadline_ms;
	store.hello.settings = s->store;
	store.gone = gone;
	child_init(&store.child, ROLE_STORE, "store", &store_owner, NULL);
	child_start(&store.child);
}

bool
store_exists(void)
{
	return store.child.owner != NULL;
}

const struct child *
store_child(void)
{
	return &store.child;
}

void
store_record(struct health_event *e)
{
	event_sink_add(store.sink, e);
}

/* A new channel between it and another child, which takes its end. */
static void
link_with(const struct child *other, void (*take)(int fd))
{
	const struct msg_store_link m = { .role = other->role };
	struct err err;
	int ends[2];

	if (store.child.state != CHILD_UP || other->state != CHILD_UP)
		return;
	if (ipc_pair(ends, &err) == -1) {
		log_error("role", "store", "no way to %s: %s",
		    role_name(other->role), err.text);
		return;
	}
	child_send(&store.child, IPC_STORE_LINK, &m, ends[0]);
	take(ends[1]);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

void
store_link_control(void)
{
	link_with(control_child(), control_link_store);
}

void
store_link_gateway(void)
{
	link_with(gateway_child(), gateway_link_store);
}

void
store_update(const struct store_settings *s)
{
	if (!store_exists())
		return;
	store.hello.settings = *s;
	child_send(&store.child, IPC_STORE_SETTINGS, s, -1);
}

void
store_look(uint64_t now_ms, uint64_t trust_ms)
{
	uint64_t beat;

	event_sources_look();
	if (!store_exists() || store.child.state != CHILD_UP)
		return;
	beat = store_board_get(store.board, STORE_HEARTBEAT_MS);
	beat = MAX(beat, MAX(trust_ms, store.child.up_ms));
	if (beat < now_ms && now_ms - beat >= HANG_MS)
		child_kill(&store.child, "it hangs");
}

bool
store_status(struct snapshot_store *row)
{
	unsigned int i;

	if (!store_exists())
		return false;
	memset(row, 0, sizeof(*row));
	row->pid = (uint32_t)store.child.pid;
	row->state = store.child.state;
	row->restarts = store.child.restarts;
	row->trouble = store.trouble.trouble;
	(void)strlcpy(row->text, store.trouble.text, sizeof(row->text));
	(void)strlcpy(row->database, store.hello.settings.database,
	    sizeof(row->database));
	for (i = 0; i < STORE_FIGURE_COUNT; i++)
		row->figures[i] =
		    store_board_get(store.board, (enum store_figure)i);
	row->dropped =
	    row->figures[STORE_DROPPED] + event_sink_untold(store.sink);
	return true;
}

void
store_stop(uint32_t deadline_ms)
{
	event_sink_flush(store.sink);
	store.stop_by_ms = clock_mono_ms() + deadline_ms;
	/* One that died just now comes back once more: for the last events. */
	if (store.child.state == CHILD_BACKOFF)
		child_start(&store.child);
	else if (store.child.pid != 0)
		say_stop();
}

void
store_free(void)
{
	event_sink_free(&store.sink);
	event_source_close(&store.source);
	event_sources_free();
	store_board_unmap(&store.board);
	if (store.board_fd != -1)
		(void)close(store.board_fd);
	store.board_fd = -1;
}
