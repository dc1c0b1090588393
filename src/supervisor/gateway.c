#include "supervisor/gateway.h"

#include <sys/param.h>
#include <sys/socket.h>

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "common/check_port.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/quota.h"
#include "supervisor/bind.h"
#include "supervisor/health.h"
#include "supervisor/listener.h"
#include "supervisor/readiness.h"
#include "supervisor/status.h"
#include "supervisor/store.h"

/* It tells that its loop turns every second. */
#define HANG_MS 10000

/* From then on nobody relies on it to close check ports when that is due. */
#define QUIET_MS 1500

/*
 * At the start, the gateway of a daemon that was killed may still be about to
 * end.
 */
#define BIND_RETRY_MS 100
#define BIND_TRIES 50

#define BACKLOG 1024

/*
 * It asks for status and tree twice a second, and for histories up to 20
 * times. Each answer takes us up to milliseconds and megabytes, until the
 * gateway has read it: one that has gone wrong shall not have more of them.
 */
#define QUESTIONS_PER_S 30 /* of a kind */
#define UNSENT_MAX 16

/* What it asks for. */
enum asked { ASKED_STATUS, ASKED_TREE, ASKED_HISTORY, ASKED_COUNT };

/*
 * Check ports stay open while a gateway that ended is replaced, which takes
 * milliseconds; those of what is not ready any more are closed (see
 * gateway_look()).
 */
static const struct timeval deserted_after = { 1, 500000 };

static const struct gateway_wanted none;

static struct {
	struct event_base *base;
	struct child child; /* without an owner: there was none yet */
	struct msg_gateway_hello hello;
	struct gateway_wanted wanted;
	int fds[GATEWAY_SOCKET_COUNT];   /* -1: none */
	int next[GATEWAY_SOCKET_COUNT];  /* while a reload is prepared */
	bool left[GATEWAY_SOCKET_COUNT]; /* its port was let go of */
	struct event *retry;
	struct event *deserted; /* check ports are without a gateway */
	unsigned int tries;
	uint64_t beat_ms; /* CLOCK_MONOTONIC */
	struct quota asked[ASKED_COUNT];
	bool is_gone; /* there is no child, or it is down for good */
	void (*bound)(const struct err *err);
	void (*gone)(void); /* not NULL: the daemon shuts down */
} gw = { .fds = { -1, -1, -1 }, .next = { -1, -1, -1 }, .is_gone = true };

/* It ends; on_gone() sees to what comes next. */
static void
end(void)
{
	child_hang_up(&gw.child);
	child_stop(&gw.child, GATEWAY_STOP_MS);
}

/* --- sockets --- */

static void
close_fd(int *fd)
{
	if (*fd != -1)
		(void)close(*fd);
	*fd = -1;
}

static void
close_all(int fds[static GATEWAY_SOCKET_COUNT])
{
	unsigned int i;

	for (i = 0; i < GATEWAY_SOCKET_COUNT; i++)
		close_fd(&fds[i]);
}

static bool
same_place(const struct gateway_place *a, const struct gateway_place *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* On a TCP check's place the gateway listens, when health says so. */
static int
bind_place(unsigned int which, const struct gateway_place *p, struct err *err)
{
	struct err why;
	const int fd = bind_plain(p->address, p->port,
	    which == GATEWAY_TCP_CHECK ? 0 : BACKLOG, &why);

	if (fd == -1)
		(void)err_set(err, why.code, "gateway: %s: %.300s",
		    gateway_socket_name(which), why.text);
	return fd;
}

/* Is this socket good for those settings, too? */
static bool
stays(const struct gateway_wanted *g, unsigned int i)
{
	return gw.fds[i] != -1 && g->settings.exists &&
	    same_place(&gw.wanted.settings.places[i], &g->settings.places[i]);
}

/*
 * Those that go and have this port, on whatever address, let go of it: until
 * then nobody can bind it. Returns whether there was one.
 */
static bool
make_way(const struct gateway_wanted *g, uint16_t port)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < GATEWAY_SOCKET_COUNT; i++) {
		if (gw.fds[i] == -1 || gw.left[i] || stays(g, i) ||
		    gw.wanted.settings.places[i].port != port)
			continue;
		check_port_leave(gw.fds[i]);
		gw.left[i] = any = true;
	}
	return any;
}

int
gateway_prepare(const struct gateway_wanted *g, struct err *err)
{
	const struct gateway_place *next;
	unsigned int i;

	for (i = 0; i < GATEWAY_SOCKET_COUNT; i++) {
		next = &g->settings.places[i];
		if (!g->settings.exists || next->address[0] == '\0' ||
		    stays(g, i))
			continue;
		gw.next[i] = bind_place(i, next, err);
		if (gw.next[i] == -1 && err->code == ERR_PORT_IN_USE &&
		    make_way(g, next->port))
			gw.next[i] = bind_place(i, next, err);
		if (gw.next[i] == -1) {
			gateway_leave();
			return -1;
		}
	}
	return 0;
}

/* The ports that were let go of. Returns whether there were any. */
static bool
take_back(void)
{
	bool any = false;
	unsigned int i;
	int r;

	for (i = 0; i < GATEWAY_SOCKET_COUNT; i++) {
		if (!gw.left[i])
			continue;
		r = i == GATEWAY_TCP_CHECK ? check_port_close(gw.fds[i])
					   : listen(gw.fds[i], BACKLOG);
		if (r == -1)
			log_error("role", "gateway", "%s: %s",
			    gateway_socket_name(i), strerror(errno));
		gw.left[i] = false;
		any = true;
	}
	return any;
}

void
gateway_leave(void)
{
	close_all(gw.next);
	/* The gateway has seen them end: another one begins anew. */
	if (take_back() && !gw.is_gone)
		end();
}

/* Those that were bound take the place of those that go. */
static void
take_sockets(const struct gateway_wanted *g)
{
	const struct gateway_settings *s = &g->settings;
	unsigned int i;

	for (i = 0; i < GATEWAY_SOCKET_COUNT; i++) {
		if (gw.next[i] == -1 && s->exists &&
		    s->places[i].address[0] != '\0')
			continue;
		close_fd(&gw.fds[i]);
		gw.left[i] = false;
		gw.fds[i] = gw.next[i];
		gw.next[i] = -1;
	}
}

/* --- the process --- */

static void
send_socket(enum ipc_kind kind, uint32_t which, const char *name, int fd)
{
	struct msg_gateway_socket m = { .kind = which };

	(void)strlcpy(m.name, name, sizeof(m.name));
	child_send(&gw.child, kind, &m, fd);
}

static void
on_started(struct child *c)
{
	struct listener *l;
	unsigned int i;

	gw.beat_ms = clock_mono_ms();
	gw.hello.settings = gw.wanted.settings;
	child_send_bulks(c, 0, &gw.wanted.bulks);
	child_send(c, IPC_GATEWAY_HELLO, &gw.hello, health_fd());
	for (i = 0; i < GATEWAY_SOCKET_COUNT; i++)
		if (gw.fds[i] != -1)
			send_socket(IPC_GATEWAY_OPEN, i, "", gw.fds[i]);
	RB_FOREACH (l, listener_by_name, listeners())
		gateway_listener_bound(l);
}

static void
on_up(struct child *c)
{
	(void)c;
	(void)event_del(gw.deserted);
	store_link_gateway();
}

static void
refuse(uint32_t request, const struct err *err)
{
	struct msg_reply m = { .request = request, .code = err->code };

	(void)strlcpy(m.text, err->text, sizeof(m.text));
	child_send(&gw.child, IPC_REPLY, &m, -1);
}

/* Takes fd. */
static void
answer(uint32_t request, int fd, const struct err *err)
{
	const struct msg_snapshot m = { .request = request };

	if (fd == -1) {
		refuse(request, err);
		return;
	}
	child_send(&gw.child, IPC_SNAPSHOT, &m, fd);
	(void)close(fd);
}

/* May it ask that now? If not, it hears so. */
static bool
may_ask(struct quota *asked, uint32_t request)
{
	struct err err;

	if (quota_take(asked, QUESTIONS_PER_S, clock_mono_ms()) &&
	    child_unsent(&gw.child) <= UNSENT_MAX)
		return true;
	(void)err_set(&err, ERR_BUSY, "too much is asked for");
	refuse(request, &err);
	return false;
}

/* The history or the status of one listener, or of all. */
static void
on_name(enum ipc_kind kind, struct msg_req_name *m)
{
	struct err err;
	int fd;

	m->name[sizeof(m->name) - 1] = '\0';
	if (m->name[0] != '\0' && listener_find(m->name) == NULL) {
		(void)err_set(&err, ERR_NOT_FOUND,
		    "there is no listener named %s", m->name);
		refuse(m->request, &err);
		return;
	}
	if (kind == IPC_REQ_HISTORY)
		fd = status_history(m->name, &err);
	else
		fd = status_snapshot(m->name[0] == '\0' ? NULL : m->name, &err);
	answer(m->request, fd, &err);
}

static void
on_tree(const struct msg_request *m)
{
	struct err err;
	const int fd = status_tree(&err);

	answer(m->request, fd, &err);
}

static void
on_message(struct child *c, struct ipc_message *msg)
{
	union ipc_payload *p = &msg->payload;

	switch (msg->kind) {
	case IPC_GATEWAY_BEAT:
		gw.beat_ms = clock_mono_ms();
		return;
	case IPC_REQ_STATUS:
		if (may_ask(&gw.asked[ASKED_STATUS], p->REQ_STATUS.request))
			on_name(msg->kind, &p->REQ_STATUS);
		return;
	case IPC_REQ_TREE:
		if (may_ask(&gw.asked[ASKED_TREE], p->REQ_TREE.request))
			on_tree(&p->REQ_TREE);
		return;
	case IPC_REQ_HISTORY:
		if (may_ask(&gw.asked[ASKED_HISTORY], p->REQ_HISTORY.request))
			on_name(msg->kind, &p->REQ_HISTORY);
		return;
	default:
		child_kill(c, "sent a message that it may not send");
	}
}

/* For good, or only those of what is not ready. */
static void
close_check_ports(bool all)
{
	const int fd = gw.fds[GATEWAY_TCP_CHECK];
	struct readiness r;
	struct listener *l;

	readiness_now(&r);
	if (fd != -1 && (all || !r.ready))
		(void)check_port_close(fd);
	RB_FOREACH (l, listener_by_name, listeners()) {
		if (l->health_port.fd == -1)
			continue;
		(void)readiness_of_listener(l, &r);
		if (all || !r.ready)
			(void)check_port_close(l->health_port.fd);
	}
}

static void
on_deserted(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	(void)ctx;
	close_check_ports(true);
}

static void
on_ended(struct child *c, const struct child_exit *how)
{
	(void)c;
	(void)how;
	/* Not put off by one that dies again and again. */
	if (!event_pending(gw.deserted, EV_TIMEOUT, NULL))
		(void)event_add(gw.deserted, &deserted_after);
}

static void start(void);

/* Another one takes its place, if there is to be one. */
static void
on_gone(struct child *c)
{
	(void)c;
	gw.is_gone = true;
	if (gw.gone == NULL && gw.wanted.settings.exists) {
		start();
		return;
	}
	close_check_ports(true);
	if (gw.gone != NULL)
		gw.gone();
}

static const struct child_owner gateway_owner = { on_started, on_up, on_message,
	on_ended, on_gone };

static void
start(void)
{
	gw.is_gone = false;
	child_init(&gw.child, ROLE_GATEWAY, "gateway", &gateway_owner, NULL);
	child_start(&gw.child);
}

void
gateway_take(const struct gateway_wanted *g)
{
	const bool same =
	    memcmp(&gw.wanted.settings, &g->settings, sizeof(g->settings)) == 0;

	take_sockets(g);
	if (same)
		return;
	gw.wanted.settings = g->settings;
	bulks_copy(&gw.wanted.bulks, &g->bulks);
	if (!gw.is_gone)
		end();
	else if (g->settings.exists)
		start();
}

/* --- the start --- */

/* Somebody has a place: is it worth another try? */
static bool
try_again(const struct err *err)
{
	const struct timeval wait = { .tv_usec = BIND_RETRY_MS * 1000 };

	return err->code == ERR_PORT_IN_USE && ++gw.tries < BIND_TRIES &&
	    event_add(gw.retry, &wait) == 0;
}

static void
bind_all(evutil_socket_t fd, short what, void *ctx)
{
	struct gateway_wanted *g = ctx;
	struct err err;

	(void)fd;
	(void)what;
	if (gw.gone != NULL)
		return;
	if (gateway_prepare(g, &err) == -1) {
		if (!try_again(&err))
			gw.bound(&err);
		return;
	}
	take_sockets(g);
	start();
	gw.bound(NULL);
}

void
gateway_start(struct event_base *base, const struct daemon_settings *s,
    const struct gateway_wanted *g, void (*bound)(const struct err *err))
{
	struct err err;

	gw.base = base;
	gw.bound = bound;
	gw.hello.log = s->log;
	gw.hello.uid = s->uid;
	gw.hello.gid = s->gid;
	gw.hello.sandbox = s->sandbox ? SANDBOX_ON : SANDBOX_OFF;
	gw.retry = event_new(base, -1, 0, bind_all, &gw.wanted);
	gw.deserted = event_new(base, -1, 0, on_deserted, NULL);
	if (gw.retry == NULL || gw.deserted == NULL) {
		(void)err_set(&err, ERR_UNAVAILABLE,
		    "gateway: a timer: out of memory");
		bound(&err);
		return;
	}
	if (!g->settings.exists) {
		bound(NULL);
		return;
	}
	gw.wanted.settings = g->settings;
	bulks_copy(&gw.wanted.bulks, &g->bulks);
	bind_all(-1, 0, &gw.wanted);
}

/* --- what others ask for --- */

bool
gateway_exists(void)
{
	return gw.wanted.settings.exists;
}

const struct child *
gateway_child(void)
{
	return &gw.child;
}

void
gateway_listener_bound(const struct listener *l)
{
	if (!gw.is_gone && l->health_port.fd != -1)
		send_socket(IPC_GATEWAY_OPEN, GATEWAY_HEALTH_PORT, l->spec.name,
		    l->health_port.fd);
}

void
gateway_listener_gone(const struct listener *l)
{
	if (!gw.is_gone && l->health_port.fd != -1)
		send_socket(IPC_GATEWAY_CLOSE, GATEWAY_HEALTH_PORT,
		    l->spec.name, -1);
}

void
gateway_link_store(int fd)
{
	const struct msg_store_link m = { .role = ROLE_STORE };

	child_send(&gw.child, IPC_STORE_LINK, &m, fd);
}

void
gateway_look(uint64_t now_ms, uint64_t trust_ms)
{
	const uint64_t beat = MAX(gw.beat_ms, trust_ms);
	const uint64_t quiet_ms = now_ms > beat ? now_ms - beat : 0;
	const bool is_up = gw.child.state == CHILD_UP;

	if (gw.is_gone)
		return;
	/* The kernel takes connections for it, whatever is ready. */
	if (!is_up || quiet_ms >= QUIET_MS)
		close_check_ports(false);
	if (is_up && quiet_ms >= HANG_MS)
		child_kill(&gw.child, "it hangs");
}

void
gateway_stop(void (*gone)(void))
{
	gw.gone = gone;
	if (gw.is_gone)
		gone();
	else
		end();
}

void
gateway_free(void)
{
	if (gw.retry != NULL)
		event_free(gw.retry);
	gw.retry = NULL;
	if (gw.deserted != NULL)
		event_free(gw.deserted);
	gw.deserted = NULL;
	close_all(gw.fds);
	close_all(gw.next);
	bulks_copy(&gw.wanted.bulks, &none.bulks);
}
