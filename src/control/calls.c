#include "control/calls.h"

#include <sys/queue.h>

#include <stdlib.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/snapshot.h"
#include "common/wanted.h"
#include "control/client.h"
#include "control/followers.h"
#include "control/method.h"
#include "control/store_link.h"
#include "control/traces.h"
#include "control/workers.h"

/* Clients that left may have requests under way: bound those, too. */
#define CALLS_MAX 1024u

/* Calls that have channels to workers at a time; others wait for their turn. */
#define LINKED_MAX 4u

/* One that waits. */
struct pending {
	TAILQ_ENTRY(pending) next;
	struct client *client; /* NULL: it has gone */
	json_t *id;            /* NULL: no answer is wanted */
	enum role asked;       /* who is to answer */
	struct calls *owner;
	struct workers *workers; /* NULL: it asks none */
	bool traces;             /* it has begun a trace */
	bool linked;             /* it is its turn to have channels to them */
	struct call call;
};

struct calls {
	struct calls_env env;
	TAILQ_HEAD(, pending) list;
	unsigned int count;
	unsigned int linked;
	uint32_t last_request;
};

/* Send the client what came of it. */
static void
answer(struct pending *p, enum method_step step)
{
	if (p->id == NULL)
		client_done(p->client);
	else if (step == METHOD_DONE)
		client_answer(p->client,
		    rpc_result_line(p->id, json_incref(p->call.result)));
	else
		client_answer(p->client, rpc_error_line(p->id, &p->call.error));
}

/* Let those that wait for it ask for workers, in their order. */
static void
give_turns(struct calls *c)
{
	struct pending *p;

	TAILQ_FOREACH (p, &c->list, next) {
		if (c->linked == LINKED_MAX)
			return;
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		if (p->workers == NULL || p->linked)
			continue;
		p->linked = true;
		c->linked++;
		p->asked = ROLE_SUPERVISOR;
		channel_send(c->env.supervisor, p->call.kind, &p->call.ask, -1);
	}
}

/* The call is over; frees it. */
static void
conclude(struct calls *c, struct pending *p, enum method_step step)
{
	if (step == METHOD_DONE && p->client != NULL &&
	    (p->call.method->traits & METHOD_FOLLOWS) &&
	    followers_add(c->env.followers, p->client,
		&p->call.ask.EVENTS_QUERY.filter, p->call.after_id,
		&p->call.error) == -1)
		step = METHOD_FAILED;
	if (p->client != NULL)
		answer(p, step);
	if (p->traces && step == METHOD_DONE)
		traces_run(c->env.traces, p->call.request);
	else if (p->traces)
		traces_drop(c->env.traces, p->call.request);
	method_end(&p->call);
	workers_free(&p->workers);
	json_decref(p->id);
	TAILQ_REMOVE(&c->list, p, next);
	c->count--;
	if (p->linked)
		c->linked--;
	free(p);
	give_turns(c);
}

static void
fail(struct calls *c, struct pending *p, enum err_code reason, const char *text)
{
	(void)rpc_fail(&p->call.error, RPC_SERVER, "%s", text);
	p->call.error.reason = reason;
	conclude(c, p, METHOD_FAILED);
}

/* Is whoever wanted to look not there any more? */
static bool
is_idle_look(const struct pending *p)
{
	return p->client == NULL && p->call.method->right == RIGHT_LOOK;
}

static void
ask_store(struct calls *c, struct pending *p)
{
	struct err err;

	p->asked = ROLE_STORE;
	if (is_idle_look(p))
		conclude(c, p, METHOD_FAILED);
	else if (store_link_send(c->env.store, p->call.kind, &p->call.ask,
		     &err) == -1)
		fail(c, p, err.code, err.text);
}

static void on_worker(void *ctx, const struct worker_answer *worker);

/* The values that the spec of an add or update refers to go before it. */
static void
send_bulks(struct calls *c, const struct call *call)
{
	struct msg_bulk m = { .request = call->request };
	const struct bulk *b;

	if (call->kind != IPC_REQ_ADD && call->kind != IPC_REQ_UPDATE)
		return;
	for (m.id = 0; m.id < BULK_COUNT; m.id++) {
		b = call->bulks.of[m.id];
		if (b == NULL)
			continue;
		m.ref = b->ref;
		channel_send(c->env.supervisor, IPC_BULK, &m, b->fd);
	}
}

/* Make a trace for it, then ask. */
static void
ask_trace(struct calls *c, struct pending *p)
{
	if (traces_begin(c->env.traces, p->client, &p->call.ask.REQ_TRACE,
		&p->call.error) == -1) {
		conclude(c, p, METHOD_FAILED);
		return;
	}
	p->traces = true;
	p->asked = ROLE_SUPERVISOR;
	channel_send(c->env.supervisor, IPC_REQ_TRACE, &p->call.ask, -1);
}

static void
ask_supervisor(struct calls *c, struct pending *p)
{
	if (p->call.kind == IPC_REQ_TRACE) {
		ask_trace(c, p);
		return;
	}
	if (p->call.kind != IPC_REQ_WORKERS) {
		p->asked = ROLE_SUPERVISOR;
		send_bulks(c, &p->call);
		channel_send(c->env.supervisor, p->call.kind, &p->call.ask, -1);
		return;
	}
	p->workers = workers_new(c->env.base, on_worker, p);
	if (p->workers == NULL)
		fail(c, p, ERR_UNAVAILABLE, "out of memory");
	else
		give_turns(c);
}

static void
ask_workers(struct calls *c, struct pending *p, unsigned int first,
    unsigned int end)
{
	unsigned int i;

	p->asked = ROLE_POOL;
	if (is_idle_look(p)) {
		conclude(c, p, METHOD_FAILED);
		return;
	}
	for (i = first; i < end; i++)
		workers_ask(p->workers, i, p->call.kind, &p->call.ask);
}

/* Do what a step of a method decided. */
static void
go_on(struct calls *c, struct pending *p, enum method_step step)
{
	switch (step) {
	case METHOD_ASK:
		ask_supervisor(c, p);
		break;
	case METHOD_ASK_STORE:
		ask_store(c, p);
		break;
	case METHOD_ASK_WORKER:
		ask_workers(c, p, p->call.asked, p->call.asked + 1);
		break;
	case METHOD_ASK_WORKERS:
		ask_workers(c, p, 0, p->call.worker_count);
		break;
	case METHOD_ARM:
		p->asked = ROLE_POOL;
		traces_arm(c->env.traces, p->call.request);
		break;
	case METHOD_WAIT:
		break;
	case METHOD_DONE:
	case METHOD_FAILED:
		conclude(c, p, step);
		break;
	}
}

/* One of the workers of a call has answered, or is lost for it. */
static void
on_worker(void *ctx, const struct worker_answer *worker)
{
	struct pending *p = ctx;
	const struct method_answer a = { .worker = worker };

	go_on(p->owner, p, p->call.method->answered(&p->call, &a));
}

static struct pending *
find(struct calls *c, uint32_t request)
{
	struct pending *p;

	TAILQ_FOREACH (p, &c->list, next)
		if (p->call.request == request)
			return p;
	return NULL;
}

/* The one that waits for from to answer this; NULL: none does. */
static struct pending *
find_asked(struct calls *c, enum role from, uint32_t request)
{
	struct pending *p = find(c, request);

	return p != NULL && p->asked == from ? p : NULL;
}

void
calls_reply(struct calls *c, enum role from, struct msg_reply *reply)
{
	struct pending *p = find_asked(c, from, reply->request);
	const struct method_answer a = { .reply = reply };

	if (p == NULL)
		return;
	reply->text[sizeof(reply->text) - 1] = '\0';
	if (p->workers != NULL)
		p->call.workers =
		    workers_sorted(p->workers, &p->call.worker_count);
	if (reply->code != ERR_NONE)
		fail(c, p, (enum err_code)reply->code, reply->text);
	else
		go_on(c, p, p->call.method->answered(&p->call, &a));
}

void
calls_snapshot(struct calls *c, enum role from, uint32_t request, int fd)
{
	struct pending *p = find_asked(c, from, request);
	struct snapshot_reader reader;
	const struct method_answer a = { .snapshot = &reader };
	enum method_step step;
	struct err err;

	if (p == NULL)
		return;
	if (snapshot_open(&reader, fd, &err) == -1) {
		fail(c, p, err.code, err.text);
		return;
	}
	step = p->call.method->answered(&p->call, &a);
	snapshot_close(&reader);
	go_on(c, p, step);
}

int
calls_bulk(struct calls *c, const struct msg_bulk *m, int *fd, struct err *err)
{
	struct pending *p = find_asked(c, ROLE_SUPERVISOR, m->request);
	struct bulks nobodys = { 0 };
	int result;

	result =
	    bulks_take(p == NULL ? &nobodys : &p->call.running, m, fd, err);
	bulks_drop(&nobodys);
	return result;
}

void
calls_worker_link(struct calls *c, const struct msg_worker_link *m, int fd)
{
	struct pending *p = find_asked(c, ROLE_SUPERVISOR, m->request);

	if (p == NULL || p->workers == NULL)
		(void)close(fd);
	else if (workers_add(p->workers, m, fd) == -1)
		fail(c, p, ERR_UNAVAILABLE, "out of memory");
}

void
calls_armed(struct calls *c, uint32_t request)
{
	struct pending *p = find_asked(c, ROLE_POOL, request);
	const struct traces_armed armed = traces_state(c->env.traces, request);
	const struct method_answer a = { .armed = &armed };

	if (p != NULL)
		go_on(c, p, p->call.method->answered(&p->call, &a));
}

static uint32_t
next_request(struct calls *c)
{
	do
		c->last_request = (c->last_request + 1) & ~FOLLOWERS_REQUEST;
	while (c->last_request == 0 || find(c, c->last_request) != NULL);
	return c->last_request;
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
pending_new(struct calls *c, struct client *client, const struct method *method,
    json_t *id)
{
	struct pending *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->owner = c;
	p->client = client;
	p->id = json_incref(id);
	p->call.method = method;
	p->call.state_dir = c->env.state_dir;
	p->call.request = next_request(c);
	TAILQ_INSERT_TAIL(&c->list, p, next);
	c->count++;
	return p;
}

void
calls_start(struct calls *c, struct client *client,
    const struct rpc_request *req)
{
	const struct method *method = NULL;
	struct pending *p = NULL;
	struct rpc_error e;
	const int chosen = choose_method(client, req, &method, &e);

	if (chosen == 0 && c->count < CALLS_MAX)
		p = pending_new(c, client, method, req->id);
	if (p != NULL) {
		go_on(c, p, method->start(&p->call, req->params));
		return;
	}
	if (chosen == 0) {
		(void)rpc_fail(&e, RPC_SERVER, "too many requests under way");
		e.reason = ERR_BUSY;
	}
	if (req->id == NULL)
		client_done(client);
	else
		client_answer(client, rpc_error_line(req->id, &e));
}

void
calls_gone(struct calls *c, struct client *client)
{
	struct pending *p;

	TAILQ_FOREACH (p, &c->list, next)
		if (p->client == client)
			p->client = NULL;
}

void
calls_store_up(struct calls *c)
{
	struct pending *p, *following;

	TAILQ_FOREACH_SAFE (p, &c->list, next, following)
		if (p->asked == ROLE_STORE)
			ask_store(c, p);
}

void
calls_store_down(struct calls *c)
{
	struct pending *p, *following;

	TAILQ_FOREACH_SAFE (p, &c->list, next, following)
		if (p->asked == ROLE_STORE)
			fail(c, p, ERR_UNAVAILABLE, "the store is not running");
}

struct calls *
calls_new(const struct calls_env *env)
{
	struct calls *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->env = *env;
	TAILQ_INIT(&c->list);
	return c;
}

void
calls_free(struct calls **cp)
{
	struct calls *c = *cp;
	struct pending *p;

	*cp = NULL;
	if (c == NULL)
		return;
	while ((p = TAILQ_FIRST(&c->list)) != NULL)
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		fail(c, p, ERR_UNAVAILABLE, "mercuryd has ended");
	free(c);
}
