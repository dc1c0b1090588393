/*
 * The whole supervisor among hostile children: from its start to its end, with
 * processes that are none (world.h) and send what the input says, write what
 * they like into the memory that they share with it, hang, hang up and die.
 *
 * The first three bytes say which processes mean well of themselves, what is in
 * the config file, and how the daemon is set. Then come steps, each a byte and
 * what it needs; a message is made of a good one by changing some bytes.
 *
 * Whatever they do, it sends nothing but good messages, ends in time when it is
 * told to, and leaves no descriptor behind.
 */
#include <sys/mman.h>

#include <dirent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <unistd.h>

#include "common/bulk.h"
#include "common/event_sink.h"
#include "common/ipc.h"
#include "common/snapshot.h"
#include "common/wanted.h"
#include "fuzz.h"
#include "fuzz/state.h"
#include "fuzz/world.h"
#include "option/option.h"
#include "supervisor/plan_load.h"
#include "supervisor/shutdown.h"
#include "supervisor/supervisor.h"

#define STEPS_MAX 300
#define TURNS_AT_THE_END 3000
#define WAIT_AT_THE_END_MS 20
#define NAMES 8

/* Those that the supervisor leaves open, since it ends anyway. */
#define FDS_LEFT 2

#define FDS 4096 /* those that are looked at */
#define LEFT_MAX 64

/* The first byte: who answers as the real one would. */
enum well {
	WELL_CONFIG = 0x01,
	WELL_CONTROL = 0x02,
	WELL_POOL = 0x04,
	WELL_STORE = 0x08,
	WELL_GATEWAY = 0x10,
};

/* The third one. */
enum setting {
	SET_LAME_DUCK = 0x01,
	SET_STORE = 0x02,
	SET_GATEWAY = 0x04,
	SET_GROUP = 0x08,
};

enum step_kind {
	STEP_SEND,
	STEP_ADD,
	STEP_UPDATE,
	STEP_NAMED, /* a request that has no more than a name */
	STEP_READY,
	STEP_EXIT,
	STEP_WAIT,
	STEP_SCRIBBLE,
	STEP_MUTE,
	STEP_HANG_UP,
	STEP_BULK,
	STEP_RELOAD,
	STEP_COUNT
};

/* Listeners that are good, for all that a supervisor minds. */
static const char *const templates[] = {
	"{\"port\":9100,\"protocol\":\"echo\",\"workers\":2}",
	"{\"port\":9106,\"protocol\":\"discard\",\"pool\":\"p\",\"workers\":3,"
	"\"max_connections\":5,\"allow\":\"10.0.0.0/8\",\"max_restarts\":3}",
	"{\"port\":9107,\"protocol\":\"proxy\",\"workers\":1,\"pool\":\"p2\","
	"\"proxy\":{\"upstreams\":[\"a:1\",\"b:2 backup\"]}}",
	"{\"path\":\"/run/m\",\"protocol\":\"echo\",\"workers\":1,"
	"\"health_port\":9190,\"restart\":\"temporary\"}",
	"{\"port\":9103,\"protocol\":\"exec\",\"workers\":1,"
	"\"exec\":{\"command\":[\"/bin/cat\"]},\"hang_timeout\":\"2s\"}",
	"{\"port\":9104,\"protocol\":\"module\",\"workers\":1,"
	"\"module\":{\"path\":\"/m.so\"}}",
	"{\"port\":9117,\"protocol\":\"echo\",\"workers\":2,\"required\":false,"
	"\"bind_attempts\":3}",
	"{\"port\":9105,\"transport\":\"tls\",\"protocol\":\"echo\","
	"\"workers\":1,\"tls\":{\"cert\":\"/c\",\"key\":\"/k\"}}",
};
#define TEMPLATES (sizeof(templates) / sizeof(templates[0]))

/* A process that does not wait for the last ones leaves what is theirs. */
const char *__lsan_default_options(void);

const char *
__lsan_default_options(void)
{
	return "detect_leaks=0";
}

static bool was_open[FDS];      /* before the input */
static char left[LEFT_MAX][80]; /* what is open behind it */
static unsigned int left_count;
static struct wanted good[TEMPLATES];
static struct bulk *value; /* that is good for nothing */

/* What is of one input. */
static struct {
	struct fuzz_input in;
	uint8_t well;
	uint8_t plan; /* a bit for each listener of the config file */
	uint8_t settings;
	uint32_t request;
	unsigned int steps;
	unsigned int turns; /* at the end */
} run;

/* --- good messages --- */

static void
make_good(void)
{
	static const uint8_t bytes[sizeof(struct cidr)];
	struct err err = { 0 };
	json_t *options;
	size_t i;

	if (value != NULL)
		return;
	for (i = 0; i < TEMPLATES; i++) {
		options = json_loads(templates[i], 0, NULL);
		FUZZ_CHECK(option_listener("a", options, &good[i], &err) == 0);
		json_decref(options);
	}
	value = bulk_new(bytes, sizeof(bytes), &err);
	FUZZ_CHECK(value != NULL);
}

static void
send_message(struct process *p, enum ipc_kind kind, const void *payload, int fd)
{
	struct err err;

	if (p != NULL && p->channel != -1)
		(void)ipc_send(p->channel, kind, payload, fd, false, &err);
}

static void
send_empty(struct process *p, enum ipc_kind kind)
{
	static const union ipc_payload nothing;

	send_message(p, kind, &nothing, -1);
}

/* The values that a spec refers to. */
static void
send_values(struct process *p, const struct wanted *w)
{
	struct msg_bulk m = { 0 };

	for (m.id = 0; m.id < BULK_COUNT; m.id++) {
		if (w->bulks.of[m.id] == NULL)
			continue;
		m.ref = w->bulks.of[m.id]->ref;
		send_message(p, IPC_BULK, &m, w->bulks.of[m.id]->fd);
	}
}

static void
put_name(char *out, uint8_t which)
{
	out[0] = (char)('a' + which % NAMES);
	out[1] = '\0';
}

/* One of the good listeners, by another name. */
static void
put_spec(struct listener_spec *spec, size_t which, uint8_t name)
{
	*spec = good[which].spec;
	put_name(spec->name, name);
	if (strcmp(spec->pool, "a") == 0)
		put_name(spec->pool, name);
}

static void
put_settings(struct daemon_settings *d)
{
	memcpy(d->user, "nobody", sizeof("nobody"));
	memcpy(d->control_socket, "/run/m/c", sizeof("/run/m/c"));
	memcpy(d->state_dir, "/var/lib/m", sizeof("/var/lib/m"));
	d->uid = d->gid = d->control_gid = d->readers_gid = SPEC_NO_ID;
	d->shutdown_deadline_ms = 5000;
	d->lame_duck_ms = run.settings & SET_LAME_DUCK ? 100 : 0;
	d->log.target = LOG_TARGET_STDERR;
	if (run.settings & SET_STORE)
		memcpy(d->store.database, "/var/lib/m/db",
		    sizeof("/var/lib/m/db"));
	d->store.retention_ms = 1000;
	d->store.max_events = 1000;
	d->store.cleanup_every_ms = 1000;
}

static void
put_gateway(struct gateway_settings *g)
{
	g->exists = 1;
	memcpy(g->places[GATEWAY_HTTP].address, "::1", sizeof("::1"));
	g->places[GATEWAY_HTTP].port = 9180;
	memcpy(g->places[GATEWAY_TCP_CHECK].address, "::1", sizeof("::1"));
	g->places[GATEWAY_TCP_CHECK].port = 9183;
}

/* A good payload of that kind, from p. */
static void
put_payload(struct process *p, enum ipc_kind kind, uint8_t name,
    union ipc_payload *out)
{
	memset(out, 0, sizeof(*out));
	switch (kind) {
	case IPC_REQ_ADD:
	case IPC_REQ_UPDATE:
		out->REQ_ADD.request = ++run.request;
		put_spec(&out->REQ_ADD.spec, 0, name);
		out->REQ_ADD.set = good[0].set;
		break;
	case IPC_REQ_TRACE:
		out->REQ_TRACE.request = ++run.request;
		out->REQ_TRACE.trace = name / NAMES + 1;
		put_name(out->REQ_TRACE.name, name);
		break;
	case IPC_TRACE_END:
		out->TRACE_END.trace = name / NAMES + 1;
		break;
	case IPC_REQ_UPSTREAM_SET:
		out->REQ_UPSTREAM_SET.request = ++run.request;
		put_name(out->REQ_UPSTREAM_SET.name, name);
		memcpy(out->REQ_UPSTREAM_SET.upstream, "a:1", sizeof("a:1"));
		break;
	case IPC_PLAN_DAEMON:
		put_settings(&out->PLAN_DAEMON);
		break;
	case IPC_PLAN_LISTENER:
		put_spec(&out->PLAN_LISTENER.spec, 0, name);
		out->PLAN_LISTENER.set = good[0].set;
		break;
	case IPC_PLAN_GATEWAY:
		put_gateway(&out->PLAN_GATEWAY);
		break;
	case IPC_PLAN_GROUP:
		memcpy(out->PLAN_GROUP.name, "g", sizeof("g"));
		out->PLAN_GROUP.children = 1;
		out->PLAN_GROUP.max_restarts = 10;
		out->PLAN_GROUP.max_seconds = 60;
		break;
	case IPC_PLAN_CHILD:
		put_name(out->PLAN_CHILD.name, name);
		break;
	case IPC_BULK:
		out->BULK.ref = value->ref;
		break;
	case IPC_LISTENING:
	case IPC_REFUSED:
	case IPC_MODULE:
	case IPC_TRIED:
	case IPC_CLOSED:
	case IPC_DRAINED: /* all have it at the front */
		out->LISTENING.listener_id = p->listener_id;
		if (kind == IPC_LISTENING)
			out->LISTENING.slot = p->slot;
		break;
	case IPC_REQ_REMOVE:
	case IPC_REQ_PAUSE:
	case IPC_REQ_RESUME:
	case IPC_REQ_RESTART:
	case IPC_REQ_DRAIN:
	case IPC_REQ_HISTORY:
	case IPC_REQ_FAILURES:
	case IPC_REQ_STATUS:
	case IPC_REQ_WORKERS:
	case IPC_REQ_UPSTREAMS:
		out->REQ_STATUS.request = ++run.request;
		out->REQ_STATUS.deadline_ms = DEADLINE_DEFAULT;
		put_name(out->REQ_STATUS.name, name);
		break;
	default:
		break;
	}
}

/* --- processes that mean well --- */

static void
send_plan(struct process *p)
{
	struct msg_plan_end end = { 0 };
	union ipc_payload m;
	unsigned int i;

	put_payload(p, IPC_PLAN_DAEMON, 0, &m);
	send_message(p, IPC_PLAN_DAEMON, &m, -1);
	for (i = 0; i < TEMPLATES; i++) {
		if (!(run.plan & 1u << i))
			continue;
		send_values(p, &good[i]);
		put_payload(p, IPC_PLAN_LISTENER, 0, &m);
		put_spec(&m.PLAN_LISTENER.spec, i, (uint8_t)end.listeners++);
		m.PLAN_LISTENER.set = good[i].set;
		send_message(p, IPC_PLAN_LISTENER, &m, -1);
	}
	if (run.settings & SET_GATEWAY) {
		put_payload(p, IPC_PLAN_GATEWAY, 0, &m);
		send_message(p, IPC_PLAN_GATEWAY, &m, -1);
	}
	if (run.settings & SET_GROUP) {
		put_payload(p, IPC_PLAN_GROUP, 0, &m);
		m.PLAN_GROUP.strategy = STRATEGY_REST_FOR_ONE;
		send_message(p, IPC_PLAN_GROUP, &m, -1);
		put_payload(p, IPC_PLAN_CHILD, 0, &m);
		send_message(p, IPC_PLAN_CHILD, &m, -1);
	}
	send_message(p, IPC_PLAN_END, &end, -1);
}

static void
answer_as_config(struct process *p, enum ipc_kind asked)
{
	if (asked == IPC_CONFIG_READ)
		send_plan(p);
	else if (asked == IPC_CONFIG_FIND_HOLDER)
		send_empty(p, IPC_HOLDER);
	else if (asked == IPC_CONFIG_FIND_STRAYS)
		send_empty(p, IPC_STRAYS_END);
	else if (asked == IPC_CONFIG_FILES)
		send_empty(p, IPC_PLAN_END);
	world_exit(p, 0, 0);
}

static void
answer_as_worker(struct process *p, const struct ipc_message *msg)
{
	union ipc_payload m;

	switch (msg->kind) {
	case IPC_POOL_HELLO:
		send_empty(p, IPC_READY);
		break;
	case IPC_LISTEN:
		put_payload(p, IPC_LISTENING, 0, &m);
		send_message(p, IPC_LISTENING, &m, -1);
		break;
	case IPC_PAUSE:
	case IPC_CLOSE:
		p->listener_id = msg->payload.PAUSE.listener_id;
		put_payload(p, IPC_CLOSED, 0, &m);
		send_message(p, IPC_CLOSED, &m, -1);
		if (msg->kind == IPC_CLOSE)
			send_message(p, IPC_DRAINED, &m, -1);
		break;
	case IPC_TRY:
		send_empty(p, IPC_TRIED);
		world_exit(p, 0, 0);
		break;
	case IPC_DRAIN:
	case IPC_HAND_OVER:
		world_exit(p, 0, 0);
		break;
	default:
		break;
	}
}

static void
answer(struct process *p, const struct ipc_message *msg)
{
	if (p->role == ROLE_CONFIG && (run.well & WELL_CONFIG))
		answer_as_config(p, msg->kind);
	else if (p->role == ROLE_POOL && (run.well & WELL_POOL))
		answer_as_worker(p, msg);
	else if ((msg->kind == IPC_CONTROL_HELLO &&
		     (run.well & WELL_CONTROL)) ||
	    (msg->kind == IPC_STORE_HELLO && (run.well & WELL_STORE)) ||
	    (msg->kind == IPC_GATEWAY_HELLO && (run.well & WELL_GATEWAY)))
		send_empty(p, IPC_READY);
	else if (msg->kind == IPC_STORE_STOP && (run.well & WELL_STORE))
		world_exit(p, 0, 0);
}

/* --- what the supervisor sends --- */

static void
check_spec(const struct listener_spec *spec)
{
	struct err err;

	FUZZ_CHECK(spec_check(spec, &err) == 0);
}

static void
check_row(enum snapshot_kind kind, const void *row, size_t size)
{
	if (kind == SNAPSHOT_LISTENER) {
		const struct snapshot_listener *l = row;

		FUZZ_CHECK(size >= sizeof(*l));
		check_spec(&l->spec);
		FUZZ_CHECK(listener_state_name(l->state) != NULL);
		FUZZ_CHECK(strnlen(l->last_error, sizeof(l->last_error)) <
		    sizeof(l->last_error));
	} else if (kind == SNAPSHOT_PROCESS) {
		const struct snapshot_process *p = row;

		FUZZ_CHECK(size >= sizeof(*p));
		FUZZ_CHECK(child_state_name(p->state) != NULL);
		FUZZ_CHECK(strnlen(p->name, sizeof(p->name)) < sizeof(p->name));
	} else if (kind == SNAPSHOT_MODULE) {
		const struct snapshot_module *m = row;

		FUZZ_CHECK(size >= sizeof(*m));
		FUZZ_CHECK(strnlen(m->name, sizeof(m->name)) < sizeof(m->name));
	} else if (kind == SNAPSHOT_UPSTREAM) {
		const struct snapshot_upstream *u = row;

		FUZZ_CHECK(size >= sizeof(*u));
		FUZZ_CHECK(strnlen(u->name, sizeof(u->name)) < sizeof(u->name));
	}
}

static void
check_snapshot(int fd)
{
	struct snapshot_reader r;
	enum snapshot_kind kind;
	struct err err;
	const void *row;

	FUZZ_CHECK(snapshot_open(&r, fd, &err) == 0);
	while ((row = snapshot_next(&r, &kind)) != NULL)
		check_row(kind, row, r.row_size);
	FUZZ_CHECK(r.at == r.size);
	snapshot_close(&r);
}

static void
check_message(const struct ipc_message *msg)
{
	const union ipc_payload *m = &msg->payload;

	if (msg->kind == IPC_SNAPSHOT)
		check_snapshot(msg->fd);
	else if (msg->kind == IPC_LISTEN)
		check_spec(&m->LISTEN.spec);
	else if (msg->kind == IPC_UPDATE)
		check_spec(&m->UPDATE.spec);
	else if (msg->kind == IPC_REPLY)
		FUZZ_CHECK(
		    strnlen(m->REPLY.text, IPC_TEXT_SIZE) < IPC_TEXT_SIZE);
}

/* What a process gets, and maybe its answer. */
static void
take(struct process *p, struct ipc_message *msg)
{
	check_message(msg);
	if (msg->kind == IPC_LISTEN) {
		p->listener_id = msg->payload.LISTEN.listener_id;
		p->slot = msg->payload.LISTEN.slot;
	}
	if (msg->kind == IPC_POOL_HELLO || msg->kind == IPC_GATES ||
	    msg->kind == IPC_UPSTREAM_BOARD || msg->kind == IPC_STORE_HELLO)
		world_share(p, msg->fd);
	answer(p, msg);
	if (msg->fd != -1)
		(void)close(msg->fd);
}

static void
read_all(struct process *p)
{
	static struct ipc_message msg;
	enum ipc_result r;
	struct err err;

	while (!p->dead && p->channel != -1) {
		r = ipc_recv(p->channel, ROLE_SUPERVISOR, false, &msg, &err);
		if (r == IPC_AGAIN)
			return;
		FUZZ_CHECK(r != IPC_BROKEN);
		if (r == IPC_GONE) {
			world_exit(p, 0, 0);
			return;
		}
		take(p, &msg);
	}
}

static void
let_all_read(void)
{
	unsigned int i;
	struct process *p;

	/* One that ends makes the list shorter: it has its turn later. */
	for (i = 0; i < WORLD_PROCESSES; i++) {
		p = world_process(i);
		if (p != NULL && !p->mute)
			read_all(p);
	}
}

/* --- steps --- */

/* Most often a kind that the role may send. */
static enum ipc_kind
choose_kind(const struct process *p, uint8_t which)
{
	static const unsigned int senders[] = {
#define MSG(KIND, SENDERS, TYPE, FDS) SENDERS,
		IPC_MESSAGES(MSG)
#undef MSG
	};
	unsigned int i, n = which;

	if (which >= 0xf0)
		return (enum ipc_kind)((which * 7u) % IPC_KIND_COUNT);
	for (i = 0;; i = (i + 1) % IPC_KIND_COUNT)
		if ((senders[i] & p->role) && n-- == 0)
			return (enum ipc_kind)i;
}

/* Any, or the oldest of a role. */
static struct process *
choose_process(void)
{
	static const enum role roles[] = { ROLE_POOL, ROLE_CONTROL, ROLE_STORE,
		ROLE_GATEWAY, ROLE_CONFIG };
	const uint8_t which = fuzz_byte(&run.in);

	if (which & 0x80)
		return world_role(roles[which % 5]);
	return world_process(which);
}

static void
step_send(void)
{
	struct process *p = choose_process();
	const uint8_t which = fuzz_byte(&run.in), name = fuzz_byte(&run.in);
	static union ipc_payload m;
	enum ipc_kind kind;

	if (p == NULL)
		return;
	kind = choose_kind(p, which);
	put_payload(p, kind, name, &m);
	fuzz_patch(&run.in, name / NAMES % 4, &m, ipc_payload_size(kind));
	send_message(p, kind, &m, ipc_carries_fd(kind) ? value->fd : -1);
}

/* A whole listener, with its values. */
static void
step_change(enum ipc_kind kind)
{
	struct process *p = world_role(ROLE_CONTROL);
	const size_t which = fuzz_byte(&run.in) % TEMPLATES;
	const uint8_t name = fuzz_byte(&run.in);
	struct msg_req_add m = { .set = good[which].set };

	if (p == NULL)
		return;
	m.request = ++run.request;
	put_spec(&m.spec, which, name);
	fuzz_patch(&run.in, name / NAMES % 4, &m, sizeof(m));
	if (kind == IPC_REQ_UPDATE)
		m.set &= OPTION_BIT(OPT_MAX_CONNECTIONS) |
		    OPTION_BIT(OPT_PROXY) | OPTION_BIT(OPT_ALLOW) |
		    OPTION_BIT(OPT_WORKERS);
	send_values(p, &good[which]);
	send_message(p, kind, &m, -1);
}

static void
step_named(void)
{
	static const enum ipc_kind kinds[] = { IPC_REQ_REMOVE, IPC_REQ_PAUSE,
		IPC_REQ_RESUME, IPC_REQ_RESTART, IPC_REQ_DRAIN, IPC_REQ_HISTORY,
		IPC_REQ_FAILURES, IPC_REQ_STATUS, IPC_REQ_WORKERS,
		IPC_REQ_UPSTREAMS };
	struct process *p = world_role(ROLE_CONTROL);
	const enum ipc_kind kind =
	    kinds[fuzz_byte(&run.in) % (sizeof(kinds) / sizeof(kinds[0]))];
	const uint8_t name = fuzz_byte(&run.in);
	union ipc_payload m;

	if (p == NULL)
		return;
	put_payload(p, kind, name, &m);
	m.REQ_STATUS.flags = name / NAMES;
	if (name == UINT8_MAX)
		m.REQ_STATUS.name[0] = '\0'; /* all */
	send_message(p, kind, &m, -1);
}

/*
 * At the end not for long: where the loop stands still for a second, it goes
 * without processes that it has killed and not reaped yet.
 */
static void
step_wait(void)
{
	static const uint32_t ms[] = { 1, 10, 50, 150, 500, 1000, 2500, 5000,
		11000, 61000 };
	const uint8_t which = fuzz_byte(&run.in);

	if (supervisor_state() == DAEMON_STOPPING)
		world_wait(WAIT_AT_THE_END_MS);
	else
		world_wait(ms[which % (sizeof(ms) / sizeof(ms[0]))]);
}

/* Into memory that it shares with the supervisor. */
static void
step_scribble(void)
{
	const struct process *p = choose_process();
	const uint8_t which = fuzz_byte(&run.in);
	const unsigned int at = fuzz_word(&run.in) * (which & 0x80 ? 8u : 1u);
	size_t len = fuzz_byte(&run.in) % 32;
	const uint8_t *bytes = fuzz_bytes(&run.in, &len);

	if (p == NULL || p->shared[which % WORLD_SHARED] == -1)
		return;
	if (pwrite(p->shared[which % WORLD_SHARED], bytes, len, (off_t)at) ==
	    -1)
		return; /* sealed, or behind its end */
}

static void
step_hang_up(void)
{
	struct process *p = choose_process();

	if (p == NULL || p->channel == -1)
		return;
	(void)close(p->channel);
	p->channel = -1;
}

/* A value that is not sealed, has another size, or is no memory at all. */
static void
step_bulk(void)
{
	struct process *p = world_role(
	    fuzz_byte(&run.in) % 2 == 0 ? ROLE_CONTROL : ROLE_CONFIG);
	const uint8_t how = fuzz_byte(&run.in);
	struct msg_bulk m = { .id = how % (BULK_COUNT + 1), .ref = value->ref };
	int fd = how & 0x40 ? memfd_create("fuzz", MFD_CLOEXEC)
			    : open("/dev/null", O_RDONLY | O_CLOEXEC);

	FUZZ_CHECK(fd != -1);
	if (how & 0x80)
		m.ref.size = (uint32_t)fuzz_word(&run.in) << 8;
	if (how & 0x40)
		FUZZ_CHECK(
		    ftruncate(fd, how & 0x20 ? (off_t)m.ref.size : 5) == 0);
	send_message(p, IPC_BULK, &m, fd);
	(void)close(fd);
}

static void
step(void)
{
	struct process *p;
	uint8_t code;

	switch ((enum step_kind)(fuzz_byte(&run.in) % STEP_COUNT)) {
	case STEP_SEND:
		step_send();
		break;
	case STEP_ADD:
		step_change(IPC_REQ_ADD);
		break;
	case STEP_UPDATE:
		step_change(IPC_REQ_UPDATE);
		break;
	case STEP_NAMED:
		step_named();
		break;
	case STEP_READY:
		send_empty(choose_process(), IPC_READY);
		break;
	case STEP_EXIT:
		p = choose_process();
		code = fuzz_byte(&run.in);
		if (p != NULL)
			world_exit(p, code & 0x80 ? -1 : code, code & 0x3f);
		break;
	case STEP_WAIT:
		step_wait();
		break;
	case STEP_SCRIBBLE:
		step_scribble();
		break;
	case STEP_MUTE:
		p = choose_process();
		if (p != NULL)
			p->mute = !p->mute;
		break;
	case STEP_HANG_UP:
		step_hang_up();
		break;
	case STEP_BULK:
		step_bulk();
		break;
	case STEP_RELOAD:
	default:
		run.plan = fuzz_byte(&run.in);
		raise(SIGHUP);
		break;
	}
}

/* --- the loop --- */

static void on_turn(evutil_socket_t, short, void *);

/* Not at once, which would be before anything else is looked at. */
static void
schedule_turn(struct event_base *base)
{
	static const struct timeval soon = { 0, 1 };

	FUZZ_CHECK(
	    event_base_once(base, -1, EV_TIMEOUT, on_turn, base, &soon) == 0);
	world_wait(1);
}

/* Each turn of the loop: all have heard what came, then there is a step. */
static void
on_turn(evutil_socket_t fd, short what, void *base)
{
	(void)fd;
	(void)what;
	let_all_read();
	if (run.in.left > 0 && run.steps++ < STEPS_MAX) {
		step();
	} else {
		if (run.turns == 0)
			shutdown_now("the end of the input");
		world_wait(WAIT_AT_THE_END_MS);
		FUZZ_CHECK(run.turns++ < TURNS_AT_THE_END);
	}
	schedule_turn(base);
}

struct event_base *__real_loop_new(struct err *err);
struct event_base *__wrap_loop_new(struct err *err);

struct event_base *
__wrap_loop_new(struct err *err)
{
	struct event_base *base = __real_loop_new(err);

	FUZZ_CHECK(base != NULL);
	schedule_turn(base);
	return base;
}

/* --- an input --- */

/* Call fn for each descriptor that is open. */
static void
each_fd(void (*fn)(int fd))
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *d;
	int fd;

	FUZZ_CHECK(dir != NULL);
	while ((d = readdir(dir)) != NULL) {
		fd = (int)strtol(d->d_name, NULL, 10);
		if (d->d_name[0] != '.' && fd != dirfd(dir) && fd < FDS)
			fn(fd);
	}
	(void)closedir(dir);
}

static void
note_fd(int fd)
{
	was_open[fd] = true;
}

/* Close it if it was not open before the input. */
static void
close_fd(int fd)
{
	char link[32];
	ssize_t n;

	if (was_open[fd])
		return;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, left[left_count % LEFT_MAX], sizeof(left[0]) - 1);
	left[left_count++ % LEFT_MAX][n < 0 ? 0 : n] = '\0';
	(void)close(fd);
}

/* Unless it ended in the middle of something, for which it does not wait. */
static void
check_fds(unsigned int orphans)
{
	const unsigned int may_be =
	    orphans == 0 && !plan_load_running() ? FDS_LEFT : FDS;
	unsigned int i;

	left_count = 0;
	each_fd(close_fd);
	for (i = 0; left_count > may_be && i < left_count && i < LEFT_MAX; i++)
		(void)dprintf(STDERR_FILENO, "left open: %s\n", left[i]);
	FUZZ_CHECK(left_count <= may_be);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct args args = { .config = "/etc/m.conf",
		.foreground = true };
	sigset_t mask;
	unsigned int orphans;

	make_good();
	state_restore();
	memset(&run, 0, sizeof(run));
	run.in = (struct fuzz_input){ data, len };
	run.well = fuzz_byte(&run.in);
	run.plan = fuzz_byte(&run.in);
	run.settings = fuzz_byte(&run.in);
	memset(was_open, 0, sizeof(was_open));
	each_fd(note_fd);
	(void)sigprocmask(SIG_SETMASK, NULL, &mask);
	world_begin();
	(void)supervisor_run(&args);
	orphans = world_end();
	(void)signal(SIGHUP, SIG_IGN); /* one that came too late is lost */
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	check_fds(orphans);
	return 0;
}
