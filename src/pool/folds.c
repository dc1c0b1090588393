#include "pool/folds.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/event_sink.h"
#include "common/spec.h"
#include "pool/conn_list.h"
#include "pool/conn_peer.h"
#include "pool/worker.h"

/* One type and reason. */
struct fold {
	SLIST_ENTRY(fold) entry;
	enum event_type type;
	const char *reason;
	int64_t count; /* not told yet */
	char peer[CONN_PEER_SIZE];
};

static void
tell(const struct conn_list *list, struct fold *f)
{
	struct health_event e = { .type = f->type,
		.listener = list->spec->name,
		.reason = f->reason,
		.peer = f->peer[0] == '\0' ? NULL : f->peer };

	if (f->count == 0)
		return;
	event_add_number(&e, FACT_COUNT, f->count);
	event_sink_add(list->worker->events, &e);
	f->count = 0;
}

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	const struct conn_list *list = arg;
	struct fold *f;

	(void)fd;
	(void)what;
	SLIST_FOREACH (f, &list->folds.all, entry)
		tell(list, f);
}

/* Returns -1 when nothing can be told later. */
static int
start_timer(struct conn_list *list)
{
	static const struct timeval second = { .tv_sec = 1 };
	struct folds *folds = &list->folds;

	if (folds->due == NULL)
		folds->due = event_new(list->worker->base, -1, 0, on_due, list);
	if (folds->due == NULL)
		return -1;
	if (event_pending(folds->due, EV_TIMEOUT, NULL))
		return 0;
	return event_add(folds->due, &second);
}

/* Returns NULL when out of memory. */
static struct fold *
find_or_make(struct folds *folds, enum event_type type, const char *reason)
{
	struct fold *f;

	SLIST_FOREACH (f, &folds->all, entry)
		if (f->type == type && strcmp(f->reason, reason) == 0)
			return f;
	f = malloc(sizeof(*f));
	if (f == NULL)
		return NULL;
	*f = (struct fold){ .type = type, .reason = reason };
	SLIST_INSERT_HEAD(&folds->all, f, entry);
	return f;
}

void
folds_add(struct conn_list *list, enum event_type type, const char *reason,
    const char *peer)
{
	struct fold lone = { .type = type, .reason = reason }, *f;

	if (list->worker->events == NULL)
		return;
	f = find_or_make(&list->folds, type, reason);
	if (f == NULL)
		f = &lone;
	(void)snprintf(f->peer, sizeof(f->peer), "%s",
	    peer == NULL ? "" : peer);
	/* What can't be told later is told now. */
	if (f->count++ == 0 && (f == &lone || start_timer(list) == -1))
		tell(list, f);
}

void
folds_end(struct conn_list *list)
{
	struct folds *folds = &list->folds;
	struct fold *f;

	while ((f = SLIST_FIRST(&folds->all)) != NULL) {
		SLIST_REMOVE_HEAD(&folds->all, entry);
		tell(list, f);
		free(f);
	}
	if (folds->due != NULL)
		event_free(folds->due);
	folds->due = NULL;
}
