/*
 * followers: the clients that are sent events as they come (events.follow).
 *
 * A follower belongs to its client's connection: followers_gone() ends it.
 */
#ifndef MERCURY_CONTROL_FOLLOWERS_H
#define MERCURY_CONTROL_FOLLOWERS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/ipc_msg.h"
#include "control/rpc.h"

struct client;
struct event_base;
struct followers;
struct store_link;

/* The numbers of their requests to the store have this bit, others have not. */
#define FOLLOWERS_REQUEST 0x80000000u

/* link is borrowed for life. Returns NULL with *err. */
struct followers *followers_new(struct event_base *, struct store_link *link,
    struct err *err);

/*
 * Send this client what passes the filter and comes after after_id. Returns
 * 0, or -1 with *e: it follows already, or too many do.
 */
int followers_add(struct followers *, struct client *,
    const struct event_filter *, uint64_t after_id, struct rpc_error *e);

/* This client has taken what it was sent. */
void followers_written(struct followers *, struct client *);

/* This client is about to go. */
void followers_gone(struct followers *, struct client *);

/* What the store says: rows were written; a page (fd borrowed); no page. */
void followers_news(struct followers *, uint64_t newest_id);
void followers_snapshot(struct followers *, uint32_t request, int fd);
void followers_reply(struct followers *, uint32_t request);

/* There is a new channel to a store. */
void followers_store_up(struct followers *);

/* Nulls *f; NULL is fine. */
void followers_free(struct followers **f);

#endif /* MERCURY_CONTROL_FOLLOWERS_H */
