#include "supervisor/worker_link.h"

#include <unistd.h>

#include "common/log.h"
#include "supervisor/control.h"
#include "supervisor/listener.h"
#include "supervisor/pool.h"

static void
link_one(const struct listener *l, struct worker *w, uint32_t request)
{
	const struct msg_worker_link link = { .request = request,
		.slot = w->number,
		.generation = w->crew->generation,
		.pid = (uint32_t)w->child.pid,
		.listener_id = l->id };
	const struct msg_empty m = { 0 };
	struct err err;
	int ends[2];

	if (ipc_pair(ends, &err) == -1) {
		log_error("worker", w->child.title, "no way to control: %s",
		    err.text);
		return;
	}
	child_send(&w->child, IPC_INSPECT, &m, ends[0]);
	control_link_worker(&link, ends[1]);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

void
worker_links_send(const struct listener *l, uint32_t request)
{
	struct crew *crew;
	unsigned int i;

	TAILQ_FOREACH (crew, &l->pool->crews, next)
		for (i = 0; i < crew->workers_count; i++)
			if (worker_entry(&crew->workers[i], l) != NULL &&
			    worker_reachable(&crew->workers[i]))
				link_one(l, &crew->workers[i], request);
}
