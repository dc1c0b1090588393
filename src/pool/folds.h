/*
 * folds: tells the store of what happens to connections by the thousand:
 * those that were rejected or denied, or failed their handshake. All of one
 * listener, type and reason within a second are one event, with their count
 * and the last peer.
 */
#ifndef MERCURY_POOL_FOLDS_H
#define MERCURY_POOL_FOLDS_H

#include <sys/queue.h>

#include "common/event.h"

struct conn_list;
struct event;
struct fold;

/* Of the listener that a conn_list is of. One that is zeroed is ready. */
struct folds {
	struct event *due; /* NULL until it is needed */
	SLIST_HEAD(, fold) all;
};

/*
 * One more. reason is never freed: a word of a closed set. peer is borrowed;
 * it is an address and port as text, or NULL or empty for none.
 */
void folds_add(struct conn_list *, enum event_type, const char *reason,
    const char *peer);

/* The listener goes: tell what is not told yet, and free. */
void folds_end(struct conn_list *);

#endif /* MERCURY_POOL_FOLDS_H */
