#include "control/control.h"

#include <sys/queue.h>

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/snapshot.h"
#include "control/client.h"
#include "control/method.h"
#include "control/server.h"
#include "option/saved.h"

/* Clients that left may have requests under way: bound those, too. */
#define CALLS_MAX 1024u

/* A call that waits for the supervisor. */
struct pending {
	TAILQ_ENTRY(pending) next;
	struct client *client; /* NULL: it has gone */
	json_t *id;            /* NULL: no answer is wanted */
	struct call call;
};

static struct control {
	struct event_base *base;
	struct channel *channel;
	struct server *server; /* NULL before the hello */
	TAILQ_HEAD(, pending) calls;
	unsigned int call_count;
	uint32_t last_request;
	char state_dir[256];
	int exit_code;
} control = { .calls = TAILQ_HEAD_INITIALIZER(control.calls) };

/* Tell the client what came of it; frees the call. */
static void
conclude(struct pending *p, enum method_step step)
{
	char *line;

	if (p->client != NULL && p->id == NULL) {
		client_done(p->client);
	} else if (p->client != NULL) {
		line = step == METHOD_DONE
		    ? rpc_result_line(p->id, json_incref(p->call.result))
		    : rpc_error_line(p->id, &p->call.error);
		client_answer(p->client, line);
	}
	method_end(&p->call);
	json_decref(p->id);
	TAILQ_REMOVE(&control.calls, p, next);
	control.call_count--;
	free(p);
}

/* Do what a step of a method decided. */
static void
go_on(struct pending *p, enum method_step step)
{
	if (step == METHOD_ASK)
		channel_send(control.channel, p->call.kind, &p->call.ask, -1);
	else
		conclude(p, step);
}

static struct pending *
pending_find(uint32_t request)
{
	struct pending *p;

	TAILQ_FOREACH (p, &control.calls, next)
		if (p->call.request == request)
			return p;
	return NULL;
}

static void
fail(struct pending *p, enum err_code reason, const char *text)
{
	(void)rpc_fail(&p->call.error, RPC_SERVER, "%s", text);
	p->call.error.reason = reason;
	conclude(p, METHOD_FAILED);
}

static void
on_reply(struct msg_reply *reply)
{
	struct pending *p = pending_find(reply->request);
	const struct method_answer answer = { .reply = reply };

	if (p == NULL)
		return;
	reply->text[sizeof(reply->text) - 1] = '\0';
	if (reply->code != ERR_NONE)
		fail(p, (enum err_code)reply->code, reply->text);
	else
		go_on(p, p->call.method->answered(&p->call, &answer));
}

static void
on_snapshot(const struct msg_snapshot *m, int fd)
{
	struct pending *p = pending_find(m->request);
	struct snapshot_reader reader;
	const struct method_answer answer = { .snapshot = &reader };
	enum method_step step;
	struct err err;

	if (p == NULL)
		return;
	if (snapshot_open(&reader, fd, &err) == -1) {
		fail(p, err.code, err.text);
		return;
	}
	step = p->call.method->answered(&p->call, &answer);
	snapshot_close(&reader);
	go_on(p, step);
}

static uint32_t
next_request(void)
{
	do
		control.last_request++;
	while (control.last_request == 0 ||
	    pending_find(control.last_request) != NULL);
	return control.last_request;
}

/* Which method, and may this client call it? */
static int
choose_method(const struct client *client, const struct rpc_request *req,
    const struct method **method, struct rpc_error *e)
{
	char names[1024];

	*method = method_find(req->method);
	if (*method == NULL) {
		method_names(names, sizeof(names));
		return rpc_fail(e, RPC_METHOD,
		    "there is no method \"%.64s\"; there are %s", req->method,
		    names);
	}
	if ((*method)->right > client->right) {
		(void)rpc_fail(e, RPC_SERVER,
		    "%s: you may only look: you are not in the daemon's "
		    "control_group",
		    (*method)->name);
		e->reason = ERR_PERMISSION;
		return -1;
	}
	return method_check_params(*method, req->params, e);
}

static struct pending *
pending_new(struct client *client, const struct method *method, json_t *id)
{
	struct pending *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->client = client;
	p->id = json_incref(id);
	p->call.method = method;
	p->call.state_dir = control.state_dir;
	p->call.request = next_request();
	TAILQ_INSERT_TAIL(&control.calls, p, next);
	control.call_count++;
	return p;
}

static void
start(struct client *client, const struct rpc_request *req, struct rpc_error *e)
{
	const struct method *method = NULL;
	struct pending *p = NULL;
	int chosen = choose_method(client, req, &method, e);

	if (chosen == 0 && control.call_count < CALLS_MAX)
		p = pending_new(client, method, req->id);
	if (p != NULL) {
		go_on(p, method->start(&p->call, req->params));
		return;
	}
	if (chosen == 0) {
		(void)rpc_fail(e, RPC_SERVER, "too many requests under way");
		e->reason = ERR_BUSY;
	}
	if (req->id == NULL)
		client_done(client);
	else
		client_answer(client, rpc_error_line(req->id, e));
}

static void
on_request(void *ctx, struct client *client, const char *text, size_t len)
{
	struct rpc_request req;
	struct rpc_error e;

	(void)ctx;
	if (rpc_parse(text, len, &req, &e) == 0)
		start(client, &req, &e);
	else if (req.method != NULL && req.id == NULL)
		client_done(client);
	else
		client_answer(client, rpc_error_line(req.id, &e));
	rpc_request_free(&req);
}

static void
on_client_gone(void *ctx, struct client *client)
{
	struct pending *p;

	(void)ctx;
	TAILQ_FOREACH (p, &control.calls, next)
		if (p->client == client)
			p->client = NULL;
}

static const struct server_handler server_handler = {
	.request = on_request,
	.gone = on_client_gone,
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
	    role_die_with_supervisor(0, &err) == -1) {
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
on_message(void *ctx, struct ipc_message *msg)
{
	(void)ctx;
	switch (msg->kind) {
	case IPC_CONTROL_HELLO:
		on_hello(msg);
		break;
	case IPC_REPLY:
		on_reply(&msg->payload.REPLY);
		break;
	case IPC_SNAPSHOT:
		on_snapshot(&msg->payload.SNAPSHOT, msg->fd);
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
finish(void)
{
	struct pending *p;

	while ((p = TAILQ_FIRST(&control.calls)) != NULL)
		fail(p, ERR_UNAVAILABLE, "mercuryd has ended");
	server_free(&control.server);
	channel_free(&control.channel);
	event_base_free(control.base);
}

int
control_run(void)
{
	struct err err;

	control.base = loop_new(&err);
	if (control.base == NULL) {
		log_error(NULL, NULL, "%s", err.text);
		return 1;
	}
	control.channel = channel_new(control.base, ROLE_CHANNEL_FD,
	    ROLE_SUPERVISOR, &channel_handler, NULL, &err);
	if (control.channel == NULL) {
		log_error(NULL, NULL, "%s", err.text);
		event_base_free(control.base);
		return 1;
	}
	if (event_base_dispatch(control.base) == -1)
		control.exit_code = 1;
	finish();
	return control.exit_code;
}
