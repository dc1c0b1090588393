#include "store/store.h"

#include <event2/event.h>
#include <stddef.h>

#include "common/channel.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/role.h"
#include "common/store_board.h"

static struct store {
	struct event_base *base;
	struct channel *channel;
	struct store_board *board; /* NULL before the hello */
	int exit_code;
} store;

static void
stop(int exit_code)
{
	store.exit_code = exit_code;
	(void)event_base_loopbreak(store.base);
}

static void
on_hello(struct ipc_message *msg)
{
	const struct msg_store_hello *hello = &msg->payload.STORE_HELLO;
	const struct msg_empty ready = { 0 };
	struct err err;

	log_configure(&hello->log);
	if (role_drop_rights(hello->uid, hello->gid, &err) == 0 &&
	    role_die_with_supervisor(hello->orphan_ms, &err) == 0)
		store.board = store_board_map_write(msg->fd, &err);
	if (store.board == NULL) {
		log_error(NULL, NULL, "%s", err.text);
		stop(1);
		return;
	}
	channel_send(store.channel, IPC_READY, &ready, -1);
}

static void
on_message(void *ctx, struct ipc_message *msg)
{
	(void)ctx;
	if (msg->kind == IPC_STORE_HELLO && store.board == NULL)
		on_hello(msg);
	else if (msg->kind == IPC_STORE_STOP)
		stop(0);
}

static void
on_channel_closed(void *ctx, const char *why)
{
	(void)ctx;
	log_debug(NULL, NULL, "mercuryd %s", why);
	stop(0);
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
	channel_free(&store.channel);
	event_base_free(store.base);
	return store.exit_code;
}
