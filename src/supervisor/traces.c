#include "supervisor/traces.h"

#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/trace_wire.h"
#include "supervisor/control.h"
#include "supervisor/listener.h"
#include "supervisor/pool.h"

struct trace {
	uint64_t listener_id; /* 0: none */
	uint32_t number;
	struct trace_filter filter;
};

static struct trace traces[TRACES_MAX];

/* Make a way from the worker to control, for this trace. */
static void
link_one(unsigned int index, struct worker *w)
{
	const struct trace *t = &traces[index];
	const struct msg_trace m = { .listener_id = t->listener_id,
		.filter = t->filter };
	const struct msg_trace_link link = { .trace = t->number,
		.slot = w->number,
		.generation = w->crew->generation,
		.pid = (uint32_t)w->child.pid };
	struct err err;
	int ends[2];

	if (trace_pair(ends, &err) == -1) {
		log_error("worker", w->child.title, "no trace of it: %s",
		    err.text);
		return;
	}
	w->traced |= 1u << index;
	child_send(&w->child, IPC_TRACE, &m, ends[1]);
	control_link_trace(&link, ends[0]);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

int
traces_begin(const struct msg_req_trace *m, const struct listener *l,
    struct err *err)
{
	struct crew *crew;
	struct worker *w;
	unsigned int i, n = 0;

	while (n < TRACES_MAX && traces[n].listener_id != 0)
		n++;
	if (n == TRACES_MAX)
		return err_set(err, ERR_BUSY,
		    "there are %u traces already, the most that there may be",
		    TRACES_MAX);
	traces[n] = (struct trace){ l->id, m->trace, m->filter };
	TAILQ_FOREACH (crew, &l->pool->crews, next) {
		for (i = 0; i < crew->workers_count; i++) {
			w = &crew->workers[i];
			if (worker_reachable(w) && worker_seat(w, l->entry))
				link_one(n, w);
		}
	}
	return 0;
}

void
traces_tell(const struct listener *l, struct worker *w)
{
	unsigned int n;

	for (n = 0; n < TRACES_MAX; n++)
		if (traces[n].listener_id == l->id && !(w->traced & 1u << n))
			link_one(n, w);
}

void
traces_drained(const struct listener *l, struct worker *w)
{
	unsigned int n;

	for (n = 0; n < TRACES_MAX; n++)
		if (traces[n].listener_id == l->id)
			w->traced &= ~(1u << n);
}

/* Its place may be another's: no worker was told of that one. */
static void
forget(unsigned int n)
{
	struct crew *crew;
	struct pool *p;
	unsigned int i;

	memset(&traces[n], 0, sizeof(traces[n]));
	TAILQ_FOREACH (p, pools(), in_all)
		TAILQ_FOREACH (crew, &p->crews, next)
			for (i = 0; i < crew->workers_count; i++)
				crew->workers[i].traced &= ~(1u << n);
}

void
traces_listener_gone(const struct listener *l)
{
	unsigned int n;

	for (n = 0; n < TRACES_MAX; n++) {
		if (traces[n].listener_id != l->id)
			continue;
		control_end_trace(traces[n].number);
		forget(n);
	}
}

void
traces_end(uint32_t trace)
{
	unsigned int n;

	for (n = 0; n < TRACES_MAX; n++)
		if (traces[n].listener_id != 0 && traces[n].number == trace)
			forget(n);
}

void
traces_forget_all(void)
{
	unsigned int n;

	for (n = 0; n < TRACES_MAX; n++)
		forget(n);
}
