/*
 * store_link: the channel to the store, which comes and goes with it.
 *
 * The supervisor makes a new one for each store. Who waits for an answer is
 * told when it has to ask again, and when there is no hope for one.
 */
#ifndef MERCURY_CONTROL_STORE_LINK_H
#define MERCURY_CONTROL_STORE_LINK_H

#include <stdbool.h>

#include "common/ipc.h"

struct event_base;
struct store_link;

struct store_link_handler {
	/* As in channel.h. */
	void (*message)(void *ctx, struct ipc_message *);
	/* A new channel: what was not answered has to be asked again. */
	void (*up)(void *ctx);
	/* No new one came in time: nothing will be answered. */
	void (*down)(void *ctx);
};

/*
 * One without a channel. handler and ctx are borrowed for life. Returns NULL
 * with *err.
 */
struct store_link *store_link_new(struct event_base *,
    const struct store_link_handler *handler, void *ctx, struct err *err);

/* Take this end (taken) of a channel to a store, in place of the one before. */
void store_link_take(struct store_link *, int fd);

/*
 * Send a message, or, while a new channel can still be expected, leave that to
 * who is told of it with up(). Returns 0, or -1 with *err when there is no
 * store.
 */
int store_link_send(struct store_link *, enum ipc_kind, const void *payload,
    struct err *err);

/* Is there a channel? */
bool store_link_is_up(const struct store_link *);

/* Nulls *l; NULL is fine. */
void store_link_free(struct store_link **l);

#endif /* MERCURY_CONTROL_STORE_LINK_H */
