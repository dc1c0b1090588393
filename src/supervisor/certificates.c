#include "supervisor/certificates.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "supervisor/helper_task.h"
#include "supervisor/supervisor.h"

/* A disk may be slow, but nobody waits for ever. */
#define DEADLINE_MS 20000

/* The values that name files, one after the other. */
static const enum bulk_id sources[] = { BULK_TLS, BULK_UPSTREAM_TLS,
	BULK_PROTOCOL_PLAN };
#define SOURCES (sizeof(sources) / sizeof(sources[0]))

struct reading {
	struct wanted wanted;
	size_t at; /* which of sources is being read */
	certificates_fn *done;
	void *ctx;
	struct err err; /* the first; code ERR_NONE: none */
};

/* Has the listener files in that one? */
static bool
names_files(const struct wanted *w, size_t at)
{
	if (at >= SOURCES || w->bulks.of[sources[at]] == NULL)
		return false;
	return sources[at] != BULK_PROTOCOL_PLAN ||
	    w->spec.protocol == PROTOCOL_EXEC ||
	    w->spec.protocol == PROTOCOL_MODULE;
}

/* The first from at that has some; SOURCES: none has. */
static size_t
next_source(const struct wanted *w, size_t at)
{
	while (at < SOURCES && !names_files(w, at))
		at++;
	return at;
}

/* The material of a section is the value behind it. */
static void
take_material(struct reading *r, const struct ipc_message *msg)
{
	const enum bulk_id id = sources[r->at] + 1;
	struct bulk *fresh;

	if (sources[r->at] == BULK_PROTOCOL_PLAN ||
	    msg->payload.BULK.id != (uint32_t)id)
		return;
	/* The message stays its owner's: hold a descriptor of our own. */
	fresh = bulk_duplicate(msg->fd, &msg->payload.BULK.ref, &r->err);
	if (fresh == NULL)
		return;
	bulk_drop(&r->wanted.bulks.of[id]);
	r->wanted.bulks.of[id] = fresh;
	r->wanted.spec.bulks[id] = fresh->ref;
}

static void
take_error(struct reading *r, const struct msg_text *m)
{
	if (r->err.code == ERR_NONE)
		(void)err_set(&r->err, ERR_INVALID, "%.*s",
		    (int)sizeof(m->text), m->text);
}

static void
finish(struct reading *r)
{
	if (r->err.code == ERR_NONE)
		(void)wanted_check(&r->wanted, &r->err);
	r->done(r->ctx, &r->wanted, r->err.code == ERR_NONE ? NULL : &r->err);
	wanted_clear(&r->wanted);
	free(r);
}

static int read_source(struct reading *, struct err *);

/* One is read: go on with the next, or finish. */
static void
end_source(struct reading *r, bool ended)
{
	if (!ended && r->err.code == ERR_NONE)
		(void)err_set(&r->err, ERR_INTERNAL,
		    "the files of the listener could not be read");
	r->at = next_source(&r->wanted, r->at + 1);
	if (r->err.code != ERR_NONE || r->at == SOURCES ||
	    read_source(r, &r->err) == -1)
		finish(r);
}

static void
on_answer(void *ctx, const struct ipc_message *msg)
{
	struct reading *r = ctx;

	if (msg == NULL) {
		end_source(r, false);
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
		end_source(r, true);
		break;
	default:
		break;
	}
}

/* Start to read. Returns 0, or -1 with *err. */
static int
read_source(struct reading *r, struct err *err)
{
	const enum bulk_id id = sources[r->at];
	const struct bulk *value = r->wanted.bulks.of[id];
	struct helper_request request = { .kind = IPC_CONFIG_FILES,
		.last = IPC_PLAN_END,
		.deadline_ms = DEADLINE_MS,
		.fd = value->fd };

	request.payload.CONFIG_FILES.id = id;
	request.payload.CONFIG_FILES.protocol = r->wanted.spec.protocol;
	request.payload.CONFIG_FILES.ref = value->ref;
	return helper_task_start(supervisor_base(), &request, on_answer, r,
	    err);
}

bool
certificates_wanted(const struct wanted *w)
{
	return next_source(w, 0) < SOURCES;
}

int
certificates_read(const struct wanted *wanted, certificates_fn *done, void *ctx,
    struct err *err)
{
	struct reading *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return err_sys(err, "certificates");
	wanted_copy(&r->wanted, wanted);
	r->done = done;
	r->ctx = ctx;
	r->at = next_source(wanted, 0);
	if (r->at < SOURCES && read_source(r, err) == 0)
		return 0;
	if (r->at == SOURCES)
		(void)err_set(err, ERR_INTERNAL, "names no files");
	wanted_clear(&r->wanted);
	free(r);
	return -1;
}
