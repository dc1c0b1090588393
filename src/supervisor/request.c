#include "supervisor/request.h"

#include <stdbool.h>
#include <string.h>

#include "common/log.h"
#include "supervisor/control.h"
#include "supervisor/lines.h"
#include "supervisor/listener.h"
#include "supervisor/reload.h"
#include "supervisor/shutdown.h"
#include "supervisor/status.h"
#include "supervisor/supervisor.h"

/* An add whose workers don't answer by then fails. */
#define ADD_DEADLINE_MS 20000

static uint32_t reload_request; /* 0: nobody waits */

static void
refuse(uint32_t request, const struct err *err)
{
	control_reply(request, err, 0, 0, NULL);
}

/* Changes are possible only between start and shutdown. */
static int
check_running(struct err *err)
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

static struct listener *
find(const char *name, struct err *err)
{
	struct listener *l = listener_find(name);

	if (l == NULL)
		(void)err_set(err, ERR_NOT_FOUND,
		    "there is no listener named %s", name);
	return l;
}

static void
reply_status(uint32_t request, const char *name)
{
	struct err err;
	const int fd = status_snapshot(name, &err);

	if (fd == -1)
		refuse(request, &err);
	else
		control_reply_snapshot(request, fd);
}

static void
on_add(const struct msg_req_add *m)
{
	struct listener *l;
	struct err err;

	if (check_running(&err) == -1 || spec_check(&m->spec, &err) == -1) {
		refuse(m->request, &err);
		return;
	}
	l = listener_add(&m->spec, m->set, ORIGIN_RUNTIME, &err);
	if (l == NULL) {
		refuse(m->request, &err);
		return;
	}
	l->add_request = m->request;
	listener_set_start_deadline(l, ADD_DEADLINE_MS);
}

static void
on_update(struct msg_req_update *m)
{
	struct listener *l;
	struct err err;

	m->spec.name[sizeof(m->spec.name) - 1] = '\0';
	if (check_running(&err) == -1 ||
	    (l = find(m->spec.name, &err)) == NULL ||
	    listener_update(l, &m->spec, m->set, &err) == -1)
		refuse(m->request, &err);
	else
		reply_status(m->request, m->spec.name);
}

static void
on_remove(struct msg_req_name *m)
{
	struct listener *l;
	struct err err;

	m->name[sizeof(m->name) - 1] = '\0';
	if (check_running(&err) == -1 || (l = find(m->name, &err)) == NULL) {
		refuse(m->request, &err);
		return;
	}
	if (l->state == LISTENER_DRAINING) {
		(void)err_set(&err, ERR_BUSY, "%s is being removed already",
		    m->name);
		refuse(m->request, &err);
		return;
	}
	l->remove_request = m->request;
	listener_remove(l,
	    m->deadline_ms == DEADLINE_DEFAULT ? l->spec.drain_timeout_ms
					       : m->deadline_ms);
}

static void
on_status(struct msg_req_name *m)
{
	struct err err;

	m->name[sizeof(m->name) - 1] = '\0';
	if (m->name[0] != '\0' && find(m->name, &err) == NULL)
		refuse(m->request, &err);
	else
		reply_status(m->request, m->name[0] != '\0' ? m->name : NULL);
}

static void
on_tree(const struct msg_request *m)
{
	struct err err;
	const int fd = status_tree(&err);

	if (fd == -1)
		refuse(m->request, &err);
	else
		control_reply_snapshot(m->request, fd);
}

static void
on_reload(const struct msg_request *m)
{
	struct err err;

	if (check_running(&err) == -1 || reload_start(&err) == -1)
		refuse(m->request, &err);
	else
		reload_request = m->request;
}

static void
on_shutdown(const struct msg_request *m)
{
	control_reply(m->request, NULL, 0, 0, NULL);
	shutdown_begin(m->deadline_ms == DEADLINE_DEFAULT
		? supervisor_settings()->shutdown_deadline_ms
		: m->deadline_ms);
}

int
request_handle(struct ipc_message *msg)
{
	switch (msg->kind) {
	case IPC_REQ_ADD:
		on_add(&msg->payload.REQ_ADD);
		return 0;
	case IPC_REQ_UPDATE:
		on_update(&msg->payload.REQ_UPDATE);
		return 0;
	case IPC_REQ_REMOVE:
		on_remove(&msg->payload.REQ_REMOVE);
		return 0;
	case IPC_REQ_STATUS:
		on_status(&msg->payload.REQ_STATUS);
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
	default:
		return -1;
	}
}

void
request_listener_ready(struct listener *l, const struct err *err)
{
	const uint32_t request = l->add_request;

	l->add_request = 0;
	if (request == 0)
		return;
	if (err != NULL)
		refuse(request, err);
	else
		reply_status(request, l->spec.name);
}

void
request_listener_removed(struct listener *l, uint64_t finished, uint64_t cut)
{
	control_reply(l->remove_request, NULL, finished, cut, NULL);
	l->remove_request = 0;
}

void
request_reload_done(const struct err *err, const char *text)
{
	char fitted[IPC_TEXT_SIZE];

	if (text != NULL)
		lines_fit(text, fitted, sizeof(fitted));
	control_reply(reload_request, err, 0, 0, text == NULL ? NULL : fitted);
	reload_request = 0;
}

void
request_forget_all(void)
{
	struct listener *l;

	reload_request = 0;
	RB_FOREACH (l, listener_by_name, listeners()) {
		l->add_request = 0;
		l->remove_request = 0;
	}
}
