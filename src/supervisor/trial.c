#include "supervisor/trial.h"

#include <stdlib.h>
#include <string.h>

#include "supervisor/helper_task.h"
#include "supervisor/listener.h"
#include "supervisor/pool.h"
#include "supervisor/pool_check.h"
#include "supervisor/supervisor.h"

/* What a module does when it is loaded and configured is quick. */
#define DEADLINE_MS 10000

struct trial {
	trial_fn *done;
	void *ctx;
};

static void
on_answer(void *ctx, const struct ipc_message *msg)
{
	struct trial *t = ctx;
	const struct msg_refused *m = msg == NULL ? NULL : &msg->payload.TRIED;
	struct err err = { .code = ERR_NONE };

	if (msg != NULL && msg->kind != IPC_TRIED)
		return;
	if (m == NULL)
		(void)err_set(&err, ERR_INVALID,
		    "module: it was tried, and crashed or hung: the log says "
		    "how");
	else if (m->code != ERR_NONE)
		(void)err_set(&err,
		    m->code < ERR_CODE_COUNT ? (enum err_code)m->code
					     : ERR_INTERNAL,
		    "module: %.*s", (int)sizeof(m->text), m->text);
	t->done(t->ctx, err.code == ERR_NONE ? NULL : &err);
	free(t);
}

bool
trial_is_due(const struct wanted *w)
{
	const struct bulk *plan = w->bulks.of[BULK_PROTOCOL_PLAN];
	const struct listener *l = listener_find(w->spec.name);

	if (plan == NULL || !(w->set & OPTION_BIT(OPT_MODULE)))
		return false;
	return l == NULL || l->goal == GOAL_FAIL ||
	    !bulk_ref_matches(&l->spec.bulks[BULK_PROTOCOL_PLAN], plan);
}

/* Who its workers are: what it says, or the pool that it has or joins. */
static void
choose_user(const struct wanted *w, const struct daemon_settings *settings,
    struct msg_try *m)
{
	const struct listener *l = listener_find(w->spec.name);
	const struct pool *p = l != NULL ? l->pool : pool_find(w->spec.pool);

	m->uid = w->spec.worker_uid;
	m->gid = w->spec.worker_gid;
	if (m->uid == SPEC_NO_ID && p != NULL) {
		m->uid = p->uid;
		m->gid = p->gid;
	}
	if (m->uid == SPEC_NO_ID) {
		m->uid = settings->uid;
		m->gid = settings->gid;
	}
}

/* As the workers that it is for. */
static uint32_t
choose_sandbox(const struct wanted *w, const struct daemon_settings *settings)
{
	const struct listener *l = listener_find(w->spec.name);
	const struct pool *p = l != NULL ? l->pool : pool_find(w->spec.pool);

	if (!settings->sandbox)
		return SANDBOX_OFF;
	return p != NULL && pool_wants_programs(p) ? SANDBOX_PROGRAMS
						   : SANDBOX_ON;
}

int
trial_start(const struct wanted *w, const struct daemon_settings *settings,
    trial_fn *done, void *ctx, struct err *err)
{
	const struct bulk *plan = w->bulks.of[BULK_PROTOCOL_PLAN];
	struct helper_request request = { .role = ROLE_POOL,
		.kind = IPC_TRY,
		.last = IPC_TRIED,
		.fd = plan->fd,
		.deadline_ms = DEADLINE_MS };
	struct msg_try *m = &request.payload.TRY;
	struct trial *t = malloc(sizeof(*t));

	if (t == NULL)
		return err_sys(err, "a trial");
	*t = (struct trial){ done, ctx };
	m->log = settings->log;
	m->protocol = PROTOCOL_MODULE;
	m->plan = plan->ref;
	memcpy(m->name, w->spec.name, sizeof(m->name));
	choose_user(w, settings, m);
	m->sandbox = choose_sandbox(w, settings);
	if (helper_task_start(supervisor_base(), &request, on_answer, t, err) ==
	    0)
		return 0;
	free(t);
	return -1;
}
