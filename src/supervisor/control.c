#include "supervisor/control.h"

#include <string.h>
#include <unistd.h>

#include "supervisor/health.h"
#include "supervisor/request.h"

/* Its clients are owed their last answers; that takes no time. */
#define STOP_DEADLINE_MS 100

static struct {
	struct child child;
	struct msg_control_hello hello;
	int listen_fd; /* kept for the next start */
	const struct control_watcher *watcher;
} control = { .listen_fd = -1 };

static void
on_started(struct child *c)
{
	child_send(c, IPC_CONTROL_HELLO, &control.hello, control.listen_fd);
}

static void
on_up(struct child *c)
{
	(void)c;
	control.watcher->up();
}

static void
on_message(struct child *c, struct ipc_message *msg)
{
	if (request_handle(msg) == -1)
		child_kill(c, "sent a message that it may not send");
}

static void
on_ended(struct child *c, const struct child_exit *how)
{
	/* Its clients are gone, and with them their questions. */
	request_forget_all();
	if (child_is_hopeless(c, how))
		control.watcher->hopeless(how->text);
}

static void
on_gone(struct child *c)
{
	(void)c;
	if (control.listen_fd != -1)
		(void)close(control.listen_fd);
	control.listen_fd = -1;
	control.watcher->gone();
}

static const struct child_owner control_owner = { on_started, on_up, on_message,
	on_ended, on_gone };

void
control_start(const struct daemon_settings *s, int listen_fd,
    const struct control_watcher *watcher)
{
	control.hello.log = s->log;
	control.hello.uid = s->uid;
	control.hello.gid = s->gid;
	control.hello.sandbox = s->sandbox ? SANDBOX_ON : SANDBOX_OFF;
	control.hello.control_gid = s->control_gid;
	control.hello.readers_gid = s->readers_gid;
	(void)strlcpy(control.hello.state_dir, s->state_dir,
	    sizeof(control.hello.state_dir));
	control.listen_fd = listen_fd;
	control.watcher = watcher;
	child_init(&control.child, ROLE_CONTROL, "control", &control_owner,
	    NULL);
	child_start(&control.child);
}

const struct child *
control_child(void)
{
	return &control.child;
}

void
control_reply(uint32_t request, const struct err *err, uint64_t finished,
    uint64_t cut, const char *text)
{
	struct msg_reply m = { .request = request,
		.code = err != NULL ? err->code : ERR_NONE,
		.finished = finished,
		.cut = cut };

	if (request == 0)
		return;
	health_settle();
	if (err != NULL && text == NULL)
		text = err->text;
	if (text != NULL)
		(void)strlcpy(m.text, text, sizeof(m.text));
	child_send(&control.child, IPC_REPLY, &m, -1);
}

void
control_reply_shutdown(uint32_t request, uint32_t lame_duck_ms)
{
	const struct msg_reply m = { .request = request,
		.code = ERR_NONE,
		.lame_duck_ms = lame_duck_ms };

	child_send(&control.child, IPC_REPLY, &m, -1);
}

void
control_reply_snapshot(uint32_t request, int fd)
{
	const struct msg_snapshot m = { .request = request };

	health_settle();
	if (request != 0)
		child_send(&control.child, IPC_SNAPSHOT, &m, fd);
	(void)close(fd);
}

void
control_send_bulks(uint32_t request, const struct bulks *s)
{
	struct bulks shown = *s;

	/* There are private keys in it, which nobody may see there. */
	shown.of[BULK_TLS_MATERIAL] = NULL;
	shown.of[BULK_UPSTREAM_MATERIAL] = NULL;
	child_send_bulks(&control.child, request, &shown);
}

void
control_link_worker(const struct msg_worker_link *m, int fd)
{
	child_send(&control.child, IPC_WORKER_LINK, m, fd);
}

void
control_link_trace(const struct msg_trace_link *m, int fd)
{
	child_send(&control.child, IPC_TRACE_LINK, m, fd);
}

void
control_end_trace(uint32_t trace)
{
	const struct msg_trace_end m = { .trace = trace };

	child_send(&control.child, IPC_TRACE_END, &m, -1);
}

void
control_link_store(int fd)
{
	const struct msg_store_link m = { .role = ROLE_STORE };

	child_send(&control.child, IPC_STORE_LINK, &m, fd);
}

void
control_stop(void)
{
	/* The end of the channel is its word to go. */
	child_hang_up(&control.child);
	child_stop(&control.child, STOP_DEADLINE_MS);
}
