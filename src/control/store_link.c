#include "control/store_link.h"

#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/log.h"

/* A store that ends is mostly back within milliseconds. */
static const struct timeval grace = { .tv_sec = 5 };

struct store_link {
	struct event_base *base;
	const struct store_link_handler *handler;
	void *ctx;
	struct channel *channel; /* NULL: there is none */
	struct event *give_up;   /* pending while a new one is expected */
};

static void
on_message(void *ctx, struct ipc_message *msg)
{
	struct store_link *l = ctx;

	l->handler->message(l->ctx, msg);
}

/* The supervisor will find out itself, and send another channel. */
static void
on_closed(void *ctx, const char *why)
{
	struct store_link *l = ctx;

	log_debug(NULL, NULL, "the store %s", why);
	channel_free(&l->channel);
	(void)event_add(l->give_up, &grace);
}

static const struct channel_handler channel_handler = {
	.message = on_message,
	.closed = on_closed,
};

static void
on_give_up(evutil_socket_t fd, short what, void *arg)
{
	struct store_link *l = arg;

	(void)fd;
	(void)what;
	l->handler->down(l->ctx);
}

struct store_link *
store_link_new(struct event_base *base,
    const struct store_link_handler *handler, void *ctx, struct err *err)
{
	struct store_link *l = calloc(1, sizeof(*l));

	if (l != NULL)
		l->give_up = evtimer_new(base, on_give_up, l);
	if (l == NULL || l->give_up == NULL) {
		(void)err_set(err, ERR_UNAVAILABLE, "out of memory");
		free(l);
		return NULL;
	}
	l->base = base;
	l->handler = handler;
	l->ctx = ctx;
	return l;
}

void
store_link_take(struct store_link *l, int fd)
{
	struct err err;

	channel_free(&l->channel);
	l->channel =
	    channel_new(l->base, fd, ROLE_STORE, &channel_handler, l, &err);
	if (l->channel == NULL) {
		log_warning(NULL, NULL, "no way to the store: %s", err.text);
		(void)event_add(l->give_up, &grace);
		return;
	}
	(void)event_del(l->give_up);
	l->handler->up(l->ctx);
}

int
store_link_send(struct store_link *l, enum ipc_kind kind, const void *payload,
    struct err *err)
{
	if (l->channel != NULL)
		channel_send(l->channel, kind, payload, -1);
	else if (!event_pending(l->give_up, EV_TIMEOUT, NULL))
		return err_set(err, ERR_UNAVAILABLE,
		    "the store is not running");
	return 0;
}

bool
store_link_is_up(const struct store_link *l)
{
	return l->channel != NULL;
}

void
store_link_free(struct store_link **lp)
{
	struct store_link *l = *lp;

	*lp = NULL;
	if (l == NULL)
		return;
	channel_free(&l->channel);
	event_free(l->give_up);
	free(l);
}
