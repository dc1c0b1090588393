/*
 * link: the store's end of its channel with control, or with the gateway,
 * which may only ask: answers queries a slice
 * at a time, so that none keeps events from being recorded, passes on what
 * the cleanup job is asked for, and tells of new rows.
 *
 * Owned by the store (store.h), which makes one for each channel that the
 * supervisor brings. When its peer is gone it is silent until it is freed.
 */
#ifndef MERCURY_STORE_LINK_H
#define MERCURY_STORE_LINK_H

#include <stdint.h>

#include "common/err.h"
#include "common/role.h"

struct cleanup;
struct link;
struct store_env;

/* Queries that are under way at a time; more are refused as busy. */
#define LINK_QUERIES_MAX 64

/* Who is at the other end of fd. */
struct link_peer {
	int fd;
	enum role role; /* ROLE_CONTROL or ROLE_GATEWAY */
};

/*
 * Takes the descriptor. env and job are borrowed until link_free(), which has
 * to come before cleanup_free(). Returns NULL with *err, fd closed.
 */
struct link *link_new(struct store_env *env, struct cleanup *job,
    const struct link_peer *peer, struct err *err);

/* Rows were committed, up to this id. NULL is fine. */
void link_rows_written(struct link *, uint64_t last_id);

/* Close and free; queries stay without an answer. Nulls *l; NULL is fine. */
void link_free(struct link **l);

#endif /* MERCURY_STORE_LINK_H */
