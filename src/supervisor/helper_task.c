#include "supervisor/helper_task.h"

#include <sys/queue.h>

#include <event2/event.h>
#include <stdlib.h>

#include "common/log.h"
#include "supervisor/child.h"

/* At the same time; more than are ever needed. */
#define TASKS_MAX 32

struct task {
	TAILQ_ENTRY(task) next;
	struct child child;
	struct event *deadline;
	struct helper_request request;
	helper_answer_fn *answer; /* NULL: has had its last call */
	void *ctx;
};

static struct {
	TAILQ_HEAD(, task) list;
	unsigned int count;
} tasks = { .list = TAILQ_HEAD_INITIALIZER(tasks.list) };

static void on_started(struct child *);
static void on_up(struct child *);
static void on_message(struct child *, struct ipc_message *);
static void on_ended(struct child *, const struct child_exit *);
static void on_gone(struct child *);

static const struct child_owner task_owner = { on_started, on_up, on_message,
	on_ended, on_gone };

static void
last_call(struct task *t, const struct ipc_message *answer)
{
	helper_answer_fn *fn = t->answer;

	t->answer = NULL;
	if (fn != NULL)
		fn(t->ctx, answer);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct task *t = arg;

	(void)fd;
	(void)what;
	if (t->child.pid == 0) {
		/* Its turn has not come: what it would do is not wanted now. */
		child_stop(&t->child, 0);
		return;
	}
	child_kill(&t->child, NULL);
	last_call(t, NULL);
}

static void
on_started(struct child *c)
{
	const struct task *t = c->owner_ctx;

	child_send(c, t->request.kind, &t->request.payload,
	    ipc_carries_fd(t->request.kind) ? t->request.fd : -1);
}

static void
on_up(struct child *c)
{
	(void)c;
}

static void
on_message(struct child *c, struct ipc_message *msg)
{
	struct task *t = c->owner_ctx;

	if (msg->kind == t->request.last)
		last_call(t, msg);
	else if (t->answer != NULL)
		t->answer(t->ctx, msg);
}

static void
on_ended(struct child *c, const struct child_exit *how)
{
	const struct task *t = c->owner_ctx;

	if (t->answer != NULL)
		log_warning("role", c->title, "%s", how->text);
}

static void
free_task(struct task *t)
{
	TAILQ_REMOVE(&tasks.list, t, next);
	tasks.count--;
	event_free(t->deadline);
	free(t);
}

static void
on_gone(struct child *c)
{
	struct task *t = c->owner_ctx;

	last_call(t, NULL);
	free_task(t);
}

int
helper_task_start(struct event_base *base, const struct helper_request *request,
    helper_answer_fn *answer, void *ctx, struct err *err)
{
	const uint32_t ms = request->deadline_ms;
	const struct timeval tv = { .tv_sec = ms / 1000,
		.tv_usec = (suseconds_t)(ms % 1000) * 1000 };
	struct task *t;

	if (tasks.count == TASKS_MAX)
		return err_set(err, ERR_BUSY, "too many helpers are running");
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return err_sys(err, "a helper");
	t->deadline = event_new(base, -1, 0, on_deadline, t);
	if (t->deadline == NULL || event_add(t->deadline, &tv) == -1) {
		if (t->deadline != NULL)
			event_free(t->deadline);
		free(t);
		return err_set(err, ERR_UNAVAILABLE, "a helper: out of memory");
	}
	t->request = *request;
	t->answer = answer;
	t->ctx = ctx;
	TAILQ_INSERT_TAIL(&tasks.list, t, next);
	tasks.count++;
	child_init(&t->child, request->role == 0 ? ROLE_CONFIG : request->role,
	    "helper", &task_owner, t);
	t->child.one_shot = true;
	t->child.start_ms = ms;
	child_start(&t->child);
	return 0;
}
