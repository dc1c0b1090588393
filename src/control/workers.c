#include "control/workers.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/log.h"

/* Each slot may have a worker that drains beside the one that serves. */
#define WORKERS_MAX (2 * SPEC_WORKERS_MAX)

static const struct timeval patience = { .tv_sec = 2 };

enum link_state {
	LINK_IDLE,    /* it can be asked */
	LINK_ASKED,   /* its answer is waited for */
	LINK_FAILING, /* asked in vain: to be told from the loop */
	LINK_LOST
};

struct link {
	struct workers *owner;
	uint64_t listener_id;
	int fd;                  /* until it is first asked; else -1 */
	struct channel *channel; /* NULL: not asked yet, or lost */
	enum link_state state;
	uint32_t request;
	uint32_t rows_max; /* that it may send */
	uint64_t last_id;  /* that it has sent; those that come are behind it */
};

struct workers {
	struct event_base *base;
	workers_fn fn;
	void *ctx;
	struct event *overdue; /* the deadline of all that are asked */
	struct event *failing; /* active while one is to be told */
	struct worker *list;
	struct link *links; /* of each in list; do not move once asked */
	unsigned int count;
	unsigned int size;
	struct msg_conn_row *rows; /* of CONN_LIST, one at a time: a page */
	struct msg_conn_detail *details; /* as rows; of one that is detailed */
	size_t row_count;
	bool detail_due; /* of the last row */
};

static unsigned int
index_of(const struct link *l)
{
	return (unsigned int)(l - l->owner->links);
}

/* The last thing to be done with l: the workers may be free afterwards. */
static void
lose(struct link *l, const char *why)
{
	const struct worker *w = &l->owner->list[index_of(l)];
	const struct worker_answer a = { .index = index_of(l), .lost = true };
	const bool asked = l->state == LINK_ASKED || l->state == LINK_FAILING;

	log_debug(NULL, NULL, "the worker in slot %u, pid %u: %s", w->slot,
	    w->pid, why);
	channel_free(&l->channel);
	l->state = LINK_LOST;
	if (asked)
		l->owner->fn(l->owner->ctx, &a);
}

/* Returns NULL, or what is wrong with a row. */
static const char *
take_row(struct link *l, const struct msg_conn_row *row)
{
	struct workers *w = l->owner;

	if (l->state != LINK_ASKED || row->request != l->request)
		return "sent a row that nobody wants";
	if (w->row_count == l->rows_max)
		return "sent more rows than were asked for";
	if (w->detail_due)
		return "kept a detail to itself";
	if (row->id <= l->last_id || row->state >= CONN_STATE_COUNT)
		return "sent a row that makes no sense";
	w->detail_due = row->detailed != 0;
	w->rows[w->row_count] = *row;
	w->rows[w->row_count++].peer[sizeof(row->peer) - 1] = '\0';
	l->last_id = row->id;
	return NULL;
}

/* Of the row that came before. Returns NULL, or what is wrong. */
static const char *
take_detail(struct link *l, const struct msg_conn_detail *detail)
{
	struct workers *w = l->owner;

	if (l->state != LINK_ASKED || detail->request != l->request ||
	    !w->detail_due || detail->id != l->last_id)
		return "sent a detail that nobody wants";
	w->detail_due = false;
	w->details[w->row_count - 1] = *detail;
	return NULL;
}

/* Returns NULL, or what is wrong; else the workers may be free. */
static const char *
take_done(struct link *l, const struct msg_conn_done *done)
{
	struct workers *w = l->owner;
	struct worker_answer a = {
		.index = index_of(l),
		.more = done->more != 0,
		.last_id = done->last_id,
		.rows = w->rows,
		.details = w->details,
		.count = w->row_count,
	};

	if (l->state != LINK_ASKED || done->request != l->request)
		return "sent an answer that nobody wants";
	if (w->detail_due)
		return "kept a detail to itself";
	/* What would not lead on would be asked for ever. */
	if (l->rows_max > 0 && a.more &&
	    (a.last_id < l->last_id ||
		(a.count == 0 && a.last_id == l->last_id)))
		return "sent a page that leads nowhere";
	l->state = LINK_IDLE;
	w->fn(w->ctx, &a);
	return NULL;
}

static void
on_message(void *ctx, struct ipc_message *msg)
{
	struct link *l = ctx;
	const char *wrong = "sent what it should not";

	if (msg->kind == IPC_CONN_ROW)
		wrong = take_row(l, &msg->payload.CONN_ROW);
	else if (msg->kind == IPC_CONN_DETAIL)
		wrong = take_detail(l, &msg->payload.CONN_DETAIL);
	else if (msg->kind == IPC_CONN_DONE)
		wrong = take_done(l, &msg->payload.CONN_DONE);
	if (wrong != NULL)
		lose(l, wrong);
}

static void
on_closed(void *ctx, const char *why)
{
	lose(ctx, why);
}

static const struct channel_handler channel_handler = {
	.message = on_message,
	.closed = on_closed,
};

static void
on_overdue(evutil_socket_t fd, short what, void *arg)
{
	struct workers *w = arg;
	unsigned int i;

	(void)fd;
	(void)what;
	for (i = 0; i < w->count; i++)
		if (w->links[i].state == LINK_ASKED)
			w->links[i].state = LINK_FAILING;
	event_active(w->failing, EV_READ, 0);
}

/* Tell of one; the event comes back for the next. */
static void
on_failing(evutil_socket_t fd, short what, void *arg)
{
	struct workers *w = arg;
	unsigned int i = 0;

	(void)fd;
	(void)what;
	while (i < w->count && w->links[i].state != LINK_FAILING)
		i++;
	if (i == w->count)
		return;
	event_active(w->failing, EV_READ, 0);
	lose(&w->links[i], "does not answer");
}

struct workers *
workers_new(struct event_base *base, workers_fn fn, void *ctx)
{
	struct workers *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->base = base;
	w->fn = fn;
	w->ctx = ctx;
	w->overdue = evtimer_new(base, on_overdue, w);
	w->failing = event_new(base, -1, 0, on_failing, w);
	if (w->overdue == NULL || w->failing == NULL)
		workers_free(&w);
	return w;
}

/* Room for one more. Returns 0, or -1. */
static int
grow(struct workers *w)
{
	const unsigned int size = w->size == 0 ? 16 : 2 * w->size;
	struct worker *list;
	struct link *links;

	if (w->count < w->size)
		return 0;
	if (w->count == WORKERS_MAX)
		return -1;
	if (w->rows == NULL)
		w->rows = calloc(CONN_PAGE_MAX, sizeof(*w->rows));
	if (w->details == NULL)
		w->details = calloc(CONN_PAGE_MAX, sizeof(*w->details));
	if (w->rows == NULL || w->details == NULL)
		return -1;
	list = reallocarray(w->list, size, sizeof(*list));
	if (list == NULL)
		return -1;
	w->list = list;
	links = reallocarray(w->links, size, sizeof(*links));
	if (links == NULL)
		return -1;
	w->links = links;
	w->size = size;
	return 0;
}

static bool
is_before(const struct worker *a, const struct msg_worker_link *b)
{
	if (a->slot != b->slot)
		return a->slot < b->slot;
	if (a->generation != b->generation)
		return a->generation < b->generation;
	return a->pid < b->pid;
}

int
workers_add(struct workers *w, const struct msg_worker_link *m, int fd)
{
	unsigned int i = w->count;

	if (grow(w) == -1) {
		(void)close(fd);
		return -1;
	}
	for (; i > 0 && !is_before(&w->list[i - 1], m); i--) {
		w->list[i] = w->list[i - 1];
		w->links[i] = w->links[i - 1];
	}
	w->list[i] = (struct worker){ m->slot, m->generation, m->pid };
	w->links[i] = (struct link){
		.owner = w,
		.listener_id = m->listener_id,
		.fd = fd,
	};
	w->count++;
	return 0;
}

const struct worker *
workers_sorted(struct workers *w, unsigned int *count)
{
	*count = w->count;
	return w->list;
}

/* Make the channel when it is first needed. Returns whether there is one. */
static bool
is_open(struct link *l)
{
	const int fd = l->fd;
	struct err err;

	l->fd = -1;
	if (fd != -1) {
		l->channel = channel_new(l->owner->base, fd, ROLE_POOL,
		    &channel_handler, l, &err);
		if (l->channel == NULL)
			log_warning(NULL, NULL, "a worker can't be asked: %s",
			    err.text);
	}
	return l->channel != NULL;
}

/* Send a message of that listener. Returns how many rows it asks for. */
static uint32_t
ask(struct link *l, enum ipc_kind kind, const union ipc_payload *m)
{
	struct msg_conn_list list;
	struct msg_conn_kick kick;

	if (kind == IPC_CONN_LIST) {
		list = m->CONN_LIST;
		list.listener_id = l->listener_id;
		l->request = list.request;
		l->last_id = list.after_id;
		channel_send(l->channel, kind, &list, -1);
		return list.rows > CONN_PAGE_MAX ? CONN_PAGE_MAX : list.rows;
	}
	kick = m->CONN_KICK;
	kick.listener_id = l->listener_id;
	l->request = kick.request;
	channel_send(l->channel, IPC_CONN_KICK, &kick, -1);
	return 0;
}

void
workers_ask(struct workers *w, unsigned int index, enum ipc_kind kind,
    const union ipc_payload *m)
{
	struct link *l = &w->links[index];

	w->row_count = 0;
	w->detail_due = false;
	l->state = LINK_ASKED;
	if (is_open(l))
		l->rows_max = ask(l, kind, m);
	else
		l->state = LINK_FAILING;
	if (event_add(w->overdue, &patience) == -1)
		l->state = LINK_FAILING;
	if (l->state == LINK_FAILING)
		event_active(w->failing, EV_READ, 0);
}

void
workers_free(struct workers **wp)
{
	struct workers *w = *wp;
	unsigned int i;

	*wp = NULL;
	if (w == NULL)
		return;
	for (i = 0; i < w->count; i++) {
		channel_free(&w->links[i].channel);
		if (w->links[i].fd != -1)
			(void)close(w->links[i].fd);
	}
	if (w->overdue != NULL)
		event_free(w->overdue);
	if (w->failing != NULL)
		event_free(w->failing);
	free(w->rows);
	free(w->details);
	free(w->list);
	free(w->links);
	free(w);
}
