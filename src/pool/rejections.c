#include "pool/rejections.h"

#include <event2/event.h>

#include "common/event_sink.h"
#include "common/spec.h"
#include "pool/conn_list.h"
#include "pool/worker.h"

static void
tell(struct conn_list *list)
{
	struct health_event e = { .type = EVENT_CONNECTION_REJECTED,
		.listener = list->spec->name,
		.reason = "limit" };

	if (list->rejections.count == 0)
		return;
	event_add_number(&e, FACT_COUNT, (int64_t)list->rejections.count);
	event_sink_add(list->worker->events, &e);
	list->rejections.count = 0;
}

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	tell(arg);
}

void
rejections_add(struct rejections *r, struct conn_list *list)
{
	static const struct timeval second = { .tv_sec = 1 };

	if (r->due == NULL)
		r->due = event_new(list->worker->base, -1, 0, on_due, list);
	if (r->count++ == 0 &&
	    (r->due == NULL || event_add(r->due, &second) == -1))
		tell(list);
}

void
rejections_end(struct rejections *r, struct conn_list *list)
{
	tell(list);
	if (r->due != NULL)
		event_free(r->due);
	r->due = NULL;
}
