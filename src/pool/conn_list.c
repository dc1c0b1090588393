#include "pool/conn_list.h"

#include "common/scoreboard.h"
#include "pool/slab.h"

void
conn_list_insert(struct conn_list *list, struct conn *c)
{
	c->list = list;
	c->state = CONN_OPEN;
	LIST_INSERT_HEAD(&list->by_state[CONN_OPEN], c, entry);
	list->open++;
	scoreboard_add(list->board, COUNTER_ACCEPTED, 1);
}

void
conn_list_move(struct conn *c, enum conn_state to)
{
	LIST_REMOVE(c, entry);
	c->state = to;
	LIST_INSERT_HEAD(&c->list->by_state[to], c, entry);
}

void
conn_list_remove(struct conn *c)
{
	struct conn_list *list = c->list;

	LIST_REMOVE(c, entry);
	slab_put(list->slab, c);
	list->open--;
	scoreboard_add(list->board, COUNTER_CLOSED, 1);
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

void
conn_list_drain(struct conn_list *list)
{
	list->phase = CONN_LIST_DRAINING;
}

void
conn_list_cut(struct conn_list *list)
{
	struct conn *c;
	int state;

	list->phase = CONN_LIST_CUTTING;
	for (state = 0; state < CONN_STATE_COUNT; state++)
		while ((c = LIST_FIRST(&list->by_state[state])) != NULL)
			conn_close(c, "deadline");
}
