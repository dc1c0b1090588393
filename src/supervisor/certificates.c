#include "supervisor/certificates.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "supervisor/helper_task.h"
#include "supervisor/supervisor.h"

/* A disk may be slow, but nobody waits for ever. */
#define DEADLINE_MS 20000

struct reading {
	struct wanted wanted;
	certificates_fn *done;
	void *ctx;
	struct err err; /* the first; code ERR_NONE: none */
};

static void
take_material(struct reading *r, const struct ipc_message *msg)
{
	struct bulk **b = &r->wanted.bulks.of[BULK_TLS_MATERIAL];
	/* The message stays its owner's: hold a descriptor of our own. */
	struct bulk *fresh =
	    bulk_duplicate(msg->fd, &msg->payload.BULK.ref, &r->err);

	if (fresh == NULL)
		return;
	bulk_drop(b);
	*b = fresh;
	r->wanted.spec.bulks[BULK_TLS_MATERIAL] = fresh->ref;
}

static void
take_error(struct reading *r, const struct msg_text *m)
{
	if (r->err.code == ERR_NONE)
		(void)err_set(&r->err, ERR_INVALID, "%.*s",
		    (int)sizeof(m->text), m->text);
}

static void
finish(struct reading *r, bool ended)
{
	if (!ended && r->err.code == ERR_NONE)
		(void)err_set(&r->err, ERR_INTERNAL,
		    "the certificates could not be read");
	if (r->err.code == ERR_NONE)
		(void)wanted_check(&r->wanted, &r->err);
	r->done(r->ctx, &r->wanted, r->err.code == ERR_NONE ? NULL : &r->err);
	wanted_clear(&r->wanted);
	free(r);
}

static void
on_answer(void *ctx, const struct ipc_message *msg)
{
	struct reading *r = ctx;

	if (msg == NULL) {
		finish(r, false);
		return;
	}
	switch (msg->kind) {
	case IPC_BULK:
		take_material(r, msg);
		break;
	case IPC_PLAN_ERROR:
		take_error(r, &msg->payload.PLAN_ERROR);
		break;
	case IPC_PLAN_WARNING:
		log_warning("listener", r->wanted.spec.name, "%.*s",
		    (int)sizeof(msg->payload.PLAN_WARNING.text),
		    msg->payload.PLAN_WARNING.text);
		break;
	case IPC_PLAN_END:
		finish(r, true);
		break;
	default:
		break;
	}
}

int
certificates_read(const struct wanted *wanted, certificates_fn *done, void *ctx,
    struct err *err)
{
	const struct bulk *section = wanted->bulks.of[BULK_TLS];
	struct helper_request request = { .kind = IPC_CONFIG_TLS,
		.last = IPC_PLAN_END,
		.deadline_ms = DEADLINE_MS };
	struct reading *r;

	if (section == NULL)
		return err_set(err, ERR_INVALID, "tls: is missing");
	r = calloc(1, sizeof(*r));
	if (r == NULL)
		return err_sys(err, "certificates");
	wanted_copy(&r->wanted, wanted);
	r->done = done;
	r->ctx = ctx;
	request.payload.CONFIG_TLS.ref = section->ref;
	request.fd = section->fd;
	if (helper_task_start(supervisor_base(), &request, on_answer, r, err) ==
	    0)
		return 0;
	wanted_clear(&r->wanted);
	free(r);
	return -1;
}
