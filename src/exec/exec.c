#include "exec/exec.h"

#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bulk.h"
#include "common/clock.h"
#include "common/exec_plan.h"
#include "common/log.h"
#include "common/spec.h"
#include "exec/exec_record.h"
#include "exec/facts.h"
#include "exec/program.h"
#include "exec/pump.h"
#include "exec/spawn.h"
#include "pool/conn.h"
#include "pool/conn_list.h"
#include "pool/probe.h"
#include "pool/protocol.h"
#include "pool/transport.h"
#include "pool/worker.h"

/* Of a listener, in its list's context. */
struct exec_listener {
	struct exec_plan *plan;
	uint64_t complained_ms; /* that a program could not be started */
};

/* Of a connection, in its protocol_state. */
struct exec_state {
	struct program *program; /* NULL: it has ended, or there is none */
	struct pump *pump;       /* NULL: the socket is the program's */
	uint32_t kill_after_ms;
	uint8_t end; /* enum conn_end, for when the program has ended */
};

static struct exec_state *
state_of(struct conn *c)
{
	return (struct exec_state *)(void *)c->protocol_state;
}

/* --- the listener --- */

/* A copy of the plan among the values. NULL with *err. */
static struct exec_plan *
take_plan(const struct bulks *values, struct err *err)
{
	const struct bulk *bulk = values->of[BULK_PROTOCOL_PLAN];
	struct exec_plan *plan = NULL;
	const void *bytes;

	if (bulk == NULL) {
		(void)err_set(err, ERR_INTERNAL, "its plan is missing");
		return NULL;
	}
	bytes = bulk_map(bulk, err);
	if (bytes == NULL)
		return NULL;
	if (exec_plan_check(bytes, bulk->ref.size, err) == -1)
		goto out;
	plan = malloc(sizeof(*plan));
	if (plan == NULL)
		(void)err_sys(err, "a plan");
	else
		memcpy(plan, bytes, sizeof(*plan));
out:
	bulk_unmap(bulk, bytes);
	return plan;
}

static int
update(struct conn_list *list, const struct bulks *values, struct err *err)
{
	struct exec_listener *l = list->context;
	struct exec_plan *plan = take_plan(values, err);

	if (plan == NULL)
		return -1;
	free(l->plan);
	l->plan = plan;
	list->max_inside = plan->max_processes;
	return 0;
}

static int
configure(struct conn_list *list, const struct bulks *values, struct err *err)
{
	if (spawn_open(err) == -1)
		return -1;
	list->context = calloc(1, sizeof(struct exec_listener));
	if (list->context == NULL)
		return err_sys(err, "a listener of protocol exec");
	if (update(list, values, err) == 0)
		return 0;
	free(list->context);
	list->context = NULL;
	return -1;
}

static void
unconfigure(struct conn_list *list)
{
	struct exec_listener *l = list->context;

	list->context = NULL;
	if (l != NULL)
		free(l->plan);
	free(l);
}

/* --- the program --- */

static void
on_program_ended(void *ctx, const struct program_exit *exit)
{
	struct conn *c = ctx;
	struct exec_state *s = state_of(c);

	s->program = NULL;
	exec_record_exit(c, exit, c->stopping);
	if (s->pump == NULL)
		conn_close(c, (enum conn_end)s->end);
	else
		pump_finish(s->pump, (enum conn_end)s->end);
}

/* With this as its stdin and stdout. Returns 0, or -1 with *err. */
static int
start_program(struct conn *c, int socket, struct err *err)
{
	const struct exec_listener *l = c->list->context;
	struct exec_state *s = state_of(c);
	struct program_request r = { .base = c->list->worker->base,
		.plan = l->plan,
		.socket = socket,
		.listener = c->list->spec->name,
		.connection = c->id,
		.ended = on_program_ended,
		.ctx = c };
	char **environment = facts_environment(c, &l->plan->environment);

	if (environment == NULL)
		return err_sys(err, "its environment");
	r.environment = environment;
	s->kill_after_ms = l->plan->kill_after_ms;
	s->end = CONN_END_PROGRAM_ENDED;
	s->program = program_start(&r, err);
	free(environment);
	if (s->program == NULL)
		return -1;
	exec_record_start(c, program_pid(s->program));
	return 0;
}

/* Nobody can be served, which many may notice: say it once a second. */
static void
fail(struct conn *c, const struct err *err)
{
	struct exec_listener *l = c->list->context;
	const uint64_t now_ms = clock_mono_ms();

	if (l->complained_ms == 0 || now_ms - l->complained_ms >= 1000) {
		l->complained_ms = now_ms;
		log_warning("listener", c->list->spec->name,
		    "its program can't be started: %s", err->text);
	}
	exec_record_failure(c);
	c->reset = true;
	conn_close(c, CONN_END_PROGRAM_FAILED);
}

/* The socket itself: for old programs, one that blocks. */
static void
start_with_socket(struct conn *c)
{
	const int fd = conn_fd(c);
	const int flags = fcntl(fd, F_GETFL);
	struct err err;

	if (flags == -1 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == -1) {
		(void)err_sys(&err, "its socket");
		fail(c, &err);
	} else if (start_program(c, fd, &err) == -1) {
		fail(c, &err);
	} else {
		(void)close(conn_give_away(c));
	}
}

static void
start_with_pump(struct conn *c, const uint8_t *data, size_t len)
{
	struct exec_state *s = state_of(c);
	struct err err;
	int end = -1, result;

	s->pump = pump_new(c, &end);
	if (s->pump == NULL) {
		(void)err_sys(&err, "a socketpair");
		fail(c, &err);
		return;
	}
	result = start_program(c, end, &err);
	(void)close(end);
	if (result == -1)
		fail(c, &err);
	else if (len > 0 && pump_feed(s->pump, data, len) == -1)
		conn_close(c, CONN_END_NO_MEMORY);
	else
		pump_ready(s->pump);
}

/* --- the connection --- */

static void
begin(struct conn *c, uint8_t *data, size_t len)
{
	*state_of(c) = (struct exec_state){ 0 };
	if (probe_is_sure(c)) {
		/* No program for one who only looks whether we answer. */
		if (conn_poll(c, EV_READ) == -1)
			conn_close(c, CONN_END_NO_MEMORY);
	} else if (c->tls == NULL && len == 0) {
		start_with_socket(c);
	} else {
		start_with_pump(c, data, len);
	}
}

/* A probe says something, or goes. */
static void
hear_probe(struct conn *c)
{
	static uint8_t buffer[CONN_READ_SIZE];
	const ssize_t n = c->list->transport->recv(c, buffer, sizeof(buffer));

	if (n == TRANSPORT_FINISHED)
		conn_close(c, CONN_END_PEER_CLOSED);
	else if (n == TRANSPORT_GONE)
		conn_close(c, conn_broken_end(c));
}

static void
ready(struct conn *c, short what)
{
	struct exec_state *s = state_of(c);

	(void)what;
	if (s->pump == NULL)
		hear_probe(c);
	else
		pump_ready(s->pump);
}

/* It was asked to end, and had time for that; or a pump lingers. */
static void
timer(struct conn *c)
{
	struct exec_state *s = state_of(c);

	if (s->program != NULL)
		program_signal(s->program, SIGKILL);
	else if (s->pump != NULL)
		pump_timer(s->pump);
}

static void
stop(struct conn *c, enum conn_end end)
{
	struct exec_state *s = state_of(c);

	if (s->program == NULL) {
		conn_close(c, end);
		return;
	}
	s->end = (uint8_t)end;
	program_signal(s->program, s->kill_after_ms == 0 ? SIGKILL : SIGTERM);
	conn_set_timer(c, s->kill_after_ms);
}

/* By then all was told, or no time is left: the worker may end at once. */
static void
ended(struct conn *c)
{
	struct exec_state *s = state_of(c);
	struct program_exit exit;

	if (s->program != NULL) {
		program_abandon(&s->program, &exit);
		exec_record_exit(c, &exit, true);
	}
	pump_free(&s->pump);
}

const struct protocol protocol_exec = {
	.configure = configure,
	.update = update,
	.unconfigure = unconfigure,
	.state_size = sizeof(struct exec_state),
	.begin = begin,
	.ready = ready,
	.timer = timer,
	.stop = stop,
	.ended = ended,
};
