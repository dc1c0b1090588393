#include "pool/conn_list.h"

#include "common/scoreboard.h"
#include "pool/limits.h"
#include "pool/probe.h"
#include "pool/protocol.h"
#include "pool/slab.h"
#include "pool/worker.h"

void
conn_list_insert(struct conn_list *list, struct conn *c)
{
	c->list = list;
	TAILQ_INSERT_TAIL(&list->all, c, entry);
	list->open++;
	scoreboard_add(list->board, COUNTER_ACCEPTED, 1);
}

/* The one that it was opened with, as is what it uses. */
static void
free_conn(struct conn_list *list, struct conn *c)
{
	struct protocol_use *use = c->use;

	slab_put(use != NULL && use->conns != NULL ? use->conns : list->slab,
	    c);
	protocol_use_drop(use);
}

void
conn_list_remove(struct conn *c, enum conn_end end)
{
	struct conn_list *list = c->list;
	const bool inside = (c->probe & PROBE_OUTSIDE) == 0;

	timeouts_forget(&list->worker->timeouts, c);
	TAILQ_REMOVE(&list->all, c, entry);
	free_conn(list, c);
	list->open--;
	if (inside)
		limits_leave(list);
	scoreboard_add(list->board, COUNTER_CLOSED, 1);
	scoreboard_add(list->board, COUNTER_ENDS + end, 1);
	switch (list->phase) {
	case CONN_LIST_SERVING:
		break;
	case CONN_LIST_DRAINING:
		scoreboard_add(list->board, COUNTER_DRAINED, 1);
		if (list->open == 0)
			list->emptied(list->ctx);
		break;
	case CONN_LIST_CUTTING:
		scoreboard_add(list->board, COUNTER_CUT, 1);
		break;
	}
}

struct conn *
conn_list_behind(const struct conn_list *list, uint64_t after_id)
{
	struct conn *c;

	TAILQ_FOREACH (c, &list->all, entry)
		if (c->id > after_id)
			return c;
	return NULL;
}

struct conn *
conn_list_find(const struct conn_list *list, uint64_t id)
{
	struct conn *c;

	TAILQ_FOREACH (c, &list->all, entry)
		if (c->id == id)
			return c;
	return NULL;
}

void
conn_list_watch(struct conn_list *list)
{
	struct conn *c;

	TAILQ_FOREACH (c, &list->all, entry)
		timeouts_watch(&list->worker->timeouts, c);
}

void
conn_list_drain(struct conn_list *list)
{
	list->phase = CONN_LIST_DRAINING;
}

void
conn_list_cut(struct conn_list *list)
{
	struct conn *c;

	list->phase = CONN_LIST_CUTTING;
	while ((c = TAILQ_FIRST(&list->all)) != NULL)
		conn_close(c, CONN_END_DEADLINE);
}
