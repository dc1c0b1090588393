#include "supervisor/request.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "supervisor/certificates.h"
#include "supervisor/control.h"
#include "supervisor/drain.h"
#include "supervisor/lines.h"
#include "supervisor/listener.h"
#include "supervisor/listener_update.h"
#include "supervisor/pool.h"
#include "supervisor/pool_check.h"
#include "supervisor/prepare.h"
#include "supervisor/reload.h"
#include "supervisor/request_restart.h"
#include "supervisor/request_upstream.h"
#include "supervisor/shutdown.h"
#include "supervisor/status.h"
#include "supervisor/supervisor.h"
#include "supervisor/traces.h"
#include "supervisor/worker_link.h"

static struct {
	uint32_t reload; /* who waits for one; 0: nobody */
	uint32_t epoch;  /* of the control process: requests are its own */
	struct bulks incoming; /* values for its next spec */
} waiting;

uint32_t
request_epoch(void)
{
	return waiting.epoch;
}

void
request_refuse(uint32_t request, const struct err *err)
{
	control_reply(request, err, 0, 0, NULL);
}

int
request_check_running(struct err *err)
{
	switch (supervisor_state()) {
	case DAEMON_RUNNING:
		return 0;
	case DAEMON_STARTING:
		return err_set(err, ERR_BUSY, "mercuryd is still starting");
	default:
		return err_set(err, ERR_UNAVAILABLE,
		    "mercuryd is shutting down");
	}
}

struct listener *
request_find(const char *name, struct err *err)
{
	struct listener *l = listener_find(name);

	if (l == NULL)
		(void)err_set(err, ERR_NOT_FOUND,
		    "there is no listener named %s", name);
	return l;
}

void
request_reply_status(uint32_t request, const char *name)
{
	struct err err;
	int fd = -1;

	if (name != NULL && listener_find(name) == NULL)
		(void)err_set(&err, ERR_UNAVAILABLE, "%s was removed meanwhile",
		    name);
	else
		fd = status_snapshot(name, &err);
	if (fd == -1)
		request_refuse(request, &err);
	else
		control_reply_snapshot(request, fd);
}

void
request_wait_for(struct listener *l, enum wait_kind kind, uint32_t request)
{
	struct err err;

	if (listener_wait(l, kind, request, &err) == -1)
		request_refuse(request, &err);
}

/* What is asked for, with the values that came before it: clear it. */
static struct wanted
take_wanted(const struct listener_spec *spec, option_set set)
{
	struct wanted w = { .spec = *spec,
		.set = set,
		.origin = ORIGIN_RUNTIME,
		.bulks = waiting.incoming };

	memset(&waiting.incoming, 0, sizeof(waiting.incoming));
	return w;
}

static void
on_bulk(struct ipc_message *msg)
{
	struct err err;

	if (bulks_take(&waiting.incoming, &msg->payload.BULK, &msg->fd, &err) ==
	    -1)
		log_warning("role", "control", "%s", err.text);
	/* Only mercury-config makes that. */
	bulk_drop(&waiting.incoming.of[BULK_TLS_MATERIAL]);
	bulk_drop(&waiting.incoming.of[BULK_UPSTREAM_MATERIAL]);
}

/*
 * A section is of use for its transport or protocol only. Returns 0, or -1
 * with *err.
 */
static int
check_sections(const struct listener *l, const struct wanted *w,
    struct err *err)
{
	if (l->spec.transport != TRANSPORT_TLS && w->bulks.of[BULK_TLS] != NULL)
		return err_set(err, ERR_INVALID,
		    "tls: goes with transport = \"tls\" only");
	return spec_check_sections(l->spec.protocol, w->set, err);
}

/*
 * Who may use the control socket could become anybody by a program or a module,
 * and a worker of ours can use it: the socket is its user's. So as whom a pool
 * runs is said in the config file, which is root's. Returns 0, or -1 with *err.
 */
static int
check_user(const struct listener_spec *spec, struct err *err)
{
	if (spec->worker_uid == SPEC_NO_ID || geteuid() != 0)
		return 0;
	return err_set(err, ERR_PERMISSION,
	    "user: can be set in the config file only: name a pool there that "
	    "has it, and give the listener that pool");
}

/* A change that is being prepared. */
struct change {
	uint32_t request;
	uint32_t epoch;
	void (*apply)(uint32_t request, const struct wanted *);
};

static void
on_prepared(void *ctx, struct wanted *w, const struct err *err)
{
	struct change *c = ctx;
	/* Who asked may be gone; what was asked for is done. */
	const uint32_t request = c->epoch == waiting.epoch ? c->request : 0;

	if (err != NULL)
		request_refuse(request, err);
	else
		c->apply(request, w);
	free(c);
}

/* Apply a change when its files are read and its module is tried. */
static void
change(uint32_t request, const struct wanted *w,
    void (*apply)(uint32_t, const struct wanted *))
{
	struct change *c = malloc(sizeof(*c));
	struct err err;

	if (c == NULL) {
		(void)err_sys(&err, "a request");
		request_refuse(request, &err);
		return;
	}
	*c = (struct change){ request, waiting.epoch, apply };
	if (prepare(w, on_prepared, c, &err) == 0)
		return;
	free(c);
	request_refuse(request, &err);
}

static void
add(uint32_t request, const struct wanted *w)
{
	struct listener *l = NULL;
	struct err err;

	if (request_check_running(&err) == 0 &&
	    pool_check_group(w->spec.pool, &err) == 0)
		l = listener_add(w, false, &err);
	if (l != NULL && listener_wait(l, WAIT_LISTENING, request, &err) == 0)
		return;
	request_refuse(request, &err);
	/* What is refused leaves nothing behind. */
	if (l != NULL)
		listener_remove(l, 0);
}

static void
on_add(const struct msg_req_add *m)
{
	struct wanted w = take_wanted(&m->spec, m->set);
	struct err err;

	if (request_check_running(&err) == -1 ||
	    spec_check(&w.spec, &err) == -1 || wanted_check(&w, &err) == -1 ||
	    check_user(&w.spec, &err) == -1 ||
	    listener_check_name(w.spec.name, &err) == -1)
		request_refuse(m->request, &err);
	else
		change(m->request, &w, add);
	wanted_clear(&w);
}

static void
update(uint32_t request, const struct wanted *w)
{
	struct listener *l;
	struct err err;

	if (request_check_running(&err) == -1 ||
	    (l = request_find(w->spec.name, &err)) == NULL ||
	    listener_update(l, w, w->set, &err) == -1)
		request_refuse(request, &err);
	else
		request_reply_status(request, w->spec.name);
}

static void
on_update(const struct msg_req_update *m)
{
	struct wanted w = take_wanted(&m->spec, m->set);
	const struct listener *l;
	struct err err;

	w.spec.name[sizeof(w.spec.name) - 1] = '\0';
	if (request_check_running(&err) == -1 || wanted_check(&w, &err) == -1 ||
	    check_user(&w.spec, &err) == -1 ||
	    (l = request_find(w.spec.name, &err)) == NULL ||
	    check_sections(l, &w, &err) == -1) {
		request_refuse(m->request, &err);
	} else {
		if (!(w.set & OPTION_BIT(OPT_PROTOCOL)))
			w.spec.protocol = l->spec.protocol;
		change(m->request, &w, update);
	}
	wanted_clear(&w);
}

static void
on_remove(const struct msg_req_name *m)
{
	struct listener *l;
	struct err err;

	if (request_check_running(&err) == -1 ||
	    (l = request_find(m->name, &err)) == NULL ||
	    listener_wait(l, WAIT_REMOVED, m->request, &err) == -1) {
		request_refuse(m->request, &err);
		return;
	}
	listener_remove(l,
	    m->deadline_ms == DEADLINE_DEFAULT ? l->spec.drain_timeout_ms
					       : m->deadline_ms);
}

static void
on_pause(const struct msg_req_name *m)
{
	const bool queue = m->flags & REQ_FLAG_QUEUE;
	struct listener *l;
	struct err err;

	if (request_check_running(&err) == -1 ||
	    (l = request_find(m->name, &err)) == NULL ||
	    listener_wait(l, WAIT_PAUSED, m->request, &err) == -1) {
		request_refuse(m->request, &err);
		return;
	}
	if (listener_pause(l, queue, &err) == -1)
		listener_answer_waits(l, WAIT_PAUSED, &err);
	else
		listener_check_waits(l);
}

static void
on_resume(const struct msg_req_name *m)
{
	struct listener *l;
	struct err err;

	if (request_check_running(&err) == -1 ||
	    (l = request_find(m->name, &err)) == NULL ||
	    listener_wait(l, WAIT_LISTENING, m->request, &err) == -1) {
		request_refuse(m->request, &err);
		return;
	}
	if (listener_resume(l, &err) == -1)
		listener_answer_waits(l, WAIT_LISTENING, &err);
	else
		listener_check_waits(l);
}

/* --- drain --- */

static int
check_drain(struct err *err)
{
	if (shutdown_is_near())
		return err_set(err, ERR_UNAVAILABLE,
		    "mercuryd is shutting down");
	return request_check_running(err);
}

/* Also undrain. */
static void
on_drain(const struct msg_req_name *m)
{
	const bool on = !(m->flags & REQ_FLAG_UNDRAIN);
	struct listener *l = NULL;
	struct err err;

	if (check_drain(&err) == -1 ||
	    (m->name[0] != '\0' && (l = request_find(m->name, &err)) == NULL) ||
	    (l != NULL && drain_listener(l, on, &err) == -1)) {
		request_refuse(m->request, &err);
		return;
	}
	if (l == NULL)
		drain_daemon(on);
	request_reply_status(m->request, l != NULL ? m->name : NULL);
}

/* --- looking --- */

/* A channel between control and each worker of the listener. */
static void
on_workers(const struct msg_req_name *m)
{
	const struct listener *l;
	struct err err;

	l = request_find(m->name, &err);
	if (l == NULL) {
		request_refuse(m->request, &err);
		return;
	}
	worker_links_send(l, m->request);
	control_reply(m->request, NULL, 0, 0, NULL);
}

/* The same for a trace, and for each worker that comes while it lasts. */
static void
on_trace(struct msg_req_trace *m)
{
	const struct listener *l;
	struct err err;

	m->name[sizeof(m->name) - 1] = '\0';
	l = request_find(m->name, &err);
	if (l == NULL || traces_begin(m, l, &err) == -1)
		request_refuse(m->request, &err);
	else
		control_reply(m->request, NULL, 0, 0, NULL);
}

static void
reply_rows(uint32_t request, int fd, const struct err *err)
{
	if (fd == -1)
		request_refuse(request, err);
	else
		control_reply_snapshot(request, fd);
}

static void
on_history(const struct msg_req_name *m)
{
	struct err err;
	int fd = -1;

	if (m->name[0] == '\0' || request_find(m->name, &err) != NULL)
		fd = status_history(m->name, &err);
	reply_rows(m->request, fd, &err);
}

static void
on_failures(const struct msg_req_name *m)
{
	struct err err;
	int fd = -1;

	if (m->name[0] == '\0' || request_find(m->name, &err) != NULL)
		fd = status_failures(m->name, m->window_ms, &err);
	reply_rows(m->request, fd, &err);
}

static void
on_status(const struct msg_req_name *m)
{
	const struct listener *l = NULL;
	struct err err;

	if (m->name[0] != '\0' && (l = request_find(m->name, &err)) == NULL) {
		request_refuse(m->request, &err);
		return;
	}
	if (l != NULL && (m->flags & REQ_FLAG_VALUES))
		control_send_bulks(m->request, &l->bulks);
	request_reply_status(m->request, l != NULL ? m->name : NULL);
}

static void
on_tree(const struct msg_request *m)
{
	struct err err;
	const int fd = status_tree(&err);

	reply_rows(m->request, fd, &err);
}

static void
on_reload(const struct msg_request *m)
{
	struct err err;

	if (request_check_running(&err) == -1 ||
	    reload_start(m->flags & REQ_FLAG_DRY_RUN, &err) == -1)
		request_refuse(m->request, &err);
	else
		waiting.reload = m->request;
}

static void
on_shutdown(const struct msg_request *m)
{
	shutdown_announce();
	control_reply_shutdown(m->request, shutdown_lame_duck_ms());
	shutdown_begin(m->deadline_ms == DEADLINE_DEFAULT
		? supervisor_settings()->shutdown_deadline_ms
		: m->deadline_ms,
	    "by request");
}

/* Requests that have a name in them. */
static int
handle_name(enum ipc_kind kind, struct msg_req_name *m)
{
	m->name[sizeof(m->name) - 1] = '\0';
	switch (kind) {
	case IPC_REQ_REMOVE:
		on_remove(m);
		return 0;
	case IPC_REQ_PAUSE:
		on_pause(m);
		return 0;
	case IPC_REQ_RESUME:
		on_resume(m);
		return 0;
	case IPC_REQ_RESTART:
		request_restart(m);
		return 0;
	case IPC_REQ_DRAIN:
		on_drain(m);
		return 0;
	case IPC_REQ_HISTORY:
		on_history(m);
		return 0;
	case IPC_REQ_FAILURES:
		on_failures(m);
		return 0;
	case IPC_REQ_WORKERS:
		on_workers(m);
		return 0;
	case IPC_REQ_UPSTREAMS:
		request_upstreams(m);
		return 0;
	case IPC_REQ_STATUS:
		on_status(m);
		return 0;
	default:
		return -1;
	}
}

int
request_handle(struct ipc_message *msg)
{
	switch (msg->kind) {
	case IPC_BULK:
		on_bulk(msg);
		return 0;
	case IPC_REQ_ADD:
		on_add(&msg->payload.REQ_ADD);
		return 0;
	case IPC_REQ_UPDATE:
		on_update(&msg->payload.REQ_UPDATE);
		return 0;
	case IPC_REQ_TREE:
		on_tree(&msg->payload.REQ_TREE);
		return 0;
	case IPC_REQ_RELOAD:
		on_reload(&msg->payload.REQ_RELOAD);
		return 0;
	case IPC_REQ_SHUTDOWN:
		on_shutdown(&msg->payload.REQ_SHUTDOWN);
		return 0;
	case IPC_REQ_TRACE:
		on_trace(&msg->payload.REQ_TRACE);
		return 0;
	case IPC_REQ_UPSTREAM_SET:
		request_upstream_set(&msg->payload.REQ_UPSTREAM_SET);
		return 0;
	case IPC_TRACE_END:
		traces_end(msg->payload.TRACE_END.trace);
		return 0;
	case IPC_REQ_REMOVE:
	case IPC_REQ_PAUSE:
	case IPC_REQ_RESUME:
	case IPC_REQ_RESTART:
	case IPC_REQ_DRAIN:
	case IPC_REQ_HISTORY:
	case IPC_REQ_FAILURES:
	case IPC_REQ_WORKERS:
	case IPC_REQ_UPSTREAMS:
	case IPC_REQ_STATUS:
		return handle_name(msg->kind, &msg->payload.REQ_STATUS);
	default:
		return -1;
	}
}

void
request_answer(struct listener *l, const struct wait *w, const struct err *err)
{
	if (w->request == 0)
		return;
	if (err != NULL)
		request_refuse(w->request, err);
	else
		request_reply_status(w->request, l->spec.name);
}

void
request_listener_removed(struct listener *l, uint64_t finished, uint64_t cut)
{
	const struct wait *w;

	STAILQ_FOREACH (w, &l->waits, next)
		if (w->kind == WAIT_REMOVED)
			control_reply(w->request, NULL, finished, cut, NULL);
}

void
request_reload_done(const struct err *err, const char *text)
{
	char fitted[IPC_TEXT_SIZE];

	if (text != NULL)
		lines_fit(text, fitted, sizeof(fitted));
	control_reply(waiting.reload, err, 0, 0, text == NULL ? NULL : fitted);
	waiting.reload = 0;
}

void
request_reload_shown(struct snapshot_writer *w)
{
	const uint32_t request = waiting.reload;
	struct err err;
	const int fd = snapshot_seal(w, &err);

	waiting.reload = 0;
	if (request != 0)
		reply_rows(request, fd, &err);
	else if (fd != -1)
		(void)close(fd);
}

void
request_forget_all(void)
{
	struct listener *l;

	waiting.reload = 0;
	waiting.epoch++;
	bulks_drop(&waiting.incoming);
	traces_forget_all();
	/* Also of those that are removed while another one has their name. */
	RB_FOREACH (l, listener_by_id, listeners_by_id())
		listener_forget_waits(l);
}
