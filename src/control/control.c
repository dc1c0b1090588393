#include "control/control.h"

#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/log.h"
#include "common/loop.h"
#include "control/calls.h"
#include "control/client.h"
#include "control/followers.h"
#include "control/server.h"
#include "control/store_link.h"
#include "control/traces.h"
#include "option/saved.h"
#include "sandbox/sandbox.h"

static struct control {
	struct event_base *base;
	struct channel *channel;
	struct store_link *store;
	struct followers *followers;
	struct traces *traces;
	struct calls *calls;
	struct server *server; /* NULL before the hello */
	char state_dir[256];
	int exit_code;
} control;

static void
on_request(void *ctx, struct client *client, const char *text, size_t len)
{
	struct rpc_request req;
	struct rpc_error e;

	(void)ctx;
	if (rpc_parse(text, len, &req, &e) == 0)
		calls_start(control.calls, client, &req);
	else if (req.method != NULL && req.id == NULL)
		client_done(client);
	else
		client_answer(client, rpc_error_line(req.id, &e));
	rpc_request_free(&req);
}

static void
on_client_written(void *ctx, struct client *client)
{
	(void)ctx;
	followers_written(control.followers, client);
	traces_written(control.traces, client);
}

static void
on_client_gone(void *ctx, struct client *client)
{
	(void)ctx;
	calls_gone(control.calls, client);
	followers_gone(control.followers, client);
	traces_gone(control.traces, client);
}

static const struct server_handler server_handler = {
	.request = on_request,
	.written = on_client_written,
	.gone = on_client_gone,
};

static void
on_store_reply(struct msg_reply *reply)
{
	if (reply->request & FOLLOWERS_REQUEST)
		followers_reply(control.followers, reply->request);
	else
		calls_reply(control.calls, ROLE_STORE, reply);
}

static void
on_store_snapshot(const struct msg_snapshot *m, int fd)
{
	if (m->request & FOLLOWERS_REQUEST)
		followers_snapshot(control.followers, m->request, fd);
	else
		calls_snapshot(control.calls, ROLE_STORE, m->request, fd);
}

static void
on_store_message(void *ctx, struct ipc_message *msg)
{
	(void)ctx;
	switch (msg->kind) {
	case IPC_EVENTS_NEWS:
		followers_news(control.followers,
		    msg->payload.EVENTS_NEWS.last_id);
		break;
	case IPC_REPLY:
		on_store_reply(&msg->payload.REPLY);
		break;
	case IPC_SNAPSHOT:
		on_store_snapshot(&msg->payload.SNAPSHOT, msg->fd);
		break;
	default:
		log_warning(NULL, NULL, "unexpected message %s of the store",
		    ipc_kind_name(msg->kind));
	}
}

static void
on_store_up(void *ctx)
{
	(void)ctx;
	calls_store_up(control.calls);
	followers_store_up(control.followers);
}

static void
on_store_down(void *ctx)
{
	(void)ctx;
	calls_store_down(control.calls);
}

static const struct store_link_handler store_handler = {
	.message = on_store_message,
	.up = on_store_up,
	.down = on_store_down,
};

static void
stop(int exit_code)
{
	control.exit_code = exit_code;
	(void)event_base_loopbreak(control.base);
}

static void
on_hello(struct ipc_message *msg)
{
	struct msg_control_hello *hello = &msg->payload.CONTROL_HELLO;
	const struct msg_empty ready = { 0 };
	const struct access_rules rules = {
		.uid = hello->uid == SPEC_NO_ID ? geteuid() : hello->uid,
		.control_gid = hello->control_gid,
		.readers_gid = hello->readers_gid,
	};
	struct err err;

	if (control.server != NULL)
		return;
	log_configure(&hello->log);
	if (role_drop_rights(hello->uid, hello->gid, &err) == -1 ||
	    role_die_with_supervisor(0, &err) == -1 ||
	    (hello->sandbox != SANDBOX_OFF &&
		sandbox_enter(&sandbox_control, &err) == -1)) {
		log_error(NULL, NULL, "%s", err.text);
		stop(1);
		return;
	}
	memcpy(control.state_dir, hello->state_dir, sizeof(control.state_dir));
	control.state_dir[sizeof(control.state_dir) - 1] = '\0';
	saved_sweep(control.state_dir);
	control.server = server_new(control.base, msg->fd, &rules,
	    &server_handler, NULL, &err);
	msg->fd = -1;
	if (control.server == NULL) {
		log_error(NULL, NULL, "%s", err.text);
		stop(1);
		return;
	}
	channel_send(control.channel, IPC_READY, &ready, -1);
}

static void
on_bulk(struct ipc_message *msg)
{
	struct err err;

	if (calls_bulk(control.calls, &msg->payload.BULK, &msg->fd, &err) == -1)
		log_warning(NULL, NULL, "%s", err.text);
}

static void
on_message(void *ctx, struct ipc_message *msg)
{
	(void)ctx;
	switch (msg->kind) {
	case IPC_CONTROL_HELLO:
		on_hello(msg);
		break;
	case IPC_STORE_LINK:
		store_link_take(control.store, msg->fd);
		msg->fd = -1;
		break;
	case IPC_BULK:
		on_bulk(msg);
		break;
	case IPC_WORKER_LINK:
		calls_worker_link(control.calls, &msg->payload.WORKER_LINK,
		    msg->fd);
		msg->fd = -1;
		break;
	case IPC_TRACE_LINK:
		traces_link(control.traces, &msg->payload.TRACE_LINK, msg->fd);
		msg->fd = -1;
		break;
	case IPC_TRACE_END:
		traces_ended(control.traces, msg->payload.TRACE_END.trace);
		break;
	case IPC_REPLY:
		calls_reply(control.calls, ROLE_SUPERVISOR,
		    &msg->payload.REPLY);
		break;
	case IPC_SNAPSHOT:
		calls_snapshot(control.calls, ROLE_SUPERVISOR,
		    msg->payload.SNAPSHOT.request, msg->fd);
		break;
	default:
		log_warning(NULL, NULL, "unexpected message %s",
		    ipc_kind_name(msg->kind));
	}
}

/* The supervisor is gone, or wants us gone. */
static void
on_channel_closed(void *ctx, const char *why)
{
	(void)ctx;
	log_debug(NULL, NULL, "mercuryd %s", why);
	stop(0);
}

static const struct channel_handler channel_handler = {
	.message = on_message,
	.closed = on_channel_closed,
};

static void
on_trace_armed(void *ctx, uint32_t request)
{
	(void)ctx;
	calls_armed(control.calls, request);
}

/* Everything but the server, which the hello brings. */
static int
begin(struct err *err)
{
	struct calls_env env = { .state_dir = control.state_dir };

	env.base = control.base = loop_new(err);
	if (env.base == NULL)
		return -1;
	env.supervisor = control.channel = channel_new(control.base,
	    ROLE_CHANNEL_FD, ROLE_SUPERVISOR, &channel_handler, NULL, err);
	if (env.supervisor == NULL)
		return -1;
	env.store = control.store =
	    store_link_new(control.base, &store_handler, NULL, err);
	if (env.store == NULL)
		return -1;
	env.followers = control.followers =
	    followers_new(control.base, env.store, err);
	if (env.followers == NULL)
		return -1;
	env.traces = control.traces =
	    traces_new(control.base, control.channel, on_trace_armed, NULL);
	if (env.traces != NULL)
		control.calls = calls_new(&env);
	if (control.calls == NULL)
		return err_set(err, ERR_UNAVAILABLE, "out of memory");
	return 0;
}

static void
finish(void)
{
	calls_free(&control.calls);
	server_free(&control.server);
	traces_free(&control.traces);
	followers_free(&control.followers);
	store_link_free(&control.store);
	channel_free(&control.channel);
	if (control.base != NULL)
		event_base_free(control.base);
}

int
control_run(void)
{
	struct err err;

	if (begin(&err) == -1) {
		log_error(NULL, NULL, "%s", err.text);
		control.exit_code = 1;
	} else if (event_base_dispatch(control.base) == -1) {
		control.exit_code = 1;
	}
	finish();
	return control.exit_code;
}
